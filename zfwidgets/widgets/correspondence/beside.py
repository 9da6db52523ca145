"""A second network beside the viewer of Fig. 8 and Table 1, from which the same parts are hidden."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any, Protocol

import ipywidgets as W

from zfwidgets.backend import Request
from zfwidgets.backend.part_requests import CorrespondenceRequest, Marks, marks_of
from zfwidgets.widgets.correspondence.words import Second
from zfwidgets.widgets.viewer.counterpart import Counterpart, layer_beside

if TYPE_CHECKING:
    from zfwidgets.methods import Correspondence
    from zfwidgets.network import Network

__all__ = ["PartBeside", "worth_a_curve"]

_MOST_CELLS = 600_000
"""Cells of a layer up to which its curve is drawn along: the signs of all pictures are kept at once."""


class Options(Protocol):
    """What it reads of the viewer."""

    landmarks: Any
    layer: Any
    size: Any
    align: Any
    pool: Any
    places: Any


class PartBeside:
    """What the viewer shows of a second network.

    Parameters
    ----------
    mine, theirs : Network
        The two networks.
    names : sequence of str
        What they are called.

    Attributes
    ----------
    compared : Correspondence or None
        The second network's; None until there is any.
    about : ipywidgets.HTML
        What had to be chosen for it.
    """

    def __init__(self, mine: Network, theirs: Network, names: Sequence[str]) -> None:
        self._mine, self._theirs, self._names = mine, theirs, names
        self.compared: Correspondence | None = None
        self.about = W.HTML()

    def questions(self, options: Options, layers: Sequence[str]) -> dict[str, Request]:
        """The same of the second network, at the layers of these names or depths."""
        found = self._layers(options, layers)
        asked = tuple(dict.fromkeys(name for name in found.values() if name is not None))
        if not asked:
            return {}
        marks, size = marks_of(options.landmarks), self._size(options.size, options.align)
        return {"compare": CorrespondenceRequest(marks, size, asked, options.align, options.pool, options.places)}

    def _layers(self, options: Options, layers: Sequence[str]) -> dict[str, str | None]:
        """Layer of the first to that of the second; the chosen one in any case, the others where they cost little."""
        found = {layer: self._beside(layer).layer for layer in layers}
        return {
            layer: name
            for layer, name in found.items()
            if layer == options.layer or (name is not None and worth_a_curve(self._theirs, name))
        }

    def _beside(self, layer: str) -> Counterpart:
        return layer_beside(self._mine, self._theirs, layer, self._names[1])

    def _size(self, size: int, align: bool) -> int:
        """The same share of what is cut out of a picture: of the faces, or of the picture's short side."""
        mine, theirs = self._mine.preprocess, self._theirs.preprocess
        scale = theirs.size / mine.size if align else theirs.short_side / mine.short_side
        return min(max(round(size * scale), 1), theirs.size)

    def second(self, mine: Any, theirs: Any, options: Options, layers: Sequence[str]) -> Second | None:
        """What it says beside the first; None while it has said nothing.

        Parameters
        ----------
        mine, theirs : CorrespondenceRequest or None
            The questions whose answers are shown.
        options : Options
        layers : sequence of str
            Of the first network.
        """
        if self.compared is None:
            return None
        same = _facts(mine, self._size(mine.size, mine.align)) == _facts(theirs, theirs.size)
        return Second(self.compared, self._layers(options, layers), (self._names[0], self._names[1]), same)

    def tell(self, options: Options) -> None:
        """Say what had to be chosen for it."""
        said = [self._beside(options.layer).words]
        mine, theirs = self._mine.preprocess, self._theirs.preprocess
        size = self._size(options.size, options.align)
        if (mine.size, mine.short_side) != (theirs.size, theirs.short_side):
            said.append(
                f"The pictures are shown as {self._names[0]} sees them, with squares of {options.size} of its "
                f"{mine.size} pixels; those of {self._names[1]} have {size} of its {theirs.size}, and its random "
                "places are others."
            )
        lines = "".join(f"<div>{escape(sentence)}</div>" for sentence in said if sentence)
        self.about.value = f'<div class="zf-h">Second network: {escape(self._names[1])}</div>{lines}'


def worth_a_curve(net: Network, name: str) -> bool:
    """Whether a layer is compared although nobody chose it: no scores, no pool, and not too many cells."""
    layer = net.layers[name]
    cells = layer.channels * layer.height * layer.width
    return cells <= _MOST_CELLS and not layer.kind.endswith("pool") and layer.channels != len(net.classes)


def _facts(asked: CorrespondenceRequest, size: int) -> tuple[Marks, int, bool, int | None, int]:
    return asked.marks, size, asked.align, asked.pool, asked.places
