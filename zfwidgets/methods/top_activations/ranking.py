"""The k strongest activations of every map of a layer, kept while pictures go by."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zfwidgets.methods.top_activations.ranks import NOWHERE, Ranks, empty

__all__ = ["Hits", "Ranking", "strongest_places"]


class Hits(NamedTuple):
    """What a batch offers to some maps of a layer.

    Attributes
    ----------
    channels : ndarray
        (R,) int64: which maps.
    values : ndarray
        (R, B, p) float32, the strongest of each picture first; -inf where it has fewer.
    places : ndarray
        (R, B, p) int64.
    """

    channels: NDArray[np.int64]
    values: NDArray[np.float32]
    places: NDArray[np.int64]


def strongest_places(maps: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The strongest places of maps (n, H, W): values and row * width + column, (n, count), ties in reading order."""
    flat = maps.flatten(1)
    if count == 1:
        values, places = flat.max(1, keepdim=True)
        return values, places
    values, places = flat.sort(stable=True, dim=1, descending=True)
    return values[:, :count], places[:, :count]


class Ranking:
    """One layer's entries while the pictures of a shard go by, in the order of their keys.

    Pictures come in the order of their keys, so of two equal values the one that is there already wins: entries are
    beaten by larger values only.

    Parameters
    ----------
    channels, k, per_image : int
        Maps, entries of each, and how many of them one picture may have at most.
    """

    def __init__(self, channels: int, k: int, per_image: int) -> None:
        self.k, self.per_image = k, per_image
        self.ranks = empty(channels, k)

    def hits(self, maps: Tensor, peaks: Tensor) -> Hits:
        """What a batch of maps (B, C, H, W) offers; ``peaks`` (B, C) are their maxima.

        May be called while others are added: what has been beaten meanwhile is sorted out by `add`.
        """
        weakest = torch.from_numpy(self.ranks.values[:, -1].copy())
        hit = peaks.cpu() > weakest
        channels = hit.any(0).nonzero()[:, 0]
        count = min(self.per_image, maps.shape[2] * maps.shape[3])
        shape = (len(channels), len(maps), count)
        values, places = np.full(shape, -np.inf, np.float32), np.full(shape, NOWHERE)
        rows, images = hit[:, channels].T.nonzero().unbind(1)
        if len(rows):
            there = (images.to(maps.device), channels[rows].to(maps.device))
            found = strongest_places(maps[there], count)
            for target, part in zip((values, places), found, strict=True):
                target[rows.numpy(), images.numpy()] = part.cpu().numpy()
        return Hits(channels.numpy(), values, places)

    def add(self, hits: Hits, numbers: NDArray[np.int64], used: NDArray[np.bool_]) -> None:
        """Take in what a batch offers.

        Parameters
        ----------
        hits : Hits
            Of `hits`.
        numbers : ndarray
            (B,) numbers of the pictures: their places in the order of keys, ascending from call to call.
        used : ndarray
            (B,) bool: False for what is to be left out.
        """
        if not len(hits.channels):
            return
        rows, batch, count = hits.values.shape
        values = np.where(used[None, :, None], hits.values, np.float32(-np.inf)).reshape(rows, -1)
        images = np.broadcast_to(numbers[None, :, None], (rows, batch, count)).reshape(rows, -1)
        known = self.ranks.each(lambda part: part[hits.channels])
        both = known.beside(Ranks(values, images, hits.places.reshape(rows, -1)))
        order = np.argsort(-both.values, axis=1, kind="stable")[:, : self.k]
        self.ranks.put(hits.channels, both.each(lambda part: np.take_along_axis(part, order, 1)))
        gone = self.ranks.values == -np.inf
        self.ranks.images[gone] = NOWHERE
        self.ranks.places[gone] = NOWHERE
