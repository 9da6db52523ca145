"""How sure a share or a mean is; needs no torch."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zfwidgets.errors import ParameterError

__all__ = ["Estimate", "mean_of", "share_of"]

_NORMAL_95 = 1.959963984540054
"""The quantile of the normal distribution that 2.5 % lie above."""
_RESAMPLES = 2000


class Estimate(NamedTuple):
    """A number and its 95 % interval.

    Examples
    --------
    >>> str(Estimate(0.9, 0.85, 0.94))
    '0.90 (0.85 to 0.94)'
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f})"


def share_of(hits: ArrayLike) -> Estimate:
    """The share of pictures in which something is so, with Wilson's interval (Wilson 1927).

    Unlike that of a bootstrap it is not empty where all or none are.

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


def mean_of(values: ArrayLike, seed: int = 0) -> Estimate:
    """The mean over pictures, with the interval of 2000 bootstrap resamples of the pictures.

    Parameters
    ----------
    values : array of float
        One for each picture.
    seed : int
        Of the resamples.

    Raises
    ------
    ParameterError
        If there are none, or one is not a number.

    Examples
    --------
    >>> mean_of([1.0, 1.0, 1.0])
    Estimate(value=1.0, low=1.0, high=1.0)
    """
    found = _numbers(values)
    dice, count = np.random.default_rng(seed), len(found)
    means = np.array([found[dice.integers(0, count, count)].mean() for _ in range(_RESAMPLES)])
    low, high = np.quantile(means, [0.025, 0.975])
    return Estimate(float(found.mean()), float(low), float(high))


def _numbers(values: Any) -> NDArray[np.float64]:
    found = np.asarray(values, float).ravel()
    if not len(found) or not np.isfinite(found).all():
        raise ParameterError(
            f"A mean needs at least one number, and none that is NaN or infinite; found {len(found)} values."
        )
    return found
