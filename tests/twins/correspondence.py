"""The slow twin of correspondence: one picture at a time through the module itself, one cell after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import torch
from torch import Tensor, nn

__all__ = ["slow_correspondence", "slow_delta_difference", "slow_square"]

Points = Mapping[str, tuple[float, float]]


def slow_square(point: tuple[float, float], size: int, side: int) -> tuple[int, int]:
    """Row and column of the square whose middle is nearest to the point, among those inside the picture."""

    def first(middle: float) -> int:
        starts = range(side - size + 1)
        return min(starts, key=lambda start: (abs(start + size / 2 - middle), -start))

    return first(point[1]), first(point[0])


def _features(module: nn.Sequential, depth: int, picture: Tensor, pool: int | None) -> list[float]:
    with torch.no_grad():
        maps = module[:depth](picture[None])[0]
    if maps.dim() == 3 and pool is not None and min(maps.shape[1:]) > pool:
        return [_mean(channel, row, column, pool) for channel in maps for row in range(pool) for column in range(pool)]
    return [float(value) for value in maps.flatten()]


def _mean(channel: Tensor, row: int, column: int, pool: int) -> float:
    """Of one window of the grid: from the cell that the window's first edge falls into to the one its last does."""
    (top, bottom), (left, right) = (
        (place * extent // pool, -(-(place + 1) * extent // pool))
        for place, extent in zip((row, column), channel.shape, strict=True)
    )
    cells = [float(channel[r, c]) for r in range(top, bottom) for c in range(left, right)]
    return sum(cells) / len(cells)


def _sign(change: float, largest: float) -> int:
    if abs(change) <= 1e-5 * largest:
        return 0
    return 1 if change > 0 else -1


def slow_correspondence(
    module: nn.Sequential,
    depth: int,
    pictures: Sequence[Tensor],
    corners: Sequence[Mapping[str, Sequence[tuple[int, int]]]],
    size: int,
    pool: int | None,
    colour: float,
) -> dict[str, tuple[float, float]]:
    """Part to (mean, std) over pairs of pictures and places, after the first `depth` modules.

    `corners` has for each picture and part the upper left corners of its squares.
    """
    signs: list[dict[str, list[list[int]]]] = []
    for picture, squares in zip(pictures, corners, strict=True):
        clean = _features(module, depth, picture, pool)
        largest = max(abs(value) for value in clean)
        mine: dict[str, list[list[int]]] = {}
        for part, places in squares.items():
            for top, left in places:
                hidden = picture.clone()
                for row in range(top, top + size):
                    for column in range(left, left + size):
                        hidden[:, row, column] = colour
                changed = _features(module, depth, hidden, pool)
                mine.setdefault(part, []).append([_sign(x - y, largest) for x, y in zip(clean, changed, strict=True)])
        signs.append(mine)
    found = {}
    for part in dict.fromkeys(part for squares in corners for part in squares):
        shares = [
            sum(a != b for a, b in zip(one, other, strict=True)) / len(one)
            for first, second in combinations([mine for mine in signs if part in mine], 2)
            for one, other in zip(first[part], second[part], strict=True)
        ]
        found[part] = (float(np.mean(shares)), float(np.std(shares)))
    return found


def slow_delta_difference(mine: np.ndarray, theirs: np.ndarray) -> tuple[float, float]:
    """Mean over pairs of one network minus the other's, and its standard error by leaving out each picture in turn.

    Distances are (places, N, N).
    """
    pictures = [one for one in range(mine.shape[1]) if not np.isnan(mine[:, one]).all()]

    def difference(left: Sequence[int]) -> float:
        pairs = list(combinations(left, 2))
        return sum(float((theirs - mine)[:, one, other].mean(dtype=float)) for one, other in pairs) / len(pairs)

    without = [difference([one for one in pictures if one != out]) for out in pictures]
    middle = sum(without) / len(without)
    variance = (len(without) - 1) / len(without) * sum((value - middle) ** 2 for value in without)
    return difference(pictures), variance**0.5
