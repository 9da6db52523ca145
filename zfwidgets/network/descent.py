"""The way from the units of one layer down to the pixels, for many units at once, each in its own window."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from torch import Tensor

from zfwidgets.network.device import exactly
from zfwidgets.network.geometry import Reach, Shape
from zfwidgets.network.graph import Graph, Node, Pass
from zfwidgets.network.passage import USUAL_NORMS, Norms, Overlap, Passage, Rule, natural_frame
from zfwidgets.network.windows import Frame, Ints

__all__ = ["back_frames", "descend"]


def back_frames(
    graph: Graph, start: int, shapes: Sequence[Shape], rows: Ints, columns: Ints, *, whole: bool = False
) -> dict[int, Frame | None]:
    """For every node that units of node ``start`` depend on, the windows they can reach.

    Parameters
    ----------
    graph : Graph
        The operations of the network.
    start : int
        The node whose units are looked at.
    shapes : sequence of Shape
        Shape of every node's output.
    rows, columns : ndarray
        (B,) places of the units.
    whole : bool
        Whole maps instead.

    Returns
    -------
    dict
        Node index to frame, inside the map; None for vectors.
    """
    batch = len(rows)
    frames: dict[int, Frame | None] = {start: None}
    if len(shapes[start]) == 3:
        frames[start] = Frame.whole(batch, shapes[start]) if whole else Frame(rows, columns, 1, 1)
    for index in range(start, -1, -1):
        if index not in frames:
            continue
        node = graph.nodes[index]
        reaches = [node.operation.reach(shapes[source]) for source in node.inputs]
        if None in reaches and frames[index] is not None:  # its rule mixes all places, so it is given all of them
            frames[index] = Frame.whole(batch, shapes[index])
        for source, reach in zip(node.inputs, reaches, strict=True):
            frame, shape = frames[index], shapes[source]
            if len(shape) != 3:
                frames[source] = None
            elif reach is None or frame is None or whole:
                frames[source] = Frame.whole(batch, shape)
            else:
                frames[source] = _below(frame, reach, shape, frames.get(source))
    return frames


def _below(frame: Frame, reach: tuple[Reach, Reach], shape: Shape, known: Frame | None) -> Frame:
    """The windows that a frame of output cells reads inside the map of an input, with those already known."""
    natural = natural_frame(frame, reach)
    tops, height = _inside(natural.rows, natural.height, shape[1])
    lefts, width = _inside(natural.columns, natural.width, shape[2])
    if known is not None:
        tops, height = _union((tops, height), (known.rows, known.height), shape[1])
        lefts, width = _union((lefts, width), (known.columns, known.width), shape[2])
    return Frame(tops, lefts, height, width)


Axis = tuple[Ints, int]
"""Places of windows along an axis, and their size."""


def _inside(starts: Ints, size: int, extent: int) -> Axis:
    """Windows without what lies beyond the border; all get the size of the largest that is left."""
    first, end = np.clip(starts, 0, extent), np.clip(starts + size, 0, extent)
    left = max(int((end - first).max()), 1)
    return np.clip(first, 0, extent - left), left


def _union(one: Axis, other: Axis, extent: int) -> Axis:
    first = np.minimum(one[0], other[0])
    end = np.maximum(one[0] + one[1], other[0] + other[1])
    return _inside(first, int((end - first).max()), extent)


@exactly
def descend(
    graph: Graph,
    start: int,
    forward: Pass,
    images: Ints,
    frames: dict[int, Frame | None],
    seed: Tensor,
    rule: Rule,
    overlap: Overlap,
    seen: Callable[[Node, Tensor, Passage | None], None] | None = None,
    norms: Norms = USUAL_NORMS,
) -> Tensor:
    """Signals at the units' windows of node ``start`` sent down to the windows of the input.

    Parameters
    ----------
    forward : Pass
        What the operations remember of all pictures.
    images : ndarray
        (B,) picture of each unit.
    frames : dict
        From `back_frames`.
    seed : Tensor
        (B, C, h, w) or (B, F) at node ``start``. It may be written into.
    seen : callable, optional
        Told each node with the whole signal at its output and how the signal is about to pass through it (None at the
        input). The signal may be written into afterwards.

    Returns
    -------
    Tensor
        (B, 3, h, w) at ``frames[0]``.
    """
    signals = {start: seed}
    for index in range(start, 0, -1):
        if index not in signals:
            continue
        node, signal = graph.nodes[index], signals.pop(index)
        passage = Passage(
            images,
            frames[index],
            tuple(frames[source] for source in node.inputs),
            forward.shapes[index],
            tuple(forward.shapes[source] for source in node.inputs),
            forward.memory.get(index),
            rule,
            overlap,
            all(_storage(other) != _storage(signal) for other in signals.values()),
            norms,
        )
        if seen is not None:
            seen(node, signal, passage)
        for source, part in zip(node.inputs, node.operation.back(signal, passage), strict=True):
            signals[source] = signals[source] + part if source in signals else part
    if seen is not None:
        seen(graph.nodes[0], signals[0], None)
    return signals[0]


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()
