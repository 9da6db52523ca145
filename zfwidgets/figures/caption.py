"""A picture that speaks for itself: title and claim above it, our numbers and verdicts below."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from zfwidgets.figures.canvas import WIDTH, stacked
from zfwidgets.figures.result import PaperFigure, Pixels

__all__ = ["VERDICT_COLOURS", "captioned"]

VERDICT_COLOURS = {True: "#00785a", False: "#b2451a", None: "#6b6b6b"}
"""Beside a word that says the same; each 4.5 : 1 on white."""

_MARGIN, _GAP = 22, 10
_TITLE, _TEXT, _LEAD = 26, 19, 1.35


def captioned(figure: PaperFigure) -> Pixels:
    """A figure with its words, for documents that show pictures alone.

    Returns
    -------
    ndarray
        uint8 (H, W, 3), as wide as the figure.

    Examples
    --------
    >>> from zfwidgets.figures.result import Claim
    >>> white = np.full((2, 900, 3), 255, np.uint8)
    >>> made = PaperFigure("Fig. 0", "All is white.", "One picture.", (Claim("all", "255 of 255", True),), white)
    >>> captioned(made).shape
    (185, 900, 3)
    """
    above = _words([(figure.title, _TITLE, "#1c1c1c"), (f"Paper: {figure.paper}", _TEXT, "#555555")])
    verdicts = [(str(claim), _TEXT, VERDICT_COLOURS[claim.agrees]) for claim in figure.claims]
    below = _words([(f"Here: {figure.ours}", _TEXT, "#555555"), *verdicts])
    return stacked(above, figure.picture, below, gap=_GAP)


def _words(paragraphs: list[tuple[str, int, str]]) -> Pixels:
    """Paragraphs of text below each other, each with its size and colour."""
    lines: list[tuple[str, int, str, int]] = []
    top = _GAP
    for text, size, colour in paragraphs:
        for line in _wrapped(text, size):
            lines.append((line, size, colour, top))
            top += round(size * _LEAD)
        top += _GAP // 2
    page = Image.new("RGB", (WIDTH, top + _GAP // 2), "white")
    pen = ImageDraw.Draw(page)
    for line, size, colour, upper in lines:
        pen.text((_MARGIN, upper), line, fill=colour, font=_font(size))
    return np.asarray(page).copy()


def _wrapped(text: str, size: int) -> list[str]:
    font, room = _font(size), WIDTH - 2 * _MARGIN
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
