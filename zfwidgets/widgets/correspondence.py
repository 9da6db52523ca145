"""`CorrespondenceViewer`: Fig. 8 and Table 1, hide the same part in different pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as W

from zfwidgets.backend import Request
from zfwidgets.backend.part_requests import CorrespondenceRequest, View, ViewRequest, lend_faces, marks_of
from zfwidgets.data.landmarks import FACE_PARTS
from zfwidgets.errors import ParameterError
from zfwidgets.methods.correspondence.placing import default_size, square_side, telling_layer
from zfwidgets.widgets import controls
from zfwidgets.widgets import part_words as words
from zfwidgets.widgets.curves import CurveFigure
from zfwidgets.widgets.figures import PictureFigure
from zfwidgets.widgets.part_options import MOST_PLACES, POOLS, PartOptions
from zfwidgets.widgets.style import ACCENT, PASSING

if TYPE_CHECKING:
    from zfwidgets.methods import Correspondence

__all__ = ["CorrespondenceViewer"]

_FACES = 6
_MOST_LAYERS = 9
_MOST_CELLS = 600_000
"""Cells of a layer up to which its curve is drawn along: the signs of all pictures are kept at once."""


class CorrespondenceViewer(PartOptions):
    """Hide an eye in several faces: do the features change alike? (Section 4.3, Fig. 8, Table 1.)

    The pictures in a row, each part hidden in all of them; Delta of each part at one layer beside the paper's, and at
    all layers. Faces of the scenes world are there from the start; a click on any picture marks a part of it.

    Parameters
    ----------
    backend : Backend
        The network and its pictures.
    landmarks : mapping, optional
        {key of a picture: {part: (x, y)}}, in pixels of that picture; six frontal faces by default, which are lent to
        the backend.
    **options
        Traits: ``image``, ``part``, ``layer``, ``size``, ``align``, ``pool``, ``places``, ``awake``; and those of
        `ipywidgets.VBox`.

    Examples
    --------
    >>> from zfwidgets.backend import Backend
    >>> with Backend("zfnet-scenes", device="cpu") as backend:
    ...     viewer = CorrespondenceViewer(backend, layer="conv4", places=3)
    ...     done = viewer.wait()
    >>> viewer.result.parts, viewer.result.complete
    (('left eye', 'right eye', 'nose', 'mouth', 'random'), True)
    """

    MAIN = "compare"
    ALSO = ("view",)
    SENTENCE = (
        "Small Delta: hiding this part changes all pictures alike (Zeiler and Fergus, section 4.3, Fig. 8, Table 1)."
    )

    def __init__(self, backend: Any, landmarks: Any = None, **options: Any) -> None:
        given = {} if landmarks is None else {"landmarks": landmarks}
        super().__init__(backend, **given, **options)

    def _defaults(self) -> dict[str, Any]:
        net = self._backend.network
        if net.trace_problem is not None:
            raise ParameterError(f"This network has no features to compare: {net.trace_problem}")
        return super()._defaults() | {"layer": telling_layer(net), "size": default_size(net)}

    def _build(self) -> W.Widget:
        self._compared: Correspondence | None = None
        self._view: View | None = None
        self._placing = False
        self._lend()
        self.observe(lambda _: self._lend(), "awake")
        self._picture = PictureFigure("Picture")
        self._picture.on_click(self._by_hand(self._mark_shown))
        self._strip_of_parts, self._verdict, self._table = W.HTML(), W.HTML(), W.HTML()
        self._bars, self._curves = W.HTML(), CurveFigure("Delta at every layer")
        self.observe(lambda _: self._show_marks(), ["landmarks", "part", "image", "size", "align"])
        self.observe(lambda _: self._show_numbers(), "layer")
        left = W.VBox([self._picture, self._controls()])
        middle = W.VBox([self._strip_of_parts])
        notes = W.VBox([self._verdict, self._table, self._bars, self._curves])
        body = W.Box([left, middle, notes])
        for box, name in zip([*body.children, body], ("zf-side", "zf-maps", "zf-notes", "zf-row"), strict=True):
            box.add_class(name)
        return body

    def _lend(self) -> None:
        """Faces to begin with, for those who look and have brought nothing."""
        if self.awake and "landmarks" not in self._given:
            self._given.add("landmarks")
            self.landmarks = lend_faces(self._backend, _FACES)
            if "image" not in self._given:
                self.image = next(iter(self.landmarks))

    def _controls(self) -> W.VBox:
        net = self._backend.network
        self._image_control = controls.image_choice(self._backend, self.image)
        self._part_control = W.Combobox(
            description="Part",
            style={"description_width": "initial"},
            continuous_update=False,
            tooltip="The part that a click on the picture marks: choose one, or type a new name",
        )
        self._x, self._y = controls.slider("Part x", 0, 1), controls.slider("Part y", 0, 1)
        for slider in (self._x, self._y):
            slider.observe(self._by_hand(lambda _: self._mark_by_sliders()), "value")
        unmark, clear = W.Button(description="Unmark part"), W.Button(description="Unmark picture")
        unmark.tooltip, clear.tooltip = "Take this part off the picture", "Take the picture out of the comparison"
        unmark.on_click(self._by_hand(lambda _: self._unmark(self.part)))
        clear.on_click(self._by_hand(lambda _: self._unmark(None)))
        pair = W.Box([unmark, clear])
        pair.add_class("zf-buttons")
        align = W.ToggleButton(description="Align on parts", tooltip="Cut four eye distances about the parts out")
        return controls.group(
            self._bind(controls.choice("Layer", list(net.menu), self.layer), "layer"),
            self._bind(controls.slider("Occluder size", 1, min(net.input_size)), "size"),
            self._bind(controls.choice("Signs of", POOLS, POOLS[0][1]), "pool", none=str(POOLS[0][1])),
            self._bind(controls.slider("Random places", 1, MOST_PLACES), "places"),
            self._bind(align, "align"),
            self._bind(self._image_control, "image"),
            self._bind(self._part_control, "part"),
            self._x,
            self._y,
            pair,
        )

    # Questions and answers -----------------------------------------------------------------------------------

    def _questions(self) -> dict[str, Request]:
        if not self.awake:
            return {}
        marks = marks_of(self.landmarks)
        compare = CorrespondenceRequest(marks, self.size, self._layers(), self.align, self.pool, self.places)
        return {"view": ViewRequest(self.image), "compare": compare}

    def _layers(self) -> tuple[str, ...]:
        """The chosen layer among some others, from the first to the last: choosing another asks nothing new."""
        net = self._backend.network
        names = [name for name in net.menu if self._worth_a_curve(name)]
        plain = [name for name in names if name.count(".") < 2]
        names = plain if len(plain) > 2 else names
        step = max(-(-len(names) // _MOST_LAYERS), 1)
        chosen = {*names[::-1][::step], self.layer}
        return tuple(dict.fromkeys(name for name in (*net.menu, self.layer) if name in chosen))

    def _worth_a_curve(self, name: str) -> bool:
        layer = self._backend.network.layers[name]
        cells = layer.channels * layer.height * layer.width
        scores = layer.channels == len(self._backend.network.classes)
        return cells <= _MOST_CELLS and not layer.kind.endswith("pool") and not scores

    def _show(self, slot: str, value: Any) -> None:
        if slot == "view":
            self._view = value
            self._picture.show(value.pixels)
            self._show_marks()
        else:
            self._compared = value
            self._progress = value.count / len(value.seen)
            self._strip_of_parts.value = words.strip(value)
            self._show_numbers()

    def _show_numbers(self) -> None:
        d = self._compared
        if d is not None and self.layer in d.layers:
            self._verdict.value = words.verdict(d, self.layer)
            self._table.value = words.table(d, self.layer)
            self._bars.value = words.bars(d, self.layer)
            self._draw_curves(d)

    def _draw_curves(self, d: Correspondence) -> None:
        curves = words.curves(d)
        top = math.ceil(10 * max([0.01, *(float(y) for curve in curves for y in curve.known()[1])])) / 10
        last = max(len(d.layers) - 1, 1)
        self._curves.draw(curves, 0, last, top, cursor=d.layers.index(self.layer), names=d.layers)

    def _show_marks(self) -> None:
        """The squares of the picture's parts, and where the chosen one is."""
        names = dict.fromkeys([*FACE_PARTS, *(part for parts in self.landmarks.values() for part in parts)])
        self._part_control.options = tuple(names)
        parts = dict(self.landmarks.get(self.image, {}))
        if self._view is None or self._answered["view"].image != self.image:
            return
        size, scale = self._view.size, self._view.scale
        side = square_side(self._backend.network, parts, size, self.size, self.align) or min(size) / 10
        boxes = {part: (y - side / 2, x - side / 2, side, side) for part, (x, y) in parts.items()}
        self._picture.boxes(
            [tuple(scale * number for number in box) for box in boxes.values()],  # type: ignore[misc]
            [ACCENT if part == self.part else PASSING for part in boxes],
        )
        self._picture.title("Picture", self.image)
        self._picture.foot(self._foot(parts))
        self._set_sliders(parts.get(self.part), size)

    def _foot(self, parts: Mapping[str, Any]) -> str:
        part = escape(self.part)
        if self.part in parts:
            return f"the orange square hides the {part}; click to move it"
        return f"click where the {part} is" + ("" if parts else ": so the picture joins the comparison")

    # Hands ---------------------------------------------------------------------------------------------------

    def _mark_shown(self, x: float, y: float) -> None:
        """A click on the picture as it is shown; the next part of it that has no place yet comes next."""
        if self._view is None or self._answered["view"].image != self.image:
            return
        width, height = self._view.size
        place = (min(max(x / self._view.scale, 0), width), min(max(y / self._view.scale, 0), height))
        with self._inbox.lock, self.hold_trait_notifications():
            new = self.part not in self.landmarks.get(self.image, {})
            self._mark(place)
            if new:
                left = [part for part in self._part_control.options if part not in self.landmarks[self.image]]
                self.part = left[0] if left else self.part

    def _mark(self, place: tuple[float, float]) -> None:
        parts = {**self.landmarks.get(self.image, {}), self.part: place}
        self.landmarks = {**self.landmarks, self.image: parts}

    def _mark_by_sliders(self) -> None:
        if not self._placing:
            self._mark((float(self._x.value), float(self._y.value)))

    def _set_sliders(self, place: tuple[float, float] | None, size: tuple[int, int]) -> None:
        self._placing = True  # what a program sets is no hand
        try:
            for slider, extent, value in zip((self._x, self._y), size, place or (0, 0), strict=True):
                slider.max, slider.value = extent, round(value)
        finally:
            self._placing = False
        self._lend()
        self.observe(lambda _: self._lend(), "awake")

    def _unmark(self, part: str | None) -> None:
        """Take one part, or all, off the picture."""
        kept = {name: xy for name, xy in self.landmarks.get(self.image, {}).items() if part not in (None, name)}
        others = {key: parts for key, parts in self.landmarks.items() if key != self.image}
        self.landmarks = others | ({self.image: kept} if kept else {})

    def _facts(self) -> str:
        d = self._compared
        if d is None:
            return ""
        pictures = f"{len(d.seen)} pictures" if d.complete else f"{d.count} of {len(d.seen)} pictures"
        return f"{pictures} &middot; {len(d.places)} squares of {d.size} pixels in each"

    @property
    def result(self) -> Correspondence | None:
        """The comparison that is shown; it may be partial, see its `complete`."""
        return self._compared
