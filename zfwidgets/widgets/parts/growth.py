"""What is known by now of growing features: an evolution, the maps that are followed, and the blocks drawn of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from zfwidgets.backend.evolution_requests import EvolutionBlockRequest, Evolved, SeriesSource

if TYPE_CHECKING:
    from zfwidgets.backend.evolution_drawing import EvolutionBlock, EvolutionCell
    from zfwidgets.methods.evolution.result import FeatureEvolution

__all__ = ["MOST_LAYERS", "Growth"]

MOST_LAYERS = 5
"""Blocks beside each other, as in the paper."""


class Growth:
    """An evolution under a choice of maps.

    Parameters
    ----------
    evolved : Evolved
        As far as it is known.
    layers : tuple of str or None
        Which are shown; None: at most five, evenly chosen.
    maps, seed : int
        How many maps of each layer are followed, drawn with which chance.
    alike : mapping, optional
        Layer to maps that are followed as far as there are any of these numbers; chance fills up.

    Attributes
    ----------
    blocks : dict
        (epoch, layer) to what was drawn.
    """

    def __init__(
        self,
        evolved: Evolved,
        layers: tuple[str, ...] | None,
        maps: int,
        seed: int,
        alike: Mapping[str, list[int]] | None = None,
    ) -> None:
        self.evolved, self.evolution = evolved, evolved.evolution
        self.layers = _chosen(self.evolution, layers)
        self._maps, self._seed, self._alike = maps, seed, alike or {}
        self.blocks: dict[tuple[int, str], EvolutionBlock] = {}
        self._requests: dict[tuple[SeriesSource, int], tuple[tuple[str, EvolutionBlockRequest], ...]] = {}
        self._followed = {layer: self._drawn_lots(layer) for layer in self.layers}

    @property
    def epochs(self) -> tuple[int, ...]:
        """Those with a checkpoint."""
        return self.evolution.epochs

    @property
    def complete(self) -> bool:
        """Whether all checkpoints are looked through."""
        return self.evolved.progress is None

    @property
    def columns(self) -> list[int]:
        """All epochs of the axis, the missing ones too."""
        return sorted({*self.evolution.epochs, *self.evolution.missing})

    def shown(self, epoch: int | None) -> int | None:
        """The epoch asked for, or the last one; None where there is no checkpoint."""
        if epoch in self.epochs:
            return epoch
        return self.epochs[-1] if self.epochs else None

    def nearest(self, epoch: int | None) -> int | None:
        """The epoch that lies nearest, the earlier of two; None where there is no checkpoint.

        With None, the last one.
        """
        if epoch is None:
            return self.shown(None)
        return min(self.epochs, key=lambda one: (abs(one - epoch), one), default=None)

    def followed(self, layer: str) -> list[int]:
        """A random subset of its maps, the same at every epoch."""
        return self._followed[layer]

    def barren(self, epoch: int, layer: str) -> bool:
        """Whether nothing can be shown, because the weights are no numbers."""
        return bool(np.isnan(self.evolution[layer].values[self.epochs.index(epoch)]).all())

    def requests(self, source: SeriesSource, epoch: int) -> tuple[tuple[str, EvolutionBlockRequest], ...]:
        """The questions for the blocks of an epoch, by layer; a slider asks for those of all epochs at each move."""
        if (source, epoch) not in self._requests:
            self._requests[source, epoch] = tuple(self._asked(source, epoch))
        return self._requests[source, epoch]

    def _asked(self, source: SeriesSource, epoch: int) -> Iterator[tuple[str, EvolutionBlockRequest]]:
        evolution, digest = self.evolution, self.evolution.digests[self.epochs.index(epoch)]
        for layer in self.layers:
            if not self.barren(epoch, layer):
                cells = tuple((one, evolution.exemplar(epoch, layer, one)) for one in self.followed(layer))
                yield layer, EvolutionBlockRequest(source, epoch, digest, layer, cells, self.evolved.shipped)

    def around(self, epoch: int, count: int) -> list[int]:
        """The other epochs, the nearest first."""
        here = self.epochs.index(epoch)
        return sorted(self.epochs, key=lambda other: abs(self.epochs.index(other) - here))[1 : count + 1]

    def keep(self, block: EvolutionBlock) -> bool:
        """Keep a block, if it is of these maps."""
        if block.layer not in self.layers or [cell.channel for cell in block.cells] != self.followed(block.layer):
            return False
        self.blocks[block.epoch, block.layer] = block
        return True

    def cell(self, epoch: int, layer: str, channel: int) -> EvolutionCell | None:
        """One map at one epoch, if it was drawn."""
        block = self.blocks.get((epoch, layer))
        return None if block is None else next((cell for cell in block.cells if cell.channel == channel), None)

    def chosen(self, epoch: int | None, layer: str | None, channel: int | None) -> tuple[str, EvolutionCell] | None:
        """The map that is followed below the blocks: as asked, else the first of the last layer that is not dead."""
        name = layer if layer in self.layers else next(iter(self.layers[::-1]), "")
        block = self.blocks.get((epoch or 0, name))
        if block is None:
            return None
        lit = [cell for cell in block.cells if cell.exemplar is not None] or block.cells
        return name, next((cell for cell in block.cells if cell.channel == channel), lit[0])

    def jumps(self, block: EvolutionBlock) -> list[bool]:
        """Which of its exemplars have become others since the epoch before."""
        found = self.evolution[block.layer]
        places = [found.channels.tolist().index(cell.channel) for cell in block.cells]
        jumps: list[bool] = found.jumps[self.epochs.index(block.epoch), places].tolist()
        return jumps

    def whole(self, epoch: int) -> bool:
        """Whether all blocks of an epoch are drawn."""
        return all((epoch, layer) in self.blocks or self.barren(epoch, layer) for layer in self.layers)

    def _drawn_lots(self, layer: str) -> list[int]:
        known = self.evolution[layer].channels
        alike = [channel for channel in self._alike.get(layer, []) if channel in known][: self._maps]
        rest = np.setdiff1d(known, alike)
        dice = np.random.default_rng([self._seed, list(self.evolution.layers).index(layer)])
        lots: list[int] = dice.choice(rest, min(self._maps - len(alike), len(rest)), replace=False).tolist()
        return sorted([*alike, *lots])


def _chosen(evolution: FeatureEvolution, layers: tuple[str, ...] | None) -> tuple[str, ...]:
    names = list(evolution.layers)
    if layers is not None:
        return tuple(name for name in layers if name in names)
    places = np.unique(np.linspace(0, len(names) - 1, min(len(names), MOST_LAYERS)).round().astype(int))
    return tuple(names[place] for place in places)
