"""Names of a package that load when they are first used (PEP 562).

A kernel whose network lives on a cluster needs the shapes of the answers, and not torch, which takes seconds and
hundreds of megabytes: a package that is imported for one light module must not bring the heavy ones with it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module

__all__ = ["lazy_names"]


def lazy_names(
    package: str, homes: Mapping[str, Iterable[str]]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """A package's ``__getattr__`` and ``__dir__``.

    Parameters
    ----------
    package : str
        Its ``__name__``.
    homes : mapping
        Modules below the package to the names that each gives.

    Returns
    -------
    (callable, callable)

    Examples
    --------
    >>> get, names = lazy_names("zfwidgets", {"errors": ["ZfwidgetsError"]})
    >>> get("ZfwidgetsError").__module__, names()
    ('zfwidgets.errors', ['ZfwidgetsError'])
    """
    home_of = {name: home for home, names in homes.items() for name in names}

    def get(name: str) -> object:
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value: object = getattr(import_module(f"{package}.{home_of[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    return get, lambda: sorted(home_of)
