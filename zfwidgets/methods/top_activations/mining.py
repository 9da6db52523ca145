"""One pass over some pictures: decode, run, rank."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from threading import Lock

import numpy as np
import torch
from torch import Tensor

from zfwidgets.data import ImageSet
from zfwidgets.errors import Cancelled
from zfwidgets.methods.top_activations.census import Census
from zfwidgets.methods.top_activations.decoding import Decoded, decoded
from zfwidgets.methods.top_activations.forward import Forward
from zfwidgets.methods.top_activations.identity import stamp
from zfwidgets.methods.top_activations.ranking import Hits, Ranking
from zfwidgets.methods.top_activations.ranks import Ranks
from zfwidgets.network import Network
from zfwidgets.network.side_by_side import side_by_side

__all__ = ["Pass"]


class Pass:
    """The ranking of some pictures while it grows.

    Parameters
    ----------
    net : Network
        A network that can be traced.
    image_set : ImageSet
        Where the pictures are.
    keys : sequence of str
        Which of them, in order of keys.
    layers : sequence of str
        What to rank.
    k, per_image : int
        Entries of each map, and how many of them one picture may have.
    """

    def __init__(
        self, net: Network, image_set: ImageSet, keys: Sequence[str], layers: Sequence[str], k: int, per_image: int
    ) -> None:
        self.net, self.image_set, self.keys = net, image_set, keys
        self.forward = Forward(net, layers)
        self.ranking = Ranking(self.forward.channels, k, per_image)
        self.census = Census()
        self._shown: set[bytes] = set()
        self._foreign = Lock()

    def run(self, cancelled: Callable[[], bool]) -> Iterator[int]:
        """Go through the pictures; yields how many are done."""
        step = self.forward.batch
        starts = range(0, len(self.keys), step)

        def pieces() -> Iterator[int]:
            for start in starts:
                if cancelled():
                    raise Cancelled("Mining was cancelled.")
                yield start

        for start, (pictures, hits, unsound) in zip(starts, side_by_side(self._piece, pieces()), strict=True):
            self._add(start, pictures, hits, unsound)
            yield min(start + step, len(self.keys))

    def ranks(self) -> dict[str, Ranks]:
        """The ranking as it is now; its pictures are places in ``keys``."""
        return {name: self.ranking.ranks(parts) for name, parts in self.forward.parts.items()}

    def _piece(self, start: int) -> tuple[list[Decoded], list[Hits], dict[int, str]]:
        keys = self.keys[start : start + self.forward.batch]
        pictures = [decoded(self.image_set, key, self.net.preprocess) for key in keys]
        found: list[Hits] = []
        unsound: dict[int, str] = {}

        def see(layer: int, maps: Tensor) -> None:
            hits, wrong = self.ranking.look(layer, maps)
            for slot in wrong.tolist():
                unsound.setdefault(slot, self.forward.seen[layer])
            if hits is not None:
                found.append(hits)

        self._forward(pictures, see)
        return pictures, found, unsound

    def _forward(self, pictures: Sequence[Decoded], see: Callable[[int, Tensor], None]) -> None:
        pixels = [picture.pixels for picture in pictures]
        if self.forward.graph.tabled:
            self.forward(pixels, see)
            return
        # The module's own code may keep what it makes, and is not made for two threads.
        with self._foreign, self.net.lock, torch.inference_mode(False), torch.no_grad(), self.net.evaluation():
            self.forward(pixels, see)

    def _add(self, start: int, pictures: Sequence[Decoded], hits: Sequence[Hits], unsound: dict[int, str]) -> None:
        used = np.zeros(self.forward.batch, bool)
        for place, picture in enumerate(pictures):
            key = self.keys[start + place]
            if picture.pixels is None:
                self.census.skipped[key] = picture.reason
            elif place in unsound:
                self.census.skipped[key] = (
                    f"{key!r} gives activations of {unsound[place]!r} that are no finite numbers."
                )
            else:
                self.census.digests[key] = picture.digest
                self.census.stamps[key] = stamp(self.image_set, key)
                used[place] = picture.digest not in self._shown
                self._shown.add(picture.digest)
        self.ranking.add(hits, start + np.arange(self.forward.batch), used)
