"""One map of Fig. 2, large: its nine projections, its nine patches, and the way to each of their pictures."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

import ipywidgets as W

from zfwidgets.widgets.parts import controls
from zfwidgets.widgets.parts.binding import Offering
from zfwidgets.widgets.parts.figures import PictureFigure
from zfwidgets.widgets.parts.style import ACCENT, SHARED, number

if TYPE_CHECKING:
    from zfwidgets.backend.top_drawing import TopTile

__all__ = ["TopNine"]

_NONE = -1


class TopNine(W.Box):
    """Two panels and a list; a click on a picture, or a choice in the list, opens what it was cut out of.

    Parameters
    ----------
    opened : callable
        Told the place of an activation, 0 for the strongest.
    listed : bool
        Whether there is a list.
    name : str
        Of the network, where there are two; it takes the place of what else stands beside the titles.
    """

    def __init__(self, opened: Callable[[int], None], listed: bool = True, name: str = "") -> None:
        self._opened, self._offering, self._name = opened, Offering(), name
        self.tile: TopTile | None = None
        self.layer = ""
        self.projections, self.patches = PictureFigure("Projections"), PictureFigure("Patches")
        for panel in (self.projections, self.patches):
            panel.on_click(self._touch)
        self.list = controls.choice("Open picture", [("one of these nine", _NONE)], _NONE)
        self.list.observe(self._listed, "value")
        super().__init__([self.projections, self.patches, *([controls.group(self.list)] if listed else [])])
        self.add_class("zf-nine")

    def show(self, layer: str, tile: TopTile) -> None:
        """Show a map."""
        self.layer, self.tile = layer, tile
        name = f"{layer} #{tile.channel}"
        for panel, half in ((self.projections, tile.projections), (self.patches, tile.patches)):
            panel.boxes([])
            if half is None:
                panel.blank()
            else:
                panel.show(half.clear)
        self.projections.title(name, self._name or f"{_count(tile)} strongest, projected")
        self.patches.title("Patches", self._name or "what these units look at")
        if tile.patches is None:
            self.projections.foot("dead: no picture gives more than 0")
            self.patches.foot("")
        else:
            known = tile.projections is not None
            self.projections.foot("grey is zero; each with its own contrast" if known else "no rule: none can be drawn")
            self.patches.foot("click one to open its picture")
        self._offer(tile)

    def mark(self, image: str, shared: Collection[str] = ()) -> None:
        """Show which of the pictures is open, and which of them another network answers to as well."""
        tile = self.tile
        if tile is None:
            return
        keys = [peak.image for peak in tile.peaks]
        places = [place for place, key in enumerate(keys) if key == image]
        common = [place for place, key in enumerate(keys) if key in shared and key != image]
        for panel, half in ((self.projections, tile.projections), (self.patches, tile.patches)):
            boxes = [half.box(place) for place in (*common, *places)] if half is not None else []
            panel.boxes(boxes, [*[SHARED] * len(common), *[ACCENT] * len(places)])
        self._set(places[0] if places and tile.patches is not None else _NONE)

    def _offer(self, tile: TopTile) -> None:
        shown = tile.peaks if tile.patches is not None else ()
        labels = tile.labels or (None,) * len(shown)
        options = [
            (f"{place + 1}: {number(peak.value)} {label or ''} ({peak.image})", place)
            for place, (peak, label) in enumerate(zip(shown, labels, strict=True))
        ]
        with self._offering:
            self.list.options = [(f"one of these {len(options)}" if options else "none", _NONE), *options]

    def _set(self, place: int) -> None:
        with self._offering:
            self.list.value = place

    def _listed(self, change: Any) -> None:
        if not self._offering.under_way and change["new"] is not None and change["new"] != _NONE:
            self._opened(change["new"])

    def _touch(self, x: float, y: float) -> None:
        tile = self.tile
        if tile is not None and tile.patches is not None:
            place = tile.patches.at(x, y)
            if place is not None and place < len(tile.peaks):
                self._opened(place)


def _count(tile: TopTile) -> str:
    return "nine" if len(tile.peaks) == 9 else str(len(tile.peaks))
