"""Questions about Fig. 2: the strongest activations of every map, ordered and drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zfwidgets.backend.top_classes import commonest, share
from zfwidgets.backend.top_index import IndexFacts, OpenIndex, TopIndexRequest

if TYPE_CHECKING:
    from zfwidgets.backend.backend import Backend
    from zfwidgets.backend.top_drawing import TopTile
    from zfwidgets.data import ImageSet

__all__ = [
    "SORTS",
    "Peak",
    "TopChannel",
    "TopChannelRequest",
    "TopOrder",
    "TopOrderRequest",
    "TopSheetRequest",
    "TopTilesRequest",
]

SORTS = ("channel", "strength", "purity")
"""Orders of maps: by number; the strongest first; by the share of the commonest class among a map's nine pictures."""

Partial = Callable[[Any], None] | None
Cancelled = Callable[[], bool] | None


class Peak(NamedTuple):
    """One of a map's strongest activations: how strong, in which picture, at which row and column of the map."""

    value: float
    image: str
    row: int
    column: int


@dataclass(frozen=True, eq=False)  # arrays have no single equality
class TopOrder:
    """The maps of one layer in an order, with their strongest activations.

    Attributes
    ----------
    layer : str
        Its name.
    channels : ndarray
        (C,) int64: the maps in order; dead ones last unless the order is by number.
    values : ndarray
        (C, k) float32, nan where there are fewer; by channel, not in order.
    images, positions : ndarray
        (C, k) keys, "" where there are fewer; (C, k, 2) row and column, -1 where there are fewer.
    purity : ndarray
        (C,) float64: share of the commonest class among a map's pictures; nan where no class is known or where the
        order did not need it.
    index : IndexFacts or None
        None: there is no index. There are no maps either then, nor of a layer that was not mined.
    """

    layer: str
    channels: NDArray[np.int64]
    values: NDArray[np.float32]
    images: NDArray[np.object_]
    positions: NDArray[np.int64]
    purity: NDArray[np.float64]
    index: IndexFacts | None

    @property
    def dead(self) -> NDArray[np.bool_]:
        """(C,): maps that no picture excites."""
        return ~(self.values[:, 0] > 0)

    def peaks(self, channel: int) -> tuple[Peak, ...]:
        """A map's entries, the strongest first."""
        there = ~np.isnan(self.values[channel])
        return tuple(
            Peak(float(value), str(image), int(row), int(column))
            for value, image, (row, column) in zip(
                self.values[channel][there],
                self.images[channel][there],
                self.positions[channel][there],
                strict=True,
            )
        )


@dataclass(frozen=True)
class TopOrderRequest:
    """The maps of a layer in an order of `SORTS`. Answered by `TopOrder`."""

    source: TopIndexRequest
    layer: str
    sort: str = "channel"
    quick: ClassVar[bool] = True

    @property
    def kept(self) -> bool:
        """Whether the answer is the same next time."""
        return self.source.kept

    def run(self, backend: Backend, on_partial: Partial = None, cancelled: Cancelled = None) -> TopOrder:
        source = self.source.looked_at()
        if source != self.source:
            answer: TopOrder = backend.compute(replace(self, source=source), cancelled=cancelled)
            return answer
        opened: OpenIndex = backend.compute(self.source)
        if opened.top is None:
            return _no_maps(self.layer, None)
        if self.layer not in opened.top.layers:
            return _no_maps(self.layer, opened.facts())
        found = opened.top[self.layer]
        purity = np.full(len(found.values), np.nan)
        if self.sort == "purity":
            purity = _purity(found.images, lambda key: opened.label(backend, key))
        order = _ordered(self.sort, found.values, purity)
        return TopOrder(self.layer, order, found.values, found.images, found.positions, purity, opened.facts())


