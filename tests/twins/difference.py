"""The difference of two occlusion maps, one cell after the other, straight from its definition."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zfwidgets.imaging import Crossing
from zfwidgets.methods import OcclusionMap

__all__ = ["slow_difference"]


def slow_difference(
    mine: OcclusionMap, theirs: OcclusionMap, values: tuple[NDArray[Any], NDArray[Any]], crossing: Crossing
) -> NDArray[np.float64]:
    """For each square of the first: the nearest of the second by its centre in the picture, none beyond half a step."""
    found = np.full(values[0].shape, np.nan)
    for r, top in enumerate(mine.rows):
        for c, left in enumerate(mine.columns):
            centre = left + mine.size / 2, top + mine.size / 2
            x, y = crossing.mine.to_picture(*centre, crossing.picture_size)
            x, y = crossing.theirs.to_input(x, y, crossing.picture_size)
            down = [abs(y - (start + theirs.size / 2)) for start in theirs.rows]
            right = [abs(x - (start + theirs.size / 2)) for start in theirs.columns]
            if max(min(down), min(right)) <= theirs.stride / 2 + 1e-6:
                there = values[1][down.index(min(down)), right.index(min(right))]
                found[r, c] = float(there) - float(values[0][r, c])
    return found
