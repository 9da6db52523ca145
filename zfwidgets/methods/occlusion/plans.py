"""Two ways to compute the squares of a sweep, with one answer: the whole network each time, or what changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zfwidgets.methods.occlusion.order import Cells, tiles
from zfwidgets.network import Network
from zfwidgets.network.cost import SweepPrices
from zfwidgets.network.incremental import Incremental
from zfwidgets.network.side_by_side import side_by_side

__all__ = ["Dense", "Job", "Plan", "Windowed"]

Floats = NDArray[np.float32]
Found = tuple[Cells, Floats, Floats | None]
"""Cells (n, 2), their logits (n, K) and activation sums (n, channels)."""

_CHUNK_MULTIPLY_ADDS = 4e9
"""Work of one chunk on a CPU: a few tens of milliseconds, so that a sweep can be cancelled at once."""
_CHUNK_OVERHEAD = 3e6
"""Multiply-adds that could be done in the time one operation costs besides its own work."""
_HEAD_MULTIPLY_ADDS = 5e9
_HEAD_BYTES = 64 * 2**20
_HEAD_BATCH = 64
"""Squares that go through the linear layers together: enough to run a matrix product at full speed."""


@dataclass(frozen=True)
class Job:
    """What a sweep is about: the picture, what hides it, where and how large."""

    net: Network
    clean: Tensor
    fill: Tensor
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    size: int
    layer: str | None
    batch_size: int | None

    def most(self, own: int) -> int:
        """Squares of one chunk: what suits, or less where memory is scarce."""
        return own if self.batch_size is None else min(self.batch_size, own)

    @property
    def wanted(self) -> list[int]:
        """Nodes that the sweep is about."""
        output = self.net.traced().output
        return [output] if self.layer is None else [output, self.net.layers[self.layer].index]


class Plan(Protocol):
    """A way to compute squares."""

    job: Job

    def whole(self) -> tuple[Floats, Floats | None]:
        """Logits (1, K) and sums (1, channels) of the picture without a square."""

    def batches(self, cells: Cells, check: Callable[[], None]) -> Iterator[Found]:
        """The given squares, a few at a time; ``check`` is called between chunks and may raise."""


class Dense:
    """The whole network at every position."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.batch_size = job.most(_dense_batch(job.net, job.clean))

    def whole(self) -> tuple[Floats, Floats | None]:
        return self._run(self.job.clean[None])

    def batches(self, cells: Cells, check: Callable[[], None]) -> Iterator[Found]:
        for start in range(0, len(cells), self.batch_size):
            check()
            chunk = cells[start : start + self.batch_size]
            yield chunk, *self._run(self._hidden(chunk))

    def _run(self, batch: Tensor) -> tuple[Floats, Floats | None]:
        net, layer = self.job.net, self.job.layer
        if net.graph is not None and net.graph.tabled:  # foreign code may call .view, which wants planes
            batch = batch.contiguous(memory_format=torch.channels_last)
        if layer is None:
            return _numpy(net(batch)), None
        graph, index = net.traced(), net.layers[layer].index
        with net.lock, net.without_gradients(), net.evaluation():
            outputs = graph.run(batch, {index, graph.output}).outputs
            return _numpy(net.as_logits(outputs[graph.output])), _numpy(outputs[index].flatten(2).sum(2))

    def _hidden(self, cells: Cells) -> Tensor:
        """(n, 3, H, W): the picture with one square hidden in each."""
        job = self.job
        batch = job.clean.expand(len(cells), -1, -1, -1).clone()
        for picture, (row, column) in zip(batch, cells.tolist(), strict=True):
            top, left = int(job.rows[row]), int(job.columns[column])
            square = (slice(None), slice(top, top + job.size), slice(left, left + job.size))
            picture[square] = job.fill[square]
        return batch


