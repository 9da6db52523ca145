"""Figures that only show: a picture with boxes, told what to draw and telling where it was touched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import bqplot as bq
import ipywidgets as W
import numpy as np
from numpy.typing import NDArray

from zfwidgets.imaging import to_jpeg, to_png
from zfwidgets.widgets.parts.first_sight import WatchedImage
from zfwidgets.widgets.parts.style import ACCENT

__all__ = ["Box", "Panel", "PictureFigure"]

SIDE = 288
"""Screen pixels of every panel: three times 96, and nine times the 32 of a tiny network."""
_MOST_EXACT = 200_000
"""Pixels up to which a picture goes as PNG; beyond, JPEG is a tenth of the time and of the bytes."""
_MOST_CELLS = 24
"""Places per axis that notice the mouse: each is an element of the page."""
_LARGE = 4
"""Screen pixels of a pixel from which nobody sees that some have one more: so pictures of a row share one size."""
_CLEAR = "rgba(0,0,0,0)"
_NOTHING = to_png(np.zeros((1, 1, 4), np.uint8))
"""A clear pixel: an image of a page is never hidden, because that it is no longer may be missed."""

Box = tuple[float, float, float, float]
"""Top, left, height, width."""
Pixels = NDArray[np.uint8]


class Panel(W.VBox):
    """Something to be seen, its title above and its legend below.

    Parameters
    ----------
    title : str
        What it shows, as text.
    body : ipywidgets.Widget
        What is to be seen.
    """

    def __init__(self, title: str, body: W.Widget) -> None:
        self._title, self._foot = W.HTML(), W.HTML()
        super().__init__([self._title, body, self._foot])
        self.add_class("zf-panel")
        self.title(title)
        self.foot("")

    def title(self, text: str, small: str = "") -> None:
        """Say what is shown."""
        words = f"{escape(text)} <small>{escape(small)}</small>"
        self._title.value = f'<div class="zf-title" title="{escape(f"{text} {small}")}">{words}</div>'

    def foot(self, html: str) -> None:
        """What stands under the picture: a colour bar, a legend; HTML."""
        self._foot.value = f'<div class="zf-foot">{html}</div>'


class PictureFigure(Panel):
    """A titled panel with one picture in it, small ones enlarged with crisp pixels, never stretched.

    Coordinates are pixels of the picture that was shown last, from its top left corner.

    Parameters
    ----------
    title : str
        What it shows, as text.
    draggable : bool
        Whether it has an occluder that follows the mouse.
    hover : bool
        Whether it notices over which cell the mouse is.
    height : int
        Of the panel, in screen pixels.
    """

    def __init__(self, title: str = "", draggable: bool = False, hover: bool = False, height: int = SIDE) -> None:
        self._room = (height, SIDE)
        self._x, self._y = bq.LinearScale(min=0, max=1), bq.LinearScale(min=0, max=1, reverse=True)
        # The mark does not redraw when the value of its image changes: the hidden one is written, then shown.
        self._images = [W.Image(format="png", value=_NOTHING), W.Image(format="png", value=_NOTHING)]
        self._shown = b""
        scales = {"x": self._x, "y": self._y}
        self._mark = WatchedImage(image=self._images[0], scales=scales, x=[0, 1], y=[1, 0])
        self._lines = bq.Lines(x=[0, 1], y=[0, 1], scales=scales, stroke_width=2, colors=[ACCENT], visible=False)
        marks = [self._mark, self._lines]
        self._cells = self._cell_layer() if hover else None
        if self._cells is not None:
            marks.append(self._cells)
        self.brush = bq.interacts.BrushSelector(x_scale=self._x, y_scale=self._y, marks=[]) if draggable else None
        self.figure = self._figure(marks)
        self.size = (1, 1)
        super().__init__(title, self.figure)

    def _figure(self, marks: list[bq.Mark]) -> bq.Figure:
        interaction = {} if self.brush is None else {"interaction": self.brush}
        return bq.Figure(
            marks=marks,
            scale_x=self._x,
            scale_y=self._y,
            padding_x=0,
            padding_y=0,
            fig_margin={"top": 0, "bottom": 0, "left": 0, "right": 0},
            min_aspect_ratio=SIDE / self._room[0],
            max_aspect_ratio=SIDE / self._room[0],
            animation_duration=0,
            display_toolbar=False,
            layout=W.Layout(width=f"{SIDE}px", height=f"{self._room[0]}px", min_width=f"{SIDE}px", overflow="hidden"),
            **interaction,
        )

    def _cell_layer(self) -> bq.GridHeatMap:
        return bq.GridHeatMap(
            color=np.zeros((2, 2)),
            row=np.array([0.0, 1.0]),
            column=np.array([0.0, 1.0]),
            scales={
                "row": self._y,
                "column": self._x,
                "color": bq.ColorScale(colors=[_CLEAR, _CLEAR], min=0, max=1),
            },
            stroke=_CLEAR,
            opacity=0.2,
            visible=False,
        )

    def show(self, pixels: Pixels) -> None:
        """Show a picture, uint8 (H, W, 3) or, with clear places, (H, W, 4)."""
        height, width = pixels.shape[:2]
        exact = height * width <= _MOST_EXACT
        data = to_png(pixels) if exact else to_jpeg(pixels[..., :3])
        if (height, width) != self.size:
            self._fit(height, width)
        if data == self._shown:
            return
        self._shown = data
        self._draw(data, "png" if exact else "jpeg")
        self._mark.tell_again(lambda: self._again(data))

    def blank(self) -> None:
        """Show nothing."""
        if not self.empty:
            self._shown = b""
            self._draw(_NOTHING, "png")

    @property
    def empty(self) -> bool:
        """Whether nothing is shown."""
        return not self._shown

    def _draw(self, data: bytes, kind: str) -> None:
        hidden = self._images[1] if self._mark.image is self._images[0] else self._images[0]
        with hidden.hold_sync():
            hidden.format, hidden.value = kind, data
        self._mark.image = hidden

    def _again(self, data: bytes) -> None:
        """Tell a page once more what it may have missed."""
        if self._shown is not data:
            return
        self._draw(data, self._mark.image.format)
        for mark in (self._lines, self._cells):
            if mark is not None and mark.visible:
                mark.visible = False  # a change that the page notices
                mark.visible = True

    def boxes(self, boxes: Sequence[Box], colour: str | Sequence[str] = ACCENT) -> None:
        """Draw rectangles, in one colour or each in its own; none at all hides them."""
        with self._lines.hold_sync():
            if boxes:
                self._lines.x = np.array([[b[1], b[1] + b[3], b[1] + b[3], b[1], b[1]] for b in boxes])
                self._lines.y = np.array([[b[0], b[0], b[0] + b[2], b[0] + b[2], b[0]] for b in boxes])
                self._lines.colors = [colour] * len(boxes) if isinstance(colour, str) else list(colour)
            self._lines.visible = bool(boxes)

    def cells(self, rows: NDArray[Any], columns: NDArray[Any]) -> None:
        """Notice the mouse at these centres, thinned out where they are many."""
        if self._cells is None:
            return
        rows, columns = (axis[:: -(-len(axis) // _MOST_CELLS)].astype(float) for axis in (rows, columns))
        same = np.array_equal(self._cells.row, rows) and np.array_equal(self._cells.column, columns)
        if same or min(len(rows), len(columns)) < 2:
            return
        with self._cells.hold_sync():
            self._cells.color = np.zeros((len(rows), len(columns)))
            self._cells.row, self._cells.column = rows, columns
            self._cells.visible = True

    def on_click(self, callback: Callable[[float, float], None]) -> None:
        """Be told (x, y) of a click."""
        self._mark.on_element_click(lambda _, event: callback(event["data"]["click_x"], event["data"]["click_y"]))
        if self._cells is not None:
            self._cells.on_element_click(lambda _, event: callback(*_centre(event)))

    def on_hover(self, callback: Callable[[float, float], None]) -> None:
        """Be told (x, y), the centre of the cell under the mouse."""
        if self._cells is not None:
            self._cells.on_hover(lambda _, event: callback(*_centre(event)))

    def on_drag(self, callback: Callable[[float, float], None]) -> None:
        """Be told (left, top) of the occluder while it is dragged."""

        def moved(change: dict[str, Any]) -> None:
            corners = change["new"]
            if self.brush is not None and corners is not None and self.brush.brushing:
                callback(float(corners[0][0]), float(corners[0][1]))

        if self.brush is not None:
            self.brush.observe(moved, "selected")

    def place(self, left: float, top: float, size: float) -> None:
        """Put the occluder somewhere, unless a hand is on it."""
        if self.brush is None or self.brush.brushing:
            return
        corners = np.array([[left, top], [left + size, top + size]], float)
        if self.brush.selected is None or not np.array_equal(self.brush.selected, corners):
            self.brush.selected = corners

    def _fit(self, height: int, width: int) -> None:
        """From the corner below the title: by a whole factor, or to the panel's size where pixels are large enough."""
        factor = min(self._room[0] / height, self._room[1] / width)
        factor = float(factor // 1) if 1 <= factor < _LARGE else factor
        for scale, room in ((self._x, self._room[1]), (self._y, self._room[0])):
            with scale.hold_sync():
                scale.min, scale.max = 0.0, room / factor
        with self._mark.hold_sync():
            self._mark.x, self._mark.y = [0, width], [height, 0]
            self._mark.pixelated = factor >= 1
        self.size = (height, width)


def _centre(event: dict[str, Any]) -> tuple[float, float]:
    return float(event["data"]["column"]), float(event["data"]["row"])
