"""`EvolutionViewer`: Fig. 4, features growing from checkpoint to checkpoint."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as W
import numpy as np
from numpy.typing import NDArray

from zfwidgets.backend import Request
from zfwidgets.backend.evolution_requests import (
    EvolutionAheadRequest,
    EvolutionRequest,
    Evolved,
    SeriesSource,
    ShippedEvolutionRequest,
)
from zfwidgets.errors import ParameterError
from zfwidgets.imaging.growth import block_picture, growth_sheet
from zfwidgets.imaging.mosaic import Mosaic
from zfwidgets.widgets import controls
from zfwidgets.widgets import evolution_words as words
from zfwidgets.widgets.epochs import EpochBar
from zfwidgets.widgets.evolution_options import MOST_LAYERS, EvolutionOptions
from zfwidgets.widgets.evolution_state import Growth
from zfwidgets.widgets.figures import Panel, PictureFigure
from zfwidgets.widgets.life import LifeRows

if TYPE_CHECKING:
    from zfwidgets.backend.evolution_drawing import EvolutionBlock, EvolutionCell
    from zfwidgets.methods.evolution.result import FeatureEvolution

__all__ = ["EvolutionViewer"]

_AHEAD = 8
"""Epochs whose blocks are drawn before anybody asks, the nearest first."""
_LAST, _FIRST = ("the last", "last"), ("the first live one", -1)
"""What the lists offer for None."""


class EvolutionViewer(EvolutionOptions):
    """Scrub through the epochs of a training: what the maps of each layer answer to (Fig. 4).

    Each cell is the projection of a map's strongest activation over all pictures at that checkpoint. Beside the blocks:
    how near each layer's filters are to their final form, and the validation error. A click on a cell follows its map
    through all epochs.

    Parameters
    ----------
    backend : Backend
        Its pictures are mined where no evolution ships with the series; best those of the training.
    series : CheckpointSeries, path or str, optional
        By default the series that ships with the backend's network.
    **options
        Traits: ``epoch``, ``layers``, ``layer``, ``channel``, ``maps``, ``seed``, ``enhance``, ``own``, ``folder``; and
        those of `ipywidgets.VBox`.

    Examples
    --------
    >>> import tempfile
    >>> import torch
    >>> from torch import nn
    >>> from zfwidgets.backend import Backend
    >>> from zfwidgets.imaging import Preprocess
    >>> from zfwidgets.models import CheckpointSeries
    >>> from zfwidgets.network import Network
    >>> module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 14 * 14, 2))
    >>> folder, size = tempfile.mkdtemp(), Preprocess(size=16)
    >>> for epoch in (1, 2):
    ...     torch.save(module.state_dict(), f"{folder}/epoch_{epoch}.pt")
    >>> with Backend(Network(module, preprocess=size, device="cpu")) as backend:
    ...     viewer = EvolutionViewer(backend, CheckpointSeries(folder, module=module, preprocess=size), epoch=1)
    ...     done = viewer.wait()
    >>> viewer.result.epochs, viewer.result["conv1"].values.shape
    ((1, 2), (2, 4))
    """

    _growth: Growth | None = None

    MAIN = "evolution"
    ALSO = ("shipped", *(f"block {place}" for place in range(MOST_LAYERS)))
    SENTENCE = (
        "Each cell: a map's strongest activation over all pictures at this epoch, projected; a white corner: it has "
        "just jumped to another picture (Zeiler and Fergus, section 4, Fig. 4)."
    )

    def __init__(self, backend: Any, series: Any = None, **options: Any) -> None:
        super().__init__(backend, **({} if series is None else {"series": series}), **options)

    def _defaults(self) -> dict[str, Any]:
        if self._backend.network.trace_problem is not None:
            raise ParameterError(f"This network has no features to show: {self._backend.network.trace_problem}")
        return super()._defaults()

    def _build(self) -> W.Widget:
        self._ships: bool | None = None
        self._on_screen: dict[str, tuple[EvolutionBlock, bool]] = {}
        self._mosaics: dict[str, Mosaic] = {}
        self._panels = [PictureFigure("Layer") for _ in range(MOST_LAYERS)]
        for place, panel in enumerate(self._panels):
            panel.on_click(self._by_hand(lambda x, y, place=place: self._choose(place, x, y)))
        self._chart, self._table, self._notice, self._life = W.HTML(), W.HTML(), W.HTML(), LifeRows()
        settling = Panel("Settling", self._chart)
        settling.title("Settling", "cosine to the final filters")
        self._bar = EpochBar(self._by_hand(lambda epoch: setattr(self, "epoch", epoch)))
        self.observe(lambda _: self._turned(), "epoch")
        self.observe(lambda _: self._show_blocks(), ["enhance", "layer", "channel"])
        self.observe(lambda change: self._forget(change["name"]), ["series", "own", "layers", "maps", "seed"])
        blocks = W.Box([self._notice, *self._panels, settling, self._life])
        side = W.VBox([self._controls(), self._table])
        row = W.Box([side, blocks])
        for box, name in ((side, "zf-side"), (blocks, "zf-maps"), (blocks, "zf-growth"), (row, "zf-row")):
            box.add_class(name)
        return W.VBox([self._bar, row])

    def _controls(self) -> W.VBox:
        self._layer_control = controls.choice("Layer", [_LAST], "last")
        self._map_control = controls.choice("Map", [_FIRST], -1)
        self._layer_control.observe(self._by_hand(lambda change: self._picked("layer", change["new"])), "value")
        self._map_control.observe(self._by_hand(lambda change: self._picked("channel", change["new"])), "value")
        contrast = W.Checkbox(description="Enhance contrast", indent=False, tooltip="As in the paper's figure")
        self._open_button = W.Button(description="Open its picture", tooltip="Look at this picture in the other views")
        self._open_button.on_click(self._by_hand(lambda _: self._open()))
        self._mine_button = W.Button(
            description="Mine these pictures", tooltip="Find the strongest activations among the pictures of this page"
        )
        self._mine_button.on_click(self._by_hand(lambda _: setattr(self, "own", True)))
        for button in (self._open_button, self._mine_button):
            button.add_class("zf-mine")
        self._pictures_note = W.HTML()
        return controls.group(
            self._bind(contrast, "enhance"),
            self._layer_control,
            self._map_control,
            self._open_button,
            self._mine_button,
            self._pictures_note,
        )

    # Questions -----------------------------------------------------------------------------------------------

    def _questions(self) -> dict[str, Request]:
        if not self.awake:
            return {}
        source = self._source()
        questions: dict[str, Request] = {}
        if not self.own:
            questions["shipped"] = ShippedEvolutionRequest(source)
        if self.own or self._ships is False:
            questions["evolution"] = EvolutionRequest(source, self.layers, self.folder)
        growth, epoch = self._growth, self._shown_epoch
        if growth is None or epoch is None:
            return questions
        for layer, block in growth.requests(source, epoch):
            questions[f"block {growth.layers.index(layer)}"] = block
        if growth.evolved.progress is None:
            near = growth.nearest(epoch, _AHEAD)
            ahead = tuple(block for other in near for _, block in growth.requests(source, other))
            if ahead:
                questions["ahead"] = EvolutionAheadRequest(ahead)
        return questions

    def _source(self) -> SeriesSource:
        return SeriesSource.of(self._backend.network.name if self.series is None else self.series)

    def _epochs(self) -> tuple[int, ...]:
        return () if self._growth is None else self._growth.epochs

    def _layers(self) -> tuple[str, ...]:
        return () if self._growth is None else self._growth.layers

    @property
    def _shown_epoch(self) -> int | None:
        return None if self._growth is None else self._growth.shown(self.epoch)

    # Answers -------------------------------------------------------------------------------------------------

    def _show(self, slot: str, value: Any) -> None:
        if slot == "shipped":
            self._ships = value is not None
            if value is not None:
                self._take(value)
        elif slot == "evolution":
            if value.progress is not None:
                self._progress = value.progress.done / max(value.progress.total, 1)
            self._take(value)
        elif self._growth is not None:
            for block in value if isinstance(value, tuple) else (value,):
                self._growth.keep(block)
            if slot == "ahead":
                self._show_life()
            else:
                self._show_blocks()

    def _take(self, evolved: Evolved) -> None:
        """More is known of the evolution, or all."""
        growth = Growth(evolved, self.layers, self.maps, self.seed)
        for block in [] if self._growth is None else self._growth.blocks.values():
            growth.keep(block)
        self._growth = growth
        for place, panel in enumerate(self._panels):
            (panel.remove_class if place < len(growth.layers) else panel.add_class)("zf-gone")
        self._offer(self._layer_control, [_LAST, *((name, name) for name in growth.layers)], self.layer or "last")
        self._pictures_note.value = f'<div class="zf-soft">Strongest over {escape(evolved.words)}.</div>'
        (self._mine_button.remove_class if evolved.shipped else self._mine_button.add_class)("zf-gone")
        sentences = words.left_out(growth.evolution)
        self._notice.value = f'<div class="zf-error" role="alert">{escape(" ".join(sentences))}</div>'
        self._notice.layout.display = "" if sentences else "none"
        self._turned()

    def _turned(self) -> None:
        """Another epoch, or more is known of it."""
        growth, epoch = self._growth, self._shown_epoch
        if growth is None:
            return
        self._bar.offer(growth.epochs, growth.evolution.missing, epoch)
        if epoch is None:
            return
        self._chart.value = words.chart(growth.evolution, epoch)
        self._table.value = words.settling(growth.evolution, epoch)
        self._show_blocks()

    def _show_blocks(self) -> None:
        """Whatever is drawn of the shown epoch and not on the screen yet."""
        growth, epoch = self._growth, self._shown_epoch
        if growth is None or epoch is None:
            return
        for name, panel in zip(growth.layers, self._panels, strict=False):
            block = growth.blocks.get((epoch, name))
            if block is not None and self._on_screen.get(name) != (block, self.enhance):
                self._on_screen[name] = (block, self.enhance)
                self._show_block(growth, block, panel)
            elif block is None and growth.barren(epoch, name):
                self._on_screen.pop(name, None)
                panel.blank()
                panel.title(name, f"epoch {epoch}")
                panel.foot("nothing to show: these weights are no finite numbers")
        if growth.whole(epoch):
            self._show_life()
            self._bar.shown()

    def _show_block(self, growth: Growth, block: EvolutionBlock, panel: PictureFigure) -> None:
        jumps = growth.jumps(block)
        picture = block_picture([self._drawn(cell) for cell in block.cells], jumps)
        self._mosaics[block.layer] = picture
        panel.show(picture.clear)
        count = len(growth.evolution[block.layer].channels)
        panel.title(block.layer, f"{len(block.cells)} of {count} maps, epoch {block.epoch}")
        panel.foot(escape(block.problems[0]) if block.problems else words.block_foot(growth.evolution, block, jumps))

    def _drawn(self, cell: EvolutionCell) -> NDArray[np.uint8]:
        return cell.enhanced if self.enhance else cell.plain

    def _show_life(self) -> None:
        """The chosen map at every epoch: its projections above, what they were projected from below."""
        growth, epoch = self._growth, self._shown_epoch
        chosen = None if growth is None else growth.chosen(epoch, self.layer, self.channel)
        self._open_button.disabled = chosen is None or chosen[1].exemplar is None
        if growth is None or epoch is None or chosen is None:
            self._life.clear()
            return
        layer, cell = chosen
        for name, panel in zip(growth.layers, self._panels, strict=False):
            here = name == layer and name in self._mosaics
            panel.boxes([self._mosaics[name].box(growth.followed(name).index(cell.channel))] if here else [])
        maps = [_FIRST, *((f"#{channel}", channel) for channel in growth.followed(layer))]
        self._offer(self._map_control, maps, -1 if self.channel is None else cell.channel)
        cells = [growth.cell(column, layer, cell.channel) for column in growth.columns]
        self._life.show(
            (f"{layer} #{cell.channel} through the epochs", "its projections, and what they are projections of"),
            growth.columns,
            growth.evolution.missing,
            epoch,
            [
                [None if one is None else self._drawn(one) for one in cells],
                [None if one is None else one.patch for one in cells],
            ],
            words.cell_report(growth.evolution, layer, cell, epoch),
        )

    def _offer(self, control: Any, options: list[tuple[str, Any]], value: Any) -> None:
        self._offering = True  # new options make a list choose its first one
        try:
            if tuple(control.options) != tuple(options):
                control.options = options
            control.value = value
        finally:
            self._offering = False

    # Hands ---------------------------------------------------------------------------------------------------

    def _picked(self, trait: str, value: Any) -> None:
        if not self._offering and value is not None:
            with self.hold_trait_notifications():
                if trait == "layer":
                    self.channel = None
                setattr(self, trait, None if value in (-1, "last") else value)

    def _choose(self, place: int, x: float, y: float) -> None:
        name = self._layers()[place] if place < len(self._layers()) else ""
        index = self._mosaics[name].at(x, y) if name in self._mosaics else None
        if self._growth is not None and index is not None:
            with self.hold_trait_notifications():
                self.layer, self.channel = name, self._growth.followed(name)[index]

    def _open(self) -> None:
        growth = self._growth
        chosen = None if growth is None else growth.chosen(self._shown_epoch, self.layer, self.channel)
        if growth is None or chosen is None or chosen[1].exemplar is None:
            return
        key = chosen[1].exemplar.image
        if growth.evolved.shipped:
            from zfwidgets.methods.evolution.embedded import evolution_pictures

            self._backend.borrow(key, evolution_pictures(growth.evolution.name))
        self.image = key

    def _forget(self, name: str) -> None:
        """Another series, or other maps of it."""
        self._mosaics, self._on_screen = {}, {}
        with self._inbox.lock, self.hold_trait_notifications():
            self.layer = self.channel = None
        if name in ("maps", "seed") and self._growth is not None:
            self._take(self._growth.evolved)
        else:
            self._growth, self._ships = None, None

    # Words ---------------------------------------------------------------------------------------------------

    def _facts(self) -> str:
        evolution = self.result
        if evolution is None:
            return ""
        left = len(evolution.problems or {})
        facts = f"{len(evolution.epochs)} checkpoints of {escape(evolution.name)}"
        return facts + (f" &middot; {left} files left out" if left else "")

    @property
    def result(self) -> FeatureEvolution | None:
        """The numbers behind it; None until there are any."""
        return None if self._growth is None else self._growth.evolution

    def as_png(self, rows: int = 6) -> bytes:
        """Fig. 4 as the paper prints it: a block for each layer, maps below each other, epochs beside each other.

        Parameters
        ----------
        rows : int
            Maps of each layer.

        Raises
        ------
        ParameterError
            If there is no checkpoint yet.
        """
        growth = self._growth
        if growth is None or not growth.layers:
            raise ParameterError("There is nothing to draw yet; wait until a checkpoint has been mined.")
        for epoch in growth.epochs:
            for _, request in growth.requests(self._source(), epoch):
                growth.keep(self._backend.compute(request))
        blocks = []
        for layer in growth.layers:
            cells = [[growth.cell(epoch, layer, one) for epoch in growth.columns] for one in growth.followed(layer)]
            drawn = [[None if cell is None else self._drawn(cell) for cell in row] for row in cells[:rows]]
            blocks.append((layer, drawn))
        listed = ", ".join(map(str, growth.columns))
        title = f"{growth.evolution.name}: the strongest activation of each map, projected, at epochs {listed}"
        return growth_sheet(title, f"over {growth.evolved.words}", blocks)
