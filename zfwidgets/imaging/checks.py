"""The checks of parameters that several modules share: one sentence each, never a surprise deeper down."""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Sequence
from typing import Any, TypeGuard

import numpy as np

from ..errors import ParameterError, unknown_name

__all__ = ["class_number", "numbers_of", "unit_number", "whole_number", "whole_or_none"]


def whole_number(value: object, name: str, least: int = 1) -> int:
    """The value as an ``int``, or a :class:`ParameterError` that says what to pass.

    Parameters
    ----------
    value : int
        Any integer type, NumPy's included; a ``bool`` is not a number here.
    name : str
        What the value is called in the message.
    least : int
        The smallest value allowed.

    Examples
    --------
    >>> whole_number(8, "stride")
    8
    >>> whole_number(0, "stride")
    Traceback (most recent call last):
        ...
    zfwidgets.errors.ParameterError: stride must be a whole number of at least 1, not 0.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < least:
        raise ParameterError(f"{name} must be a whole number of at least {least}, not {value!r}.")
    return int(value)


def class_number(asked: object, classes: Sequence[str]) -> int:
    """Which of the classes is meant, by name or by index.

    Raises
    ------
    UnknownNameError
        If there is no such class; the nearest names are suggested.
    ParameterError
        If it is neither a name nor an index.

    Examples
    --------
    >>> class_number("dog", ("cat", "dog")), class_number(0, ("cat", "dog"))
    (1, 0)
    """
    if isinstance(asked, str):
        if asked in classes:
            return classes.index(asked)
        raise unknown_name("class", asked, classes)
    index = whole_or_none(asked)
    if index is None:
        raise ParameterError(f"A class is a name or an index, not {asked!r}.")
    if not 0 <= index < len(classes):
        raise unknown_name("class", index, range(len(classes)))
    return index


def whole_or_none(value: Any) -> int | None:
    """The value as an ``int``, None where it is no whole number.

    Examples
    --------
    >>> whole_or_none(np.uint8(3)), whole_or_none(3.0), whole_or_none(True), whole_or_none(np.array([1, 2]))
    (3, None, None, None)
    """
    # Arrays of several numbers have an index too, and say no only when they are asked for it.
    try:
        return None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        return None


def unit_number(value: object, name: str) -> float:
    """The value as a ``float`` in [0, 1], or a :class:`ParameterError`.

    Examples
    --------
    >>> unit_number(1, "opacity")
    1.0
    """
    if _is_finite(value) and 0 <= value <= 1:
        return float(value)
    raise ParameterError(f"{name} must be a number from 0 to 1, not {value!r}.")


def numbers_of(values: object, count: int, name: str) -> tuple[float, ...]:
    """The values as a tuple of ``count`` finite floats, or a :class:`ParameterError`.

    Examples
    --------
    >>> numbers_of([0, 0.5, 1], 3, "mean")
    (0.0, 0.5, 1.0)
    """
    if isinstance(values, Sequence) and len(values) == count and all(map(_is_finite, values)):
        return tuple(float(value) for value in values)
    raise ParameterError(f"{name} must be {count} finite numbers, not {values!r}.")


def _is_finite(value: object) -> TypeGuard[float]:
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return False
    return math.isfinite(value)