class Windowed:
    """Only what each square changes; chunks of neighbouring squares side by side on the cores.

    ``dtype`` is that of differences in convolutions and linear layers.
    """

    def __init__(self, job: Job, dtype: torch.dtype = torch.float32) -> None:
        self.job = job
        graph, net = job.net.traced(), job.net
        layer = None if job.layer is None else net.layers[job.layer].index
        with net.lock, net.without_gradients(), net.evaluation():
            self.way = Incremental(graph, job.clean, job.fill, job.rows, job.columns, job.size, layer, dtype)
        self.prices = SweepPrices(graph, self.way.shapes, job.rows, job.columns, job.size, job.wanted)
        sizes = {index: 4 * int(np.prod(self.way.shapes[index])) for index in (*self.way.frontier, *self.way.head)}
        size = sum(sizes[index] for index in self.way.frontier) + 3 * max(sizes.values())
        group = min(_HEAD_BATCH, _HEAD_BYTES // max(size, 1), _HEAD_MULTIPLY_ADDS // max(self.prices.head, 1))
        self.group = max(1, job.most(int(group)))

    def whole(self) -> tuple[Floats, Floats | None]:
        net, way = self.job.net, self.way
        sums = None if way.layer is None else _numpy(way.clean_sums())
        return _numpy(net.as_logits(way.clean[way.graph.output].whole)), sums

    def batches(self, cells: Cells, check: Callable[[], None]) -> Iterator[Found]:
        for group in _grouped(tiles(cells, self._side(cells)), self.group):
            maps: list[dict[int, Tensor]] = []
            sums: list[Tensor | None] = []
            check()
            for kept, found in side_by_side(self.way.climb, group):
                maps.append(kept)
                sums.append(found)
                check()
            yield np.concatenate(group), *self._finish(maps, sums)

    def _finish(self, maps: Sequence[dict[int, Tensor]], sums: Sequence[Tensor | None]) -> tuple[Floats, Floats | None]:
        net = self.job.net
        with net.lock, net.without_gradients(), net.evaluation():
            kept = {index: torch.cat([part[index] for part in maps]) for index in maps[0]}
            output, above = self.way.finish(kept)
            logits = _numpy(net.as_logits(output))
            below = [part for part in sums if part is not None]
            found = torch.cat(below) if below else above
            return logits, None if found is None else _numpy(found)

    def _side(self, cells: Cells) -> int:
        """Side of the tiles: larger ones save calls, smaller ones cells that one square of the tile does not need."""
        per_square = self.prices.single() / len(self.job.rows) / len(self.job.columns) - self.prices.head
        most = self.job.most(int(np.clip(_CHUNK_MULTIPLY_ADDS / max(per_square, 1), 1, 64)))
        if self.job.clean.device.type != "cpu":
            most = self.job.most(256)
        sides = [side for side in (1, 2, 3, 4, 6, 8, 12, 16) if side * side <= most]
        return min(sides, key=lambda side: self._price(cells, side))

    def _price(self, cells: Cells, side: int) -> float:
        rows, columns = (
            np.split(ranks, range(side, len(ranks), side)) for ranks in (np.unique(cells[:, axis]) for axis in (0, 1))
        )
        return self.prices.tiled(rows, columns) + _CHUNK_OVERHEAD * len(self.way.trunk) * len(rows) * len(columns)


def _grouped(chunks: Sequence[Cells], size: int) -> Iterator[list[Cells]]:
    """Chunks together until they hold ``size`` squares."""
    group: list[Cells] = []
    for chunk in chunks:
        if group and sum(map(len, group)) + len(chunk) > size:
            yield group
            group = []
        group.append(chunk)
    if group:
        yield group


def _dense_batch(net: Network, clean: Tensor) -> int:
    if clean.device.type != "cpu":
        return 256
    reference = net.input_size[0] * net.input_size[1]
    work = (net.multiply_adds or _CHUNK_MULTIPLY_ADDS / 8) * clean.shape[1] * clean.shape[2] / reference
    return int(np.clip(_CHUNK_MULTIPLY_ADDS / max(work, 1), 1, 64))


def _numpy(values: Tensor) -> Floats:
    return values.to("cpu", torch.float32).numpy()
