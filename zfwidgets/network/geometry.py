"""Which cells see which: receptive fields and windows, one axis at a time.

Going back through an operation, the cells that one unit can reach form a window that slides with the unit:
it starts at ``offset + jump * position`` and is ``size`` cells long. Every operation of the table moves such a
window by a rule of four numbers (its `Reach`), so windows of any two units of a layer differ only in where they
start, and many units can be worked on in one batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zfwidgets.network.graph import Graph

__all__ = ["POINT", "Reach", "Shape", "Span", "Window", "back_spans", "receptive_field", "whole_span"]

Shape = tuple[int, ...]
"""Shape of one sample: (channels, height, width) of a map, (features,) of a vector."""


@dataclass(frozen=True)
class Window:
    """Cells of one axis that the unit at ``position`` can reach: ``size`` cells from ``offset + jump * position``.

    ``jump`` 0 is a window that does not slide; ``Window(0, 0, n)`` is a whole axis of n cells.
    """

    jump: int
    offset: int
    size: int

    def start(self, position: int) -> int:
        """First cell of the window of the unit at ``position``; it may lie outside the map."""
        return self.offset + self.jump * position

    def union(self, other: Window) -> Window | None:
        """The smallest window over both, or None where the two slide at different speeds."""
        if self.jump != other.jump:
            return None
        start = min(self.offset, other.offset)
        end = max(self.offset + self.size, other.offset + other.size)
        return Window(self.jump, start, end - start)


Span = tuple[Window, Window]
"""A window of rows and a window of columns."""


@dataclass(frozen=True)
class Reach:
    """How an operation reads one axis: output cell ``i`` reads inputs ``i * stride - padding + dilation * k``."""

    kernel: int = 1
    stride: int = 1
    padding: int = 0
    dilation: int = 1

    @property
    def extent(self) -> int:
        """Input cells from the first to the last one that an output cell reads."""
        return (self.kernel - 1) * self.dilation + 1

    def back(self, window: Window) -> Window:
        """The input cells that a window of output cells reads."""
        return Window(
            window.jump * self.stride,
            window.offset * self.stride - self.padding,
            (window.size - 1) * self.stride + self.extent,
        )


POINT = Reach()


def whole_span(shape: Shape) -> Span | None:
    """The span that covers a whole map; None for a vector, which has no places."""
    return (Window(0, 0, shape[1]), Window(0, 0, shape[2])) if len(shape) == 3 else None


def back_spans(graph: Graph, start: int, shapes: Sequence[Shape]) -> dict[int, Span | None]:
    """For every node that a unit of node ``start`` depends on, the span of cells it can reach.

    Parameters
    ----------
    graph : Graph
        The operations of the network.
    start : int
        The node whose units are looked at.
    shapes : sequence of Shape
        Shape of every node's output.

    Returns
    -------
    dict
        Node index to span; None for vectors.
    """
    spans: dict[int, Span | None] = {start: _first_span(shapes[start])}
    for index in range(start, -1, -1):
        if index not in spans:
            continue
        node = graph.nodes[index]
        reaches = [node.operation.reach(shapes[source]) for source in node.inputs]
        if None in reaches:  # its rule mixes all places, so it is given all of them
            spans[index] = whole_span(shapes[index])
        for source, reach in zip(node.inputs, reaches, strict=True):
            reached = _back_span(reach, spans[index], shapes[source])
            known = spans.get(source)
            spans[source] = _union(known, reached, shapes[source]) if known is not None else reached
    return spans


def receptive_field(graph: Graph, start: int, shapes: Sequence[Shape]) -> Span:
    """The pixels that one unit of a node can see, as a span of the input.

    A unit that sees everything through an operation without places (a flatten, an uneven adaptive pool) gets
    the whole input.

    Examples
    --------
    >>> Reach(kernel=3, stride=2).back(Reach(kernel=7, stride=2, padding=1).back(Window(1, 0, 1)))
    Window(jump=4, offset=-2, size=15)
    """
    span = back_spans(graph, start, shapes)[0]
    if span is None:
        raise ValueError("the input of a network is a map")
    return span


def _first_span(shape: Shape) -> Span | None:
    return (Window(1, 0, 1), Window(1, 0, 1)) if len(shape) == 3 else None


def _back_span(reach: tuple[Reach, Reach] | None, span: Span | None, source: Shape) -> Span | None:
    if len(source) != 3:
        return None
    if reach is None or span is None:
        return whole_span(source)
    rows, columns = (axis.back(window) for axis, window in zip(reach, span, strict=True))
    # A window that does not slide and covers its axis is the axis: the padding around it holds no cells.
    return _still(rows, source[1]), _still(columns, source[2])


def _still(window: Window, extent: int) -> Window:
    return Window(0, 0, extent) if window.jump == 0 else window


def _union(first: Span, second: Span | None, shape: Shape) -> Span | None:
    if second is None:
        return None
    rows, columns = (a.union(b) for a, b in zip(first, second, strict=True))
    return (rows, columns) if rows is not None and columns is not None else whole_span(shape)
