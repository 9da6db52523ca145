"""What a hidden square changes in one map: small windows of difference to the map of the whole picture.

Linear operations are given the difference itself (`Change.difference`), all others the values it leads to
(`Change.values`); what is between two windows is the clean map, kept once for all positions (`CleanMap`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from zfwidgets.network.windows import Frame

__all__ = ["Change", "CleanMap", "moved", "pasted", "shared"]


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
        if frame is None:
            return self.whole
        if not self.shows(frame):
            return self.copied(frame)
        top, left = int(frame.rows[0]), int(frame.columns[0])
        return self.whole[:, :, top : top + frame.height, left : left + frame.width]

    def shows(self, frame: Frame | None) -> bool:
        """Whether `at` gives the map itself, no copy."""
        return frame is None or (frame.still and frame.inside(*self.whole.shape[2:]))

    def copied(self, frame: Frame, outside: float = 0.0) -> Tensor:
        """(B, C, h, w) at the cells of a frame, ``outside`` beyond the border; to be written into."""
        height, width = self.whole.shape[2:]
        rows = frame.rows[:, None] + np.arange(frame.height)
        columns = frame.columns[:, None] + np.arange(frame.width)
        inside = frame.inside(height, width)
        near = (rows, columns) if inside else (rows.clip(0, height - 1), columns.clip(0, width - 1))
        index = near[0][:, :, None] * width + near[1][:, None, :]
        flat = torch.from_numpy(index.reshape(-1)).to(self.whole.device)
        cut = self._cells.index_select(0, flat).reshape(*index.shape, -1).permute(0, 3, 1, 2)
        if inside:
            return cut
        beyond = ((rows < 0) | (rows >= height))[:, :, None] | ((columns < 0) | (columns >= width))[:, None, :]
        return cut.masked_fill_(torch.from_numpy(beyond)[:, None].to(cut.device), outside)


@dataclass
class Change:
    """B windows of one node: their difference to the clean map, their values, or both.

    ``frame`` None: no windows, but all of a vector or of a map, for each of the batch. ``known_clean``: a copy of the
    clean cells that nobody else has, where there is one already.
    """

    frame: Frame | None
    clean: CleanMap
    known_difference: Tensor | None = None
    known_values: Tensor | None = None
    known_clean: Tensor | None = None

    @property
    def difference(self) -> Tensor:
        """(B, C, h, w): values minus clean values."""
        if self.known_difference is None:
            assert self.known_values is not None
            cells, spare = self._clean_cells()
            self.known_difference = torch.sub(self.known_values, cells, out=spare)
        return self.known_difference

    @property
    def values(self) -> Tensor:
        """(B, C, h, w), in 32 bits whatever the difference has."""
        if self.known_values is None:
            assert self.known_difference is not None
            cells, spare = self._clean_cells()
            self.known_values = torch.add(cells, self.known_difference, out=spare)
        return self.known_values

    def _clean_cells(self) -> tuple[Tensor, Tensor | None]:
        """The clean cells; the second time if they are a copy, which may take a result: no memory is asked for."""
        if self.known_clean is not None:
            cells, self.known_clean = self.known_clean, None
            return cells, cells
        cells = self.clean.at(self.frame)
        return cells, None if self.clean.shows(self.frame) else cells

    def overwritten(self, function: Callable[[Tensor], Tensor], clean: CleanMap, spare: bool) -> Change:
        """A function of each value by itself, which it writes over; ``clean`` is the clean map of its result.

        The clean cells of the result are the function of the clean cells, which is cheaper than to gather them.
        ``spare``: nobody else reads the difference of these windows.
        """
        assert self.known_difference is not None
        difference, cells = self.known_difference, self.clean.at(self.frame)
        target = difference if spare and difference.dtype == cells.dtype else None
        values = function(torch.add(difference, cells, out=target))
        if self.clean.shows(self.frame):
            return Change(self.frame, clean, known_values=values)
        return Change(self.frame, clean, known_values=values, known_clean=function(cells))

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
    down, right = _offsets(source, target)
    if len(set(down)) == 1 and len(set(right)) == 1:
        top, left = down[0], right[0]
        sides = (left, target.width - source.width - left, top, target.height - source.height - top)
        return F.pad(windows, sides)
    empty = windows.new_zeros(len(windows), target.height, target.width, windows.shape[1]).permute(0, 3, 1, 2)
    return pasted(empty, target, windows, source)


def pasted(onto: Tensor, target: Frame, windows: Tensor, source: Frame) -> Tensor:
    """Write windows into those of another frame, in place, as far as they lie inside; returns ``onto``."""
    down, right = _offsets(source, target)
    first = 0
    for end in range(1, len(down) + 1):
        if end < len(down) and (down[end], right[end]) == (down[first], right[first]):
            continue  # neighbours in the batch that move the same way go together
        to_rows, from_rows = shared(down[first], source.height, target.height)
        to_columns, from_columns = shared(right[first], source.width, target.width)
        onto[first:end, :, to_rows, to_columns] = windows[first:end, :, from_rows, from_columns]
        first = end
    return onto


def _offsets(source: Frame, target: Frame) -> tuple[list[int], list[int]]:
    """Where each source window starts, counted from its target window."""
    return (source.rows - target.rows).tolist(), (source.columns - target.columns).tolist()


def shared(offset: int, source: int, target: int) -> tuple[slice, slice]:
    """The cells that two windows share, as the target and as the source count them; the source starts at offset."""
    first, end = max(offset, 0), max(min(offset + source, target), max(offset, 0))
    return slice(first, end), slice(first - offset, end - offset)
