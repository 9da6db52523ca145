"""A second network beside the viewer of Fig. 4: its blocks of the same layers, at the nearest epoch that it has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, Protocol

import ipywidgets as W

from zfwidgets.backend import Backend, Request
from zfwidgets.backend.evolution_requests import Evolved, SeriesSource
from zfwidgets.imaging.growth import GrowthPart
from zfwidgets.widgets.evolution import panels
from zfwidgets.widgets.evolution.pair import EvolutionPair
from zfwidgets.widgets.evolution.panels import GrowthPanels
from zfwidgets.widgets.parts.growth import Growth
from zfwidgets.widgets.viewer.counterpart import Counterpart, layer_beside

if TYPE_CHECKING:
    from zfwidgets.backend.evolution_drawing import EvolutionCell

__all__ = ["EvolutionBeside"]


class Options(panels.Options, Protocol):
    """What it reads of the viewer."""

    other_series: Any
    layers: Any
    channel: Any


class EvolutionBeside:
    """What the viewer shows of a second network.

    Parameters
    ----------
    mine, theirs : Backend
        The two networks.
    names : sequence of str
        What they are called.
    chosen : callable
        Told the place of a panel and the map of a cell that was clicked.

    Attributes
    ----------
    side : GrowthPanels
        The second network's.
    about : ipywidgets.HTML
        What had to be chosen for it, or why nothing of it can be shown.
    followed : EvolutionCell or None
        The map that is followed, at the shown epoch; None where none is.
    """

    def __init__(
        self, mine: Backend, theirs: Backend, names: Sequence[str], chosen: Callable[[int, int], None]
    ) -> None:
        self._mine, self._theirs, self._names = mine, theirs, names
        self._evolved: Evolved | None = None
        self._found: tuple[Counterpart, ...] = ()
        self._first: Growth | None = None
        problem = theirs.network.trace_problem
        self._blind = "" if problem is None else f"{names[1]} cannot be looked into: {problem}"
        self._none = self._blind
        self._failed: set[int | None] = set()
        self.side = GrowthPanels(chosen, names[1])
        self.about = W.HTML()
        self.followed: EvolutionCell | None = None

    # Questions -----------------------------------------------------------------------------------------------

    def questions(self, options: Options, epoch: int | None) -> dict[str, Request]:
        """The same of the second network's series."""
        if self._blind:
            return {}
        return self.side.questions(options, self.source(options), self._layers(options), self.epoch(epoch))

    def source(self, options: Options) -> SeriesSource:
        """Which series is meant."""
        return SeriesSource.of(self._theirs.network.name if options.other_series is None else options.other_series)

    def _layers(self, options: Options) -> tuple[str, ...] | None:
        """Of its own, what stands beside those that are asked for; None where none are."""
        if options.layers is None:
            return None
        mine, theirs = self._mine.network, self._theirs.network
        found = [layer_beside(mine, theirs, layer, self._names[1]).layer for layer in options.layers]
        return tuple(dict.fromkeys(layer for layer in found if layer is not None)) or None

    def epoch(self, epoch: int | None) -> int | None:
        """The nearest epoch of which it has a checkpoint."""
        return None if self.side.growth is None else self.side.growth.nearest(epoch)

    # Answers -------------------------------------------------------------------------------------------------

    def take(self, evolved: Evolved) -> None:
        """More is known of its evolution, or all."""
        self._evolved = evolved
        empty = not evolved.evolution.epochs and evolved.progress is None
        self._none = f"The series of {self._names[1]} holds no checkpoint yet." if empty else ""

    def forget(self, evolution: bool) -> None:
        """Other maps are shown, or another series."""
        self.side.forget(evolution)
        self.followed = None
        if evolution:
            self._evolved, self._none, self._failed = None, self._blind, set()
            self.side.blank()

    def lack(self, sentence: str) -> None:
        """There is nothing of it to show."""
        self._none = sentence
        self._say([sentence])

    def fail(self, epoch: int | None) -> None:
        """Something of it could not be drawn at an epoch: the first network does not wait for it."""
        self._failed.add(self.epoch(epoch))

    def match(self, first: Growth, options: Options) -> None:
        """Find its layers and maps to stand beside those of the first network."""
        self._first, evolved = first, self._evolved
        if evolved is None:
            return
        followed = tuple(evolved.evolution.layers)
        known = followed or evolved.progress is None  # before the first checkpoint was looked through there are none
        self._found = tuple(self._counterpart(layer, followed) for layer in first.layers) if known else ()
        layers = tuple(one.layer for one in self._found)
        alike: dict[str, list[int]] = {}
        for mine, layer in zip(first.layers, layers, strict=False):
            if layer is not None:
                alike.setdefault(layer, first.followed(mine))
        self.side.take(Growth(evolved, tuple(alike), options.maps, options.seed, alike), layers)

    def _counterpart(self, layer: str, followed: tuple[str, ...]) -> Counterpart:
        if layer in followed:
            return Counterpart(layer)  # as its series says, whatever network is at hand
        return layer_beside(self._mine.network, self._theirs.network, layer, self._names[1], followed)

    @property
    def pair(self) -> EvolutionPair | None:
        """Both evolutions with their layers side by side; None until there are any."""
        first, second = self._first, self.side.growth
        if first is None or second is None or not second.epochs:
            return None
        layers = zip(first.layers, self.side.layers, strict=False)
        both = tuple((mine, theirs) for mine, theirs in layers if theirs is not None)
        complete = first.complete and second.complete
        return EvolutionPair((self._names[0], self._names[1]), (first.evolution, second.evolution), both, complete)

    def show(self, epoch: int, options: Options) -> bool:
        """Its blocks; whether they are all there, or none will come."""
        near = self.epoch(epoch)
        there = near is not None and self.side.show(near, options.enhance)
        return there or near in self._failed or bool(self._none)

    def follow(self, place: int, channel: int, epoch: int, options: Options) -> None:
        """The map of the same number at all its epochs, and what had to be chosen."""
        growth, near, self.followed = self.side.growth, self.epoch(epoch), None
        if growth is None or near is None or self._evolved is None:
            self._say([self._none])
            return
        said = [f"Strongest over {self._evolved.words}."]
        if near != epoch:
            said.append(f"{self._names[1]} has no checkpoint of epoch {epoch}: shown is epoch {near}, the nearest.")
        said += [one.words for one in self._found]
        layer = self.side.layers[place] if place < len(self.side.layers) else None
        wanted = channel if options.channel is None else int(options.channel)
        chosen = None if layer is None else growth.chosen(near, layer, wanted)
        if chosen is None or layer is None:
            self.side.unfollow()
        else:
            self.followed = chosen[1]
            self.side.follow(place, chosen[1], near, options.enhance)
            said += self._other_maps(place, layer, (channel, wanted, chosen[1].channel))
        self._say(said)

    def part(self, rows: int, options: Options) -> GrowthPart | None:
        """Its part of Fig. 4 for print."""
        return self.side.part(self._names[1], self._theirs.compute, self.source(options), rows, options.enhance)

    def _other_maps(self, place: int, layer: str, channels: tuple[int, int, int]) -> list[str]:
        """That one of the two shows another map than the one that was asked for."""
        mine, wanted, theirs = channels
        assert self._first is not None
        said = []
        if mine != wanted:
            here = f"{self._first.layers[place]} #{wanted}"
            said.append(f"{here} is not among the maps of {self._names[0]} on show: its #{mine} is followed.")
        if theirs != wanted:
            here = f"{layer} #{wanted}"
            said.append(f"{here} is not among the maps of {self._names[1]} on show: its #{theirs} is followed.")
        return said

    def _say(self, said: Sequence[str]) -> None:
        lines = "".join(f"<div>{escape(sentence)}</div>" for sentence in dict.fromkeys(said) if sentence)
        self.about.value = f'<div class="zf-h">Second network: {escape(self._names[1])}</div>{lines}'
