"""Traits that refuse a bad value with one clear sentence of this package's own errors."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import traitlets as T

from zfwidgets.errors import ParameterError, UnknownNameError, unknown_name
from zfwidgets.imaging.checks import whole_or_none

if TYPE_CHECKING:
    from zfwidgets.network import Network

__all__ = [
    "Seconds",
    "Share",
    "Switch",
    "Whole",
    "as_channel",
    "as_index",
    "as_name",
    "as_place",
    "as_target",
    "as_whole",
    "check_assignment",
    "check_names",
]


def as_whole(what: str, value: Any, low: int, high: int | None = None) -> int:
    """A whole number in a range.

    Examples
    --------
    >>> as_whole("stride", 4.0, 1)
    4
    >>> as_whole("stride", 0, 1)
    Traceback (most recent call last):
    zfwidgets.errors.ParameterError: The stride is a whole number of at least 1; found 0.
    """
    number = int(value) if isinstance(value, float) and value.is_integer() else whole_or_none(value)
    if number is not None and number >= low and (high is None or number <= high):
        return number
    allowed = f"of at least {low}" if high is None else f"from {low} to {high}"
    raise ParameterError(f"The {what} is a whole number {allowed}; found {value!r}.")


def as_name(kind: str, value: Any, known: Iterable[str]) -> str:
    """One of the names that are known.

    Examples
    --------
    >>> as_name("rule", "guide", ("deconvnet", "guided"))
    Traceback (most recent call last):
    zfwidgets.errors.UnknownNameError: There is no rule 'guide'; the nearest are 'guided' (2 in all).
    """
    if isinstance(value, str) and value in known:
        return value
    raise unknown_name(kind, value, known)


def as_channel(net: Network, layer: str, value: Any) -> int | None:
    """Which map of a layer, as a whole number; None stays None.

    Raises
    ------
    ParameterError
        If the layer has no such map.

    Examples
    --------
    >>> from zfwidgets.models import load_network
    >>> net = load_network("zfnet-scenes", device="cpu")
    >>> as_channel(net, "conv5", 63), as_channel(net, "conv5", None)
    (63, None)
    """
    return None if value is None else as_whole("channel", value, 0, net.layers[layer].channels - 1)


def as_place(what: str, value: Any, shape: tuple[int, int], expected: str) -> tuple[int, int] | None:
    """A place in a map or a picture of this height and width, or None; `expected` says what it is.

    Examples
    --------
    >>> as_place("position", [1, 2.0], (9, 9), "(row, column) or None")
    (1, 2)
    >>> as_place("position", 3, (9, 9), "(row, column) or None")
    Traceback (most recent call last):
    zfwidgets.errors.ParameterError: A position is (row, column) or None; found 3.
    """
    if value is None:
        return None
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise ParameterError(f"A {what} is {expected}; found {value!r}.")
    return as_whole("row", value[0], 0, shape[0] - 1), as_whole("column", value[1], 0, shape[1] - 1)


def as_index(value: Any) -> Any:
    """A path, a `TopActivations`, or None; what is in a file is found out, and said, where it is opened.

    Examples
    --------
    >>> as_index(3)
    Traceback (most recent call last):
    zfwidgets.errors.ParameterError: An index is a path, a TopActivations or None; found 3.
    """
    if isinstance(value, str | os.PathLike):
        return os.fspath(value)
    # By its manifest, because to import its type means to import torch.
    if value is None or hasattr(value, "manifest"):
        return value
    raise ParameterError(f"An index is a path, a TopActivations or None; found {value!r}.")


class Whole(T.TraitType[int, Any]):
    """A whole number, at least `low`."""

    def __init__(self, default: int, low: int, what: str) -> None:
        super().__init__(default)
        self.low, self.what = low, what

    def validate(self, owner: Any, value: Any) -> int:
        return as_whole(self.what, value, self.low)


class Share(T.TraitType[float, Any]):
    """A number from 0 to 1."""

    def __init__(self, default: float, what: str) -> None:
        super().__init__(default)
        self.what = what

    def validate(self, owner: Any, value: Any) -> float:
        number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not number or not 0 <= value <= 1:
            raise ParameterError(f"The {self.what} is a number from 0 to 1; found {value!r}.")
        return float(value)


class Switch(T.TraitType[bool, Any]):
    """True or False."""

    def validate(self, owner: Any, value: Any) -> bool:
        if not isinstance(value, bool):
            raise ParameterError(f"{self.name} is True or False; found {value!r}.")
        return value


class Seconds(T.TraitType[Any, Any]):
    """A time of at least 0 seconds, or None for no limit."""

    def __init__(self, default: float | None, what: str) -> None:
        super().__init__(default, allow_none=True)
        self.what = what

    def validate(self, owner: Any, value: Any) -> float | None:
        if value is None:
            return None
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not value >= 0:
            raise ParameterError(f"{self.what} is a time of at least 0 seconds, or None; found {value!r}.")
        return float(value)


def check_names(kind: str, asked: Any, known: Callable[[], Any]) -> None:
    """Refuse option names that do not exist; ipywidgets would take a typo without a word.

    Examples
    --------
    >>> check_names("option", ["strid"], lambda: ["size", "stride"])
    Traceback (most recent call last):
    zfwidgets.errors.UnknownNameError: There is no option 'strid'; the nearest are 'stride' (2 in all).
    """
    for name in asked:
        names = sorted(known())
        if name not in names:
            # Those with an underscore are ipywidgets' own and help nobody.
            error: UnknownNameError = unknown_name(kind, name, [one for one in names if not one.startswith("_")])
            raise error


def check_assignment(widget: T.HasTraits, name: str, known: Callable[[], Any], built: bool) -> None:
    """Refuse an attribute that does not exist, and other children than a widget has made for itself."""
    kind = type(widget).__name__
    if name.startswith("_"):
        return
    if not hasattr(type(widget), name):
        raise unknown_name(f"attribute of {kind}", name, known())
    if name == "children" and built:
        raise ParameterError(f"The parts of this {kind} are its own; to show more, put it into a box: VBox([it, ...]).")


def as_target(net: Network, value: Any) -> str:
    """``"predicted"``, ``"true"``, or the name of a class given by name or index."""
    return value if isinstance(value, str) and value in ("predicted", "true") else net.classes[net.class_index(value)]
