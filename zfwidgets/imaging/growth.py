"""Fig. 4: cells of one size, whatever a unit sees, put together as blocks, with a mark where the exemplar jumps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from .encode import to_png
from .mosaic import Mosaic, mosaic
from .nines import PAPER, titled_sheet

__all__ = ["CELL", "GrowthPart", "block_picture", "cell_picture", "growth_sheet", "hatched", "marked", "rows_picture"]

Pixels = npt.NDArray[np.uint8]

CELL = 70
"""Pixels of a cell: four of them and the gaps between fill a panel of 288."""
_GAP = 2
_DARK, _PALE, _GREY = 150, 200, 208
_MARK = 12
"""Pixels of the corner that marks a jump."""


def cell_picture(pixels: Pixels) -> Pixels:
    """A picture of any size as a cell, in proportion and centred on light grey.

    Pixels of a small one stay squares with edges softened by less than one screen pixel.

    Parameters
    ----------
    pixels : numpy.ndarray
        uint8 (h, w, 3).

    Returns
    -------
    numpy.ndarray
        uint8 (CELL, CELL, 3).

    Examples
    --------
    >>> cell_picture(np.zeros((7, 5, 3), np.uint8)).shape
    (70, 70, 3)
    """
    height, width = pixels.shape[:2]
    factor = max(1, -(-2 * CELL // max(height, width)))
    large = pixels.repeat(factor, axis=0).repeat(factor, axis=1)
    shown = [max(1, round(extent * CELL / max(height, width))) for extent in (height, width)]
    scaled = np.asarray(Image.fromarray(large).resize((shown[1], shown[0]), Image.Resampling.BOX))
    cell = np.full((CELL, CELL, 3), _GREY, np.uint8)
    top, left = ((CELL - extent) // 2 for extent in shown)
    cell[top : top + shown[0], left : left + shown[1]] = scaled
    return cell


def hatched() -> Pixels:
    """The cell of a dead map: thin strokes, so that nobody takes it for a picture.

    Examples
    --------
    >>> len(np.unique(hatched()))
    2
    """
    rows, columns = np.indices((CELL, CELL))
    strokes = (rows + columns) % 9 == 0
    return np.where(strokes, _DARK, _PALE).astype(np.uint8)[..., None].repeat(3, axis=2)


def marked(cell: Pixels) -> Pixels:
    """A cell whose exemplar has just become another: with a white corner that has a dark edge.

    Examples
    --------
    >>> marked(hatched())[0, :15, 0]
    array([255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,  30,
            30,  30], dtype=uint8)
    """
    distance = np.indices(cell.shape[:2]).sum(0)
    found = cell.copy()
    found[distance < _MARK + 3] = 30
    found[distance < _MARK] = 255
    return found


def block_picture(cells: Sequence[Pixels], jumps: Sequence[bool], columns: int | None = None) -> Mosaic:
    """Cells as one picture, those whose exemplar has just become another with a mark.

    Parameters
    ----------
    cells : sequence of numpy.ndarray
        uint8 (CELL, CELL, 3).
    jumps : sequence of bool
        One for each.
    columns : int, optional
        As in `mosaic`.

    Examples
    --------
    >>> block_picture([hatched()] * 16, [False] * 16).pixels.shape
    (286, 286, 3)
    """
    shown = [marked(cell) if jump else cell for cell, jump in zip(cells, jumps, strict=True)]
    return mosaic(np.stack(shown), columns, _GAP)


def rows_picture(rows: Sequence[Sequence[Pixels | None]]) -> Pixels:
    """Cells in rows of equal length, for example a map in each and an epoch in each column.

    Parameters
    ----------
    rows : sequence of sequences of numpy.ndarray
        uint8 (CELL, CELL, 3); None is left clear, or light grey where alpha is not looked at.

    Returns
    -------
    numpy.ndarray
        uint8 (H, W, 3), or with alpha (H, W, 4) where there is a None.

    Examples
    --------
    >>> rows_picture([[hatched()]] * 2).shape, rows_picture([[hatched(), None]] * 2).shape
    ((142, 70, 3), (142, 142, 4))
    """
    cells = [cell for row in rows for cell in row]
    pixels, there = (
        mosaic(np.stack(tiles), columns=len(rows[0]), gap=_GAP).pixels
        for tiles in ([_none() if cell is None else cell for cell in cells], [_mask(cell is None) for cell in cells])
    )
    opaque = np.where(there[..., :1] > 0, 255, 0).astype(np.uint8)
    return pixels if opaque.all() else np.concatenate([pixels, opaque], axis=2)


class GrowthPart(NamedTuple):
    """What `growth_sheet` shows of one network.

    Attributes
    ----------
    title, note : str
        What it shows, and where from.
    blocks : sequence of (str, rows of cells)
        uint8 (CELL, CELL, 3), None where there is nothing.
    """

    title: str
    note: str
    blocks: Sequence[tuple[str, Sequence[Sequence[Pixels | None]]]]


def growth_sheet(parts: Sequence[GrowthPart]) -> bytes:
    """Fig. 4 for print, as PNG: a block for each layer, maps below each other, epochs beside each other.

    Parameters
    ----------
    parts : sequence of GrowthPart
        One, or some beside each other.

    Examples
    --------
    >>> growth_sheet([GrowthPart("a", "b", [("conv1", [[hatched(), None]])])])[:4]
    b'\x89PNG'
    """
    pages = []
    for title, note, blocks in parts:
        drawn: list[tuple[str, Pixels | None]] = [(name, rows_picture(rows)[..., :3]) for name, rows in blocks]
        pages.append(titled_sheet(title, note, drawn, columns=2))
    height = max(len(page) for page in pages)
    below = [((0, height - len(page)), (0, 0), (0, 0)) for page in pages]
    level = [np.pad(page, more, constant_values=PAPER) for page, more in zip(pages, below, strict=True)]
    return to_png(np.concatenate(level, axis=1))


def _none() -> Pixels:
    return np.full((CELL, CELL, 3), _GREY, np.uint8)


def _mask(clear: bool) -> Pixels:
    return np.full((CELL, CELL, 3), 0 if clear else 255, np.uint8)
