"""What an occlusion sweep costs in multiply-adds, from the geometry alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zfwidgets.network.geometry import Shape, Window, receptive_field
from zfwidgets.network.graph import Graph
from zfwidgets.network.windows import Intervals, Ints, lead, touched, trunk

__all__ = ["OcclusionCost", "SweepPrices"]


@dataclass(frozen=True)
class OcclusionCost:
    """Multiply-adds of one sweep.

    Attributes
    ----------
    positions : int
        Squares of the sweep.
    dense : int
        The whole network at every position.
    incremental : int
        Only what each square changes, in windows (`zfwidgets.network.incremental`).
    chosen : int
        The plan that ``plan="auto"`` takes, the cheaper of the two.
    bound : int
        Nothing computed twice: cells that look the same from several squares counted once.
    """

    positions: int
    dense: int
    incremental: int
    chosen: int
    bound: int


class SweepPrices:
    """Prices of windows for squares of one size at given corners.

    Parameters
    ----------
    graph, shapes
        The network and the shape of every node's output.
    rows, columns : ndarray
        Corners of the squares along the axes.
    size : int
        Their side.
    wanted : sequence of int
        Nodes that the sweep is about.
    """

    def __init__(
        self, graph: Graph, shapes: Sequence[Shape], rows: Ints, columns: Ints, size: int, wanted: Sequence[int]
    ) -> None:
        self.graph, self.shapes, self.size = graph, shapes, size
        self.corners = (rows, columns)
        self.nodes = trunk(graph, shapes, wanted)
        self.touched = [
            touched(graph, shapes, self.nodes, starts, size, axis) for axis, starts in enumerate(self.corners)
        ]
        inside = set(self.nodes)
        above = [index for index in graph.ancestors(wanted) if index not in inside and shapes[index]]
        self.head = sum(graph.nodes[index].operation.multiply_adds(shapes[index]) for index in above)
        work = {index: graph.nodes[index].operation.multiply_adds(shapes[index]) for index in self.nodes}
        self.work = {index: adds for index, adds in work.items() if adds}
        self.dense = len(rows) * len(columns) * (sum(work.values()) + self.head)

    def tiled(self, rows: Sequence[Ints], columns: Sequence[Ints]) -> int:
        """Chunks of squares: every group of rows with every group of columns, all of a chunk in one window size."""
        total = 0.0
        for index, adds in self.work.items():
            source = self.graph.nodes[index].inputs[0]
            reaches = self.graph.nodes[index].operation.reach(self.shapes[source])
            assert reaches is not None
            written, read = 1.0, 1.0
            for axis, groups in enumerate((rows, columns)):
                extent = self.shapes[index][1 + axis]
                written *= _cells(self.touched[axis][index], groups, extent) / extent
                share = _cells(self.touched[axis][source], groups, self.shapes[source][1 + axis])
                read *= share / (reaches[axis].stride * extent)
            total += adds * min(written, read)  # a window of zeros around it costs nothing
        squares = sum(map(len, rows)) * sum(map(len, columns))
        return int(total) + squares * self.head

    def single(self) -> int:
        """Every square in its own windows."""
        return self.tiled(*([np.array([i]) for i in range(len(starts))] for starts in self.corners))

    def bound(self) -> int:
        """Every cell of every map once for each different thing it can see."""
        total = 0.0
        for index, adds in self.work.items():
            source = self.graph.nodes[index].inputs[0]
            reaches = self.graph.nodes[index].operation.reach(self.shapes[source])
            assert reaches is not None
            views = [self._views(node) for node in (index, source)]
            extents = self.shapes[index][1:]
            written, read = 1.0, 1.0
            for axis in (0, 1):
                written *= views[0][axis] / extents[axis]
                read *= views[1][axis] / (reaches[axis].stride * extents[axis])
            total += adds * min(written, read)
        return int(total) + len(self.corners[0]) * len(self.corners[1]) * self.head

    def cost(self) -> OcclusionCost:
        """All of them."""
        incremental = self.single()
        positions = len(self.corners[0]) * len(self.corners[1])
        return OcclusionCost(
            positions, self.dense, incremental, min(self.dense, incremental), min(self.bound(), incremental, self.dense)
        )

    def _views(self, index: int) -> tuple[int, int]:
        """How many different (cell, hidden part of what it sees) there are along each axis."""
        field = receptive_field(self.graph, index, self.shapes)
        rows, columns = (
            _different(window, self.shapes[index][1 + axis], self.corners[axis], self.size, self.shapes[0][1 + axis])
            for axis, window in enumerate(field)
        )
        return rows, columns


def _cells(interval: Intervals, groups: Sequence[Ints], extent: int) -> int:
    """Cells along an axis, summed over all squares, when each group shares one size."""
    first, end = interval
    members = np.concatenate(groups)
    counts = np.array([len(group) for group in groups])
    largest = np.maximum.reduceat((end - first)[members], counts.cumsum() - counts)
    return int(lead(largest, extent) @ counts)


def _different(window: Window, cells: int, corners: Ints, size: int, extent: int) -> int:
    starts = window.offset + window.jump * np.arange(cells)
    sees = starts.clip(0, extent), (starts + window.size).clip(0, extent)
    first = np.maximum(sees[0][None], corners[:, None])
    end = np.minimum(sees[1][None], (corners + size)[:, None])
    found = end > first
    cell = np.broadcast_to(np.arange(cells), found.shape)
    return len(np.unique(np.stack([cell[found], first[found], end[found]], 1), axis=0))
