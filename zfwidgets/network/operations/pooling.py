"""Pooling: unpooling with switches, and the adjoints of averages."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zfwidgets.network.call import Call, Unmatched, pair
from zfwidgets.network.geometry import Reach, Shape
from zfwidgets.network.operations.base import Fidelity, Operation, Reaches
from zfwidgets.network.passage import Passage, scatter_switches, switch_places


class MaxPool(Operation):
    """Back: unpooling with the switches of this picture's forward pass (section 2.1)."""

    kind = "max pool"
    outside = -math.inf
    modules = (nn.MaxPool2d,)
    functions = (F.max_pool2d, torch.max_pool2d)

    def __init__(self, call: Call) -> None:
        if call.argument("return_indices", 6, False):
            raise Unmatched
        self.kernel = pair(call.argument("kernel_size", 1))
        self.stride = pair(call.argument("stride", 2, None) or self.kernel)
        self.padding = pair(call.argument("padding", 3, 0))
        self.dilation = pair(call.argument("dilation", 4, 1))
        self.ceil_mode = bool(call.argument("ceil_mode", 5, False))

    def forward(self, *inputs: Tensor) -> Tensor:
        return F.max_pool2d(inputs[0], self.kernel, self.stride, self.padding, self.dilation, self.ceil_mode)

    def slide(self, *windows: Tensor, source: Shape, padding: tuple[int, int] = (0, 0)) -> Tensor:
        return F.max_pool2d(windows[0], self.kernel, self.stride, padding, self.dilation)

    def remember(self, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        output, switches = F.max_pool2d_with_indices(
            inputs[0], self.kernel, self.stride, self.padding, self.dilation, self.ceil_mode
        )
        return output, switch_places(switches)

    def back(self, signal: Tensor, passage: Passage) -> tuple[Tensor, ...]:
        return (scatter_switches(signal, passage),)

    def reach(self, source: Shape) -> Reaches:
        numbers = zip(self.kernel, self.stride, self.padding, self.dilation, strict=True)
        rows, columns = (Reach(*four) for four in numbers)
        return rows, columns


class AveragePool(Operation):
    """Back: each cell's signal shared evenly over its window."""

    kind = "average pool"
    linear = True
    modules = (nn.AvgPool2d,)
    functions = (F.avg_pool2d,)
    fidelity: Fidelity = "adjoint"
    note = "average pool: the exact adjoint; the paper does not speak of it"

    def __init__(self, call: Call) -> None:
        self.kernel = pair(call.argument("kernel_size", 1))
        self.stride = pair(call.argument("stride", 2, None) or self.kernel)
        self.padding = pair(call.argument("padding", 3, 0))
        self.ceil_mode = bool(call.argument("ceil_mode", 4, False))
        self.count_include_pad = bool(call.argument("count_include_pad", 5, True))
        self.divisor: int | None = call.argument("divisor_override", 6, None)

    def forward(self, *inputs: Tensor) -> Tensor:
        options = (self.ceil_mode, self.count_include_pad, self.divisor)
        return F.avg_pool2d(inputs[0], self.kernel, self.stride, self.padding, *options)

    def slide(self, *windows: Tensor, source: Shape, padding: tuple[int, int] = (0, 0)) -> Tensor:
        return F.avg_pool2d(windows[0], self.kernel, self.stride, padding, divisor_override=1)

    def back(self, signal: Tensor, passage: Passage) -> tuple[Tensor, ...]:
        signal = signal * passage.at(self.factor(passage.shape, passage.sources[0]).to(signal))
        batch, channels = signal.shape[:2]
        single = signal.reshape(batch * channels, 1, *signal.shape[2:])
        spread = F.conv_transpose2d(single, signal.new_ones(1, 1, *self.kernel), None, self.stride)
        spread = spread.reshape(batch, channels, *spread.shape[2:])
        return (passage.arrived(spread, self.reach(passage.sources[0])),)

    def reach(self, source: Shape) -> Reaches:
        numbers = zip(self.kernel, self.stride, self.padding, strict=True)
        rows, columns = (Reach(*three) for three in numbers)
        return rows, columns

    def factor(self, shape: Shape, source: Shape) -> Tensor:
        """(1, 1, H, W): one over the number of cells that each output cell averages."""
        if self.divisor:
            return torch.full((1, 1, *shape[1:]), 1 / self.divisor)
        rows, columns = (self._counts(shape[1 + axis], source[1 + axis], axis) for axis in (0, 1))
        return torch.outer(rows, columns)[None, None].reciprocal()

    def _counts(self, cells: int, extent: int, axis: int) -> Tensor:
        first = torch.arange(cells) * self.stride[axis] - self.padding[axis]
        last = (first + self.kernel[axis]).clamp_max(extent + self.padding[axis])
        if not self.count_include_pad:
            first, last = first.clamp_min(0), last.clamp_max(extent)
        counts: Tensor = (last - first).float()
        return counts


class AdaptiveAveragePool(Operation):
    """Back: each cell's signal shared evenly over its window."""

    kind = "adaptive average pool"
    linear = True
    modules = (nn.AdaptiveAvgPool2d,)
    functions = (F.adaptive_avg_pool2d, torch.mean)
    methods = ("mean",)
    fidelity: Fidelity = "adjoint"
    note = "average pool: the exact adjoint; the paper does not speak of it"

    def __init__(self, call: Call) -> None:
        (source,) = call.source_shapes[:1]
        self.flat = len(call.shape) == 1
        if len(source) != 3 or (self.flat and call.shape != source[:1]):
            raise Unmatched
        if call.name == "mean":
            axes = call.argument("dim", 1)
            if sorted(axis % 4 for axis in ((axes,) if isinstance(axes, int) else axes)) != [2, 3]:
                raise Unmatched
            self.size: tuple[int | None, int | None] = (1, 1)
        else:
            self.size = pair(call.argument("output_size", 1))

    def forward(self, *inputs: Tensor) -> Tensor:
        output = F.adaptive_avg_pool2d(inputs[0], self.size)
        return output.flatten(1) if self.flat else output

    def slide(self, *windows: Tensor, source: Shape, padding: tuple[int, int] = (0, 0)) -> Tensor:
        reaches = self.reach(source)
        assert reaches is not None
        return F.avg_pool2d(windows[0], (reaches[0].kernel, reaches[1].kernel))

    def back(self, signal: Tensor, passage: Passage) -> tuple[Tensor, ...]:
        if self.flat:
            signal = signal[:, :, None, None]
        source = passage.sources[0]
        reach = self.reach(source)
        if reach is not None:
            rows, columns = (axis.kernel for axis in reach)
            spread = signal / (rows * columns)
            return (passage.arrived(spread.repeat_interleave(rows, 2).repeat_interleave(columns, 3), reach),)
        rows_of, columns_of = (_shares(source[1 + axis], signal.shape[2 + axis]) for axis in (0, 1))
        return (rows_of.to(signal).T @ signal @ columns_of.to(signal),)

    def reach(self, source: Shape) -> Reaches:
        counts = [(extent // size, extent % size) for extent, size in zip(source[1:], self._cells(source), strict=True)]
        if self.flat or any(kernel == 0 or rest for kernel, rest in counts):
            return None
        rows, columns = (Reach(kernel, kernel) for kernel, _ in counts)
        return rows, columns

    def _cells(self, source: Shape) -> list[int]:
        return [extent if size is None else size for size, extent in zip(self.size, source[1:], strict=True)]


class AdaptiveMaxPool(Operation):
    """Back: unpooling with the switches."""

    kind = "adaptive max pool"
    modules = (nn.AdaptiveMaxPool2d,)
    functions = (F.adaptive_max_pool2d,)

    def __init__(self, call: Call) -> None:
        if call.argument("return_indices", 2, False):
            raise Unmatched
        self.size = call.argument("output_size", 1)

    def forward(self, *inputs: Tensor) -> Tensor:
        return F.adaptive_max_pool2d(inputs[0], self.size)

    def remember(self, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        output, switches = F.adaptive_max_pool2d_with_indices(inputs[0], self.size)
        return output, switch_places(switches)

    def back(self, signal: Tensor, passage: Passage) -> tuple[Tensor, ...]:
        return (scatter_switches(signal, passage),)

    def reach(self, source: Shape) -> Reaches:
        return None


def _shares(extent: int, cells: int) -> Tensor:
    """(cells, extent): the share of each input cell in each output cell of an adaptive average pool."""
    shares = torch.zeros(cells, extent)
    for cell in range(cells):
        first, last = cell * extent // cells, -((cell + 1) * extent // -cells)
        shares[cell, first:last] = 1 / (last - first)
    return shares
