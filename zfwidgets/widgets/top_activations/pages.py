"""Which maps a page of Fig. 2 shows, and the questions that draw them."""

from __future__ import annotations

from collections.abc import Sequence

from zfwidgets.backend.top_requests import TopOrder, TopSheetRequest, TopTilesRequest
from zfwidgets.errors import ParameterError

__all__ = ["drawing_of", "on_page", "pages", "sheet_of"]


def pages(order: TopOrder | None, tiles: int) -> int:
    """How many pages of so many tiles there are, at least 1."""
    return max(-(-len(order.channels) // tiles), 1) if order is not None else 1


def on_page(order: TopOrder | None, page: int, tiles: int) -> list[int]:
    """Channels of a page, in order; beyond the last one, of the last one."""
    if order is None:
        return []
    first = (min(page, pages(order, tiles)) - 1) * tiles
    return [int(channel) for channel in order.channels[first : first + tiles]]


def drawing_of(order: TopOrder, channels: Sequence[int]) -> TopTilesRequest:
    """Some maps with their strongest activations."""
    assert order.index is not None
    maps = tuple((channel, order.peaks(channel)) for channel in channels)
    return TopTilesRequest(order.layer, order.index.k, maps, borrowed=order.index.pictures is not None)


def sheet_of(network: str, order: TopOrder | None, channels: Sequence[int]) -> TopSheetRequest:
    """The page as one figure.

    Raises
    ------
    ParameterError
        If there is no index yet.
    """
    if order is None or order.index is None or not len(order.channels):
        raise ParameterError("There is nothing to export yet; press Mine these pictures first.")
    title = f"{network}, {order.layer}: {order.index.k} strongest activations of each map"
    note = f"over {order.index.count:,} pictures; left projected (Zeiler and Fergus, 2.1), right their patches"
    return TopSheetRequest(drawing_of(order, channels), title, note, columns=3)
