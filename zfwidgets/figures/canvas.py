"""Paper to draw on: charts by matplotlib, without a window, and tables and rows of pictures below each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zfwidgets.figures.result import Pixels, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["COLOURS", "GREY", "charts", "drawn", "legend", "stacked", "table_picture"]

COLOURS = ("#2f7fc1", "#e69f00", "#009e73", "#c0589b", "#a6761d")
"""Told apart by colour-blind people, and in grey."""
GREY = "#8a8a8a"

WIDTH = 900
"""Pixels of every figure: on a phone, less than half of them, its letters can still be read."""
_DPI = 150
_SIZE = 9
_STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": _SIZE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#888888",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.7,
    "lines.linewidth": 1.6,
    "lines.markersize": 4,
    "axes.prop_cycle": None,
}


def charts(rows: int, columns: int, height: float, **options: Any) -> tuple[Figure, list[list[Axes]]]:
    """Empty charts in a grid.

    Parameters
    ----------
    rows, columns : int
    height : float
        Of the whole, as a share of its width.
    **options
        Of matplotlib's ``Figure.subplots``.

    Examples
    --------
    >>> figure, axes = charts(1, 2, height=0.4)
    >>> len(axes[0]), drawn(figure).shape
    (2, (360, 900, 3))
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_style()):
        side = WIDTH / _DPI
        figure = Figure(figsize=(side, side * height), dpi=_DPI, layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, axes.tolist()


def drawn(figure: Figure) -> Pixels:
    """A figure's pixels, uint8 (H, W, 3)."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    with matplotlib.rc_context(_style()):
        for axis in figure.axes:
            for words in (axis.title, axis.xaxis.label, axis.yaxis.label):
                words.set_fontsize(_SIZE)
        canvas: Any = FigureCanvasAgg(figure)
        canvas.draw()
    return np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[..., :3])


def legend(axis: Axes, columns: int = 2, below: float = 0.2) -> None:
    """The names of the curves below a chart, where they hide nothing.

    Parameters
    ----------
    axis : Axes
    columns : int
    below : float
        How far below the chart, as a share of its height.
    """
    axis.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, -below),
        ncols=columns,
        frameon=False,
        fontsize=8,
        handlelength=1.6,
        columnspacing=1.2,
    )


def stacked(*pictures: Pixels, gap: int = 18) -> Pixels:
    """Pictures below each other on white, centred, as wide as a figure, or made smaller to be so.

    Examples
    --------
    >>> stacked(np.zeros((10, 1800, 3), np.uint8), np.zeros((10, 900, 3), np.uint8), gap=5).shape
    (20, 900, 3)
    """
    fitted = [_fitted(picture) for picture in pictures]
    page = np.full((sum(map(len, fitted)) + gap * (len(fitted) - 1), WIDTH, 3), 255, np.uint8)
    top = 0
    for picture in fitted:
        left = (WIDTH - picture.shape[1]) // 2
        page[top : top + len(picture), left : left + picture.shape[1]] = picture
        top += len(picture) + gap
    return page


def table_picture(table: Table) -> Pixels:
    """A table as a picture: the first column to the left, numbers to the right.

    Examples
    --------
    >>> table_picture(Table(("layer", "%"), (("conv1", "44.8"),))).shape
    (124, 900, 3)
    """
    from PIL import Image, ImageDraw, ImageFont

    lines = [table.head, *table.rows]
    size = 21
    while True:
        font = ImageFont.load_default(size)
        widths = [max(font.getlength(cell) for cell in column) for column in zip(*lines, strict=True)]
        space = (WIDTH - 2 * _MARGIN - sum(widths)) / max(len(widths) - 1, 1)
        if space >= size or size <= _SMALLEST:
            break
        size -= 1
    space = min(space, 6 * size)
    step = round(size * 1.9)
    page = Image.new("RGB", (WIDTH, 2 * _MARGIN + step * len(lines)), "white")
    pen = ImageDraw.Draw(page)
    for row, cells in enumerate(lines):
        left, upper = float(_MARGIN), _MARGIN + row * step
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True)):
            indent = 0 if column == 0 else width - font.getlength(cell)
            pen.text((left + indent, upper + size * 0.4), cell, fill="#555555" if row == 0 else "#1c1c1c", font=font)
            left += width + space
        rule = "#888888" if row == 0 else "#e0e0e0"
        pen.line((_MARGIN, upper + step - 1, WIDTH - _MARGIN, upper + step - 1), fill=rule)
    return np.asarray(page).copy()


_MARGIN, _SMALLEST = 22, 13


def _fitted(picture: Pixels) -> Pixels:
    from PIL import Image

    height, width = picture.shape[:2]
    if width <= WIDTH:
        return picture
    small = Image.fromarray(picture).resize((WIDTH, max(1, round(height * WIDTH / width))), Image.Resampling.LANCZOS)
    return np.asarray(small)


def _style() -> Any:
    from cycler import cycler

    return {**_STYLE, "axes.prop_cycle": cycler(color=COLOURS)}
