"""How alike two pictures are, over the part of the model input that a unit can reach."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zfwidgets.methods.projection import Projection

__all__ = ["cosine", "rank_correlation", "reached", "relative_error"]

Values = NDArray[np.floating]


def reached(projection: Projection) -> NDArray[np.float32]:
    """(3, h, w): the projection where its box lies in the picture; beyond the border it is zero by construction."""
    top, left, height, width = projection.box
    rows = slice(max(-top, 0), min(height, projection.input_size[0] - top))
    columns = slice(max(-left, 0), min(width, projection.input_size[1] - left))
    return projection.pixels[:, rows, columns]


def cosine(one: Values, other: Values) -> float:
    """The cosine of the angle between two pictures, from -1 to 1; NaN where one of them is empty.

    Examples
    --------
    >>> cosine(np.array([1.0, 1.0]), np.array([2.0, 0.0]))
    0.7071067811865475
    """
    a, b = one.astype(np.float64).ravel(), other.astype(np.float64).ravel()
    length = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / length if length > 0 else float("nan")


def relative_error(found: Values, faithful: Values) -> float:
    """Euclidean length of the difference, in lengths of the faithful picture; NaN where that one is empty.

    Examples
    --------
    >>> relative_error(np.array([1.0, 1.0]), np.array([2.0, 0.0]))
    0.7071067811865476
    """
    length = float(np.linalg.norm(faithful.astype(np.float64)))
    difference = float(np.linalg.norm(found.astype(np.float64) - faithful))
    return difference / length if length > 0 else float("nan")


def rank_correlation(one: Values, other: Values) -> float:
    """Spearman's rank correlation of two pictures' values, ties sharing their mean rank; NaN where one is constant.

    Examples
    --------
    >>> rank_correlation(np.array([1.0, 2.0, 30.0]), np.array([-5.0, 0.0, 0.1]))
    1.0
    """
    a, b = _ranks(one), _ranks(other)
    return round(cosine(a - a.mean(), b - b.mean()), 12)  # ranks are exact, their cosine is but for rounding


def _ranks(values: Values) -> NDArray[np.float64]:
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: NDArray[np.float64] = (last - (counts - 1) / 2)[places.ravel()]
    return ranks
