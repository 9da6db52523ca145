"""One network's maps of a layer, one unit of them and its projection: they only draw what they are given."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zfwidgets.backend.requests import strongest_channel
from zfwidgets.imaging import Mosaic, heat_picture, mosaic, signed_picture
from zfwidgets.widgets.parts.figures import PictureFigure
from zfwidgets.widgets.parts.style import colour_bar
from zfwidgets.widgets.viewer.unit import patch

if TYPE_CHECKING:
    from zfwidgets.methods import Projection, Recording

__all__ = ["FeaturePanels"]


class FeaturePanels:
    """All maps, one map, the projection of one unit, and what it sees of the picture.

    Parameters
    ----------
    chosen : callable
        Told the channel of a map that was clicked.
    touched : callable
        Told (x, y) of a click in the map, in its cells.
    name : str
        Of the network, where there are two; it takes the place of what else stands beside the titles.

    Attributes
    ----------
    panels : list of PictureFigure
        All four, in this order.
    maps, maps_of : ndarray or None, (image, layer) or None
        (C, h, w), and what they are of.
    unit : Projection or None
    base : ndarray or None
        What the network sees of the picture, uint8 (H, W, 3).
    """

    def __init__(self, chosen: Callable[[int], None], touched: Callable[[float, float], None], name: str = "") -> None:
        self._name, self._chosen = name, chosen
        self.maps: NDArray[np.float32] | None = None
        self.maps_of: tuple[str, str] | None = None
        self.mosaic: Mosaic | None = None
        self.unit: Projection | None = None
        self.unit_of = ""
        self.base: NDArray[np.uint8] | None = None
        self.all, self.map = PictureFigure("All maps"), PictureFigure("Map")
        self.pixels, self.patch = PictureFigure("Projection"), PictureFigure("Patch")
        self.panels = [self.all, self.map, self.pixels, self.patch]
        self.all.on_click(self._touch_mosaic)
        self.map.on_click(touched)

    def take_maps(self, image: str, layer: str, recording: Recording) -> None:
        """The maps of a layer, as a mosaic."""
        found = recording.activations[layer][0]
        maps = self.maps = found if found.ndim == 3 else found[:, None, None]
        self.maps_of = (image, layer)
        low, high = min(0.0, float(maps.min())), max(float(maps.max()), 1e-6)
        self.mosaic = mosaic(maps, low=low, high=high)
        self.all.show(self.mosaic.clear)
        self.all.title(f"All {len(maps)} maps of {layer}", self._name or "click one")
        self.all.foot(colour_bar(low, high, "activation, one range for all maps"))
        self._show_map()

    def take_unit(self, image: str, unit: Projection) -> None:
        """A unit's projection."""
        self.unit, self.unit_of = unit, image
        self.pixels.show(signed_picture(unit.pixels))
        self.pixels.title("Projection", self._name or f"{unit.rule}, grey is zero")
        self._show_map()
        self._show_patch()

    def take_picture(self, seen: NDArray[np.uint8]) -> None:
        """What the network sees."""
        self.base = seen
        self._show_patch()

    def blank(self, why: str) -> None:
        """Show nothing, and say why."""
        self.maps = self.maps_of = self.unit = self.mosaic = None
        for panel in self.panels:
            panel.blank()
            panel.boxes([])
            panel.foot("")
        self.all.title("All maps", self._name)
        self.all.foot(why)

    def strongest(self, image: str, layer: str, position: tuple[int, int] | None) -> int | None:
        """The map with the largest activation, there or anywhere, as soon as the maps are known."""
        if self.maps is None or self.maps_of != (image, layer):
            return None
        return strongest_channel(self.maps, position)

    def _show_map(self) -> None:
        """The unit's own map, once maps and unit are of one picture and one layer."""
        unit = self.unit
        if unit is None or self.maps is None or self.maps_of != (self.unit_of, unit.layer):
            return
        chosen = self.maps[unit.channel]
        low, high = min(0.0, float(chosen.min())), max(float(chosen.max()), 1e-6)
        self.map.show(heat_picture(chosen, low, high))
        self.map.title(f"{unit.layer} #{unit.channel}", self._name or "click a unit")
        self.map.foot(colour_bar(low, high, "activation of this map"))
        self.map.boxes([(*unit.position, 1, 1)])
        if self.mosaic is not None:
            self.all.boxes([self.mosaic.box(unit.channel)])

    def _show_patch(self) -> None:
        if self.unit is None or self.base is None:
            return
        self.patch.show(patch(self.base, self.unit.box))
        self.patch.title("Patch", self._name or "what the unit sees of the picture")
        self.patch.foot("beyond the picture's edge: grey")

    def _touch_mosaic(self, x: float, y: float) -> None:
        index = self.mosaic.at(x, y) if self.mosaic is not None else None
        if index is not None:
            self._chosen(index)
