"""Two Deltas over the same pictures, of two networks or of two parts: is one larger? Needs no torch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zfwidgets.errors import ParameterError
from zfwidgets.methods.correspondence.jackknife import mean_over_pairs
from zfwidgets.methods.correspondence.result import Correspondence
from zfwidgets.methods.telling import Difference

__all__ = ["delta_difference", "part_difference"]


def delta_difference(
    mine: Correspondence, theirs: Correspondence, layers: tuple[str, str], part: str, level: float = 0.95
) -> Difference:
    """Delta of one network minus that of another, for a part that was hidden from both in the same pictures.

    What makes a set of pictures alike for both drops out of the difference. Its interval is made as that of one Delta,
    `Correspondence.interval`.

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
    both = [one.of(layer, part) for one, layer in zip((mine, theirs), layers, strict=True)]
    there, same = (~np.isnan(found).all(0) for found in both)
    if there.shape != same.shape or (there != same).any():
        raise ParameterError(
            f"Two networks are compared over the same pictures, and the pictures in which {part!r} is hidden are not "
            "the same; give both the same pictures and landmarks."
        )
    return _between(both[0], both[1], level)


def part_difference(d: Correspondence, layer: str, parts: tuple[str, str], level: float = 0.95) -> Difference:
    """Delta of one part minus that of another, over the pictures that have both; its interval as in `delta_difference`.

    Two Deltas of one set of pictures rise and fall together, so that their own intervals may meet where one is larger
    in every picture.

    Parameters
    ----------
    d : Correspondence
    layer : str
    parts : (str, str)
        The second one's Delta minus the first one's.
    level : float
        Of the interval, between 0 and 1.

    Returns
    -------
    Difference
        NaN for fewer than two pictures that have both parts, its interval for fewer than three.

    Raises
    ------
    UnknownNameError
        For a layer or a part that was not asked about.

    Examples
    --------
    >>> shares = np.array([0.25, 0.5], np.float32)[:, None, None] + np.where(np.eye(3), np.nan, 0)
    >>> squares, seen = np.zeros((3, 2, 2), np.int64), np.zeros((3, 8, 8, 3), np.uint8)
    >>> d = Correspondence(("conv5",), ("nose", "random"), {"conv5": shares}, squares, 4, None, seen, 3)
    >>> part_difference(d, "conv5", ("nose", "random"))
    Difference(value=0.25, low=0.25, high=0.25)
    """
    return _between(d.of(layer, parts[0]), d.of(layer, parts[1]), level)


def _between(mine: NDArray[np.float32], theirs: NDArray[np.float32], level: float) -> Difference:
    """Of shares (places, N, N); places may be of another number."""
    having = ~(np.isnan(mine).all((0, 1)) | np.isnan(theirs).all((0, 1)))
    first, second = (found[:, having][:, :, having].mean(0, dtype=float) for found in (mine, theirs))
    return Difference(*mean_over_pairs(second - first, level))
