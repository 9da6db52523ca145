"""A second network beside the viewer of Fig. 2: the nine of its map, and how many of the pictures both share."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any, Protocol

import ipywidgets as W

from zfwidgets.backend import Backend, Request
from zfwidgets.backend.top_index import TopIndexRequest
from zfwidgets.backend.top_requests import TopChannel, TopChannelRequest
from zfwidgets.widgets.parts.top_nine import TopNine
from zfwidgets.widgets.viewer.counterpart import Counterpart, channel_beside, layer_beside

if TYPE_CHECKING:
    from zfwidgets.backend.top_drawing import TopTile

__all__ = ["TopBeside"]


class Options(Protocol):
    """What it reads of the viewer."""

    image: Any
    layer: Any
    other_index: Any


class TopBeside:
    """What the viewer shows of a second network.

    Parameters
    ----------
    mine, theirs : Backend
        The two networks.
    name : str
        What the second one is called.
    opened : callable
        Told the key of a picture that was clicked, which the first backend has by then.

    Attributes
    ----------
    nine : TopNine
        The map of the same number in the layer of the same name or depth.
    about : ipywidgets.HTML
        How many of the nine pictures are among those of the first network, and what had to be chosen.
    """

    def __init__(self, mine: Backend, theirs: Backend, name: str, opened: Callable[[str], None]) -> None:
        self._mine, self._theirs, self._name, self._opened = mine, theirs, name, opened
        self._found: TopChannel | None = None
        self._found_of: TopChannelRequest | None = None
        self.nine = TopNine(self._open, listed=False, name=name)
        for look in ("zf-wide", "zf-gone"):
            self.nine.add_class(look)
        self.about = W.HTML()

    def pair(self, first: TopNine) -> W.Box:
        """Both blocks of nine, side by side where there is room."""
        both = W.Box([first, self.nine])
        both.add_class("zf-nine")
        return both

    def questions(self, options: Options, channel: int | None) -> dict[str, Request]:
        """The map of the same number, where there is one."""
        asked = self._asked(options, channel)
        return {} if asked is None else {"nine": asked}

    def _asked(self, options: Options, channel: int | None) -> TopChannelRequest | None:
        layer = self._layer(options).layer
        if channel is None or layer is None:
            return None
        there, _ = channel_beside(self._theirs.network, layer, channel, self._name)
        return None if there is None else TopChannelRequest(TopIndexRequest.of(options.other_index), layer, there)

    def _layer(self, options: Options) -> Counterpart:
        return layer_beside(self._mine.network, self._theirs.network, options.layer, self._name)

    def take(self, found: TopChannel | None, asked: TopChannelRequest) -> None:
        """Its nine, and which map they are of; None where they were not mined."""
        self._found, self._found_of = found, asked

    def compare(self, first: TopNine, options: Options, channel: int | None) -> None:
        """Show its nine and mark, in both blocks, the pictures that are among both."""
        layer, found, mine = self._layer(options), self._found, first.tile
        asked, of = self._asked(options, channel), self._found_of
        shared, said = set[str](), [layer.words, *self._lacking(layer.layer, channel, asked is not None)]
        if asked is not None:
            here = mine is not None and (first.layer, mine.channel) == (options.layer, channel)
            if of is None or (of.layer, of.channel) != (asked.layer, asked.channel) or not (here or found is None):
                return  # what is shown, faded, stays until both have answered for the same map
            if found is None:
                said.append(
                    f"The maps of {self._name} have not been mined: run `zfwidgets mine --network {self._name}` over "
                    "the same pictures and pass its file as other_index=, on the command line as --other-index."
                )
            elif mine is not None:
                self.nine.show(asked.layer, found.tile)
                shared = _pictures(mine) & _pictures(found.tile)
                said = [self._verdict(mine, found, len(shared)), *said, *found.tile.problems[:1]]
        there = asked is not None and found is not None
        (self.nine.remove_class if there else self.nine.add_class)("zf-gone")
        # Alone, the first one's two panels stand side by side.
        (first.add_class if there else first.remove_class)("zf-wide")
        for nine in (first, self.nine):
            nine.mark(options.image, shared)
        lines = "".join(f"<div>{escape(sentence)}</div>" for sentence in said if sentence)
        self.about.value = f'<div class="zf-h">Second network: {escape(self._name)}</div>{lines}'

    def _lacking(self, layer: str | None, channel: int | None, there: bool) -> list[str]:
        """That its layer has no map of this number."""
        if channel is None or layer is None or there:
            return []
        count = self._theirs.network.layers[layer].channels
        return [f"{layer} of {self._name} has {count} maps and no #{channel}: there is nothing to stand beside it."]

    def _verdict(self, mine: TopTile, found: TopChannel, shared: int) -> str:
        count = len(_pictures(mine))
        many = f"{shared} of the {count} pictures are" if shared != 1 else f"1 of the {count} pictures is"
        return f"{many} among the strongest of both, framed in blue. Its index holds {found.facts.count:,} pictures."

    def _open(self, place: int) -> None:
        if self._found is not None:
            key, pictures = self._found.tile.peaks[place].image, self._found.facts.pictures
            self._mine.borrow(key, self._theirs.image_set if pictures is None else pictures)
            self._opened(key)


def _pictures(tile: TopTile) -> set[str]:
    """Keys of the pictures of a map; a dead one has none."""
    return set() if tile.dead else {peak.image for peak in tile.peaks}
