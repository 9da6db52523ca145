"""How sure a share, a difference of shares or a mean is; needs no torch."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zfwidgets.errors import ParameterError
from zfwidgets.methods.telling import student_factor

__all__ = ["UNKNOWN", "Estimate", "gain_of", "mean_of", "share_of"]

_NORMAL_95 = 1.959963984540054
"""The quantile of the normal distribution that 2.5 % lie above."""
_LEVEL = 0.95
_SAME = 1e-12
"""Spread, as a share of the largest value, up to which only rounding makes values differ."""
_STRAIGHT = 1e-6
"""Skewness up to which nothing is to be bent."""


class Estimate(NamedTuple):
    """A number and its 95 % interval; NaN where nothing can be said.

    Examples
    --------
    >>> str(Estimate(0.9, 0.85, 0.94)), str(Estimate(0.9, math.nan, math.nan)), str(UNKNOWN)
    ('0.90 (0.85 to 0.94)', '0.90', '-')
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        if math.isnan(self.value):
            return "-"
        return f"{self.value:.2f}" + ("" if math.isnan(self.low) else f" ({self.low:.2f} to {self.high:.2f})")

    def within(self, least: float, most: float) -> Estimate:
        """The same, its interval no wider than what the number can be: of a share, 0 to 1.

        Examples
        --------
        >>> str(Estimate(0.97, 0.76, 1.01).within(0, 1)), str(Estimate(0.9, math.nan, math.nan).within(0, 1))
        ('0.97 (0.76 to 1.00)', '0.90')
        """
        return Estimate(self.value, max(self.low, least), min(self.high, most))  # NaN stays NaN: it comes first


UNKNOWN = Estimate(math.nan, math.nan, math.nan)
"""Of no pictures at all."""


def share_of(hits: ArrayLike) -> Estimate:
    """The share of pictures in which something is so, with Wilson's interval (Wilson 1927).

    It is not empty where all or none are.

    Parameters
    ----------
    hits : array of bool
        One for each picture.

    Raises
    ------
    ParameterError
        If there are none.

    Examples
    --------
    >>> print(share_of([True] * 10))
    1.00 (0.72 to 1.00)
    """
    found = _numbers(hits)
    count, share = len(found), float(found.mean())
    spread = _NORMAL_95**2 / count
    middle = (share + spread / 2) / (1 + spread)
    half = math.sqrt(spread * (share * (1 - share) + spread / 4)) / (1 + spread)
    return Estimate(share, min(max(middle - half, 0.0), share), max(min(middle + half, 1.0), share))


def gain_of(hits: ArrayLike, others: ArrayLike) -> Estimate:
    """By how much larger the share of the first is than that of the second, over the same pictures.

    The interval counts one more picture for each way in which the two can differ (Bonett and Price 2012, "Adjusted Wald
    confidence interval for a difference of binomial proportions based on paired data"): where few pictures differ, or
    by luck none does, their own spread says too little.

    Parameters
    ----------
    hits, others : array of bool
        One for each picture.

    Raises
    ------
    ParameterError
        If there are none, or not as many of both.

    Examples
    --------
    >>> print(gain_of([True] * 10, [True] * 9 + [False]))
    0.10 (-0.20 to 0.36)
    """
    first, second = _numbers(hits), _numbers(others)
    if len(first) != len(second):
        raise ParameterError(
            f"Shares are compared over the same pictures, and these are {len(first)} and {len(second)} values; give "
            "one of each for every picture."
        )
    apart, count = first - second, len(first) + 2
    more, less = (np.count_nonzero(apart > 0) + 1) / count, (np.count_nonzero(apart < 0) + 1) / count
    middle = more - less
    half = _NORMAL_95 * math.sqrt((more + less - middle**2) / count)
    return Estimate(float(apart.mean()), middle - half, middle + half).within(-1.0, 1.0)


def mean_of(values: ArrayLike) -> Estimate:
    """The mean over pictures, with Student's interval bent by the skewness of the values; of a single one it is NaN.

    Where a few values lie far to one side, pictures that happen to have none of them look surer than they are: the
    interval reaches further to that side (Hall 1992, "On the removal of skewness by transformation", with Student's
    quantiles for the normal ones). Of what is only so or not, take `share_of` or `gain_of`; of what
    has bounds, as a mean share, take the interval `Estimate.within` them.

    Parameters
    ----------
    values : array of float
        One for each picture.

    Raises
    ------
    ParameterError
        If there are none, or one is not a number.

    Examples
    --------
    >>> print(mean_of([1.0, 2.0, 3.0]), "and", mean_of([1.0]))
    2.00 (-0.48 to 4.48) and 1.00
    >>> print(mean_of([1.0] * 15 + [0.5]))
    0.97 (0.76 to 1.01)
    """
    found = _numbers(values)
    mean, count = float(found.mean()), len(found)
    if count < 2:
        return Estimate(mean, math.nan, math.nan)
    spread = float(found.std())
    if spread <= _SAME * abs(found).max():
        return Estimate(mean, mean, mean)
    skewness = float(((found - mean) ** 3).mean()) / spread**3
    reach, error = student_factor(count - 1, _LEVEL) / math.sqrt(count), float(found.std(ddof=1))
    return Estimate(mean, *(mean - error * _bent(end, skewness, count) for end in (reach, -reach)))


def _bent(end: float, skewness: float, count: int) -> float:
    """Hall's transformation backwards: where an end of the interval lies, in standard deviations."""
    if abs(skewness) < _STRAIGHT:
        return end
    return float(np.cbrt(1 + skewness * (end - skewness / (6 * count))) - 1) * 3 / skewness


def _numbers(values: Any) -> NDArray[np.float64]:
    found = np.asarray(values, float).ravel()
    if not len(found) or not np.isfinite(found).all():
        raise ParameterError(
            f"A mean needs at least one number, and none that is NaN or infinite; found {len(found)} values."
        )
    return found
