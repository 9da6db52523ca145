"""Hidden squares at the price of what they change.

A square of pixels changes a window of every map. The clean maps are computed once; then each square's *difference*
goes up the graph, window by window, by the rules of the table of operations: linear ones filter the difference
itself, the others are given the values around it. Where a window covers most of its map it becomes the map. The
answer is that of one whole pass per square up to rounding.

Two stages: the trunk, as far as windows reach, for a chunk of neighbouring squares; then everything above it (linear
layers, foreign code) for many squares at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from zfwidgets.network.change import Change, CleanMap, moved
from zfwidgets.network.device import exactly
from zfwidgets.network.geometry import Reach, Shape
from zfwidgets.network.graph import Graph, Node
from zfwidgets.network.windows import Frame, Intervals, Ints, lead, touched, trunk

__all__ = ["Incremental"]


class Incremental:
    """The clean pass of one picture, and what hidden squares change in it.

    Parameters
    ----------
    graph : Graph
        The network's operations.
    clean, hidden : Tensor
        (3, H, W) the picture, and the picture that shows inside the squares.
    rows, columns : ndarray
        Corners of the squares along the two axes.
    size : int
        Their side.
    layer : int or None
        A node whose activations are summed over its map.
    dtype : torch.dtype
        Of differences in linear operations; bfloat16 is twice as fast where the processor has it.
    """

    @exactly
    def __init__(
        self,
        graph: Graph,
        clean: Tensor,
        hidden: Tensor,
        rows: Ints,
        columns: Ints,
        size: int,
        layer: int | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.graph, self.size, self.layer, self.dtype = graph, size, layer, dtype
        graph.refresh()
        wanted = {graph.output} if layer is None else {graph.output, layer}
        needed = graph.ancestors(wanted)
        batch = clean[None].contiguous(memory_format=torch.channels_last)
        forward = graph.run(batch, needed)
        self.shapes: Sequence[Shape] = forward.shapes
        self.clean: dict[int, Any] = {
            index: CleanMap(value) if isinstance(value, Tensor) and value.dim() in (2, 4) else value
            for index, value in forward.outputs.items()
        }
        self.hidden = CleanMap((hidden - clean)[None])
        self.trunk = trunk(graph, self.shapes, wanted)
        inside = set(self.trunk)
        self.head = [index for index in sorted(needed) if index not in inside]
        self.frontier = [i for i in self.trunk if any(i in graph.nodes[reader].inputs for reader in self.head)]
        readers = Counter(source for index in needed for source in graph.nodes[index].inputs)
        self._spare = {i: graph.nodes[i].operation.pads and readers[i] == 1 for i in self.trunk}
        self._sides: list[Intervals] = []
        for axis, starts in enumerate((rows, columns)):
            cells = touched(graph, self.shapes, self.trunk, starts, size, axis)
            first, end = (np.stack([cells[index][side] for index in self.trunk]) for side in (0, 1))
            self._sides.append((first, end))

    def clean_sums(self) -> Tensor:
        """(1, channels): activation of the layer summed over its map."""
        assert self.layer is not None
        whole: Tensor = self.clean[self.layer].whole
        return whole.flatten(2).sum(2)

    @exactly
    def climb(self, cells: Ints) -> tuple[dict[int, Tensor], Tensor | None]:
        """The trunk for a chunk of squares, (n, 2) places among the rows and columns.

        Returns the differences of the maps on which the head builds, whole maps, and the layer's sums (n, channels).
        """
        frames = self._frames(cells)
        changes: dict[int, Change] = {}
        kept: dict[int, Tensor] = {}
        sums = None
        last = {source: index for index in self.trunk for source in self.graph.nodes[index].inputs}
        for index in self.trunk:
            node, frame = self.graph.nodes[index], frames[index]
            changes[index] = self._start(frame) if index == 0 else self._pass(node, frame, changes)
            if index == self.layer:
                sums = self.clean_sums() + changes[index].difference.float().sum((2, 3))
            if index in self.frontier:
                whole = Frame.whole(len(cells), self.shapes[index])
                kept[index] = moved(changes[index].difference, frame, whole)
            for source in node.inputs:
                if last[source] == index:
                    changes.pop(source, None)
        return kept, sums

    @exactly
    def finish(self, kept: Mapping[int, Tensor]) -> tuple[Tensor, Tensor | None]:
        """Everything above the trunk: the network's output (n, K), and the layer's sums if it lies there."""
        if not self.graph.tabled:
            return self._foreign({i: self.clean[i].whole + difference for i, difference in kept.items()})
        changes: dict[int, Any] = {i: Change(None, self.clean[i], difference) for i, difference in kept.items()}
        sums = None
        last = {source: index for index in self.head for source in self.graph.nodes[index].inputs}
        for index in self.head:
            node = self.graph.nodes[index]
            changes[index] = self._whole(node, changes)
            if index == self.layer:
                sums = changes[index].values.flatten(2).sum(2)
            for source in node.inputs:
                if last[source] == index and source != self.graph.output:
                    changes.pop(source, None)
        return changes[self.graph.output].values.float(), sums

    def _frames(self, cells: Ints) -> dict[int, Frame]:
        """The windows of every node of the trunk for a chunk of squares."""
        found = []
        for axis in (0, 1):
            first, end = (side[:, cells[:, axis]] for side in self._sides[axis])
            extents = np.array([self.shapes[index][1 + axis] for index in self.trunk])
            sizes = lead((end - first).max(1), extents)
            sizes[0] = self.size  # the squares themselves: around them the picture stays as it is
            found.append((first.clip(0, (extents - sizes)[:, None]), sizes.tolist()))
        (rows, heights), (columns, widths) = found
        return {index: Frame(rows[n], columns[n], heights[n], widths[n]) for n, index in enumerate(self.trunk)}

    def _start(self, frame: Frame) -> Change:
        difference = self.hidden.at(frame)
        if len(difference) < len(frame.rows):
            difference = difference.expand(len(frame.rows), -1, -1, -1)
        return Change(frame, self.clean[0], difference)

    def _pass(self, node: Node, frame: Frame, changes: Mapping[int, Change]) -> Change:
        """One operation of the trunk, on windows."""
        operation, clean = node.operation, self.clean[node.index]
        sources = [changes[source] for source in node.inputs]
        shape = self.shapes[node.inputs[0]]
        reaches = operation.reach(shape)
        assert reaches is not None
        halo = _halo(frame, reaches)
        if operation.elementwise and sources[0].known_values is None and frame.same(sources[0].frame):
            return sources[0].overwritten(operation.overwrite, clean, self._spare[node.inputs[0]])
        if not operation.linear:
            return Change(
                frame, clean, known_values=operation.slide(sources[0].values_at(halo, operation.outside), source=shape)
            )
        if operation.pads:
            difference = self._filtered(node, frame, sources[0], reaches)
        else:
            difference = operation.slide(*[source.difference_at(halo) for source in sources], source=shape)
        factor = operation.factor(self.shapes[node.index], shape)
        if factor is not None:
            difference = difference * CleanMap(factor.to(difference.device)).at(frame)
        return Change(frame, clean, difference)

    def _filtered(self, node: Node, frame: Frame, source: Change, reaches: tuple[Reach, Reach]) -> Tensor:
        """A difference through an operation that pads by itself, so that zeros around a window cost nothing.

        Output cell o reads inputs from o * stride - padding on. Seen from its window that is ``lead``; it is one
        number for all of a batch unless a border cuts some windows short. Those are given a few cells more.
        """
        assert source.frame is not None
        shape = self.shapes[node.inputs[0]]
        starts, sizes, befores, afters, crops = [], [], [], [], []
        given = ((source.frame.rows, source.frame.height), (source.frame.columns, source.frame.width))
        wanted = ((frame.rows, frame.height), (frame.columns, frame.width))
        for (cells, extent), (targets, count), reach in zip(given, wanted, reaches, strict=True):
            leads = (targets * reach.stride - reach.padding - cells).tolist()
            first = min(leads)
            more = [(value - first) // reach.stride for value in leads]
            if any(
                (value - first) % reach.stride for value in leads
            ):  # windows at different phases of a stride: no common grid of outputs
                halo = _halo(frame, reaches)
                return node.operation.slide(source.difference_at(halo).to(self.dtype), source=shape)
            starts.append(targets - np.array(more))
            sizes.append(count + max(more))
            read = (sizes[-1] - 1) * reach.stride + reach.extent
            befores.append(min(max(-first, 0), read))
            afters.append(min(max(read + first - extent, 0), read))
            crops.append(slice(max(first, 0), max(min(extent, first + read), 0)))
        window = source.difference[:, :, crops[0], crops[1]].to(self.dtype)
        rows, columns = (
            min(before, after, reach.extent - 1) for before, after, reach in zip(befores, afters, reaches, strict=True)
        )
        rest = [befores[1] - columns, afters[1] - columns, befores[0] - rows, afters[0] - rows]
        if any(rest):
            window = F.pad(window, rest)
        made = Frame(starts[0], starts[1], sizes[0], sizes[1])
        return moved(node.operation.slide(window, source=shape, padding=(rows, columns)), made, frame)

    def _whole(self, node: Node, changes: Mapping[int, Change]) -> Change:
        """One operation of the head, on whole maps and vectors."""
        operation, clean = node.operation, self.clean[node.index]
        if not node.inputs:  # a constant of the network
            return Change(None, clean, known_values=clean.whole)
        sources = [changes[source] for source in node.inputs]
        if operation.linear:
            return Change(None, clean, operation.respond(*[source.difference.to(self.dtype) for source in sources]))
        return Change(None, clean, known_values=operation.forward(*[source.values for source in sources]))

    def _foreign(self, values: dict[int, Any]) -> tuple[Tensor, Tensor | None]:
        """The head with foreign code in it, run as the module runs it: it may write, reshape, fold the batch.

        Its planes lie one after the other, because it may call ``view``.
        """
        values = {index: value.contiguous() for index, value in values.items()}
        sums = None
        for index in self.head:
            node = self.graph.nodes[index]
            values[index] = node.operation.forward(*[values[source] for source in node.inputs])
            if index == self.layer:
                sums = values[index].flatten(2).sum(2)
        return values[self.graph.output].float(), sums


def _halo(frame: Frame, reaches: tuple[Reach, Reach]) -> Frame:
    """The cells that the windows of a frame read."""
    rows, columns = reaches
    return Frame(
        frame.rows * rows.stride - rows.padding,
        frame.columns * columns.stride - columns.padding,
        (frame.height - 1) * rows.stride + rows.extent,
        (frame.width - 1) * columns.stride + columns.extent,
    )
