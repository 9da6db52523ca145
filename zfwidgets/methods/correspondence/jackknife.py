"""A mean over pairs of pictures and how sure it is; needs no torch."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from zfwidgets.methods.telling import check_level, student_factor

__all__ = ["mean_over_pairs"]


def mean_over_pairs(pairs: NDArray[np.floating], level: float) -> tuple[float, float, float]:
    """The mean, and the ends of its interval over *pictures*: pairs that share a picture are not independent.

    Student's interval, with the standard error from leaving out each picture in turn (Arvesen 1969, "Jackknifing
    U-statistics").

    Parameters
    ----------
    pairs : ndarray
        (N, N), symmetric; the diagonal does not count.
    level : float
        Of the interval, between 0 and 1.

    Returns
    -------
    (float, float, float)
        All NaN for fewer than two pictures, the ends for fewer than three.

    Examples
    --------
    >>> mean_over_pairs(np.full((3, 3), 0.25), 0.95)
    (0.25, 0.25, 0.25)
    """
    check_level(level)
    number = len(pairs)
    if number < 2:
        return math.nan, math.nan, math.nan
    apart = np.where(np.eye(number, dtype=bool), 0.0, pairs)
    value = float(apart.sum()) / (number * (number - 1))
    if number < 3:
        return value, math.nan, math.nan
    without = (apart.sum() - 2 * apart.sum(0)) / ((number - 1) * (number - 2))
    reach = student_factor(number - 1, level) * math.sqrt((number - 1) * without.var())
    return value, value - reach, value + reach
