"""Slow twins of drawing: one pixel at a time, straight from the words of the docstrings."""

from __future__ import annotations

import math

import numpy as np

VIRIDIS_LEVELS = 255


def index_of(value: float, low: float, high: float) -> int:
    """The palette index of one number."""
    if math.isnan(value):
        return 255
    if low == high:
        return 127
    share = (min(max(value, low), high) - low) / (high - low)
    return round(share * (VIRIDIS_LEVELS - 1))


def signed_level(value: float, limit: float) -> int:
    """The grey level of one signed number."""
    if math.isnan(value):
        return 128
    return 128 + round(127 * min(max(value / limit, -1), 1))


def placed(values: np.ndarray, rows: list[int], columns: list[int], size: int, height: int, width: int) -> np.ndarray:
    """Each pixel looks at every cell and takes the nearest centre, the upper left one of two."""
    result = np.full((height, width), np.nan)
    for y in range(height):
        for x in range(width):
            row = nearest_start(y + 0.5, rows, size)
            column = nearest_start(x + 0.5, columns, size)
            if row is not None and column is not None:
                result[y, x] = values[row, column]
    return result


def nearest_start(position: float, starts: list[int], size: int) -> int | None:
    """The start whose square has its middle nearest; None beyond half a step outside of the outermost."""
    middles = [start + size / 2 for start in starts]
    before = (middles[1] - middles[0]) / 2 if len(middles) > 1 else size / 2
    after = (middles[-1] - middles[-2]) / 2 if len(middles) > 1 else size / 2
    if position <= middles[0] - before or position > middles[-1] + after:
        return None
    return min(range(len(middles)), key=lambda which: (abs(position - middles[which]), which))


def over(colour: tuple[int, ...], alpha: int, background: tuple[int, ...]) -> tuple[float, ...]:
    """One pixel of a picture with alpha, on its background."""
    return tuple(c * alpha / 255 + b * (255 - alpha) / 255 for c, b in zip(colour, background, strict=True))
