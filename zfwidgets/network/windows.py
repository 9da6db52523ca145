"""Which cells a change of some pixels can reach: windows on their way up, one axis at a time.

The twin of `zfwidgets.network.geometry`, which goes down. A square of pixels changes a rectangle of cells of every map
above it; `touched` gives the rectangle's first and last row (or column) for many squares at once. A batch of changes
is worked on in windows of one size, each at its own place: a `Frame`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zfwidgets.errors import ParameterError
from zfwidgets.network.geometry import Reach, Shape

if TYPE_CHECKING:
    from zfwidgets.network.graph import Graph

__all__ = ["Frame", "Intervals", "Ints", "grid", "lead", "touched", "trunk", "whole_number"]

Ints = NDArray[np.int64]
Intervals = tuple[Ints, Ints]
"""First cell and the one after the last, (P,) each, of P changes along one axis."""

WHOLE_SHARE = 0.85
"""A window of this share of its axis becomes the whole axis: no cells to gather, and all windows at one place."""


@dataclass(frozen=True)
class Frame:
    """Where the B windows of a batch lie on a map: first row and first column (B,) of each, one size for all."""

    rows: Ints
    columns: Ints
    height: int
    width: int

    # A batch is a handful of windows and a frame is looked at for every operation: plain numbers are the faster ones.

    @property
    def still(self) -> bool:
        """Whether all windows are at one place."""
        return len(set(self.rows.tolist())) == 1 and len(set(self.columns.tolist())) == 1

    def same(self, other: Frame | None) -> bool:
        """Whether both name the same cells."""
        return self is other or (
            other is not None
            and (self.height, self.width) == (other.height, other.width)
            and self.rows.tolist() == other.rows.tolist()
            and self.columns.tolist() == other.columns.tolist()
        )

    def inside(self, height: int, width: int) -> bool:
        """Whether no window sticks out of a map."""
        rows, columns = self.rows.tolist(), self.columns.tolist()
        within: bool = min(rows) >= 0 and max(rows) + self.height <= height
        return within and min(columns) >= 0 and max(columns) + self.width <= width

    @staticmethod
    def whole(batch: int, shape: Shape) -> Frame:
        """The whole map for each of a batch."""
        nowhere = np.zeros(batch, np.int64)
        return Frame(nowhere, nowhere, shape[1], shape[2])


def trunk(graph: Graph, shapes: Sequence[Shape], wanted: Collection[int]) -> list[int]:
    """The nodes below the wanted ones through which a window can pass, in the order they run.

    The first operation that mixes all places (a flatten, foreign code) and all that depends on it are not among them.
    """
    inside = {0}
    for index in sorted(graph.ancestors(wanted)):
        node = graph.nodes[index]
        reaches = [node.operation.reach(shapes[source]) for source in node.inputs if source in inside]
        if node.inputs and len(reaches) == len(node.inputs) and None not in reaches and len(shapes[index]) == 3:
            places = [shapes[source][1:] for source in node.inputs]
            if len(node.inputs) == 1 or all(place == shapes[index][1:] for place in places):  # no map is broadcast
                inside.add(index)
    return sorted(inside)


def touched(
    graph: Graph, shapes: Sequence[Shape], nodes: Sequence[int], starts: Ints, size: int, axis: int
) -> dict[int, Intervals]:
    """For each node of the trunk, the cells along an axis (0 rows, 1 columns) that squares of pixels can change.

    Parameters
    ----------
    graph, shapes, nodes
        The network, the shape of every node's output, and its `trunk`.
    starts : ndarray
        (P,) first pixels of the squares.
    size : int
        Side of the squares.

    Returns
    -------
    dict
        Node index to (first, end), (P,) each, clipped to the map; first == end where nothing changes.
    """
    found: dict[int, Intervals] = {0: (starts, starts + size)}
    for index in nodes:
        node, extent = graph.nodes[index], shapes[index][1 + axis]
        reached = []
        for source in node.inputs:
            reach = node.operation.reach(shapes[source])
            assert reach is not None
            reached.append(_up(found[source], reach[axis], extent))
        if reached:
            firsts, ends = zip(*reached, strict=True)
            found[index] = (np.minimum.reduce(firsts), np.maximum.reduce(ends))
    return found


def _up(interval: Intervals, reach: Reach, extent: int) -> Intervals:
    """The output cells that read any of the input cells [first, end)."""
    first, end = interval
    low = -((reach.extent - 1 - reach.padding - first) // reach.stride)
    high = (end - 1 + reach.padding) // reach.stride + 1
    low, high = np.clip(low, 0, extent), np.clip(high, 0, extent)
    nothing = (end <= first) | (high < low)
    return np.where(nothing, 0, low), np.where(nothing, 0, high)


def lead(size: Ints, extent: Ints | int) -> Ints:
    """Sizes of windows as they are worked on: at least one cell, a large share of the axis is all of it."""
    return np.where(size >= WHOLE_SHARE * extent, extent, np.maximum(size, 1))


def grid(extent: int, size: int, stride: int) -> NDArray[np.int64]:
    """First pixels of squares along one axis, every square inside, the last one at the border.

    Examples
    --------
    >>> grid(16, 6, 4)
    array([ 0,  4,  8, 10])
    """
    size = whole_number("The occluder's size in pixels", size, extent)
    stride = whole_number("The occluder's stride in pixels", stride, None)
    starts = np.arange(0, extent - size + 1, stride, dtype=np.int64)
    return starts if starts[-1] == extent - size else np.append(starts, extent - size)


def whole_number(what: str, value: Any, most: int | None) -> int:
    """The value if it is a whole number from 1 to ``most``, else the error that says so."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value < 1 or (most is not None and value > most):
        allowed = f"from 1 to {most}, the picture's side" if most is not None else "of at least 1"
        raise ParameterError(f"{what} is a whole number {allowed}; found {value!r}.")
    return int(value)
