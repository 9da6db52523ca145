"""`EvolutionViewer`: Fig. 4, features growing from checkpoint to checkpoint."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as W

from zfwidgets.backend import Request
from zfwidgets.backend.evolution_requests import Evolved, SeriesSource
from zfwidgets.errors import DataError, ParameterError, UnknownNameError
from zfwidgets.imaging.growth import growth_sheet
from zfwidgets.widgets.evolution import words
from zfwidgets.widgets.evolution.beside import EvolutionBeside
from zfwidgets.widgets.evolution.epochs import EpochBar
from zfwidgets.widgets.evolution.options import EvolutionOptions
from zfwidgets.widgets.evolution.pair import pair_chart, pair_settling
from zfwidgets.widgets.evolution.panels import GrowthPanels
from zfwidgets.widgets.parts import controls
from zfwidgets.widgets.parts.figures import Panel
from zfwidgets.widgets.parts.growth import MOST_LAYERS, Growth
from zfwidgets.widgets.viewer.pair import FIRST, SECOND

if TYPE_CHECKING:
    from zfwidgets.methods.evolution.result import Exemplar, FeatureEvolution

__all__ = ["EvolutionViewer"]

_LAST, _FIRST_LIVE = ("the last", "last"), ("the first live one", -1)
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
    other : Backend, optional
        A second network: one slider turns both to the same epoch, or the nearest that the second has; its blocks stand
        below those of the first, its curves are dashed. ``other_series`` is its series, by default the one that ships.
    **options
        Traits: ``other_series``, ``epoch``, ``layers``, ``layer``, ``channel``, ``maps``, ``seed``, ``enhance``,
        ``own``, ``folder``; and those of `ipywidgets.VBox`.

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

    MAIN = "evolution"
    ALSO = ("shipped", *(f"block {place}" for place in range(MOST_LAYERS)))
    SENTENCE = (
        "Each cell: a map's strongest activation over all pictures at this epoch, projected; a white corner: it has "
        "just jumped to another picture (Zeiler and Fergus, section 4, Fig. 4)."
    )

    def __init__(self, backend: Any, series: Any = None, other: Any = None, **options: Any) -> None:
        super().__init__(backend, other, **({} if series is None else {"series": series}), **options)

    def _build(self) -> W.Widget:
        name = "" if self._other is None else self._names[FIRST]
        self._first = GrowthPanels(self._by_hand(partial(self._choose, FIRST)), name)
        self._beside: EvolutionBeside | None = None
        self._opens = FIRST
        self._places: list[W.Widget] = [*self._first.panels]
        if self._other is not None:
            touched = self._by_hand(partial(self._choose, SECOND))
            self._beside = EvolutionBeside(self._backend, self._other, self._names, touched)
            both = zip(self._first.panels, self._beside.side.panels, strict=True)
            self._places = [W.VBox(panels) for panels in both]
            for box in self._places:
                box.add_class("zf-wide")
        self._chart, self._table, self._notice = W.HTML(), W.HTML(), W.HTML()
        settling = Panel("Settling", self._chart)
        settling.title("Settling", "cosine to the final filters")
        self._bar = EpochBar(self._by_hand(lambda epoch: setattr(self, "epoch", epoch)))
        self.observe(lambda _: self._turned(), "epoch")
        self.observe(lambda _: self._show_blocks(), ["enhance", "layer", "channel"])
        self.observe(lambda change: self._forget(change["name"]), ["series", "own", "layers", "maps", "seed"])
        self.observe(lambda _: self._forget_other(), "other_series")
        theirs = [] if self._beside is None else [self._beside.side.life]
        blocks = W.Box([self._notice, *self._places, settling, self._first.life, *theirs])
        side = W.VBox([self._controls(), self._table, *([] if self._beside is None else [self._beside.about])])
        row = W.Box([side, blocks])
        for box, name in ((side, "zf-side"), (blocks, "zf-maps"), (blocks, "zf-growth"), (row, "zf-row")):
            box.add_class(name)
        return W.VBox([self._bar, row])

    def _controls(self) -> W.VBox:
        self._layer_control = controls.choice("Layer", [_LAST], "last")
        self._map_control = controls.choice("Map", [_FIRST_LIVE], -1)
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

    def _questions_to(self, which: int) -> dict[str, Request]:
        if not self.awake:
            return {}
        if which == SECOND and self._beside is not None:
            return self._beside.questions(self, self._shown_epoch)
        return self._first.questions(self, self._source(), self.layers, self._shown_epoch)

    def _of_both(self) -> tuple[str, ...]:
        """None: each series is looked through with pictures of its own."""
        return ()

    def _source(self) -> SeriesSource:
        return SeriesSource.of(self._backend.network.name if self.series is None else self.series)

    @property
    def _growth(self) -> Growth | None:
        """What is known of the first network's series; nothing before the viewer is built."""
        return self._first.growth if hasattr(self, "_first") else None

    def _epochs(self) -> tuple[int, ...]:
        return () if self._growth is None else self._growth.epochs

    def _layers(self) -> tuple[str, ...]:
        return () if self._growth is None else self._growth.layers

    @property
    def _shown_epoch(self) -> int | None:
        return None if self._growth is None else self._growth.shown(self.epoch)

    # Answers -------------------------------------------------------------------------------------------------

    def _show_of(self, which: int, slot: str, value: Any) -> None:
        side = self._side(which)
        if slot == "shipped":
            side.ships = value is not None
            if value is not None:
                self._take(which, value)
        elif slot == "evolution":
            self._take(which, value)
        else:
            side.keep(value)
            if slot == "ahead":
                self._show_life()
            else:
                self._show_blocks()

    def _side(self, which: int) -> GrowthPanels:
        return self._first if which == FIRST or self._beside is None else self._beside.side

    def _refused_of(self, which: int, slot: str, error: Exception) -> bool:
        if which == FIRST or self._beside is None:
            return False
        # With pictures of its own the evolution is asked for at once.
        asked = slot in ("shipped", "evolution") and self.other_series is None
        lacks = asked and isinstance(error, UnknownNameError)
        if lacks:
            self._beside.lack(words.no_series(self._names[SECOND]))
        else:
            self._beside.fail(self._shown_epoch)
        self._show_blocks()
        return lacks

    def _take(self, which: int, evolved: Evolved) -> None:
        """More is known of an evolution, or all."""
        far = evolved.progress
        self._tell_share(which, 1.0 if far is None else far.done / max(far.total, 1))
        if which == SECOND and self._beside is not None:
            self._beside.take(evolved)
        else:
            growth = Growth(evolved, self.layers, self.maps, self.seed)
            self._first.take(growth, growth.layers)
            for place, panel in enumerate(self._places):
                (panel.remove_class if place < len(growth.layers) else panel.add_class)("zf-gone")
            self._offering.renew(
                self._layer_control, [_LAST, *((name, name) for name in growth.layers)], self.layer or "last"
            )
            self._pictures_note.value = f'<div class="zf-soft">Strongest over {escape(evolved.words)}.</div>'
            (self._mine_button.remove_class if evolved.shipped else self._mine_button.add_class)("zf-gone")
        if self._beside is not None and self._growth is not None:
            self._beside.match(self._growth, self)
        sentences = self._left_out()
        self._notice.value = f'<div class="zf-error" role="alert">{escape(" ".join(sentences))}</div>'
        self._notice.layout.display = "" if sentences else "none"
        self._turned()

    def _left_out(self) -> list[str]:
        """What the folders hold that cannot be used; those of the second network name it."""
        said = [] if self._growth is None else [*words.left_out(self._growth.evolution)]
        if self._beside is not None and self._beside.side.growth is not None:
            theirs = words.left_out(self._beside.side.growth.evolution)
            said += [f"Second network, {self._names[SECOND]}: {sentence}" for sentence in theirs]
        return said

    def _turned(self) -> None:
        """Another epoch, or more is known of it."""
        growth, epoch = self._growth, self._shown_epoch
        if growth is None:
            return
        self._bar.offer(growth.epochs, growth.evolution.missing, epoch)
        if epoch is None:
            return
        pair, theirs = (None, None) if self._beside is None else (self._beside.pair, self._beside.epoch(epoch))
        if pair is None or theirs is None:
            self._chart.value = words.chart(growth.evolution, epoch)
            self._table.value = words.settling(growth.evolution, epoch, growth.complete)
        else:
            self._chart.value = pair_chart(pair, epoch)
            self._table.value = pair_settling(pair, (epoch, theirs))
        self._show_blocks()

    def _show_blocks(self) -> None:
        """Whatever is drawn of the shown epoch and not on the screen yet."""
        epoch = self._shown_epoch
        if epoch is None:
            return
        mine = self._first.show(epoch, self.enhance)
        theirs = self._beside is None or self._beside.show(epoch, self)
        if mine:
            self._show_life()
        if mine and theirs:
            self._bar.shown()

    def _show_life(self) -> None:
        """The chosen map at every epoch."""
        growth, epoch = self._growth, self._shown_epoch
        chosen = None if growth is None else growth.chosen(epoch, self.layer, self.channel)
        if growth is None or epoch is None or chosen is None:
            self._first.unfollow()
            self._name_picture()
            return
        layer, cell = chosen
        place = growth.layers.index(layer)
        self._first.follow(place, cell, epoch, self.enhance)
        maps = [_FIRST_LIVE, *((f"#{channel}", channel) for channel in growth.followed(layer))]
        self._offering.renew(self._map_control, maps, -1 if self.channel is None else cell.channel)
        with self._offering:
            self._layer_control.value = "last" if self.layer is None else layer
        if self._beside is not None:
            self._beside.follow(place, cell.channel, epoch, self)
        self._name_picture()

    def _name_picture(self) -> None:
        """Whose picture the button opens: that of the network in which a cell was clicked last."""
        self._open_button.disabled = self._exemplar() is None
        if self._other is not None:
            self._open_button.description = f"Open picture of {self._names[self._opens]}"

    def _exemplar(self) -> Exemplar | None:
        """Where the map that is followed, in that network, is strongest."""
        growth = self._growth
        if self._opens == SECOND and self._beside is not None:
            cell = self._beside.followed
        else:
            chosen = None if growth is None else growth.chosen(self._shown_epoch, self.layer, self.channel)
            cell = None if chosen is None else chosen[1]
        return None if cell is None else cell.exemplar

    # Hands ---------------------------------------------------------------------------------------------------

    def _picked(self, trait: str, value: Any) -> None:
        if not self._offering.under_way and value is not None:
            self._opens = FIRST
            with self.hold_trait_notifications():
                if trait == "layer":
                    self.channel = None
                setattr(self, trait, None if value in (-1, "last") else value)

    def _choose(self, which: int, place: int, channel: int) -> None:
        """A click on a cell of a network."""
        if place < len(self._layers()):
            self._opens = which
            with self.hold_trait_notifications():
                self.layer, self.channel = self._layers()[place], channel
            self._name_picture()  # the same map may have been followed in the other network

    def _open(self) -> None:
        exemplar, growth = self._exemplar(), self._side(self._opens).growth
        if growth is None or exemplar is None:
            return
        key, backend = exemplar.image, self._backends[self._opens]
        if growth.evolved.shipped:
            from zfwidgets.methods.evolution.embedded import evolution_pictures

            backend.borrow(key, evolution_pictures(growth.evolution.name))
        try:
            backend.lend(key, self._backend)
        except DataError as error:
            raise DataError(f"{self._names[FIRST]}: {error}") from error
        self.image = key

    def _forget(self, name: str) -> None:
        """Another series, or other maps of it."""
        same = name in ("maps", "seed") and self._growth is not None
        self._first.forget(evolution=not same)
        if not same:
            self._ask_anew(FIRST, "shipped", "evolution")
        if self._beside is not None and name != "series":
            self._forget_other(evolution=not same)
        with self._inbox.lock, self.hold_trait_notifications():
            self.layer = self.channel = None
        if same and self._growth is not None:
            self._take(FIRST, self._growth.evolved)

    def _forget_other(self, evolution: bool = True) -> None:
        if self._beside is not None:
            self._beside.forget(evolution)
        if evolution:
            self._ask_anew(SECOND, "shipped", "evolution")

    # Words ---------------------------------------------------------------------------------------------------

    def _facts(self) -> str:
        return " and ".join(words.facts(evolution) for evolution in self.results)

    @property
    def results(self) -> tuple[FeatureEvolution, ...]:
        """The numbers behind both, this network's first; as far as there are any."""
        sides = [self._first, *([] if self._beside is None else [self._beside.side])]
        return tuple(side.growth.evolution for side in sides if side.growth is not None)

    @property
    def result(self) -> FeatureEvolution | None:
        """The numbers behind it; None until there are any."""
        return None if self._growth is None else self._growth.evolution

    def as_png(self, rows: int = 6) -> bytes:
        """Fig. 4 as the paper prints it: a block for each layer, maps below each other, epochs beside each other.

        A white corner marks a jump to another picture, as on the page. A second network's stands beside it.

        Parameters
        ----------
        rows : int
            Maps of each layer.

        Raises
        ------
        ParameterError
            If there is no checkpoint yet.
        """
        if self._growth is None or not self._growth.layers:
            raise ParameterError("There is nothing to draw yet; wait until a checkpoint has been mined.")
        name = self._growth.evolution.name if self._other is None else self._names[FIRST]
        parts = [self._first.part(name, self._backend.compute, self._source(), rows, self.enhance)]
        parts += [] if self._beside is None else [self._beside.part(rows, self)]
        return growth_sheet([part for part in parts if part is not None])
