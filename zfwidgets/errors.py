"""What can go wrong, as types: every message says what was asked, what was found and what to try."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "Cancelled",
    "DataError",
    "DownloadError",
    "ImageError",
    "NetworkError",
    "ParameterError",
    "RefusedError",
    "StaleIndexError",
    "UnknownNameError",
    "WeightsError",
    "ZfwidgetsError",
    "unknown_name",
]


class ZfwidgetsError(Exception):
    """Base of all errors of this package; its text is one sentence that a person can act on."""

    def __str__(self) -> str:
        # LookupError's relatives would print the repr of the message; a person reads the sentence.
        return str(self.args[0]) if self.args else ""


class ImageError(ZfwidgetsError, ValueError):
    """A picture cannot be read, or an array is not a picture."""


class ParameterError(ZfwidgetsError, ValueError):
    """A number or an option is outside of what the method can do."""


class UnknownNameError(ZfwidgetsError, LookupError):
    """A layer, channel, class, network or picture of that name does not exist."""


class DataError(ZfwidgetsError, ValueError):
    """A set of pictures cannot be used as asked."""


class NetworkError(ZfwidgetsError):
    """A network cannot be used as asked."""


class RefusedError(NetworkError):
    """An operation of the network has no deconvnet rule, so no honest picture exists."""


class WeightsError(ZfwidgetsError):
    """A weight file is missing, damaged, unsafe or belongs to another architecture."""


class DownloadError(WeightsError):
    """Weights cannot be downloaded."""


class StaleIndexError(DataError):
    """An index was made with other weights or other pictures than those at hand."""


class Cancelled(ZfwidgetsError):
    """A method stopped because its ``cancelled()`` said so; nothing is wrong."""


def unknown_name(kind: str, asked: object, known: Iterable[object]) -> UnknownNameError:
    """The error for a name that does not exist, with the nearest names that do.

    Parameters
    ----------
    kind : str
        What the name should have named, for example ``"layer"``.
    asked : object
        The name as it was given.
    known : iterable
        The names that exist.

    Returns
    -------
    UnknownNameError
        To be raised by the caller.

    Examples
    --------
    >>> print(unknown_name("layer", "convv5", ["conv4", "conv5", "fc6"]))
    There is no layer 'convv5'; the nearest are 'conv5', 'conv4' (3 in all).
    """
    names = [str(name) for name in known]
    if not names:
        return UnknownNameError(f"There is no {kind} {asked!r}: there are none at all.")
    near = difflib.get_close_matches(str(asked), names, n=3, cutoff=0.5)
    hint = f"the nearest are {_listed(near)}" if near else f"there are for example {_listed(names[:3])}"
    return UnknownNameError(f"There is no {kind} {asked!r}; {hint} ({len(names)} in all).")


def _listed(names: list[str]) -> str:
    return ", ".join(repr(name) for name in names)
