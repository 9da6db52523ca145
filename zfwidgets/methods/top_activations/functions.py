"""The forward of each operation for batches of one size, or something faster that gives the same to the bit."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from zfwidgets.methods.top_activations.limits import limits
from zfwidgets.network import Network
from zfwidgets.network.operations.filters import BatchNorm, Convolution, Rectification
from zfwidgets.network.operations.joins import Addition, Concatenation
from zfwidgets.network.operations.pooling import MaxPool
from zfwidgets.network.packing import pinned

__all__ = ["functions"]

_SAFE = 1e37
"""A tenth of the largest float: rounding does not carry a sum that far beyond its limit."""

Function = Callable[..., Any]


def functions(
    net: Network, nodes: Sequence[int], seen: Collection[int], readers: Mapping[int, int], batch: int
) -> dict[int, Function]:
    """Node to its forward.

    Parameters
    ----------
    net : Network
        In evaluation mode.
    nodes : sequence of int
        Which of its nodes, in the order they run.
    seen : collection of int
        Those whose values are wanted; any other's need not be what its operation says, if its readers' are.
    readers : mapping
        Node to how many read it.
    batch : int
        Pictures of a batch.
    """
    graph = net.traced()
    if not graph.tabled or net.device.type != "cpu":
        return {index: graph.nodes[index].operation.forward for index in nodes}
    reader = {source: index for index in nodes for source in graph.nodes[index].inputs}
    largest = limits(net, nodes)
    rectified: set[int] = set()
    found: dict[int, Function] = {}
    for index in nodes:
        operation = graph.nodes[index].operation
        hidden = readers[index] == 1 and index not in seen
        follows = type(graph.nodes[reader[index]].operation) if hidden else None
        fast: Function | None = None
        if type(operation) is Convolution:
            shape = (batch, *net.shapes[graph.nodes[index].inputs[0]])
            fast = pinned(operation.module, operation.padding, shape)
            # Rectified on its way to memory, a map would lose what is no number, so there must not be any.
            if fast and follows is Rectification and largest[index] < _SAFE:
                fast = pinned(operation.module, operation.padding, shape, "relu")
                rectified.add(index)
        elif type(operation) is Rectification:
            source = graph.nodes[index].inputs[0]
            # Nobody else reads the map, and it is no view of another.
            if readers[source] == 1 and type(graph.nodes[source].operation) in (Convolution, BatchNorm, Addition):
                fast = _itself if source in rectified else torch.relu_
        elif type(operation) is MaxPool:
            fast = partial(_pooled, operation)
        elif type(operation) is Concatenation and follows is MaxPool:
            fast = _apart
        found[index] = fast or operation.forward
    return found


def _itself(maps: Tensor) -> Tensor:
    return maps


def _apart(*maps: Tensor) -> tuple[Tensor, ...]:
    """What a pool takes in place of maps that are one: pooled before they are joined, there is less to join."""
    return maps


def _pooled(pool: MaxPool, maps: Tensor | tuple[Tensor, ...]) -> Tensor:
    """`MaxPool.forward` by rows and then by columns, which is up to three times as fast with channels last.

    Windows that stick out of the map are left to the operation itself.
    """
    if isinstance(maps, tuple):
        return torch.cat([_pooled(pool, part) for part in maps], 1)
    reaches = zip(pool.kernel, pool.stride, pool.padding, pool.dilation, maps.shape[2:], strict=True)
    for kernel, stride, padding, dilation, extent in reaches:
        whole = extent >= kernel and ((extent - kernel) % stride == 0 or not pool.ceil_mode)
        if padding or dilation != 1 or not whole:
            return pool.forward(maps)
    cells = maps.permute(0, 2, 3, 1)
    for axis in (0, 1):
        cells = cells.unfold(axis + 1, pool.kernel[axis], pool.stride[axis]).amax(-1)
    return cells.permute(0, 3, 1, 2)
