"""The slow twin of the pointing game: one square and one forward pass at a time, straight from the words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn


def slow_game(
    module: nn.Sequential,
    depth: int,
    picture: Tensor,
    box: Sequence[float],
    target: int | None,
    size: int,
    stride: int,
    colour: float,
) -> dict[str, Any]:
    """What hiding each square does to the strongest map after `depth` modules, and to a class, in one picture."""

    def answer(shown: Tensor) -> tuple[list[float], list[float]]:
        with torch.no_grad():
            sums = [float(one.sum()) for one in module[:depth](shown[None])[0]]
            return sums, [float(share) for share in module(shown[None])[0].softmax(0)]

    sums, shares = answer(picture)
    channel = sums.index(max(sums))
    chosen = shares.index(max(shares)) if target is None else target
    _, height, width = picture.shape
    squares = []
    for top in _starts(height, size, stride):
        for left in _starts(width, size, stride):
            hidden = picture.clone()
            for row in range(top, top + size):
                for column in range(left, left + size):
                    hidden[:, row, column] = colour
            below, above = answer(hidden)
            lost = (sums[channel] - below[channel]) / (sums[channel] or 1.0)
            squares.append((left + size / 2, top + size / 2, lost, above[chosen]))
    within = [box[0] <= x <= box[2] and box[1] <= y <= box[3] for x, y, *_ in squares]
    x, y, lost, share = _middle([(*square[:2], square[2], square) for square in squares])
    found: dict[str, Any] = {"map place": (x, y), "map drop": lost, "target": chosen, "clean": shares[chosen]}
    x, y, _, share = _middle([(*square[:2], -square[3] + shares[chosen], square) for square in squares])
    found |= {"class place": (x, y), "class drop": shares[chosen] - share}
    x, y, lost, share = _middle([(*square[:2], square[3] - shares[chosen], square) for square in squares])
    found |= {"risen place": (x, y), "risen": share, "risen lost": lost}
    left, top, right, bottom = box
    return found | {
        "squares": sum(within) / len(squares),
        "centre": left <= width / 2 <= right and top <= height / 2 <= bottom,
        "area": (right - left) * (bottom - top) / width / height,
        "correlation": _correlation([square[2] for square in squares], [-square[3] for square in squares]),
    }


def _starts(extent: int, size: int, stride: int) -> list[int]:
    found = []
    while not found or found[-1] + stride + size <= extent:
        found.append(found[-1] + stride if found else 0)
    if found[-1] + size < extent:
        found.append(extent - size)
    return found


def _middle(squares: list[tuple[float, float, float, Any]]) -> Any:
    """The square of the largest value; of those within 1e-4 of it that with the least sum of squared distances."""
    most = max(value for *_, value, _ in squares)
    equal = [square for square in squares if square[2] >= most - 1e-4 * abs(most)]
    columns, rows = sorted({x for x, *_ in squares}), sorted({y for _, y, *_ in squares})
    cells = [(rows.index(y), columns.index(x)) for x, y, *_ in equal]
    sums = [sum((r - other[0]) ** 2 + (c - other[1]) ** 2 for other in cells) for r, c in cells]
    return equal[sums.index(min(sums))][3]


def _correlation(one: list[float], other: list[float]) -> float:
    first, second = sum(one) / len(one), sum(other) / len(other)
    both = sum((a - first) * (b - second) for a, b in zip(one, other, strict=True))
    spread = math.sqrt(sum((a - first) ** 2 for a in one) * sum((b - second) ** 2 for b in other))
    return both / spread if spread else float("nan")
