"""Many small maps as one picture: a grid of tiles that knows which tile lies where."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ParameterError
from .checks import whole_number
from .render import heat_picture

__all__ = ["Mosaic", "mosaic"]

_GAP_COLOUR = 208  # seen between viridis tiles and mid-grey ones, quiet on a light and on a dark page


@dataclass(frozen=True)
class Mosaic:
    """A grid of equal tiles, filled row by row, with ``gap`` pixels between them and none around.

    Attributes
    ----------
    pixels : numpy.ndarray
        uint8 (H, W, 3).
    count : int
        Number of tiles; the last row may have places left over.
    rows, columns, tile_height, tile_width, gap : int
        The grid, in tiles and in pixels.
    """

    pixels: npt.NDArray[np.uint8]
    count: int
    rows: int
    columns: int
    tile_height: int
    tile_width: int
    gap: int

    @property
    def clear(self) -> npt.NDArray[np.uint8]:
        """The pixels, (H, W, 4) with the places left over clear where there are any: they suit any page."""
        row, column = divmod(self.count, self.columns)
        if row == self.rows:
            return self.pixels
        top, left = row * (self.tile_height + self.gap), column * (self.tile_width + self.gap)
        alpha = np.full((*self.pixels.shape[:2], 1), 255, np.uint8)
        alpha[top : top + self.tile_height, max(left - self.gap, 0) :] = 0
        alpha[top + self.tile_height :] = 0
        if column == 0:
            alpha[max(top - self.gap, 0) :] = 0
        return np.concatenate([self.pixels, alpha], axis=2)

    def at(self, x: float, y: float) -> int | None:
        """The tile under a point, in pixels from the left and top edge; None between tiles and outside."""
        column, in_x = divmod(x, self.tile_width + self.gap)
        row, in_y = divmod(y, self.tile_height + self.gap)
        inside = 0 <= column < self.columns and row >= 0 and in_x < self.tile_width and in_y < self.tile_height
        index = int(row * self.columns + column) if inside else self.count
        return index if index < self.count else None

    def box(self, index: int) -> tuple[int, int, int, int]:
        """Top, left, height and width of a tile, in pixels."""
        if whole_number(index, "index", 0) >= self.count:
            raise ParameterError(f"index must be from 0 to {self.count - 1}, the tiles there are, not {index}.")
        row, column = divmod(index, self.columns)
        top, left = row * (self.tile_height + self.gap), column * (self.tile_width + self.gap)
        return top, left, self.tile_height, self.tile_width


def mosaic(
    maps: npt.ArrayLike,
    columns: int | None = None,
    gap: int = 1,
    shared: bool = True,
    low: float | None = None,
    high: float | None = None,
) -> Mosaic:
    """Maps side by side as one picture.

    Parameters
    ----------
    maps : array_like
        Numbers of shape (N, h, w), drawn in viridis; or finished tiles, uint8 (N, h, w, 3).
    columns : int, optional
        Tiles in a row; as many as make the picture nearly square unless given.
    gap : int
        Light grey pixels between tiles.
    shared : bool
        True: one range for all maps, so that they can be compared; False: each map from its own smallest to
        its largest.
    low, high : float, optional
        The shared range, as in :func:`heat_picture`.

    Returns
    -------
    Mosaic

    Raises
    ------
    ParameterError
        Another shape, or numbers that make no grid.

    Examples
    --------
    >>> import numpy as np
    >>> grid = mosaic(np.zeros((6, 13, 13)), columns=3)
    >>> grid.pixels.shape, grid.at(14, 0), grid.at(13.5, 0), grid.box(4)
    ((27, 41, 3), 1, None, (14, 14, 13, 13))
    """
    tiles = _tiles(np.asarray(maps), shared, low, high)
    count, height, width, _ = tiles.shape
    gap = whole_number(gap, "gap", 0)
    if columns is None:
        columns = min(count, max(1, round(math.sqrt(count * (height + gap) / (width + gap)))))
    columns = whole_number(columns, "columns")
    rows = -(-count // columns)
    cells = np.full((rows * columns, height + gap, width + gap, 3), _GAP_COLOUR, dtype=np.uint8)
    cells[:count, :height, :width] = tiles
    grid = cells.reshape(rows, columns, height + gap, width + gap, 3).swapaxes(1, 2)
    pixels = grid.reshape(rows * (height + gap), columns * (width + gap), 3)
    pixels = np.ascontiguousarray(pixels[: pixels.shape[0] - gap, : pixels.shape[1] - gap])
    return Mosaic(pixels, count, rows, columns, height, width, gap)


def _tiles(maps: np.ndarray[Any, Any], shared: bool, low: float | None, high: float | None) -> npt.NDArray[np.uint8]:
    """The maps as finished tiles, uint8 (N, h, w, 3)."""
    if maps.size == 0:
        raise ParameterError(f"A mosaic needs at least one map with a cell, not the shape {maps.shape}.")
    if maps.ndim == 4 and maps.shape[3] == 3 and maps.dtype == np.uint8:
        return maps
    if maps.ndim != 3:
        raise ParameterError(f"maps must be (N, h, w) numbers or uint8 (N, h, w, 3), not {maps.dtype} {maps.shape}.")
    if shared:
        return heat_picture(maps, low, high)
    if low is not None or high is not None:
        raise ParameterError("A range of its own for each map (shared=False) leaves no room for low and high.")
    return np.stack([heat_picture(one) for one in maps])
