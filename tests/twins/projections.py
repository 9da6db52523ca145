"""The difference of two projections, pixel by pixel."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from zfwidgets.methods import Projection

__all__ = ["slow_projection_difference"]


def slow_projection_difference(mine: Projection, theirs: Projection) -> tuple[NDArray[np.float64], float]:
    """Each divided by its largest magnitude, the second minus the first; and the cosine of both."""
    sheets = []
    for one in (mine, theirs):
        sheet = np.zeros((3, *one.input_size))
        for colour, row, column in np.ndindex(one.pixels.shape):
            place = (row + one.box[0], column + one.box[1])
            if 0 <= place[0] < one.input_size[0] and 0 <= place[1] < one.input_size[1]:
                sheet[(colour, *place)] = one.pixels[colour, row, column]
        peak = max(abs(float(value)) for value in sheet.flat)
        sheets.append(sheet / peak if peak else sheet)
    squares = [math.sqrt(sum(float(value) ** 2 for value in sheet.flat)) for sheet in sheets]
    together = sum(float(one) * float(other) for one, other in zip(sheets[0].flat, sheets[1].flat, strict=True))
    return sheets[1] - sheets[0], together / (squares[0] * squares[1]) if all(squares) else math.nan
