"""`OcclusionViewer`: Fig. 7, live."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import ipywidgets as W
import numpy as np

from zfwidgets.backend import (
    OccludedRequest,
    ProjectionRequest,
    RefinedRequest,
    Request,
    Scores,
    ScoresRequest,
    default_square,
)
from zfwidgets.errors import RefusedError
from zfwidgets.methods import FILLS
from zfwidgets.widgets.occlusion import words
from zfwidgets.widgets.occlusion.beside import OcclusionBeside
from zfwidgets.widgets.occlusion.maps import OcclusionMaps
from zfwidgets.widgets.occlusion.options import PRECISIONS, OcclusionOptions, layers_with_places, sweep_of
from zfwidgets.widgets.parts import controls
from zfwidgets.widgets.parts.figures import PictureFigure
from zfwidgets.widgets.parts.score_bars import score_bars
from zfwidgets.widgets.parts.style import PASSING
from zfwidgets.widgets.viewer.pair import FIRST, SECOND

if TYPE_CHECKING:
    from zfwidgets.methods import OcclusionMap

__all__ = ["OcclusionViewer"]

_STRONGEST, _NONE = "strongest", "none"


class OcclusionViewer(OcclusionOptions):
    """Hide one square of the picture after the other and watch the network (section 4.2, Fig. 7).

    One sweep answers every panel: class, channel and colours never start a new one. The square on the picture can
    be dragged, or moved by *Row* and *Column*; the bars follow.

    Parameters
    ----------
    backend : Backend
        The network and its pictures.
    other : Backend, optional
        A second network: the same square over the same picture, its maps beside those of the first, and what one
        loses that the other keeps (see `map_difference`).
    **options
        Traits: ``image``, ``size``, ``stride``, ``fill``, ``target``, ``layer``, ``channel``, ``precision``,
        ``refine``, ``row``, ``column``, ``opacity``, ``rescaled``, ``confirm_above``; and those of `ipywidgets.VBox`.

    Examples
    --------
    >>> from zfwidgets.backend import Backend
    >>> with Backend("zfnet-scenes", device="cpu") as backend:
    ...     viewer = OcclusionViewer(backend, size=32, stride=16)
    ...     done = viewer.wait()
    >>> viewer.result.probability().shape, viewer.state
    ((5, 5), 'ready')
    """

    MAIN = "sweep"
    SENTENCE = "Dark in the first map: hiding this place hurts (Zeiler and Fergus, section 4.2, Fig. 7)."

    def _defaults(self) -> dict[str, Any]:
        net = self._backend.network
        side = min(net.input_size)
        layer = net.default_layer if layers_with_places(net) else None
        small = dict(zip(("size", "stride"), default_square(net), strict=True))
        middle = {"row": side // 2 - side // 8, "column": side // 2 - side // 8}
        return super()._defaults() | {"layer": layer} | small | middle

    def _build(self) -> W.Widget:
        self._map: OcclusionMap | None = None
        self._clean: Scores | None = None
        self._square: Scores | None = None
        # Until a hand or a program has placed the square, it goes where hiding hurts most.
        self._free = not {"row", "column"} & self._given
        self._picture = PictureFigure("Picture", draggable=True)
        self._picture.foot("drag the square, click, or use Row and Column")
        self._picture.on_drag(self._by_hand(lambda left, top: self._move(top, left)))
        self._picture.on_click(self._by_hand(lambda x, y: self._move(y - self.size / 2, x - self.size / 2)))
        hands = self._by_hand(self._touch), self._by_hand(self._look)
        self._maps = OcclusionMaps(*hands, "" if self._other is None else self._names[FIRST])
        self._beside: OcclusionBeside | None = None
        if self._other is not None:
            self._beside = OcclusionBeside(self._backend, self._other, self._names, self._crossing, *hands)
        self._bars, self._readout = W.HTML(), W.HTML(words.NOWHERE)
        self.observe(lambda _: self._keep_inside(), ["size", "image"])
        self.observe(lambda _: self._new_layer(), "layer")
        self.observe(lambda _: self._name_precisions(), "refine")
        self.observe(lambda _: self._redraw(), ["target", "channel", "opacity", "rescaled"])
        self.observe(lambda _: self._place(), ["row", "column", "size"])
        self.observe(lambda _: self._taken(), ["row", "column"])
        body = self._laid_out()
        self._keep_inside()
        self._place()
        return body

    def _laid_out(self) -> W.Box:
        """Picture and controls, maps, notes; three columns of maps leave the notes no room but below the controls."""
        left = W.VBox([self._picture, self._controls()])
        left.add_class("zf-side")
        maps, notes = W.Box(self._maps.panels), W.VBox([self._bars, self._readout, self._view_controls()])
        if self._beside is not None:
            maps.children = self._beside.beside(self._maps)
            notes.children = [self._bars, self._beside.bars, self._readout, self._beside.notes, self._view_controls()]
            left.children = [*left.children, notes]
            maps.add_class("zf-pair")
        maps.add_class("zf-maps")
        notes.add_class("zf-notes")
        body = W.Box([left, maps] if self._beside is not None else [left, maps, notes])
        body.add_class("zf-row")
        return body

    def _controls(self) -> W.VBox:
        net = self._backend.network
        side = min(net.input_size)
        layers = layers_with_places(net)
        self._image_control = controls.image_choice(self._backend, self.image)
        self._channel_control = controls.choice("Channel", self._channels(), _STRONGEST)
        self._precision_control = controls.choice("Precision", self._precisions(), "exact")
        return controls.group(
            self._bind(self._image_control, "image"),
            self._bind(controls.target_choice(net.classes), "target"),
            self._bind(controls.slider("Occluder size", min(4, side), side), "size"),
            self._bind(controls.slider("Stride", 1, max(2, side // 4)), "stride"),
            self._bind(controls.choice("Fill", FILLS, "grey"), "fill"),
            self._bind(self._precision_control, "precision"),
            self._bind(controls.choice("Layer", layers or [_NONE], (layers or [_NONE])[0]), "layer", none=_NONE),
            self._bind(self._channel_control, "channel", none=_STRONGEST),
        )

    def _view_controls(self) -> W.VBox:
        side = min(self._backend.network.input_size)
        opacity = W.FloatSlider(
            0.7,
            min=0,
            max=1,
            step=0.05,
            description="Opacity",
            style={"description_width": "initial"},
            readout_format=".2f",
        )
        rescale = W.ToggleButton(
            description="Rescale colours", tooltip="Colours from this map's smallest to largest value"
        )
        return controls.group(
            self._bind(controls.slider("Row", 0, side), "row"),
            self._bind(controls.slider("Column", 0, side), "column"),
            self._bind(opacity, "opacity"),
            self._bind(rescale, "rescaled"),
        )

    def _questions_to(self, which: int) -> dict[str, Request]:
        if which == SECOND and self._beside is not None:
            return self._beside.questions(self)
        height, width = self._backend.network.input_size
        row, column = min(self.row, height - self.size), min(self.column, width - self.size)
        questions: dict[str, Request] = {
            "clean": ScoresRequest(self.image),
            "square": OccludedRequest(self.image, row, column, self.size, self.fill),
            "sweep": sweep_of(self, self.size, self.stride, self.layer),
        }
        channel = self._shown_channel()
        if self.layer is not None and channel is not None:
            questions["projection"] = ProjectionRequest(self.image, self.layer, channel)
        return questions

    def _shown_channel(self) -> int | None:
        """The channel asked for, or the strongest one as soon as a sweep of this layer has told it."""
        if self.channel is not None:
            return int(self.channel)
        known = self._map is not None and self._map.layer == self.layer
        return self._map.channel if known and self._map is not None else None

    def _show_of(self, which: int, slot: str, value: Any) -> None:
        if slot == "sweep":
            self._tell_share(which, float(value.known.mean()))
        if which == SECOND:
            self._show_beside(slot, value)
        elif slot == "sweep":
            self._map = value
            self._forget_hovered()
            self._redraw()
            if self._free and (value.complete or (value.precision == "preview" and not self._refining)):
                self._to_the_worst()
        elif slot == "clean":
            self._clean = value
            self._maps.base = value.seen
            self._redraw()
        elif slot == "square":
            self._square = value
            self._picture.show(value.seen)
            self._redraw_bars()
        elif slot == "projection":
            self._maps.projection(value)

    def _show_beside(self, slot: str, value: Any) -> None:
        """An answer of the second network."""
        beside = self._beside
        assert beside is not None
        if slot == "sweep":
            beside.map = value
            self._redraw()
        elif slot == "clean":
            beside.clean, beside.maps.base = value, value.seen
            self._redraw()
        elif slot == "square":
            beside.square = value
            beside.show_bars()
        elif slot == "projection":
            beside.maps.projection(value)

    def _refused_of(self, which: int, slot: str, error: Exception) -> bool:
        if slot != "projection" or not isinstance(error, RefusedError):
            return False
        (self._maps if self._beside is None or which == FIRST else self._beside.maps).no_projection(str(error))
        return True

    @property
    def _agree(self) -> bool:
        """Whether sweep and whole picture are of one picture; for a moment after a change they are not."""
        return self._agreed_image(FIRST) is not None

    def _agreed_image(self, which: int) -> str | None:
        """Of which picture a network's sweep and whole picture are; None where they are not of one."""
        sweep, clean = (self._answered_by(which, slot) for slot in ("sweep", "clean"))
        return sweep.image if sweep is not None and clean is not None and sweep.image == clean.image else None

    def _redraw(self) -> None:
        """The maps again, from the sweep that is known."""
        if not self._agree:
            return
        assert self._map is not None
        self._maps.draw(self._map, self._target(), self._drawn_channel(), self.opacity, self.rescaled, self.image)
        self._redraw_bars()
        if self._beside is not None and self._agreed_image(SECOND) == self._agreed_image(FIRST) == self.image:
            self._beside.draw(self._maps, self._map, self._target(), self._drawn_channel(), self)

    def _drawn_channel(self) -> int | None:
        """The channel asked for, if the sweep shown is one of this layer."""
        assert self._map is not None
        return self.channel if self.channel is not None and self._map.layer == self.layer else self._map.channel

    def _target(self) -> int:
        net = self._backend.network
        if self.target == "true" and (label := self._backend.label(self.image)) is not None:
            return net.class_index(label)
        if self.target not in ("predicted", "true"):
            return net.class_index(self.target)
        assert self._clean is not None
        return int(self._clean.probabilities.argmax())

    def _redraw_bars(self) -> None:
        if self._clean is None or self._square is None:
            return
        heading = "With the square hidden" if self._beside is None else f"{self._names[FIRST]}, square hidden"
        self._bars.value = score_bars(heading, self._square, self._clean)
        if self._beside is not None:
            self._beside.show_bars()

    def _touch(self, x: float, y: float) -> None:
        """A click on a map: the square goes to that cell."""
        if self._map is not None:
            r, c = self._cell(x, y)
            self._move(self._map.rows[r], self._map.columns[c])

    def _look(self, x: float, y: float) -> None:
        """The mouse over a cell: its numbers, and its square on the picture."""
        if not self._agree:
            return
        assert self._map is not None
        r, c = self._cell(x, y)
        top, left, half = int(self._map.rows[r]), int(self._map.columns[c]), self._map.size / 2
        lines = [words.cell(self._map, self._target(), r, c)]
        if self._beside is not None:
            name = self._backend.network.classes[self._target()]
            lines = [f"{self._names[FIRST]}: {lines[0]}", self._beside.reading(left + half, top + half, name)]
        self._readout.value = words.readout(f"row {top}, column {left}", lines)
        self._picture.boxes([(top, left, self._map.size, self._map.size)], PASSING)

    def _forget_hovered(self) -> None:
        self._readout.value = words.NOWHERE
        self._picture.boxes([])

    def _cell(self, x: float, y: float) -> tuple[int, int]:
        """Row and column of the nearest cell."""
        assert self._map is not None
        half = self._map.size / 2
        return int(np.abs(self._map.rows + half - y).argmin()), int(np.abs(self._map.columns + half - x).argmin())

    def _move(self, row: float, column: float) -> None:
        height, width = self._backend.network.input_size
        with self._inbox.lock, self.hold_trait_notifications():
            self.row = int(np.clip(round(row), 0, height - self.size))
            self.column = int(np.clip(round(column), 0, width - self.size))

    def _keep_inside(self) -> None:
        with self._moving_by_itself():
            self._move(self.row, self.column)

    def _to_the_worst(self) -> None:
        assert self._map is not None
        probability = self._map.probability(self._target() if self._agree else None)
        r, c = np.unravel_index(int(probability.argmin()), probability.shape)
        with self._moving_by_itself():
            self._move(self._map.rows[r], self._map.columns[c])

    @contextmanager
    def _moving_by_itself(self) -> Iterator[None]:
        free = self._free
        try:
            yield
        finally:
            self._free = free

    def _taken(self) -> None:
        self._free = False

    def _place(self) -> None:
        self._picture.place(self.column, self.row, self.size)
        self._picture.boxes([])
        self._maps.select((self.row, self.column, self.size, self.size))
        if self._beside is not None:
            self._beside.select(self)

    def _new_layer(self) -> None:
        self.channel = None
        self._channel_control.options = self._channels()
        self._channel_control.value = _STRONGEST

    def _precisions(self) -> list[tuple[str, str]]:
        return controls.precision_options(PRECISIONS, self.refine)

    def _name_precisions(self) -> None:
        self._offering.renew(self._precision_control, self._precisions(), self.precision)

    def _channels(self) -> list[tuple[str, int | str]]:
        count = self._backend.network.layers[self.layer].channels if self.layer is not None else 0
        return [(_STRONGEST, _STRONGEST), *((str(channel), channel) for channel in range(count))]

    @property
    def _refining(self) -> bool:
        """Whether what is shown is on its way to the exact map."""
        return isinstance(self._answered.get("sweep"), RefinedRequest)

    def _facts(self) -> str:
        if self._map is None:
            return ""
        unknown = self.target == "true" and self._backend.label(self.image) is None
        note = " &middot; true class not known, predicted shown" if unknown else ""
        return words.facts(self._map, self._refining, note)

    def _waiting_words(self, time: str, quicker: bool) -> str:
        if quicker:
            return f"This is the {self.precision} map. The exact one will take about {time}: press Start."
        return f"This sweep will take about {time}. Make the stride larger, or press Start."

    @property
    def result(self) -> OcclusionMap | None:
        """The sweep that is shown; it may be partial, see its `complete`."""
        return self._map
