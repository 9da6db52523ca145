"""What a hidden square changes in one map: small windows of difference to the map of the whole picture.

Linear operations are given the difference itself (`Change.difference`), all others the values it leads to
(`Change.values`); what is between two windows is the clean map, kept once for all positions (`CleanMap`).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from zfwidgets.network.windows import Frame

__all__ = ["Change", "CleanMap", "moved", "pasted"]


class CleanMap:
    """A map of the whole picture, (1, C, H, W) or (1, F), from which windows are cut."""

    def __init__(self, whole: Tensor) -> None:
        self.whole = whole
        if whole.dim() == 4:
            self.whole = whole.contiguous(memory_format=torch.channels_last)
            self._cells = self.whole.permute(0, 2, 3, 1).reshape(-1, whole.shape[1])

    def at(self, frame: Frame | None) -> Tensor:
        """(B, C, h, w) at the cells of a frame, or (1, C, h, w) if they are the same for all; None: everything.

        To be read only: it may be the map itself.
        """
        if frame is None or not (frame.still and self._inside(frame)):
            return self.whole if frame is None else self.copied(frame)
        top, left = int(frame.rows[0]), int(frame.columns[0])
        return self.whole[:, :, top : top + frame.height, left : left + frame.width]

    def copied(self, frame: Frame, outside: float = 0.0) -> Tensor:
        """(B, C, h, w) at the cells of a frame, ``outside`` beyond the border; to be written into."""
        height, width = self.whole.shape[2:]
        rows = frame.rows[:, None] + np.arange(frame.height)
        columns = frame.columns[:, None] + np.arange(frame.width)
        index = rows.clip(0, height - 1)[:, :, None] * width + columns.clip(0, width - 1)[:, None, :]
        flat = torch.from_numpy(index.reshape(-1)).to(self.whole.device)
        cut = self._cells.index_select(0, flat).reshape(*index.shape, -1).permute(0, 3, 1, 2)
        if self._inside(frame):
            return cut
        beyond = ((rows < 0) | (rows >= height))[:, :, None] | ((columns < 0) | (columns >= width))[:, None, :]
        return cut.masked_fill_(torch.from_numpy(beyond)[:, None].to(cut.device), outside)

    def _inside(self, frame: Frame) -> bool:
        height, width = self.whole.shape[2:]
        rows = frame.rows.min() >= 0 and frame.rows.max() + frame.height <= height
        return bool(rows and frame.columns.min() >= 0 and frame.columns.max() + frame.width <= width)


@dataclass
class Change:
    """B windows of one node: their difference to the clean map, their values, or both.

    ``frame`` None: no windows, but all of a vector or of a map, for each of the batch.
    """

    frame: Frame | None
    clean: CleanMap
    known_difference: Tensor | None = None
    known_values: Tensor | None = None

    @property
    def difference(self) -> Tensor:
        """(B, C, h, w): values minus clean values."""
        if self.known_difference is None:
            assert self.known_values is not None
            self.known_difference = self.known_values - self.clean.at(self.frame)
        return self.known_difference

    @property
    def values(self) -> Tensor:
        """(B, C, h, w), in 32 bits whatever the difference has."""
        if self.known_values is None:
            assert self.known_difference is not None
            self.known_values = self.clean.at(self.frame) + self.known_difference
        return self.known_values

    def difference_at(self, frame: Frame) -> Tensor:
        """The difference at other cells, zero where these windows do not reach."""
        assert self.frame is not None
        return moved(self.difference, self.frame, frame)

    def values_at(self, frame: Frame, outside: float) -> Tensor:
        """The values at other cells: clean where these windows do not reach, ``outside`` beyond the border."""
        assert self.frame is not None
        if self.frame.same(frame):
            return self.values
        return pasted(self.clean.copied(frame, outside), frame, self.values, self.frame)


def moved(windows: Tensor, source: Frame, target: Frame) -> Tensor:
    """Windows at the cells of another frame, zero where they do not reach."""
    if source.same(target):
        return windows
    down, right = source.rows - target.rows, source.columns - target.columns
    if (down == down[0]).all() and (right == right[0]).all():
        top, left = int(down[0]), int(right[0])
        sides = (left, target.width - source.width - left, top, target.height - source.height - top)
        return F.pad(windows, sides)
    shape = (len(windows), windows.shape[1], target.height, target.width)
    empty = windows.new_zeros(shape).contiguous(memory_format=torch.channels_last)
    return pasted(empty, target, windows, source)


def pasted(onto: Tensor, target: Frame, windows: Tensor, source: Frame) -> Tensor:
    """Write windows into those of another frame, in place, as far as they lie inside; returns ``onto``."""
    down, right = source.rows - target.rows, source.columns - target.columns
    for batch in _runs(down, right):
        to_rows, from_rows = _shared(int(down[batch.start]), source.height, target.height)
        to_columns, from_columns = _shared(int(right[batch.start]), source.width, target.width)
        onto[batch, :, to_rows, to_columns] = windows[batch, :, from_rows, from_columns]
    return onto


def _runs(*offsets: np.ndarray) -> Iterator[slice]:
    """Neighbours in the batch that move the same way."""
    turns = np.flatnonzero(np.any([np.diff(offset) != 0 for offset in offsets], axis=0)) + 1
    edges = [0, *turns.tolist(), len(offsets[0])]
    for first, end in itertools.pairwise(edges):
        yield slice(first, end)


def _shared(offset: int, source: int, target: int) -> tuple[slice, slice]:
    """The cells that two windows share, as the target and as the source count them; the source starts at offset."""
    first, end = max(offset, 0), max(min(offset + source, target), max(offset, 0))
    return slice(first, end), slice(first - offset, end - offset)
