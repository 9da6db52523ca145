"""The k strongest activations of every map, kept while pictures go by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zfwidgets.methods.top_activations.peaks import Peaks, Window
from zfwidgets.methods.top_activations.ranks import NOWHERE, Ranks, empty

__all__ = ["Hits", "Ranking", "strongest_places"]

Ints = NDArray[np.int64]
_CELLS_AT_ONCE = 2**22
"""Cells looked at together for their place in the map."""


class Hits(NamedTuple):
    """Maps of a batch that are stronger than what is known.

    Attributes
    ----------
    channels, slots : ndarray
        (n,) int64: which map of all layers, which picture of the batch.
    values : ndarray
        (n, p) float32, the strongest place of the map first; -inf where the map has fewer.
    places : ndarray
        (n, p) int64: row * width + column.
    """

    channels: Ints
    slots: Ints
    values: NDArray[np.float32]
    places: Ints


class Ranking:
    """Entries of all layers while the pictures of a shard go by, in the order of their keys.

    Of two equal values the one that is there already wins, because its picture's key comes first: entries are beaten
    by larger values only.

    Parameters
    ----------
    channels : mapping
        Layer (any name for it) to its number of maps.
    k, per_image : int
        Entries of each map, and how many of them one picture may have at most.
    """

    def __init__(self, channels: Mapping[int, int], k: int, per_image: int) -> None:
        # More of one picture than there are entries would only take memory.
        self.k, self.per_image = k, min(per_image, k)
        ends = np.cumsum(list(channels.values())).tolist()
        self._slices = {layer: slice(end - channels[layer], end) for layer, end in zip(channels, ends, strict=True)}
        self._ranks = empty(ends[-1], k)
        self._weakest = self._ranks.values[:, -1].copy()

    def ranks(self, layers: Sequence[int]) -> Ranks:
        """A copy of the entries of some layers, one after the other."""
        return self._ranks.each(lambda part: np.concatenate([part[self._slices[layer]] for layer in layers]))

    def look(self, layer: int, peaks: Peaks) -> tuple[Hits | None, NDArray[np.int64]]:
        """What a layer's maps offer, and the pictures whose activations are no finite numbers.

        May be called while others are added: what has been beaten meanwhile is sorted out by `add`.
        """
        strongest = peaks.strongest.cpu().numpy()
        unsound = np.flatnonzero(~np.isfinite(strongest).all(1))
        where = self._slices[layer]
        # Transposed, so that pairs come in the order of channels, and of pictures for each.
        channels, slots = np.nonzero((strongest > self._weakest[where]).T)
        if not len(channels):
            return None, unsound
        if self.per_image == 1:
            values = strongest[slots, channels][:, None]
            places = strongest_places(peaks, slots, channels)[:, None]
        else:
            values, places = _several(peaks.maps, slots, channels, self.per_image)
        return Hits(channels + where.start, slots, values, places), unsound

    def add(self, hits: Sequence[Hits], numbers: Ints, used: NDArray[np.bool_]) -> None:
        """Take in what a batch offers.

        Parameters
        ----------
        hits : sequence of Hits
            Of `look`, layer by layer in the order of ``channels``.
        numbers : ndarray
            (B,) numbers of the pictures: their places in the order of keys, ascending from call to call.
        used : ndarray
            (B,) bool: False for what is to be left out.
        """
        if not hits:
            return
        every = Hits(*map(np.concatenate, zip(*hits, strict=True)))
        kept = used[every.slots] & (every.values[:, 0] > self._weakest[every.channels])
        channels, slots = every.channels[kept], every.slots[kept]
        if len(channels):
            images = np.broadcast_to(numbers[slots][:, None], (len(slots), self.per_image))
            self._insert(channels, Ranks(every.values[kept], images, every.places[kept]))

    def _insert(self, channels: Ints, offered: Ranks) -> None:
        """Entries (n, p) of channels (n,) that are sorted, and for each channel in the order of pictures."""
        rows, first, counts = np.unique(channels, return_index=True, return_counts=True)
        row = np.repeat(np.arange(len(rows)), counts)
        place = np.arange(len(channels)) - np.repeat(first, counts)
        breadth = int(counts.max())
        wide = empty(len(rows) * breadth, offered.values.shape[1])
        wide.put(row * breadth + place, offered)
        wide = wide.each(lambda part: part.reshape(len(rows), -1))
        both = self._ranks.each(lambda part: part[rows]).beside(wide)
        order = np.argsort(-both.values, axis=1, kind="stable")[:, : self.k]
        self._ranks.put(rows, both.each(lambda part: np.take_along_axis(part, order, 1)))
        self._weakest[rows] = self._ranks.values[rows, -1]


def strongest_places(peaks: Peaks, slots: Ints, channels: Ints) -> Ints:
    """Where some maps have their maximum: row * width + column, the first in reading order.

    Parameters
    ----------
    peaks : Peaks
        The maps and their maxima.
    slots, channels : ndarray
        (n,) which of them.

    Examples
    --------
    >>> maps = torch.tensor([[[[0.0, 2.0], [2.0, 1.0]]]])
    >>> strongest_places(Peaks.of(maps), np.array([0]), np.array([0]))
    array([1])
    """
    height, width = peaks.maps.shape[2:]
    found = np.full(len(slots), NOWHERE)
    step = max(_CELLS_AT_ONCE // (height * width), 1)
    for start in range(0, len(slots), step):
        some = slice(start, start + step)
        slot, channel = slots[some], channels[some]
        peak = _at(peaks.strongest, slot, channel)
        # Only the columns that hold the maximum are read, which is one as a rule.
        pair, column = np.nonzero(_at(peaks.columns, slot, slice(None), channel) == peak[:, None])
        if peaks.window != Window():
            pair, column = _columns_in(peaks.window, pair, column, width)
        holds = _at(peaks.maps, slot[pair], channel[pair], slice(None), column) == peak[pair, None]
        row = holds.argmax(1)
        there = holds[np.arange(len(row)), row]
        np.minimum.at(found[some], pair[there], (row * width + column)[there])
    return found


def _columns_in(window: Window, pair: Ints, column: Ints, width: int) -> tuple[Ints, Ints]:
    """The columns of a map of so many that columns of maxima tell of, and for each the pair that it belongs to."""
    each = np.arange(window.width)
    columns = (window.first + window.step * column[:, None] + each).ravel()
    inside = (columns >= 0) & (columns < width)
    return np.repeat(pair, len(each))[inside], columns[inside]


def _at(tensor: Tensor, *where: Any) -> NDArray[np.float32]:
    """Some cells of a tensor. On a processor NumPy picks them, which is several times as quick for a few."""
    if tensor.device.type == "cpu":
        found: NDArray[np.float32] = tensor.numpy()[where]
        return found
    there = (part if isinstance(part, slice) else torch.from_numpy(part).to(tensor.device) for part in where)
    picked: NDArray[np.float32] = tensor[tuple(there)].cpu().numpy()
    return picked


def _several(maps: Tensor, slots: Ints, channels: Ints, count: int) -> tuple[NDArray[np.float32], Ints]:
    """The strongest places of some maps, ties in reading order: values and places (n, p)."""
    cells = maps.shape[2] * maps.shape[3]
    values, places = np.full((len(slots), count), -np.inf, np.float32), np.full((len(slots), count), NOWHERE)
    step = max(_CELLS_AT_ONCE // cells, 1)
    for start in range(0, len(slots), step):
        some = slice(start, start + step)
        flat = _at(maps, slots[some], channels[some]).reshape(len(slots[some]), -1)
        order = np.argsort(-flat, axis=1, kind="stable")[:, :count]
        values[some, : order.shape[1]] = np.take_along_axis(flat, order, 1)
        places[some, : order.shape[1]] = order
    return values, places
