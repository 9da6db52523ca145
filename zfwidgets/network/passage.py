"""The signal's way back through one operation: where it sits, and what the forward pass left there.

A batch of signals (B, C, h, w) belongs to B units. Each sits on a window of its map, all of one size and each at a
place of its own (`Frame`). A window lies inside its map: what an operation sends beyond the border is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from zfwidgets.network.change import moved
from zfwidgets.network.geometry import POINT, Reach, Shape
from zfwidgets.network.windows import Frame, Ints

__all__ = [
    "USUAL_NORMS",
    "Norms",
    "Overlap",
    "Passage",
    "Rule",
    "is_dense",
    "natural_frame",
    "scatter_switches",
    "switch_places",
]

Rule = Literal["deconvnet", "desalinet", "guided", "gradient"]
Overlap = Literal["sum", "overwrite"]


@dataclass(frozen=True)
class Norms:
    """What normalisation does to the signal on the way down; another choice than the first is for comparison.

    Attributes
    ----------
    response : {"rule", "derivative"}
        Contrast normalisation: left out or by its derivative, as the rule says; or always by its derivative.
    batch : {"scale", "pass"}
        Batch norm: scaled by gamma / sigma, its exact adjoint; or left out.
    """

    response: Literal["rule", "derivative"] = "rule"
    batch: Literal["scale", "pass"] = "scale"


USUAL_NORMS = Norms()


@dataclass(frozen=True)
class Passage:
    """All that an operation may ask on the way back.

    Attributes
    ----------
    images : ndarray
        (B,) picture of the batch that each unit belongs to.
    frame : Frame or None
        Where the signals sit on the operation's output; None for vectors.
    targets : tuple of (Frame or None)
        Where the signal at each input is wanted.
    shape, sources : Shape, tuple of Shape
        Shape of the output and of each input, one sample.
    memory : object
        What the operation remembered of the forward pass of all pictures.
    owned : bool
        Whether nobody else holds the signal, so that it may be written into.
    """

    images: Ints
    frame: Frame | None
    targets: tuple[Frame | None, ...]
    shape: Shape
    sources: tuple[Shape, ...]
    memory: Any = None
    rule: Rule = "deconvnet"
    overlap: Overlap = "sum"
    owned: bool = False
    norms: Norms = USUAL_NORMS

    def at(self, remembered: Tensor) -> Tensor:
        """What is remembered at the cells where the signals sit.

        Parameters
        ----------
        remembered : Tensor
            (N, C, H, W) of all pictures, (1, 1, H, W) if it is the same for all, or (N, F).

        Returns
        -------
        Tensor
            (B, C, h, w), or (B, F); (1, ...) where all are the same.
        """
        frame = self.frame
        images = self.images if len(remembered) > 1 else np.zeros_like(self.images)
        still = frame is None or frame.still
        if still and (images == images[0]).all():
            picture = remembered[int(images[0])][None]
            return picture if frame is None else _cut(picture, frame, 0)
        if frame is None:
            return remembered[torch.from_numpy(images).to(remembered.device)]
        return torch.cat([_cut(remembered[image][None], frame, unit) for unit, image in enumerate(images.tolist())])

    def arrived(self, signal: Tensor, reach: tuple[Reach, Reach] | None = (POINT, POINT), number: int = 0) -> Tensor:
        """Signals on all cells that an operation read, at the cells where they are wanted at an input."""
        target = self.targets[number]
        if self.frame is None or target is None or reach is None:  # whole maps and vectors stay as they are
            return signal
        natural = natural_frame(self.frame, reach)
        top, left = target.rows - natural.rows, target.columns - natural.columns
        first, start = int(top[0]), int(left[0])
        inside = 0 <= first <= natural.height - target.height and 0 <= start <= natural.width - target.width
        if inside and (top == first).all() and (left == start).all():
            return signal[:, :, first : first + target.height, start : start + target.width]
        return moved(signal, natural, target)


def natural_frame(frame: Frame, reach: tuple[Reach, Reach]) -> Frame:
    """The cells of an input that a frame of output cells reads, padding included."""
    rows, columns = reach
    return Frame(
        frame.rows * rows.stride - rows.padding,
        frame.columns * columns.stride - columns.padding,
        (frame.height - 1) * rows.stride + rows.extent,
        (frame.width - 1) * columns.stride + columns.extent,
    )


def is_dense(signal: Tensor) -> bool:
    """Whether a signal's numbers lie together in memory."""
    return signal.dim() != 4 or signal.is_contiguous() or signal.is_contiguous(memory_format=torch.channels_last)


def switch_places(switches: Tensor) -> Tensor:
    """Switches (N, C, h, w) of a max pool, in place from cells of a plane to places among all channels.

    ``scatter_switches`` wants them so: they count as cells follow one another when channels vary fastest.
    """
    channels = switches.shape[1]
    return switches.mul_(channels).add_(torch.arange(channels, device=switches.device)[:, None, None])


def scatter_switches(signal: Tensor, passage: Passage) -> Tensor:
    """Unpool: each cell's signal goes to the place of its window's maximum.

    One place can be the maximum of several overlapping windows. ``overlap="sum"`` adds their signals, which is
    the adjoint of pooling; ``"overwrite"`` keeps the last window's in reading order.

    The unpooled windows are laid out in rows of the whole map's width, so that one subtraction for each unit turns
    `switch_places` into places of its window.
    """
    (target,), frame, (channels, _, width) = passage.targets, passage.frame, passage.sources[0]
    assert target is not None
    assert frame is not None
    units, room = len(signal), target.height * width * channels
    places = torch.empty(units, frame.height, frame.width, channels, dtype=torch.int64, device=signal.device)
    corners = (target.rows * width + target.columns) * channels - np.arange(units) * room
    switches = passage.memory.permute(0, 2, 3, 1)
    for unit, (image, corner) in enumerate(zip(passage.images.tolist(), corners.tolist(), strict=True)):
        torch.sub(_cells(switches[image], frame, unit), corner, out=places[unit])
    flat = signal.permute(0, 2, 3, 1).reshape(-1)
    unpooled = signal.new_empty(units, target.height, width, channels)
    window = unpooled[:, :, : target.width]  # the rest of each row is never looked at
    window.zero_()
    if passage.overlap == "sum":
        unpooled.view(-1).scatter_add_(0, places.view(-1), flat)
    else:
        order = torch.arange(flat.numel(), device=signal.device)
        last = torch.full_like(unpooled, -1, dtype=torch.int64).view(-1)
        last.scatter_reduce_(0, places.view(-1), order, "amax")
        window = (flat[last.clamp_min(0)] * (last >= 0)).view_as(unpooled)[:, :, : target.width]
    return window.permute(0, 3, 1, 2)


def _cut(maps: Tensor, frame: Frame, unit: int) -> Tensor:
    """(N, C, h, w) of maps (N, C, H, W), at one unit's window."""
    top, left = int(frame.rows[unit]), int(frame.columns[unit])
    return maps[:, :, top : top + frame.height, left : left + frame.width]


def _cells(cells: Tensor, frame: Frame, unit: int) -> Tensor:
    """(h, w, C) of (H, W, C), at one unit's window."""
    top, left = int(frame.rows[unit]), int(frame.columns[unit])
    return cells[top : top + frame.height, left : left + frame.width]