def _no_maps(layer: str, index: IndexFacts | None) -> TopOrder:
    """Of a layer that was not mined."""
    nothing = np.empty(0, np.int64)
    values, images = np.empty((0, 1), np.float32), np.empty((0, 1), object)
    return TopOrder(layer, nothing, values, images, np.empty((0, 1, 2), np.int64), np.empty(0), index)


def _ordered(sort: str, values: NDArray[np.float32], purity: NDArray[np.float64]) -> NDArray[np.int64]:
    """Channels by number, or the strongest or purest first; equal ones by number, dead ones last."""
    numbers = np.arange(len(values))
    if sort == "channel":
        return numbers
    strength = np.nan_to_num(values[:, 0].astype(float), nan=-np.inf)
    purest = np.nan_to_num(purity, nan=-1.0) if sort == "purity" else np.zeros(len(values))
    return np.lexsort((numbers, -strength, -purest, ~(strength > 0)))


def _purity(images: NDArray[np.object_], label: Callable[[str], str | None]) -> NDArray[np.float64]:
    labels: dict[str, str | None] = {key: label(key) for key in set(images.ravel().tolist()) - {""}}
    return np.array([share(commonest([labels[key] for key in row if key])) for row in images.tolist()])


@dataclass(frozen=True)
class TopTilesRequest:
    """Some maps drawn: projections beside patches. Answered by a tuple of `TopTile`.

    The question carries the activations themselves, so its answer belongs to them whatever becomes of the index.

    Attributes
    ----------
    layer : str
    k : int
        Places of a tile.
    maps : tuple of (int, tuple of Peak)
        Channels with their activations.
    borrowed : bool
        Whether the pictures are those of the index that ships, and not the backend's own.
    """

    layer: str
    k: int
    maps: tuple[tuple[int, tuple[Peak, ...]], ...]
    borrowed: bool = False
    quick: ClassVar[bool] = True

    def run(self, backend: Backend, on_partial: Partial = None, cancelled: Cancelled = None) -> tuple[TopTile, ...]:
        from zfwidgets.backend.top_drawing import drawn

        pictures: ImageSet | None = None
        if self.borrowed:
            from zfwidgets.methods.top_activations.embedded import embedded_pictures

            pictures = embedded_pictures()
        return drawn(backend, self.layer, self.k, self.maps, pictures, cancelled or (lambda: False))


class TopChannel(NamedTuple):
    """One map drawn, and the index that says where it is strongest."""

    tile: TopTile
    facts: IndexFacts


@dataclass(frozen=True)
class TopChannelRequest:
    """One map drawn, without looking at the others. Answered by `TopChannel`, or None where it was not mined."""

    source: TopIndexRequest
    layer: str
    channel: int
    quick: ClassVar[bool] = True

    @property
    def kept(self) -> bool:
        """Whether the answer is the same next time."""
        return self.source.kept

    def run(self, backend: Backend, on_partial: Partial = None, cancelled: Cancelled = None) -> TopChannel | None:
        opened: OpenIndex = backend.compute(self.source)
        facts = opened.facts()
        if opened.top is None or facts is None or self.layer not in facts.layers:
            return None
        entries = opened.top.channel(self.layer, self.channel)
        peaks = tuple(Peak(entry.value, entry.image, *entry.position) for entry in entries)
        maps = ((self.channel, peaks),)
        request = TopTilesRequest(self.layer, facts.k, maps, borrowed=facts.pictures is not None)
        (tile,) = backend.compute(request, cancelled=cancelled)
        return TopChannel(tile, facts)


@dataclass(frozen=True)
class TopSheetRequest:
    """Some maps as one figure with a title, as PNG. Answered by bytes."""

    tiles: TopTilesRequest
    title: str
    note: str
    columns: int
    quick: ClassVar[bool] = True

    def run(self, backend: Backend, on_partial: Partial = None, cancelled: Cancelled = None) -> bytes:
        from zfwidgets.backend.top_drawing import sheet

        tiles = backend.compute(self.tiles, cancelled=cancelled)
        return sheet(tiles, self.title, self.note, self.columns)
