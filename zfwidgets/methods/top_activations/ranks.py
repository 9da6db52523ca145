"""The entries of feature maps, and the order they are in.

The order is total - value (the largest first), then the picture's key, then the position - so the result depends on
neither the order of the pictures nor on how they were shared out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["NOWHERE", "Ranks", "best", "empty"]

NOWHERE = np.iinfo(np.int64).max
"""Picture and position of an entry that is not there: after all others of its value, which is -inf."""


class Ranks(NamedTuple):
    """(C, k) entries, the best first: value, number of the picture, place in the map (row * width + column)."""

    values: NDArray[np.float32]
    images: NDArray[np.int64]
    places: NDArray[np.int64]

    def each(self, function: Callable[[NDArray[Any]], NDArray[Any]]) -> Ranks:
        """A function of all three."""
        return Ranks(function(self.values), function(self.images), function(self.places))

    def put(self, channels: NDArray[np.int64], others: Ranks) -> None:
        """Replace the entries of some maps."""
        self.values[channels], self.images[channels], self.places[channels] = others

    def beside(self, *others: Ranks) -> Ranks:
        """More entries of the same maps, one after the other."""
        values, images, places = zip(self, *others, strict=True)
        return Ranks(np.concatenate(values, 1), np.concatenate(images, 1), np.concatenate(places, 1))


def empty(channels: int, k: int) -> Ranks:
    """Nothing yet."""
    shape = (channels, k)
    return Ranks(np.full(shape, -np.inf, np.float32), np.full(shape, NOWHERE), np.full(shape, NOWHERE))


def best(ranks: Sequence[Ranks], k: int) -> Ranks:
    """The k best entries of each map over several, each entry once.

    Examples
    --------
    >>> some = Ranks(np.float32([[3, 1]]), np.array([[0, 4]]), np.array([[5, 5]]))
    >>> more = Ranks(np.float32([[3, 3]]), np.array([[0, 2]]), np.array([[5, 9]]))
    >>> best([some, more], 3).images.tolist()
    [[0, 2, 4]]
    """
    both = ranks[0].beside(*ranks[1:], empty(len(ranks[0].values), k))
    order = np.lexsort((both.places, both.images, -both.values), axis=1)
    both = both.each(lambda part: np.take_along_axis(part, order, 1))
    again = np.zeros(both.values.shape, bool)
    again[:, 1:] = (both.images[:, 1:] == both.images[:, :-1]) & (both.places[:, 1:] == both.places[:, :-1])
    # What is there again goes behind everything, and there it is one of the entries that are not there.
    both.values[again], both.images[again], both.places[again] = -np.inf, NOWHERE, NOWHERE
    order = np.argsort(again, axis=1, kind="stable")[:, :k]
    return both.each(lambda part: np.take_along_axis(part, order, 1))
