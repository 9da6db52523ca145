"""The order in which the squares of a sweep are looked at: nested grids, coarse to fine."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

__all__ = ["Cells", "coarsest", "levels", "nearest", "steps", "tiles"]

Cells = NDArray[np.int64]
"""(n, 2): row and column of squares in the grid of the sweep."""


def coarsest(shape: tuple[int, ...]) -> int:
    """The step of the first grid, of about 5 x 5 squares."""
    step = 1
    while max(shape) - 1 > 4 * step:
        step *= 2
    return step


def levels(shape: tuple[int, ...]) -> Iterator[tuple[int, Cells]]:
    """Nested grids, coarse to fine: the step of each and its cells that are not in a coarser one.

    Examples
    --------
    >>> [(step, len(cells)) for step, cells in levels((9, 9))]
    [(2, 25), (1, 56)]
    """
    seen = np.zeros(shape, bool)
    step = coarsest(shape)
    while step >= 1:
        now = np.zeros(shape, bool)
        now[np.ix_(*(steps(count, step) for count in shape))] = True
        cells = np.argwhere(now & ~seen)
        if len(cells):
            yield step, cells
        seen |= now
        step //= 2


def steps(count: int, step: int) -> Cells:
    """Every step-th of ``count``, and the last."""
    return np.unique(np.append(np.arange(0, count, step), count - 1))


def nearest(count: int, step: int) -> Cells:
    """(count,): the nearest one of `steps` for each."""
    known = steps(count, step)
    found: Cells = known[np.abs(np.arange(count)[:, None] - known).argmin(1)]
    return found


def tiles(cells: Cells, side: int) -> list[Cells]:
    """Neighbours together: cells in tiles of side x side; rows with the same columns are cut up together.

    Examples
    --------
    >>> [len(tile) for tile in tiles(np.argwhere(np.ones((4, 5))), 2)]
    [4, 4, 2, 4, 4, 2]
    """
    alike: dict[bytes, list[int]] = {}
    for row in np.unique(cells[:, 0]).tolist():
        alike.setdefault(cells[cells[:, 0] == row, 1].tobytes(), []).append(row)
    found = []
    for columns, rows in alike.items():
        across = np.frombuffer(columns, cells.dtype)
        for top in range(0, len(rows), side):
            for left in range(0, len(across), side):
                corner = np.meshgrid(rows[top : top + side], across[left : left + side], indexing="ij")
                found.append(np.stack(corner, -1).reshape(-1, 2))
    return found
