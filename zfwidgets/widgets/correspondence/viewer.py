"""`CorrespondenceViewer`: Fig. 8 and Table 1, hide the same part in different pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as W

from zfwidgets.backend import Backend, Request
from zfwidgets.backend.part_requests import CorrespondenceRequest, View, ViewRequest, lend_faces, marks_of
from zfwidgets.data.landmarks import FACE_PARTS
from zfwidgets.methods.correspondence.placing import default_size, square_side, telling_layer
from zfwidgets.widgets.correspondence import words
from zfwidgets.widgets.correspondence.beside import PartBeside, worth_a_curve
from zfwidgets.widgets.correspondence.options import MOST_PLACES, POOLS, PartOptions
from zfwidgets.widgets.parts import controls
from zfwidgets.widgets.parts.curves import CurveFigure
from zfwidgets.widgets.parts.figures import PictureFigure
from zfwidgets.widgets.parts.style import ACCENT, PASSING
from zfwidgets.widgets.viewer.pair import FIRST, SECOND

if TYPE_CHECKING:
    from zfwidgets.methods import Correspondence

__all__ = ["CorrespondenceViewer"]

_FACES = 6
_MOST_LAYERS = 9


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
    other : Backend, optional
        A second network, from which the same parts of the same pictures are hidden: its Delta, its curves at layers of
        the same name or depth, and whether the two are told apart. What is shown hidden is the first network's.
    **options
        Traits: ``image``, ``part``, ``layer``, ``size``, ``align``, ``pool``, ``places``, ``awake``; and those of
        `ipywidgets.VBox`.

    Examples
    --------
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

    def __init__(self, backend: Backend, landmarks: Any = None, other: Backend | None = None, **options: Any) -> None:
        given = {} if landmarks is None else {"landmarks": landmarks}
        super().__init__(backend, other, **given, **options)

    def _defaults(self) -> dict[str, Any]:
        net = self._backend.network
        return super()._defaults() | {"layer": telling_layer(net), "size": default_size(net)}

    def _build(self) -> W.Widget:
        self._compared: Correspondence | None = None
        self._beside: PartBeside | None = None
        if self._other is not None:
            self._beside = PartBeside(self._backend.network, self._other.network, self._names)
        self._view: View | None = None
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
        about = [] if self._beside is None else [self._beside.about]
        notes = W.VBox([self._verdict, *about, self._table, self._bars, self._curves])
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

    def _questions_to(self, which: int) -> dict[str, Request]:
        if not self.awake:
            return {}
        if which == SECOND and self._beside is not None:
            return self._beside.questions(self, self._layers())
        marks = marks_of(self.landmarks)
        compare = CorrespondenceRequest(marks, self.size, self._layers(), self.align, self.pool, self.places)
        return {"view": ViewRequest(self.image), "compare": compare}

    def _of_both(self) -> tuple[str, ...]:
        return tuple(key for key, _ in marks_of(self.landmarks))

    def _layers(self) -> tuple[str, ...]:
        """The chosen layer among some others, from the first to the last: choosing another asks nothing new."""
        net = self._backend.network
        names = [name for name in net.menu if worth_a_curve(net, name)]
        plain = [name for name in names if name.count(".") < 2]
        names = plain if len(plain) > 2 else names
        step = max(-(-len(names) // _MOST_LAYERS), 1)
        chosen = {*names[::-1][::step], self.layer}
        return tuple(dict.fromkeys(name for name in (*net.menu, self.layer) if name in chosen))

    def _show_of(self, which: int, slot: str, value: Any) -> None:
        if slot == "view":
            self._view = value
            self._picture.show(value.pixels)
            self._show_marks()
            return
        self._tell_share(which, value.count / len(value.seen))
        if which == SECOND and self._beside is not None:
            self._beside.compared = value
        else:
            self._compared = value
            self._strip_of_parts.value = words.strip(value)
        self._show_numbers()

    def _show_numbers(self) -> None:
        d, second = self._compared, None
        if d is None or self.layer not in d.layers:
            return
        if self._beside is not None:
            asked = self._answered_by(FIRST, "compare"), self._answered_by(SECOND, "compare")
            second = self._beside.second(*asked, self, d.layers)
            self._beside.tell(self)
        self._verdict.value = words.verdict(d, self.layer, second)
        self._table.value = words.table(d, self.layer, second)
        self._bars.value = words.bars(d, self.layer, second)
        self._draw_curves(d, second)

    def _draw_curves(self, d: Correspondence, second: words.Second | None) -> None:
        curves = words.curves(d, second)
        top = math.ceil(10 * max([0.01, *(float(y) for curve in curves for y in curve.known()[1])])) / 10
        last = max(len(d.layers) - 1, 1)
        self._curves.draw(curves, 0, last, top, cursor=d.layers.index(self.layer), names=d.layers)
        if second is not None:
            self._curves.foot(words.curve_foot(second))

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
        if not self._offering.under_way:
            self._mark((float(self._x.value), float(self._y.value)))

    def _set_sliders(self, place: tuple[float, float] | None, size: tuple[int, int]) -> None:
        with self._offering:
            for slider, extent, value in zip((self._x, self._y), size, place or (0, 0), strict=True):
                slider.max, slider.value = extent, round(value)

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
