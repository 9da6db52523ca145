"""What viewers of a layer, a map and a unit have in common: their options, and the channel's slider.

`TracedViewer` refuses a network that cannot be looked into; `LayerOptions` has a layer of one that can; `MapOptions`
adds a map that may be left open, `PlaceOptions` a place in it. `UnitViewer` has all of it and sleeps in a hidden tab.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ipywidgets as W
import numpy as np
import traitlets as T
from numpy.typing import NDArray

from zfwidgets.errors import ParameterError
from zfwidgets.widgets.parts import controls
from zfwidgets.widgets.parts.figures import Box, PictureFigure
from zfwidgets.widgets.parts.style import ACCENT, PASSING
from zfwidgets.widgets.parts.values import Switch, as_channel, as_place
from zfwidgets.widgets.viewer.counterpart import UnitBeside, box_back, unit_beside
from zfwidgets.widgets.viewer.pair import FIRST, SECOND, PairViewer
from zfwidgets.widgets.viewer.unit import frames_of, inside

if TYPE_CHECKING:
    from zfwidgets.methods import Projection

__all__ = ["LayerOptions", "MapOptions", "PlaceOptions", "TracedViewer", "UnitViewer"]


class TracedViewer(PairViewer):
    """Its first network can be looked into."""

    LACKS = "features to show"
    """What a network has none of where it cannot be traced."""

    def _defaults(self) -> dict[str, Any]:
        net = self._backend.network
        if net.trace_problem is not None:
            raise ParameterError(f"This network has no {self.LACKS}: {net.trace_problem}")
        return super()._defaults()


class LayerOptions(TracedViewer):
    """A layer of the first network."""

    layer: Any = T.TraitType("")
    """Name of the layer."""

    def _defaults(self) -> dict[str, Any]:
        traits = super()._defaults()
        # The layer comes first in any case, because map and place are checked against it.
        return traits | {"layer": None if "layer" in self._given else self._backend.network.default_layer}

    def _layer(self) -> Any:
        return self._backend.network.layers[self.layer]

    @T.validate("layer")
    def _check_layer(self, proposal: Any) -> str:
        name: str = self._backend.network.layers[proposal["value"]].name
        return name


class MapOptions(LayerOptions):
    """And a map of it, for a viewer that sleeps while nobody sees it."""

    channel = T.Any(None, allow_none=True)
    """Which map of the layer; None: the viewer chooses."""
    awake = Switch(True)
    """False: nothing is asked until it is True, for a viewer that nobody sees yet."""

    @T.validate("channel")
    def _check_channel(self, proposal: Any) -> int | None:
        return as_channel(self._backend.network, self.layer, proposal["value"])


class PlaceOptions(LayerOptions):
    """And a place in its maps."""

    position = T.Any(None, allow_none=True)
    """(row, column) of the unit; None: the map's maximum."""

    @T.validate("position")
    def _check_position(self, proposal: Any) -> tuple[int, int] | None:
        layer, expected = self._layer(), "(row, column) or None for the maximum"
        return as_place("position", proposal["value"], (layer.height, layer.width), expected)


class UnitViewer(MapOptions, PlaceOptions):
    """One unit: the strongest map, of the whole picture or at the position, until another one is chosen."""

    UNIT = ""
    """The slot whose answer knows which map that is."""

    def _picture_figure(self) -> PictureFigure:
        """The picture, in which the units are framed."""
        self._base: tuple[int, ...] | None = None
        self._picture = PictureFigure("Picture")
        return self._picture

    def _show_picture(self, seen: NDArray[np.uint8]) -> None:
        self._picture.show(seen)
        self._base = seen.shape

    def _channel_slider(self) -> W.IntSlider:
        """The map, which shows also the one that was found."""
        self._tell_found: Callable[[], Any] = lambda: None
        self._channel_control = controls.slider("Channel", 0, self._layer().channels - 1)
        self._channel_control.observe(self._by_hand(lambda change: self._slide(change["new"])), "value")
        self.observe(lambda _: self._reset(*self._of_layer()), "layer")
        self.observe(lambda _: self._reset("channel", "position"), "image")
        self.observe(lambda _: self._reset("position"), "channel")
        return self._channel_control

    def _slide(self, channel: int) -> None:
        if not self._offering.under_way:
            self.channel = channel

    def _show_channel(self, layer: str, channel: int) -> None:
        self._found_channel = channel
        with self._offering:
            self._channel_control.max = self._backend.network.layers[layer].channels - 1
            self._channel_control.value = channel
        self._tell_found()

    def on_found(self, callback: Callable[[], Any]) -> None:
        """Be told when a unit is shown."""
        self._tell_found = callback

    def found_channel(self) -> int | None:
        """The map that was asked for or found; None while it is sought."""
        if self.channel is not None:
            return int(self.channel)
        return self._found_channel if self._is_current(FIRST, self.UNIT) else None

    def _is_current(self, which: int, slot: str) -> bool:
        """Whether the answer that is shown is that to what is asked now."""
        asked = self._questions_to(which).get(slot)
        return asked is not None and asked == self._answered_by(which, slot)

    def _beside(self) -> UnitBeside | None:
        """The unit of the second network; None until the map of the first one is known."""
        channel = self.found_channel()
        if self._other is None or channel is None:
            return None
        unit = (self.layer, channel, self.position)
        both = (self._backend.network, self._other.network)
        return unit_beside(*both, unit, self._crossing(self.image), self._names, self._chosen_there())

    def _chosen_there(self) -> str | None:
        """A layer of the second network that was chosen; None: the one beside the first one's."""
        return None

    def _frame(self, mine: Projection | None, theirs: Projection | None) -> None:
        """What the units see of the picture."""
        if mine is None or self._base is None:
            return
        boxes: list[Box] = [inside(mine.box, self._base)]
        if theirs is not None and self._is_current(SECOND, self.UNIT):
            boxes.append(box_back(theirs.box, self._crossing(self.image)))
        self._picture.boxes(boxes, [ACCENT, PASSING][: len(boxes)])
        self._picture.foot(frames_of(self._names, self.position, both=len(boxes) > 1))

    def _of_layer(self) -> tuple[str, ...]:
        """Traits that mean nothing at another layer."""
        return ("channel", "position")

    def _reset(self, *names: str) -> None:
        """A map belongs to one layer, a place to one map; in another picture another one is strongest."""
        with self._inbox.lock, self.hold_trait_notifications():
            for name in names:
                setattr(self, name, None)
