"""Two networks from which the same parts were hidden: is one Delta larger than the other? Needs no torch."""

from __future__ import annotations

import math

import numpy as np

from zfwidgets.errors import ParameterError
from zfwidgets.methods.correspondence.result import Correspondence
from zfwidgets.methods.telling import Difference, check_level, student_factor

__all__ = ["delta_difference"]


def delta_difference(
    mine: Correspondence, theirs: Correspondence, layers: tuple[str, str], part: str, level: float = 0.95
) -> Difference:
    """Delta of one network minus that of another, for a part that was hidden from both in the same pictures.

    What makes a set of pictures alike for both drops out of the difference. Its interval is Student's over pictures,
    with the standard error from leaving out each picture in turn (Arvesen 1969, "Jackknifing U-statistics"): pairs that
    share a picture are not independent. Among a handful of pictures a bootstrap, which draws the same ones again and
    again, would tell apart two networks that differ by chance far more often than its level says.

    Parameters
    ----------
    mine, theirs : Correspondence
        Of the same pictures, in the same order, with the same parts marked.
    layers : (str, str)
        Of the first and of the second network.
    part : str
    level : float
        Of the interval, between 0 and 1.

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
    >>> shares = np.full((1, 3, 3), 0.25, np.float32) + np.where(np.eye(3), np.nan, 0)
    >>> squares, seen = np.zeros((3, 1, 2), np.int64), np.zeros((3, 8, 8, 3), np.uint8)
    >>> mine = Correspondence(("conv5",), ("nose",), {"conv5": shares}, squares, 4, None, seen, 3)
    >>> theirs = Correspondence(("fire5",), ("nose",), {"fire5": shares / 2}, squares, 4, None, seen, 3)
    >>> delta_difference(mine, theirs, ("conv5", "fire5"), "nose")
    Difference(value=-0.125, low=-0.125, high=-0.125)
    """
    check_level(level)
    both = [one.of(layer, part) for one, layer in zip((mine, theirs), layers, strict=True)]
    there, same = (~np.isnan(found).all(0) for found in both)
    if there.shape != same.shape or (there != same).any():
        raise ParameterError(
            f"Two networks are compared over the same pictures, and the pictures in which {part!r} is hidden are not "
            "the same; give both the same pictures and landmarks."
        )
    value = theirs.delta[layers[1]][part].mean - mine.delta[layers[0]][part].mean
    having = there.any(0)
    number = int(having.sum())
    if number < 3:
        return Difference(value, math.nan, math.nan)
    first, second = (found[:, having][:, :, having].mean(0, dtype=float) for found in both)
    apart = np.nan_to_num(second - first)  # a picture with itself is no pair
    without = (apart.sum() - 2 * apart.sum(0)) / ((number - 1) * (number - 2))
    error = math.sqrt((number - 1) * without.var())
    reach = student_factor(number - 1, level) * error
    return Difference(value, value - reach, value + reach)
