"""The grid of Fig. 2: a button for each map, with its projections and patches on it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import ipywidgets as W

if TYPE_CHECKING:
    from zfwidgets.backend.top_drawing import TopTile

__all__ = ["GROUP", "TopTiles"]

GROUP = 3
"""Tiles that are drawn and sent together."""


class TopTiles(W.Box):
    """Tiles that can be pressed; real buttons, so Tab and Enter work, and few widgets.

    Parameters
    ----------
    chosen : callable
        Told the channel of the tile that was pressed.
    """

    def __init__(self, chosen: Callable[[int], None]) -> None:
        self._chosen = chosen
        self._buttons: list[W.Button] = []
        self._sheets: list[W.HTML] = []
        self._channels: list[int | None] = []
        self._count = self._laid_out = 0
        # One style and one layout for all: each widget costs the page three messages.
        self._look = {"style": W.ButtonStyle(), "layout": W.Layout()}
        super().__init__()
        self.add_class("zf-tiles")

    @property
    def channels(self) -> list[int]:
        """Of the tiles that are shown, in order."""
        return [channel for channel in self._channels[: self._count] if channel is not None]

    def expect(self, count: int) -> None:
        """Have so many places; those that were filled stay as they are until they are filled anew."""
        self._count = count
        while len(self._buttons) < count:
            self._add()
        for place, button in enumerate(self._buttons):
            (button.add_class if place >= count else button.remove_class)("zf-gone")
        parts: list[W.Widget] = [*self._sheets, *self._buttons]
        if len(parts) != self._laid_out:
            self._laid_out = len(parts)
            self.children = parts

    def show(self, group: int, tiles: Sequence[TopTile]) -> None:
        """Fill the places of a group, as far as there are any: the page may have changed since they were asked for."""
        first = group * GROUP
        tiles = tiles[: max(len(self._buttons) - first, 0)]
        if not tiles:
            return
        rules = []
        for place, tile in enumerate(tiles, first):
            button = self._buttons[place]
            self._channels[place] = tile.channel
            button.description = tile.caption
            button.tooltip = f"Map {tile.channel}: its strongest activations, projected, beside their patches"
            (button.add_class if tile.dead else button.remove_class)("zf-dead")
            data = base64.b64encode(tile.picture).decode()
            kind = "png" if tile.picture.startswith(b"\x89PNG") else "jpeg"
            picture = f'url("data:image/{kind};base64,{data}")' if data else "none"
            rules.append(f".zf .zf-tile.widget-button.{self._name(place)}::before {{ background-image: {picture}; }}")
        self._sheets[group].value = f"<style>{''.join(rules)}</style>"

    def mark(self, channel: int | None) -> None:
        """Show which map is chosen."""
        for button, its in zip(self._buttons, self._channels, strict=True):
            (button.add_class if its is not None and its == channel else button.remove_class)("zf-chosen")

    def _add(self) -> None:
        place = len(self._buttons)
        if place % GROUP == 0:
            sheet = W.HTML()
            sheet.layout.display = "none"
            self._sheets.append(sheet)
        button = W.Button(tooltip="A map that is being drawn", **self._look)
        button.add_class("zf-tile")
        button.add_class(self._name(place))
        button.on_click(lambda _: self._press(place))
        self._buttons.append(button)
        self._channels.append(None)

    def _name(self, place: int) -> str:
        """Of a tile on a page that may show several viewers."""
        return f"zf-t{self.model_id[:8]}-{place}"

    def _press(self, place: int) -> None:
        channel = self._channels[place]
        if channel is not None:
            self._chosen(channel)
