"""A figure by its name."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from zfwidgets.errors import ParameterError, unknown_name
from zfwidgets.figures.result import PaperFigure

if TYPE_CHECKING:
    from zfwidgets.backend import Backend

__all__ = ["NAMES", "make", "names_asked", "names_to_make"]

NAMES = (
    *(f"fig{number}" for number in range(1, 10)),
    *("table1", "table2", "table3", "tables4to7"),
)
"""In the order of the paper; each is a module here with a function of the same name."""

_PROBES = ("fig9", "tables4to7")
"""What needs scikit-learn."""

_TOGETHER = {f"table{number}": "tables4to7" for number in (4, 5, 6, 7)}


def names_asked(asked: Iterable[str] | None) -> tuple[str, ...]:
    """Names of figures, checked, in the order of the paper; Tables 4 to 7 are one.

    Parameters
    ----------
    asked : iterable of str or None
        All for None.

    Raises
    ------
    UnknownNameError
        For a name that is none, with the nearest ones.
    ParameterError
        If there is not one name.

    Examples
    --------
    >>> names_asked(["table2", "fig9"])
    ('fig9', 'table2')
    """
    if asked is None:
        return NAMES
    asked = tuple(asked)
    if not asked:
        raise ParameterError(f"There is no name among the figures asked for; choose from {', '.join(NAMES)}.")
    wanted = {_TOGETHER.get(name, name) for name in asked}
    for name in sorted(wanted - set(NAMES)):
        raise unknown_name("figure", name, NAMES)
    return tuple(name for name in NAMES if name in wanted)


def names_to_make(asked: Iterable[str] | None) -> tuple[str, ...]:
    """As `names_asked`; where scikit-learn is missing, all are all but the two that need it.

    Raises
    ------
    UnknownNameError
        For a name that is none, with the nearest ones.
    ParameterError
        If there is not one name, or one needs scikit-learn, which is missing.

    Examples
    --------
    >>> names_to_make(["table3"])
    ('table3',)
    """
    names = names_asked(asked)
    if set(names).isdisjoint(_PROBES):
        return names
    from zfwidgets.methods.probing.classifiers import require_sklearn

    try:
        require_sklearn()
    except ParameterError:
        if asked is not None:
            raise
        return tuple(name for name in names if name not in _PROBES)
    return names


def make(name: str, backend: Backend, effort: float = 1.0, **choices: Any) -> PaperFigure:
    """Make one figure or table of the paper again.

    Parameters
    ----------
    name : str
        One of `NAMES`, or ``"table4"`` to ``"table7"``.
    backend : Backend
        Whose network and pictures.
    effort : float
        1 looks at as many pictures as the numbers of the documentation are of, less at a share of them.
    **choices
        Of the figure's own function.

    Raises
    ------
    UnknownNameError
        For another name.
    ParameterError
        For an effort that is not above 0.

    Examples
    --------
    >>> from zfwidgets.backend import Backend
    >>> with Backend("zfnet-scenes", device="cpu") as backend:
    ...     made = make("table2", backend, effort=0.1)
    >>> made.title, made.picture.shape[1]
    ('Table 2: classification errors', 900)
    """
    if isinstance(effort, bool) or not isinstance(effort, int | float) or not effort > 0:
        raise ParameterError(f"The effort is a number above 0, 1 for all pictures; found {effort!r}.")
    (known,) = names_asked([name])
    made: PaperFigure = getattr(import_module(f"zfwidgets.figures.{known}"), known)(backend, effort, **choices)
    return made
