"""`FeatureViewer`: every map of a layer, one unit of it, and its projection (section 2.1, Fig. 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as W
import traitlets as T

from zfwidgets.backend import ProjectionRequest, RecordRequest, Request, ScoresRequest
from zfwidgets.backend.place_requests import UnitsAtRequest, UnitsShown
from zfwidgets.backend.top_index import TopIndexRequest
from zfwidgets.backend.top_requests import TopChannel, TopChannelRequest
from zfwidgets.errors import ParameterError, RefusedError, StaleIndexError
from zfwidgets.methods.projection import RULES, Projection
from zfwidgets.widgets.features.beside import FeatureBeside
from zfwidgets.widgets.features.panels import FeaturePanels
from zfwidgets.widgets.features.units_here import UnitsHere
from zfwidgets.widgets.parts import controls
from zfwidgets.widgets.parts.figures import Box, PictureFigure
from zfwidgets.widgets.parts.style import ACCENT, PASSING
from zfwidgets.widgets.parts.top_nine import TopNine
from zfwidgets.widgets.parts.values import Whole, as_index, as_name, as_place, as_whole
from zfwidgets.widgets.viewer.pair import FIRST, SECOND
from zfwidgets.widgets.viewer.trail import Steps
from zfwidgets.widgets.viewer.unit import around, frames_of, inside, unit_report
from zfwidgets.widgets.viewer.unit_options import PlaceOptions

if TYPE_CHECKING:
    from zfwidgets.data import ImageSet

__all__ = ["FeatureViewer"]

_CLICK = "; click a place: its strongest units"


class FeatureViewer(Steps, PlaceOptions):
    """All maps of a layer as one mosaic; a click chooses a map, a click in the map a unit.

    A click on the picture lists the strongest units that look straight at that place.

    Parameters
    ----------
    backend : Backend
        The network and its pictures.
    other : Backend, optional
        A second network: the layer of the same name or depth, the map of the same number and its projection beside
        those of the first, and their difference (see `projection_difference`).
    **options
        Traits: ``image``, ``layer``, ``channel``, ``position``, ``pixel``, ``rule``, ``index``; and those of
        `ipywidgets.VBox`.

    Examples
    --------
    >>> from zfwidgets.backend import Backend
    >>> with Backend("zfnet-scenes", device="cpu") as backend:
    ...     viewer = FeatureViewer(backend, layer="conv5", channel=3)
    ...     done = viewer.wait()
    >>> viewer.result.channel, viewer.result.rule
    (3, 'deconvnet')
    """

    channel = Whole(0, 0, "channel")
    """Which map of the layer."""
    pixel = T.Any(None, allow_none=True)
    """(row, column) of a place in what the network sees of the picture, whose strongest units are listed."""
    rule: Any = T.TraitType("deconvnet")
    """What happens at a relu on the way down: ``"deconvnet"``, ``"desalinet"``, ``"guided"`` or ``"gradient"``."""
    index = T.Any(None, allow_none=True)
    """Where the map is strongest: a file, a `TopActivations`, or None for the index that ships with the network."""

    MAIN = "maps"
    ALSO = ("projection",)
    SENTENCE = (
        "One unit's activation, all others zero, sent down to the pixels (Zeiler and Fergus, section 2.1, Fig. 2)."
    )

    def _build(self) -> W.Widget:
        self._picture = PictureFigure("Picture")
        self._picture.foot(frames_of(self._names, self.position, both=False) + _CLICK)
        self._picture.on_click(self._by_hand(self._look))
        self._here = UnitsHere(self._by_hand(self._choose_here))
        hands = self._by_hand(self._choose_channel), self._by_hand(lambda x, y: self._choose_unit(int(y), int(x)))
        self._panels = FeaturePanels(*hands, "" if self._other is None else self._names[FIRST])
        self._beside: FeatureBeside | None = None
        if self._other is not None:
            both = self._backend, self._other
            self._beside = FeatureBeside(*both, self._names, self._crossing, *hands)
        whose = "" if self._other is None else f"strongest of {self._names[FIRST]}"
        self._top = TopNine(self._by_hand(self._open_top), name=whose)
        self._top.add_class("zf-gone")
        self._lent: ImageSet | None = None
        self._about = W.HTML()
        self.observe(lambda change: self._reset(change["name"]), ["image", "layer", "channel"])
        self.observe(lambda _: self._frame(), "pixel")
        left = W.VBox([self._picture, self._controls(), self._here])
        left.add_class("zf-side")
        shown = self._panels.panels if self._beside is None else self._beside.beside(self._panels)
        panels = W.Box([*shown, self._top])
        panels.add_class("zf-maps")
        notes = W.VBox([self._about] if self._beside is None else [self._about, self._beside.about])
        notes.add_class("zf-notes")
        body = W.Box([left, panels, notes])
        body.add_class("zf-row")
        return body

    def _controls(self) -> W.VBox:
        self._image_control = controls.image_choice(self._backend, self.image)
        self._channel_control = controls.slider("Channel", 0, self._layer().channels - 1)
        names = list(self._backend.network.menu or self._backend.network.layers)
        return controls.group(
            self._bind(self._image_control, "image"),
            self._bind(controls.choice("Layer", names, names[0]), "layer"),
            self._bind(self._channel_control, "channel"),
            self._bind(controls.choice("Rule", list(RULES), self.rule), "rule"),
        )

    def _questions_to(self, which: int) -> dict[str, Request]:
        if which == SECOND and self._beside is not None:
            return self._beside.questions(self)
        unit = (self.image, self.layer, min(self.channel, self._layer().channels - 1), self.position)
        here = {} if self.pixel is None else {"here": UnitsAtRequest(self.image, self.layer, self.pixel)}
        return {
            "picture": ScoresRequest(self.image),
            "maps": RecordRequest(self.image, (self.layer,)),
            "projection": ProjectionRequest(*unit, self.rule),
            **here,
            # Nine projections of other pictures: after the one that was asked for.
            "top": TopChannelRequest(TopIndexRequest.of(self.index), self.layer, unit[2]),
        }

    def _show_of(self, which: int, slot: str, value: Any) -> None:
        panels = self._panels if self._beside is None or which == FIRST else self._beside.panels
        request = self._answered_by(which, slot)
        if slot == "picture":
            panels.take_picture(value.seen)
            if which == FIRST:
                self._picture.show(value.seen)
        elif slot == "maps":
            self._tell_share(which, 1.0)
            panels.take_maps(request.image, request.layers[0], value)
        elif slot == "projection":
            panels.take_unit(request.image, value)
            if which == FIRST:
                self._about.value = unit_report(self._backend.network, value)
        elif slot == "top":
            self._show_top(value)
        elif slot == "here":
            self._show_here(value)
        if self._beside is not None:
            self._beside.compare(self._panels, self)
        self._frame()

    def _refused_of(self, which: int, slot: str, error: Exception) -> bool:
        if self._beside is None or which == FIRST or slot != "projection" or not isinstance(error, RefusedError):
            return False
        self._beside.refused(str(error))
        self._beside.compare(self._panels, self)
        self._frame()
        return True

    def _frame(self) -> None:
        """What the unit sees of the picture, and the place whose units are listed."""
        if self.pixel is None:
            self._here.clear()
        unit, base = self._panels.unit, self._panels.base
        if unit is None or base is None:
            return
        boxes: list[Box] = [inside(unit.box, base.shape)]
        if self.pixel is not None:
            boxes.append(around(self.pixel, base.shape))
        colours = [ACCENT] * len(boxes)
        theirs = None if self._beside is None else self._beside.frame(self._panels.unit_of)
        if theirs is not None:
            boxes, colours = [*boxes, theirs], [*colours, PASSING]
        self._picture.boxes(boxes, colours)
        self._picture.foot(frames_of(self._names, self.position, both=theirs is not None) + _CLICK)
        self._here.mark(unit)

    def _show_here(self, found: UnitsShown) -> None:
        units = found.units
        if not len(units):
            self._here.clear()
            raise ParameterError(
                f"Nothing of {units.layer} is active at row {units.pixel[0]}, column {units.pixel[1]}: click another "
                "place, or choose another layer."
            )
        self._here.show(found)

    def _show_top(self, found: TopChannel | None) -> None:
        """The map's nine strongest activations, where they are known."""
        (self._top.add_class if found is None else self._top.remove_class)("zf-gone")
        if found is not None:
            self._lent = found.facts.pictures
            self._top.show(self._answered["top"].layer, found.tile)
            self._top.mark(self.image)
            if found.tile.problems:
                raise StaleIndexError(found.tile.problems[0])

    def _open_top(self, place: int) -> None:
        if self._top.tile is not None:
            key = self._top.tile.peaks[place].image
            if self._lent is not None:
                self._backend.borrow(key, self._lent)
            with self._stepping():
                self.image = key

    def _look(self, x: float, y: float) -> None:
        """A click on the picture; one on its very edge is one on the pixel there."""
        height, width = self._picture.size
        with self._stepping():
            self.pixel = (min(int(y), height - 1), min(int(x), width - 1))

    def _choose_here(self, layer: str, channel: int, position: tuple[int, int]) -> None:
        with self._stepping():
            self.layer = layer  # of the list, which may be about to change
            self.channel = channel
            self.position = position

    def _choose_channel(self, channel: int) -> None:
        with self._stepping():
            self.channel = channel

    def _choose_unit(self, row: int, column: int) -> None:
        layer = self._layer()
        with self._stepping():
            self.position = (min(row, layer.height - 1), min(column, layer.width - 1))

    def _reset(self, name: str) -> None:
        """A unit belongs to one map of one picture; a channel to one layer."""
        with self._inbox.lock, self.hold_trait_notifications():
            self.position = None
            if name == "image":
                self.pixel = None
                self._top.mark(self.image)
            if name == "layer":
                last = self._layer().channels - 1
                self.pixel = self.pixel if all(self._layer().stride) else None
                self.channel = min(self.channel, last)
                self._channel_control.max = last

    def _facts(self) -> str:
        maps = self._panels.maps
        return "" if maps is None else f"{len(maps)} maps &middot; exact"

    @property
    def result(self) -> Projection | None:
        """The projection that is shown."""
        return self._panels.unit

    @T.validate("channel")
    def _check_channel(self, proposal: Any) -> int:
        return as_whole("channel", proposal["value"], 0, self._layer().channels - 1)

    @T.validate("pixel")
    def _check_pixel(self, proposal: Any) -> tuple[int, int] | None:
        expected = "(row, column) in what the network sees, or None"
        return as_place("pixel", proposal["value"], self._backend.network.input_size, expected)

    @T.validate("index")
    def _check_index(self, proposal: Any) -> Any:
        return as_index(proposal["value"])

    @T.validate("rule")
    def _check_rule(self, proposal: Any) -> str:
        return as_name("rule", proposal["value"], RULES)
