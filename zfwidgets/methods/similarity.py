"""How alike two pictures are, over the part of the model input that a unit can reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from zfwidgets.methods.projection import Projection

__all__ = ["Likeness", "cosine", "rank_correlation", "reached", "relative_error"]

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
    return _alike(_ranks(one), _ranks(other))


class Likeness:
    """How like other pictures are to one, whose ranks are counted once.

    Examples
    --------
    >>> Likeness(np.array([1.0, -2.0]))(np.array([2.0, -1.0]))
    {'rank': 1.0, 'magnitude': -1.0, 'cosine': 0.7999999999999998}
    """

    def __init__(self, picture: Values) -> None:
        self._picture = picture
        self._ranks, self._magnitudes = _ranks(picture), _ranks(np.abs(picture))

    def __call__(self, other: Values) -> dict[str, float]:
        """By measure, see `MEASURES`."""
        return {
            "rank": _alike(_ranks(other), self._ranks),
            "magnitude": _alike(_ranks(np.abs(other)), self._magnitudes),
            "cosine": cosine(other, self._picture),
        }


def _ranks(values: Values) -> NDArray[np.float64]:
    """Less their mean."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2 - (values.size + 1) / 2)[places.ravel()], np.float64)


def _alike(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return round(cosine(one, other), 12)  # ranks are exact, their cosine is but for rounding
