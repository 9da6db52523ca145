"""A difference of two networks with its interval: whether they are told apart; needs no torch."""

from __future__ import annotations

import math
from typing import NamedTuple

from zfwidgets.errors import ParameterError

__all__ = ["Difference", "check_level", "student_factor"]


class Difference(NamedTuple):
    """The second network's number minus the first's, and the interval it lies in; NaN where nothing can be said.

    Examples
    --------
    >>> Difference(0.2, 0.1, 0.3).apart, Difference(0.2, -0.1, 0.5).apart, Difference(0.2, float("nan"), 0.3).apart
    (True, False, False)
    """

    value: float
    low: float
    high: float

    @property
    def apart(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.low > 0 or self.high < 0


def check_level(level: float) -> None:
    """Refuse what is no level of an interval."""
    if not 0 < level < 1:
        raise ParameterError(f"The level of an interval lies between 0 and 1, for example 0.95; found {level!r}.")


def student_factor(freedom: int, level: float) -> float:
    """How many standard errors an interval of Student's distribution reaches to each side.

    Examples
    --------
    >>> print(f"{student_factor(2, 0.95):.4f} {student_factor(5, 0.95):.4f} {student_factor(400, 0.95):.4f}")
    4.3027 2.5706 1.9659
    """
    low, high = 0.0, math.pi / 2
    for _ in range(60):  # halves, until a float has no more digits
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, freedom) < level else (low, middle)
    return math.tan(low) * math.sqrt(freedom)


def _within(angle: float, freedom: int) -> float:
    """Share within tan(angle) sqrt(freedom) of zero (Abramowitz and Stegun 1964, 26.7.3 and 26.7.4)."""
    odd, total = freedom % 2, 0.0
    term = math.sin(angle) * (math.cos(angle) if odd else 1.0)
    for power in range(odd, freedom - 1, 2):
        total += term
        term *= (power + 1) / (power + 2) * math.cos(angle) ** 2
    return 2 / math.pi * (angle + total) if odd else total
