"""Two occlusion maps of one picture, cell by cell: what does one network lose that the other keeps?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zfwidgets.errors import ParameterError

if TYPE_CHECKING:
    from zfwidgets.imaging.crossing import Crossing
    from zfwidgets.methods.occlusion.result import OcclusionMap

__all__ = ["MapDifference", "map_difference"]

_NOWHERE = -1


@dataclass(frozen=True, eq=False)  # arrays have no single equality
class MapDifference:
    """The second map minus the first, at the squares of the first.

    Attributes
    ----------
    values : ndarray
        (R, C) float64, in the unit of the maps; NaN where the second network has no square. Of partial maps it is as
        coarse as they are.
    apart : float
        How far a square of the first and the square of the second that it is compared with lie apart at most, centre
        to centre along one axis, in input pixels of the first network.
    """

    values: NDArray[np.float64]
    apart: float

    @property
    def largest(self) -> tuple[int, int] | None:
        """Row and column of the cell with the largest magnitude; of equal ones the first; None if there is none."""
        if np.isnan(self.values).all():
            return None
        row, column = np.unravel_index(int(np.nanargmax(np.abs(self.values))), self.values.shape)
        return int(row), int(column)


def map_difference(
    mine: OcclusionMap,
    theirs: OcclusionMap,
    values: tuple[NDArray[Any], NDArray[Any]],
    crossing: Crossing,
) -> MapDifference:
    """Subtract a map of one network from the same map of another, place by place.

    Every cell compares two answers that the networks gave: where their squares do not lie at the same places of the
    picture, because their inputs differ in size or crop, the nearest square of the second network is taken, and none
    beyond half its stride. Nothing is interpolated.

    Parameters
    ----------
    mine, theirs : OcclusionMap
        Of the same picture.
    values : (ndarray, ndarray)
        (R, C) of `mine` and (R', C') of `theirs`, for example the probability of one class.
    crossing : Crossing
        From the first network's input to the second's.

    Raises
    ------
    ParameterError
        If the values are not those of the maps.

    Examples
    --------
    >>> from zfwidgets import load_network, occlusion_map, samples
    >>> from zfwidgets.imaging.crossing import Crossing
    >>> net, picture = load_network("zfnet-scenes", device="cpu"), samples()["photo/chelsea"]
    >>> one, other = (occlusion_map(net, picture, size=48, stride=24, fill=fill) for fill in ("grey", "black"))
    >>> crossing = Crossing(net.preprocess, net.preprocess, picture.size)
    >>> difference = map_difference(one, other, (one.probability(), other.probability()), crossing)
    >>> difference.values.shape, difference.apart
    ((3, 3), 0.0)
    """
    first, second = values
    if first.shape != mine.known.shape or second.shape != theirs.known.shape:
        raise ParameterError(
            f"The maps have {mine.known.shape} and {theirs.known.shape} cells, their values {first.shape} and "
            f"{second.shape}: pass values of these maps."
        )
    x, y = crossing.there(_centres(mine.columns, mine.size), _centres(mine.rows, mine.size))
    down, far_down = _nearest(y, _centres(theirs.rows, theirs.size), theirs.stride)
    right, far_right = _nearest(x, _centres(theirs.columns, theirs.size), theirs.stride)
    cells = np.ix_(down, right)
    compared = np.outer(down != _NOWHERE, right != _NOWHERE)
    difference = np.where(compared, second[cells].astype(np.float64) - first, np.nan)
    return MapDifference(difference, max(far_down, far_right) / crossing.scale)


def _centres(starts: NDArray[np.int64], size: int) -> NDArray[np.float64]:
    return starts.astype(np.float64) + size / 2


def _nearest(wanted: NDArray[np.float64], there: NDArray[np.float64], stride: int) -> tuple[NDArray[np.int64], float]:
    """For each centre the nearest of the others, `_NOWHERE` beyond half a stride; and the largest distance of those."""
    distance = np.abs(wanted[:, None] - there[None, :])
    nearest = distance.argmin(1)
    far = distance[np.arange(len(wanted)), nearest]
    near = far <= stride / 2 + 1e-6
    return np.where(near, nearest, _NOWHERE), float(far[near].max(initial=0.0))
