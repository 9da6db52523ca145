"""One pass over some pictures: decode, run, rank."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from threading import Lock

import numpy as np
import torch

from zfwidgets.data import ImageSet
from zfwidgets.errors import Cancelled
from zfwidgets.methods.top_activations.census import Census
from zfwidgets.methods.top_activations.decoding import Decoded, decoded
from zfwidgets.methods.top_activations.forward import Forward, See
from zfwidgets.methods.top_activations.peaks import Peaks
from zfwidgets.methods.top_activations.processes import Decoders
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
    decoders : Decoders, optional
        Processes that decode the pictures; without any it is done where the network is run.

    Attributes
    ----------
    sound : bool
        Whether census and ranks are of the same pictures, as they are between two batches.
    """

    def __init__(
        self,
        net: Network,
        image_set: ImageSet,
        keys: Sequence[str],
        layers: Sequence[str],
        k: int,
        per_image: int,
        decoders: Decoders | None = None,
    ) -> None:
        self.net, self.image_set, self.keys = net, image_set, keys
        self.decoders = decoders or Decoders(0)
        self.forward = Forward(net, layers)
        self.ranking = Ranking(self.forward.channels, k, per_image)
        self.census = Census()
        self.sound = True
        self._shown: set[bytes] = set()
        self._foreign = Lock()

    def run(self, cancelled: Callable[[], bool], enough: Callable[[], bool] = lambda: False) -> Iterator[int]:
        """Go through the pictures, or some of them until it is ``enough``; yields how many are done."""
        step = self.forward.batch
        batches = (self.keys[start : start + step] for start in range(0, len(self.keys), step))
        pieces = self.decoders.batches(self.image_set, self.net.preprocess, self._until(cancelled, enough, batches))
        done = 0
        for pictures, hits, unsound in side_by_side(self._piece, pieces):
            self._add(done, pictures, hits, unsound)
            done += len(pictures)
            yield done

    @staticmethod
    def _until(
        cancelled: Callable[[], bool], enough: Callable[[], bool], batches: Iterable[Sequence[str]]
    ) -> Iterator[Sequence[str]]:
        for place, batch in enumerate(batches):
            if cancelled():
                raise Cancelled("Mining was cancelled.")
            if place and enough():
                return
            yield batch

    def ranks(self) -> dict[str, Ranks]:
        """The ranking as it is now; its pictures are places in ``keys``."""
        return {name: self.ranking.ranks(parts) for name, parts in self.forward.parts.items()}

    def _piece(
        self, piece: tuple[Sequence[str], list[Decoded] | None]
    ) -> tuple[list[Decoded], list[Hits], dict[int, str]]:
        keys, pictures = piece
        if pictures is None:
            pictures = [decoded(self.image_set, key, self.net.preprocess) for key in keys]
        found: list[Hits] = []
        unsound: dict[int, int] = {}

        def see(layer: int, peaks: Peaks) -> None:
            hits, wrong = self.ranking.look(layer, peaks)
            for slot in wrong.tolist():
                unsound[slot] = min(unsound.get(slot, layer), layer)
            if hits is not None:
                found.append(hits)

        self._forward(pictures, see)
        # Maps are not always shown in the order they run.
        found.sort(key=lambda hits: int(hits.channels[0]))
        return pictures, found, {slot: self.forward.seen[layer] for slot, layer in unsound.items()}

    def _forward(self, pictures: Sequence[Decoded], see: See) -> None:
        pixels = [picture.pixels for picture in pictures]
        if self.forward.graph.tabled:
            self.forward(pixels, see)
            return
        # The module's own code may keep what it makes, and is not made for two threads.
        with self._foreign, self.net.lock, torch.inference_mode(False), torch.no_grad(), self.net.evaluation():
            self.forward(pixels, see)

    def _add(self, start: int, pictures: Sequence[Decoded], hits: Sequence[Hits], unsound: dict[int, str]) -> None:
        self.sound = False  # Ctrl-C can come between any two lines
        used = np.zeros(self.forward.batch, bool)
        for place, picture in enumerate(pictures):
            key = self.keys[start + place]
            self.census.stamps[key] = picture.stamp
            if picture.pixels is None:
                self.census.skipped[key] = picture.reason
            elif place in unsound:
                self.census.skipped[key] = (
                    f"{key!r} gives activations of {unsound[place]!r} that are no finite numbers."
                )
            else:
                self.census.digests[key] = picture.digest
                used[place] = picture.digest not in self._shown
                self._shown.add(picture.digest)
        self.ranking.add(hits, start + np.arange(self.forward.batch), used)
        self.sound = True
