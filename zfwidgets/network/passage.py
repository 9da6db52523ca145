"""The signal's way back through one operation: where it sits, and what the forward pass left there.

A batch of signals (B, C, h, w) belongs to B units. Each sits on a window of its map (`Window`), which starts at a
place of its own; all windows of a batch have one size. Cells outside the map carry no signal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from zfwidgets.network.geometry import Reach, Shape, Span, Window

__all__ = ["Overlap", "Passage", "Rule", "Units", "place", "scatter_switches"]

Rule = Literal["deconvnet", "guided", "gradient"]
Overlap = Literal["sum", "overwrite"]


@dataclass(frozen=True)
class Units:
    """B units of one layer: which picture of the batch, which row, which column; (B,) each, on the CPU."""

    images: Tensor
    rows: Tensor
    columns: Tensor

    def starts(self, window: Window, axis: int) -> Tensor:
        """First cell of each unit's window: axis 0 rows, axis 1 columns."""
        return window.offset + window.jump * (self.rows, self.columns)[axis]


@dataclass(frozen=True)
class Passage:
    """All that an operation may ask on the way back.

    Attributes
    ----------
    units : Units
        Whose signals these are.
    span : Span or None
        Where the signals sit on the operation's output; None for vectors.
    shape, sources : Shape, tuple of Shape
        Shape of the output and of each input, one sample.
    memory : object
        What the operation remembered of the forward pass of all pictures.
    """

    units: Units
    span: Span | None
    shape: Shape
    sources: tuple[Shape, ...]
    memory: Any = None
    rule: Rule = "deconvnet"
    overlap: Overlap = "sum"

    def at(self, remembered: Tensor) -> Tensor:
        """What is remembered at the cells where the signals sit.

        Parameters
        ----------
        remembered : Tensor
            (N, C, H, W) of all pictures, (1, 1, H, W) if it is the same for all, or (N, F).

        Returns
        -------
        Tensor
            (B, C, h, w), or (B, F); anything at cells outside the map.
        """
        images = self.units.images if remembered.shape[0] > 1 else torch.zeros_like(self.units.images)
        if self.span is None or all(window.jump == 0 for window in self.span):
            return remembered if remembered.shape[0] == 1 else remembered[images.to(remembered.device)]
        rows, columns = (
            (self.units.starts(window, axis)[:, None] + torch.arange(window.size)).clamp(0, extent - 1)
            for axis, (window, extent) in enumerate(zip(self.span, remembered.shape[2:], strict=True))
        )
        cells = (images[:, None, None], rows[:, :, None], columns[:, None, :])
        picture, row, column = (index.to(remembered.device) for index in cells)
        return remembered.permute(0, 2, 3, 1)[picture, row, column].permute(0, 3, 1, 2)


def scatter_switches(signal: Tensor, passage: Passage, reach: tuple[Reach, Reach] | None) -> Tensor:
    """Unpool: each cell's signal goes to the place of its window's maximum.

    One place can be the maximum of several overlapping windows. ``overlap="sum"`` adds their signals, which is
    the adjoint of pooling; ``"overwrite"`` keeps the last window's in reading order.
    """
    source = passage.sources[0]
    switches = passage.at(passage.memory).expand(signal.shape)
    natural = natural_span(reach, passage.span, source)
    assert natural is not None
    local = []
    for axis, cell in enumerate((switches // source[2], switches % source[2])):
        window = natural[axis]
        starts = passage.units.starts(window, axis).to(signal.device)
        local.append((cell - starts[:, None, None, None]).clamp_(0, window.size - 1))
    height, width = natural[0].size, natural[1].size
    places = (local[0] * width + local[1]).flatten(2)
    flat = signal.flatten(2)
    shape = (*signal.shape[:2], height * width)
    if passage.overlap == "sum":
        unpooled = signal.new_zeros(shape).scatter_add_(2, places, flat)
    else:
        order = torch.arange(places.shape[2], device=signal.device).expand_as(places)
        last = places.new_full(shape, -1).scatter_reduce_(2, places, order, "amax")
        unpooled = flat.gather(2, last.clamp_min(0)) * (last >= 0)
    return unpooled.reshape(*shape[:2], height, width)


def natural_span(reach: tuple[Reach, Reach] | None, span: Span | None, source: Shape) -> Span | None:
    """The cells of an input that an operation's way back fills, padding included."""
    if len(source) != 3:
        return None
    if reach is None or span is None:
        return Window(0, 0, source[1]), Window(0, 0, source[2])
    return reach[0].back(span[0]), reach[1].back(span[1])


def place(signal: Tensor, natural: Span | None, wanted: Span | None, units: Units, shape: Shape) -> Tensor:
    """Move signals from the cells an operation filled to the cells of the wanted span, zero outside the map."""
    if natural is None or wanted is None:
        return signal
    for axis in (0, 1):
        signal = _place_axis(signal, natural[axis], wanted[axis], units, axis, shape[1 + axis])
    return signal


def _place_axis(signal: Tensor, natural: Window, wanted: Window, units: Units, axis: int, extent: int) -> Tensor:
    dimension = 2 + axis
    if natural.jump == wanted.jump:
        before = natural.offset - wanted.offset
        after = wanted.size - natural.size - before
        if before or after:
            signal = F.pad(signal, (before, after) if axis else (0, 0, before, after))
    else:
        cells = torch.arange(wanted.size) + (units.starts(wanted, axis) - units.starts(natural, axis)).unsqueeze(1)
        inside = (cells >= 0) & (cells < natural.size)
        index = _along(cells.clamp(0, natural.size - 1), axis).to(signal.device)
        sizes = list(signal.shape)
        sizes[dimension] = wanted.size
        signal = signal.gather(dimension, index.expand(sizes)) * _along(inside, axis).to(signal.device)
    cells = units.starts(wanted, axis)[:, None] + torch.arange(wanted.size)
    inside = (cells >= 0) & (cells < extent)
    return signal if bool(inside.all()) else signal * _along(inside, axis).to(signal.device)


def _along(values: Tensor, axis: int) -> Tensor:
    """(B, n) as (B, 1, n, 1) for rows, (B, 1, 1, n) for columns."""
    return values[:, None, :, None] if axis == 0 else values[:, None, None, :]
