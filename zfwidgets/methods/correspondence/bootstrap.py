"""The interval of a Delta over pictures; needs no torch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zfwidgets.errors import ParameterError
from zfwidgets.methods.telling import check_level

__all__ = ["interval_of", "resampled"]


def resampled(distances: NDArray[np.float32], resamples: int, seed: int) -> NDArray[np.float64]:
    """Means over pairs of pictures that are drawn with replacement; a picture with itself is no pair.

    Parameters
    ----------
    distances : ndarray
        (places, N, N); NaN where there is no pair.
    resamples, seed : int

    Returns
    -------
    ndarray
        (n,), at most `resamples`: one that drew the same picture always has no pair. None for fewer than three
        pictures.
    """
    if isinstance(resamples, bool) or not isinstance(resamples, int | np.integer) or resamples < 1:
        raise ParameterError(f"resamples is a whole number of at least 1, for example 1000; found {resamples!r}.")
    there: NDArray[np.bool_] = ~np.all(np.isnan(distances), axis=0)
    having = there.any(0)
    number = int(having.sum())
    if number < 3:
        return np.empty(0)
    counted = there[np.ix_(having, having)].astype(float)
    mean = np.where(there, np.nan_to_num(distances).mean(0), 0)[np.ix_(having, having)]
    drawn = np.random.default_rng(seed).multinomial(number, np.full(number, 1 / number), size=int(resamples))
    weight = ((drawn @ counted) * drawn).sum(1)
    return np.asarray(((drawn @ mean) * drawn).sum(1)[weight > 0] / weight[weight > 0])


def interval_of(values: NDArray[np.float64], level: float) -> tuple[float, float]:
    """Where so large a share of the resamples lies, its ends; NaN for none."""
    check_level(level)
    if not len(values):
        return float("nan"), float("nan")
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
