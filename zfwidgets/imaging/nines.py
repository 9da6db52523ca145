"""Fig. 2: the nine projections of a feature map beside their nine patches, and many such pairs as a sheet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from ..errors import ParameterError
from .checks import whole_number
from .mosaic import Mosaic, mosaic
from .render import enlarge

__all__ = ["PAPER", "beside", "square", "titled_sheet"]

Pixels = npt.NDArray[np.uint8]

_GAP_COLOUR = 208
PAPER, _INK, _SOFT = 255, (34, 34, 34), (96, 96, 96)
_LINE = 20
"""Pixels of a line of text on a sheet."""
_SPACE = 14
"""Pixels between the pairs of a sheet, and around it."""


def square(pictures: Sequence[Pixels], places: int, side: int | None = None) -> Mosaic:
    """Equally large pictures in as square a grid as the number of places allows: 3 x 3 for nine.

    Parameters
    ----------
    pictures : sequence of numpy.ndarray
        uint8 (h, w, 3), at most as many as there are places.
    places : int
        Places of the grid; those left over are light grey, and clear in `Mosaic.clear`.
    side : int, optional
        What the longer side of each picture shall come close to, in pixels: a smaller one is enlarged by a whole
        factor, its pixels crisp; a larger one is made smaller.

    Examples
    --------
    >>> import numpy as np
    >>> small = [np.zeros((7, 7, 3), np.uint8)] * 5
    >>> square(small, 9).pixels.shape, square(small, 9, side=64).pixels.shape
    ((23, 23, 3), (191, 191, 3))
    """
    whole_number(places, "places")
    if not 0 < len(pictures) <= places:
        raise ParameterError(f"A square of {places} places takes 1 to {places} pictures, not {len(pictures)}.")
    tiles = np.stack(pictures if side is None else [_resized(picture, side) for picture in pictures])
    blank = np.full((places - len(tiles), *tiles.shape[1:]), _GAP_COLOUR, np.uint8)
    grid = mosaic(np.concatenate([tiles, blank]), columns=math.ceil(math.sqrt(places)))
    return replace(grid, count=len(tiles))


def beside(left: Pixels, right: Pixels, gap: int = 4) -> Pixels:
    """Two equally high pictures next to each other, uint8 (H, W, 3); with clear places (H, W, 4).

    Examples
    --------
    >>> import numpy as np
    >>> beside(np.zeros((8, 8, 3), np.uint8), np.zeros((8, 6, 3), np.uint8)).shape
    (8, 18, 3)
    """
    between = np.full((len(left), gap, left.shape[2]), _GAP_COLOUR, np.uint8)
    between[..., 3:] = 0
    return np.concatenate([left, between, right], axis=1)


def titled_sheet(title: str, note: str, pairs: Sequence[tuple[str, Pixels | None]], columns: int) -> Pixels:
    """Captioned pictures in rows below a title, dark on white, as a figure for print.

    Parameters
    ----------
    title, note : str
        What it shows, and where from.
    pairs : sequence of (str, numpy.ndarray or None)
        Captions with their pictures, uint8 (h, w, 3); None where there is nothing to show.
    columns : int
        Pictures in a row.

    Returns
    -------
    numpy.ndarray
        uint8 (H, W, 3).

    Examples
    --------
    >>> import numpy as np
    >>> titled_sheet("conv1", "nine each", [("#0", np.zeros((40, 90, 3), np.uint8)), ("#1", None)], columns=2).shape
    (134, 260, 3)
    """
    shapes = [picture.shape for _, picture in pairs if picture is not None] or [(40, 90, 3)]
    height, width = max(shape[0] for shape in shapes), max(shape[1] for shape in shapes)
    rows = -(-len(pairs) // whole_number(columns, "columns"))
    words = (_font(size).getlength(text) for size, text in ((16, title), (12, note)))
    across = max(min(columns, len(pairs)) * (width + _SPACE) + _SPACE, 260, math.ceil(max(words)) + 2 * _SPACE)
    top = _SPACE + 2 * _LINE + 6
    page = Image.new("RGB", (across, top + rows * (height + _LINE + _SPACE)), (PAPER,) * 3)
    pen = ImageDraw.Draw(page)
    pen.text((_SPACE, _SPACE - 2), title, fill=_INK, font=_font(16))
    pen.text((_SPACE, _SPACE + _LINE + 2), note, fill=_SOFT, font=_font(12))
    for place, (caption, picture) in enumerate(pairs):
        row, column = divmod(place, columns)
        left, upper = _SPACE + column * (width + _SPACE), top + row * (height + _LINE + _SPACE)
        pen.text((left, upper), caption, fill=_INK, font=_font(12))
        if picture is None:
            pen.rectangle(
                (left, upper + _LINE, left + width - 1, upper + _LINE + height - 1), outline=(_GAP_COLOUR,) * 3
            )
        else:
            page.paste(Image.fromarray(picture), (left, upper + _LINE))
    return np.asarray(page).copy()


def _resized(picture: Pixels, side: int) -> Pixels:
    longest = max(picture.shape[:2])
    if longest <= side:
        return enlarge(picture, side)
    height, width = (max(1, round(extent * side / longest)) for extent in picture.shape[:2])
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS))


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
