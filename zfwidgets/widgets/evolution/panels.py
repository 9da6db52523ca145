"""What the viewer of Fig. 4 shows of one network: a block of maps for each layer, and one map through the epochs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from zfwidgets.backend import Request
from zfwidgets.backend.evolution_requests import (
    EvolutionAheadRequest,
    EvolutionRequest,
    SeriesSource,
    ShippedEvolutionRequest,
)
from zfwidgets.imaging.growth import GrowthPart, block_picture, marked
from zfwidgets.imaging.mosaic import Mosaic
from zfwidgets.widgets.evolution import words
from zfwidgets.widgets.parts.figures import PictureFigure
from zfwidgets.widgets.parts.growth import MOST_LAYERS, Growth
from zfwidgets.widgets.parts.life import LifeRows

if TYPE_CHECKING:
    from zfwidgets.backend.evolution_drawing import EvolutionBlock, EvolutionCell

__all__ = ["GrowthPanels", "Options"]

_AHEAD = 8
"""Epochs whose blocks are drawn before anybody asks, the nearest first."""


class Options(Protocol):
    """What it reads of the viewer."""

    own: Any
    folder: Any
    enhance: Any
    maps: Any
    seed: Any


class GrowthPanels:
    """Blocks of maps beside each other, always of the same maps, and what the chosen one was at each epoch.

    Parameters
    ----------
    chosen : callable
        Told the place of a panel and the map of a cell that was clicked.
    name : str
        Of the network, where there are two.

    Attributes
    ----------
    panels : list of PictureFigure
        One for each layer; `layers` has their names.
    life : LifeRows
    growth : Growth or None
        What is known.
    ships : bool or None
        Whether an evolution ships with the series; None until that is known.
    """

    def __init__(self, chosen: Callable[[int, int], None], name: str = "") -> None:
        self._chosen, self._name = chosen, name
        self.panels = [PictureFigure("Layer") for _ in range(MOST_LAYERS)]
        for place, panel in enumerate(self.panels):
            panel.on_click(partial(self._touch, place))
        self.life = LifeRows()
        self.growth: Growth | None = None
        self.ships: bool | None = None
        self.layers: tuple[str | None, ...] = ()
        self.mosaics: dict[int, Mosaic] = {}
        self._on_screen: dict[int, tuple[EvolutionBlock, bool]] = {}
        self._followed: tuple[Any, ...] = ()

    # Questions -----------------------------------------------------------------------------------------------

    def questions(
        self, options: Options, source: SeriesSource, layers: tuple[str, ...] | None, epoch: int | None
    ) -> dict[str, Request]:
        """What must be known of the series, and the blocks of an epoch that has a checkpoint."""
        questions: dict[str, Request] = {}
        if not options.own:
            questions["shipped"] = ShippedEvolutionRequest(source)
        if options.own or self.ships is False:
            questions["evolution"] = EvolutionRequest(source, layers, options.folder)
        growth = self.growth
        if growth is None or epoch is None:
            return questions
        for layer, block in growth.requests(source, epoch):
            questions[f"block {growth.layers.index(layer)}"] = block
        if growth.complete:
            around = growth.around(epoch, _AHEAD)
            ahead = tuple(block for other in around for _, block in growth.requests(source, other))
            if ahead:
                questions["ahead"] = EvolutionAheadRequest(ahead)
        return questions

    # Answers -------------------------------------------------------------------------------------------------

    def take(self, growth: Growth, layers: tuple[str | None, ...]) -> None:
        """More is known of the evolution, or all; the panels show these layers."""
        for block in [] if self.growth is None else self.growth.blocks.values():
            growth.keep(block)
        if layers != self.layers:
            self._on_screen, self.mosaics, self._followed = {}, {}, ()
        self.growth, self.layers = growth, layers

    def keep(self, drawn: EvolutionBlock | tuple[EvolutionBlock, ...]) -> None:
        """Some blocks are drawn."""
        for block in drawn if isinstance(drawn, tuple) else (drawn,):
            if self.growth is not None:
                self.growth.keep(block)

    def forget(self, evolution: bool) -> None:
        """Other maps are shown, or another series."""
        self.mosaics, self._on_screen, self._followed = {}, {}, ()
        if evolution:
            self.growth, self.ships = None, None

    def show(self, epoch: int, enhance: bool) -> bool:
        """Whatever is drawn of an epoch and not on the screen yet; whether it is all there."""
        growth = self.growth
        if growth is None:
            return False
        for place, (name, panel) in enumerate(zip(self.layers, self.panels, strict=False)):
            block = None if name is None else growth.blocks.get((epoch, name))
            if block is not None and self._on_screen.get(place) != (block, enhance):
                self._on_screen[place] = (block, enhance)
                self._show_block(growth, block, place, enhance)
            elif block is None and (name is None or growth.barren(epoch, name)):
                self._on_screen.pop(place, None)
                panel.blank()
                panel.title(name or "No layer", self._about(f"epoch {epoch}"))
                panel.foot("nothing to show" + (": these weights are no finite numbers" if name is not None else ""))
        return growth.whole(epoch)

    def _show_block(self, growth: Growth, block: EvolutionBlock, place: int, enhance: bool) -> None:
        jumps, panel = growth.jumps(block), self.panels[place]
        picture = block_picture([_drawn(cell, enhance) for cell in block.cells], jumps)
        self.mosaics[place] = picture
        panel.show(picture.clear)
        count = f"{len(block.cells)} of {len(growth.evolution[block.layer].channels)} maps"
        foot = escape(block.problems[0]) if block.problems else words.block_foot(growth.evolution, block, jumps)
        if self._name:
            panel.title(block.layer, self._about(f"epoch {block.epoch}"))
            panel.foot(f"{count} &middot; {foot}")
        else:
            panel.title(block.layer, f"{count}, epoch {block.epoch}")
            panel.foot(foot)

    def _about(self, epoch: str) -> str:
        return f"{self._name}, {epoch}" if self._name else epoch

    def follow(self, place: int, cell: EvolutionCell, epoch: int, enhance: bool) -> None:
        """One map at every epoch: its projections above, what they were projected from below."""
        growth, layer = self.growth, self.layers[place]
        assert growth is not None and layer is not None
        cells = [growth.cell(column, layer, cell.channel) for column in growth.columns]
        shown = (place, layer, cell.channel, epoch, enhance, growth.evolution, *cells)
        if shown == self._followed:
            return  # to draw it is the slow part, and every block that comes asks for it
        self._followed = shown
        for other, panel in enumerate(self.panels):
            here = other == place and place in self.mosaics
            panel.boxes([self.mosaics[place].box(growth.followed(layer).index(cell.channel))] if here else [])
        unseen = {at for at, one in zip(growth.columns, cells, strict=True) if one is None}
        small = words.life_note(len(unseen - {*growth.evolution.missing}))
        self.life.show(
            (f"{layer} #{cell.channel} through the epochs", f"{self._name}: {small}" if self._name else small),
            growth.columns,
            growth.evolution.missing,
            epoch,
            [
                [None if one is None else _drawn(one, enhance) for one in cells],
                [None if one is None else one.patch for one in cells],
            ],
            words.cell_report(growth.evolution, layer, cell, epoch),
        )

    def blank(self) -> None:
        """Show nothing."""
        for panel in self.panels:
            panel.boxes([])
            panel.blank()
        self.unfollow()

    def unfollow(self) -> None:
        """Show no map through the epochs."""
        self._followed = ()
        self.life.clear()

    def part(
        self, name: str, compute: Callable[[Request], Any], source: SeriesSource, rows: int, enhance: bool
    ) -> GrowthPart | None:
        """What is printed of this network, all of it drawn; None where it has no checkpoint.

        Parameters
        ----------
        name : str
            What it is called.
        compute : callable
            Answers a question.
        source : SeriesSource
            The series.
        rows : int
            Maps of each layer.
        enhance : bool
            Whether contrast is enhanced.
        """
        growth = self.growth
        if growth is None or not growth.epochs:
            return None
        for epoch in growth.epochs:
            for _, request in growth.requests(source, epoch):
                growth.keep(compute(request))
        shown = [layer for layer in self.layers if layer is not None]
        return GrowthPart(
            f"{name}: the strongest activation of each map, projected, at epochs {', '.join(map(str, growth.columns))}",
            f"over {growth.evolved.words}",
            [(layer, _rows(growth, layer, rows, enhance)) for layer in shown],
        )

    def _touch(self, place: int, x: float, y: float) -> None:
        index = self.mosaics[place].at(x, y) if place in self.mosaics else None
        layer = self.layers[place] if place < len(self.layers) else None
        if self.growth is not None and index is not None and layer is not None:
            self._chosen(place, self.growth.followed(layer)[index])


def _drawn(cell: EvolutionCell, enhance: bool) -> NDArray[np.uint8]:
    return cell.enhanced if enhance else cell.plain


def _rows(growth: Growth, layer: str, count: int, enhance: bool) -> list[list[NDArray[np.uint8] | None]]:
    """The first maps of a layer below each other, the epochs beside each other, marked as on the page."""
    rows: list[list[NDArray[np.uint8] | None]] = [[] for _ in growth.followed(layer)]
    for epoch in growth.columns:
        block = growth.blocks.get((epoch, layer))
        if block is None:
            cells: Sequence[NDArray[np.uint8] | None] = [None] * len(rows)
        else:
            drawn = [_drawn(cell, enhance) for cell in block.cells]
            cells = [marked(cell) if jump else cell for cell, jump in zip(drawn, growth.jumps(block), strict=True)]
        for row, cell in zip(rows, cells, strict=True):
            row.append(cell)
    return rows[:count]
