"""The network for batches of one size, up to the last wanted layer.

All batches have one size and each is computed on one thread, so what a picture gives depends neither on the pictures
beside it nor on how many threads or processes there are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zfwidgets.network import Network
from zfwidgets.network.operations.filters import BatchNorm, Convolution, Rectification
from zfwidgets.network.operations.joins import Addition, Concatenation, Identity
from zfwidgets.network.operations.pooling import MaxPool
from zfwidgets.network.packing import pinned

__all__ = ["Forward"]

_BATCHES = {"cpu": (16, 2**24)}
"""Most pictures of a batch and most bytes of its largest map. On a processor that map should be in the caches when it
is looked at: SqueezeNet takes a tenth longer with 50 MB than with 16."""
_ELSEWHERE = (64, 2**29)

See = Callable[[int, Tensor], None]


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
        self._readers = dict.fromkeys(self._needed, 0)
        for index in self._needed:
            for source in self.graph.nodes[index].inputs:
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
            self._run = {index: self._function(index) for index in self._needed}

    def __call__(self, pixels: Sequence[NDArray[np.uint8] | None], see: See) -> None:
        """Run a batch of at most `batch` pictures and show ``see`` the maps (batch, C, H, W) of each node wanted.

        Vectors come as maps of one cell; a picture that is None is black. The maps may be overwritten afterwards.
        """
        values: dict[int, Any] = {0: self._inputs(pixels)}
        readers = dict(self._readers)
        for index in self._needed:
            sources = self.graph.nodes[index].inputs
            if index:
                values[index] = self._run[index](*(values[source] for source in sources))
            if index in self.seen:
                maps = values[index]
                see(index, maps if maps.dim() == 4 else maps[:, :, None, None])
            for source in sources:
                readers[source] -= 1
                if readers[source] == 0:
                    del values[source]

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

    def _function(self, index: int) -> Callable[..., Any]:
        """A node's forward, or something faster that gives the same for batches of this size."""
        node = self.graph.nodes[index]
        if not self.graph.tabled or not node.inputs or self.net.device.type != "cpu":
            return node.operation.forward
        source = node.inputs[0]
        if type(node.operation) is Convolution:
            channels, height, width = self.net.shapes[source]
            shape = (self.batch, channels, height, width)
            found = pinned(node.operation.module, node.operation.padding, shape)
            return found or node.operation.forward
        if type(node.operation) is MaxPool:
            return partial(_pooled, node.operation)
        if type(node.operation) is Rectification:
            # Nobody else reads the map, and it is no view of another.
            fresh = type(self.graph.nodes[source].operation) in (Convolution, BatchNorm, Addition)
            if fresh and self._readers[source] == 1:
                return torch.relu_
        return node.operation.forward


def _pooled(pool: MaxPool, maps: Tensor) -> Tensor:
    """`MaxPool.forward` by rows and then by columns, which is twice as fast with channels last.

    Windows that stick out of the map are left to the operation itself.
    """
    reaches = zip(pool.kernel, pool.stride, pool.padding, pool.dilation, maps.shape[2:], strict=True)
    for kernel, stride, padding, dilation, extent in reaches:
        whole = extent >= kernel and ((extent - kernel) % stride == 0 or not pool.ceil_mode)
        if padding or dilation != 1 or not whole:
            return pool.forward(maps)
    cells = maps.permute(0, 2, 3, 1)
    for axis in (1, 2):
        kernel, stride = pool.kernel[axis - 1], pool.stride[axis - 1]
        count = (cells.shape[axis] - kernel) // stride + 1
        slices = [_every(cells, axis, first, stride, count) for first in range(kernel)]
        cells = slices[0] if kernel == 1 else torch.maximum(slices[0], slices[1])
        for more in slices[2:]:
            torch.maximum(cells, more, out=cells)
    return cells.permute(0, 3, 1, 2)


def _every(cells: Tensor, axis: int, first: int, step: int, count: int) -> Tensor:
    where = [slice(None)] * 4
    where[axis] = slice(first, first + step * (count - 1) + 1, step)
    return cells[tuple(where)]
