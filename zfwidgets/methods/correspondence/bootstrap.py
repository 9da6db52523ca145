"""Intervals over pictures: of a Delta, and of the difference of two networks' Deltas; needs no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zfwidgets.errors import ParameterError
from zfwidgets.methods.telling import Difference

if TYPE_CHECKING:
    from zfwidgets.methods.correspondence.result import Correspondence

__all__ = ["delta_difference", "interval_of", "resampled"]


def delta_difference(
    mine: Correspondence,
    theirs: Correspondence,
    layers: tuple[str, str],
    part: str,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> Difference:
    """Delta of one network minus that of another, for a part that was hidden from both in the same pictures.

    Every resample draws pictures once and asks both networks about them: what makes a set of pictures alike for both
    drops out of the difference, so that its interval says more than whether two intervals overlap.

    Parameters
    ----------
    mine, theirs : Correspondence
        Of the same pictures, in the same order, with the same parts marked.
    layers : (str, str)
        Of the first and of the second network.
    part : str
    level, resamples, seed
        As in `Correspondence.interval`.

    Returns
    -------
    Difference
        `theirs` minus `mine`; its interval is NaN with fewer than three pictures.

    Raises
    ------
    ParameterError
        If the two are not about the same pictures and parts.
    UnknownNameError
        For a layer or a part that was not asked about.

    Examples
    --------
    >>> from zfwidgets.methods.correspondence.result import Correspondence
    >>> shares = np.full((1, 3, 3), 0.25, np.float32) + np.where(np.eye(3), np.nan, 0)
    >>> squares, seen = np.zeros((3, 1, 2), np.int64), np.zeros((3, 8, 8, 3), np.uint8)
    >>> mine = Correspondence(("conv5",), ("nose",), {"conv5": shares}, squares, 4, None, seen, 3)
    >>> theirs = Correspondence(("fire5",), ("nose",), {"fire5": shares / 2}, squares, 4, None, seen, 3)
    >>> delta_difference(mine, theirs, ("conv5", "fire5"), "nose")
    Difference(value=-0.125, low=-0.125, high=-0.125)
    """
    both = [one.of(layer, part) for one, layer in zip((mine, theirs), layers, strict=True)]
    pairs = [~np.isnan(found).all(0) for found in both]
    if pairs[0].shape != pairs[1].shape or (pairs[0] != pairs[1]).any():
        raise ParameterError(
            f"Two networks are compared over the same pictures, and the pictures in which {part!r} is hidden are not "
            "the same; give both the same pictures and landmarks."
        )
    value = theirs.delta[layers[1]][part].mean - mine.delta[layers[0]][part].mean
    first, second = (resampled(found, resamples, seed) for found in both)
    return Difference(value, *interval_of(second - first, level))


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
        pictures. The same pictures are drawn for equal numbers of pictures and equal seeds.
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
    if not 0 < level < 1:
        raise ParameterError(f"The level of an interval lies between 0 and 1, for example 0.95; found {level!r}.")
    if not len(values):
        return float("nan"), float("nan")
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
