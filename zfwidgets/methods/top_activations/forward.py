"""The network for batches of one size, up to the last wanted layer.

All batches have one size and each is computed on one thread, so what a picture gives depends neither on the pictures
beside it nor on how many threads or processes there are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zfwidgets.methods.top_activations.functions import functions
from zfwidgets.methods.top_activations.peaks import Peaks, Window, window_over
from zfwidgets.network import Network
from zfwidgets.network.device import exactly
from zfwidgets.network.operations.joins import Concatenation, Identity
from zfwidgets.network.operations.pooling import MaxPool

__all__ = ["Forward", "See"]

_BATCHES = {"cpu": (16, 2**26)}
"""Most pictures of a batch and most bytes of its largest map."""
_ELSEWHERE = (64, 2**29)

See = Callable[[int, Peaks], None]


class _Shown(NamedTuple):
    """A node, the first of its channels in the maps that tell its maxima, and what a column of these tells of."""

    node: int
    first: int = 0
    window: Window = Window()


class Forward:
    """Maps of the wanted layers for batches of one size.

    Parameters
    ----------
    net : Network
        A network that can be traced.
    layers : sequence of str
        Layers that are wanted.

    Attributes
    ----------
    batch : int
        Pictures of a batch.
    channels : dict
        Node that is looked at to the number of its maps, in the order they run.
    seen : dict
        Nodes that are looked at, to the first name that each was asked for under.
    parts : dict
        Layer to the nodes whose maps, one after the other, are its maps: a concatenation of wanted layers need not be
        looked at again.
    """

    def __init__(self, net: Network, layers: Sequence[str]) -> None:
        self.net, self.graph = net, net.traced()
        wanted = {net.layers[name].index for name in layers}
        self.parts = {name: list(self._parts(net.layers[name].index, wanted)) for name in layers}
        names = {net.layers[name].index: name for name in reversed(layers)}
        self.seen = {index: names[index] for parts in self.parts.values() for index in parts}
        self._needed = sorted(self.graph.ancestors(self.seen))
        self._shown = self._shown_with()
        self._readers = dict.fromkeys(self._needed, 0)
        for index in self._needed:
            for source in self._sources(index):
                self._readers[source] += 1
        # As large as a picture: spread over the colours only, three numbers at a time, they cost three times as much.
        size = (net.preprocess.size, net.preprocess.size, 3)
        self._mean = torch.tensor(net.preprocess.mean, device=net.device).expand(size).contiguous()
        self._std = torch.tensor(net.preprocess.std, device=net.device).expand(size).contiguous()
        shapes = net.shapes
        self.channels = {index: shapes[index][0] for index in sorted(self.seen)}
        largest = max(math.prod(shapes[index]) for index in self._needed)
        most, room = _BATCHES.get(net.device.type, _ELSEWHERE)
        self.batch = max(min(room // (4 * largest), most), 1)
        with net.evaluation():
            self._run = functions(net, self._needed, self.seen, self._readers, self.batch)

    @exactly
    def __call__(self, pixels: Sequence[NDArray[np.uint8] | None], see: See) -> None:
        """Run a batch of at most `batch` pictures and show ``see`` the maps (batch, C, H, W) of each node wanted.

        Vectors come as maps of one cell; a picture that is None is black. The maps may be overwritten afterwards.
        """
        values: dict[int, Any] = {0: self._inputs(pixels)}
        readers = dict(self._readers)
        for index in self._needed:
            if index:
                values[index] = self._run[index](*(values[source] for source in self.graph.nodes[index].inputs))
            if index in self._shown:
                self._show(index, values, see)
            for source in self._sources(index):
                readers[source] -= 1
                if readers[source] == 0:
                    del values[source]

    def _show(self, index: int, values: dict[int, Any], see: See) -> None:
        known = Peaks.of(values[index])
        for node, first, window in self._shown[index]:
            see(node, known if node == index else known.under(values[node], first, window))

    def _inputs(self, pixels: Sequence[NDArray[np.uint8] | None]) -> Tensor:
        """What `Preprocess` makes of the pictures, to the bit."""
        # Colours vary fastest, as they come from the decoder: the layout in which networks are fastest.
        inputs = torch.zeros((self.batch, *self._mean.shape), device=self.net.device)
        for place, picture in enumerate(pixels):
            if picture is not None:
                levels = torch.from_numpy(np.require(picture, requirements="W"))
                inputs[place].copy_(levels).div_(255).sub_(self._mean).div_(self._std)
        inputs = inputs.permute(0, 3, 1, 2)
        return inputs if self.graph.tabled else inputs.contiguous()

    def _parts(self, index: int, wanted: Collection[int]) -> Iterator[int]:
        node = self.graph.nodes[index]
        joined = type(node.operation) in (Concatenation, Identity) and all(source in wanted for source in node.inputs)
        if joined and node.inputs and 0 not in node.inputs:
            for source in node.inputs:
                yield from self._parts(source, wanted)
        else:
            yield index

    def _shown_with(self) -> dict[int, list[_Shown]]:
        """Node to the nodes that are shown when it has run: itself, or maps that it pools, whose maxima it has. They
        are larger: looking at them again costs more than the pool."""
        pooled: dict[int, tuple[int, _Shown]] = {}
        for index in self._needed if self.graph.tabled else ():
            pool, shapes = self.graph.nodes[index], self.net.shapes
            if type(pool.operation) is MaxPool:
                source, first = pool.inputs[0], 0
                window = window_over(pool.operation, shapes[source], shapes[index])
                joined = type(self.graph.nodes[source].operation) is Concatenation
                for part in (self.graph.nodes[source].inputs if joined else (source,)) if window else ():
                    if part in self.seen:
                        pooled.setdefault(part, (index, _Shown(part, first, window or Window())))
                    first += shapes[part][0]
        shown: dict[int, list[_Shown]] = {}
        for node in sorted(self.seen):
            when, what = pooled.get(node, (node, _Shown(node)))
            shown.setdefault(when, []).append(what)
        return shown

    def _sources(self, index: int) -> list[int]:
        """What a node reads, and what is shown with it."""
        shown = (part.node for part in self._shown.get(index, ()) if part.node != index)
        return [*self.graph.nodes[index].inputs, *shown]
