"""`FeatureViewer`: every map of a layer, one unit of it, and its projection (section 2.1, Fig. 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as W
import numpy as np
import traitlets as T
from numpy.typing import NDArray

from zfwidgets.backend import ProjectionRequest, RecordRequest, Request, ScoresRequest
from zfwidgets.backend.place_requests import UnitsAtRequest, UnitsShown
from zfwidgets.backend.top_index import TopIndexRequest
from zfwidgets.backend.top_requests import TopChannel, TopChannelRequest
from zfwidgets.errors import ParameterError, StaleIndexError, unknown_name
from zfwidgets.imaging import Mosaic, heat_picture, mosaic, signed_picture
from zfwidgets.methods.projection import RULES, Projection
from zfwidgets.widgets import controls
from zfwidgets.widgets.base import Viewer
from zfwidgets.widgets.figures import Box, PictureFigure
from zfwidgets.widgets.style import colour_bar
from zfwidgets.widgets.top_nine import TopNine
from zfwidgets.widgets.top_options import checked_index
from zfwidgets.widgets.trail import Steps
from zfwidgets.widgets.unit import around, inside, patch, unit_report
from zfwidgets.widgets.units_here import UnitsHere
from zfwidgets.widgets.values import Whole, as_place, as_whole

if TYPE_CHECKING:
    from zfwidgets.data import ImageSet

__all__ = ["FeatureViewer"]


class FeatureViewer(Steps, Viewer):
    """All maps of a layer as one mosaic; a click chooses a map, a click in the map a unit.

    A click on the picture lists the strongest units that look straight at that place.

    Parameters
    ----------
    backend : Backend
        The network and its pictures.
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

    layer: Any = T.TraitType("")
    """Name of the layer."""
    channel = Whole(0, 0, "channel")
    """Which map of the layer."""
    position = T.Any(None, allow_none=True)
    """(row, column) of the unit; None: the map's maximum."""
    pixel = T.Any(None, allow_none=True)
    """(row, column) of a place in what the network sees of the picture, whose strongest units are listed."""
    rule: Any = T.TraitType("deconvnet")
    """What happens at a relu on the way down: ``"deconvnet"``, ``"guided"`` or ``"gradient"``."""
    index = T.Any(None, allow_none=True)
    """Where the map is strongest: a file, a `TopActivations`, or None for the index that ships with the network."""

    MAIN = "maps"
    ALSO = ("projection",)
    SENTENCE = (
        "One unit's activation, all others zero, sent down to the pixels (Zeiler and Fergus, section 2.1, Fig. 2)."
    )

    def _defaults(self) -> dict[str, Any]:
        net = self._backend.network
        if net.trace_problem is not None:
            raise ParameterError(f"This network has no features to show: {net.trace_problem}")
        # The layer comes first in any case, because the channel is checked against it.
        return super()._defaults() | {"layer": None if "layer" in self._given else net.default_layer}

    def _build(self) -> W.Widget:
        self._maps: NDArray[np.float32] | None = None
        self._maps_of: tuple[str, str] | None = None
        self._mosaic: Mosaic | None = None
        self._projection: Projection | None = None
        self._base: NDArray[np.uint8] | None = None
        self._picture, self._all = PictureFigure("Picture"), PictureFigure("All maps")
        self._picture.foot("the frame is the unit's receptive field; click a place: its strongest units")
        self._picture.on_click(self._by_hand(self._look))
        self._here = UnitsHere(self._by_hand(self._choose_here))
        self._map, self._pixels = PictureFigure("Map"), PictureFigure("Projection")
        self._patch = PictureFigure("Patch")
        self._top = TopNine(self._by_hand(self._open_top))
        self._top.add_class("zf-gone")
        self._lent: ImageSet | None = None
        self._all.on_click(self._by_hand(self._choose_channel))
        self._map.on_click(self._by_hand(lambda x, y: self._choose_unit(int(y), int(x))))
        self._about = W.HTML()
        self.observe(lambda change: self._reset(change["name"]), ["image", "layer", "channel"])
        self.observe(lambda _: self._frame(), "pixel")
        left = W.VBox([self._picture, self._controls(), self._here])
        left.add_class("zf-side")
        panels = W.Box([self._all, self._map, self._pixels, self._patch, self._top])
        panels.add_class("zf-maps")
        notes = W.VBox([self._about])
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

    def _questions(self) -> dict[str, Request]:
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

    def _show(self, slot: str, value: Any) -> None:
        if slot == "picture":
            self._base = value.seen
            self._picture.show(value.seen)
        elif slot == "maps":
            request = self._answered[slot]
            (layer,) = request.layers
            maps = value.activations[layer][0]
            self._maps_of = (request.image, layer)
            self._show_maps(maps if maps.ndim == 3 else maps[:, None, None], layer)
        elif slot == "projection":
            self._projection = value
            self._show_unit(value)
        elif slot == "top":
            self._show_top(value)
        elif slot == "here":
            self._show_here(value)
        self._show_map()
        if self._projection is not None and self._base is not None and slot != "maps":
            self._show_place(self._projection, self._base)

    def _show_maps(self, maps: NDArray[np.float32], layer: str) -> None:
        self._maps = maps
        self._progress = 1.0
        low, high = min(0.0, float(maps.min())), max(float(maps.max()), 1e-6)
        self._mosaic = mosaic(maps, low=low, high=high)
        self._all.show(self._mosaic.pixels)
        self._all.title(f"All {len(maps)} maps of {layer}", "click one")
        self._all.foot(colour_bar(low, high, "activation, one range for all maps"))

    def _show_unit(self, unit: Projection) -> None:
        self._pixels.show(signed_picture(unit.pixels))
        self._pixels.title("Projection", f"{unit.rule}, grey is zero")
        self._about.value = unit_report(self._backend.network, unit)

    def _show_map(self) -> None:
        """The unit's own map, once maps and unit are of one picture and one layer."""
        request, unit = self._answered.get("projection"), self._projection
        if unit is None or request is None or self._maps is None or self._maps_of != (request.image, unit.layer):
            return
        chosen = self._maps[unit.channel]
        low, high = min(0.0, float(chosen.min())), max(float(chosen.max()), 1e-6)
        self._map.show(heat_picture(chosen, low, high))
        self._map.title(f"{unit.layer} #{unit.channel}", "click a unit")
        self._map.foot(colour_bar(low, high, "activation of this map"))
        self._map.boxes([(*unit.position, 1, 1)])
        if self._mosaic is not None:
            self._all.boxes([self._mosaic.box(unit.channel)])

    def _show_place(self, unit: Projection, base: NDArray[np.uint8]) -> None:
        self._frame()
        self._patch.show(patch(base, unit.box))
        self._patch.title("Patch", "what the unit sees of the picture")
        self._patch.foot("beyond the picture's edge: grey")

    def _frame(self) -> None:
        """What the unit sees of the picture, and the place whose units are listed."""
        if self.pixel is None:
            self._here.clear()
        if self._projection is None or self._base is None:
            return
        boxes: list[Box] = [inside(self._projection.box, self._base.shape)]
        if self.pixel is not None:
            boxes.append(around(self.pixel, self._base.shape))
        self._picture.boxes(boxes)
        self._here.mark(self._projection)

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
        self.pixel = (min(int(y), height - 1), min(int(x), width - 1))

    def _choose_here(self, layer: str, channel: int, position: tuple[int, int]) -> None:
        with self._stepping():
            self.layer = layer  # of the list, which may be about to change
            self.channel = channel
            self.position = position

    def _choose_channel(self, x: float, y: float) -> None:
        index = self._mosaic.at(x, y) if self._mosaic is not None else None
        if index is not None:
            with self._stepping():
                self.channel = index

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

    def _layer(self) -> Any:
        return self._backend.network.layers[self.layer]

    def _facts(self) -> str:
        return "" if self._maps is None else f"{len(self._maps)} maps &middot; exact"

    @property
    def result(self) -> Projection | None:
        """The projection that is shown."""
        return self._projection

    @T.validate("layer")
    def _check_layer(self, proposal: Any) -> str:
        name: str = self._backend.network.layers[proposal["value"]].name
        return name

    @T.validate("channel")
    def _check_channel(self, proposal: Any) -> int:
        return as_whole("channel", proposal["value"], 0, self._layer().channels - 1)

    @T.validate("position")
    def _check_position(self, proposal: Any) -> tuple[int, int] | None:
        layer, expected = self._layer(), "(row, column) or None for the maximum"
        return as_place("position", proposal["value"], (layer.height, layer.width), expected)

    @T.validate("pixel")
    def _check_pixel(self, proposal: Any) -> tuple[int, int] | None:
        expected = "(row, column) in what the network sees, or None"
        return as_place("pixel", proposal["value"], self._backend.network.input_size, expected)

    @T.validate("index")
    def _check_index(self, proposal: Any) -> Any:
        return checked_index(proposal["value"])

    @T.validate("rule")
    def _check_rule(self, proposal: Any) -> str:
        if proposal["value"] not in RULES:
            raise unknown_name("rule", proposal["value"], RULES)
        return str(proposal["value"])
