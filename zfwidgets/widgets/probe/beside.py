"""A second network beside the viewer of Tables 4 to 7: the same pictures in the same folds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import ipywidgets as W

from zfwidgets.backend import Request
from zfwidgets.backend.probe_requests import ProbeRequest
from zfwidgets.data import ImageSet
from zfwidgets.widgets.parts.figures import Panel
from zfwidgets.widgets.parts.style import printed
from zfwidgets.widgets.probe import charts
from zfwidgets.widgets.viewer.counterpart import layer_beside

if TYPE_CHECKING:
    from zfwidgets.methods.probing import Probe
    from zfwidgets.network import Network

__all__ = ["ProbeBeside"]

_HOW = (
    "Both see the same pictures, divided into the same folds. The interval is 95 % by Student over the folds' "
    "differences, widened for the training pictures that folds share (Nadeau and Bengio 2003), each layer by itself; "
    "bold: zero lies outside."
)


class ProbeBeside:
    """What the viewer shows of a second network.

    Parameters
    ----------
    mine, theirs : Network
        The two networks.
    names : sequence of str
        What they are called.
    layers : sequence of str
        The first network's, each of which the layer of the same name or depth stands beside.

    Attributes
    ----------
    probe : Probe or None
        The second network's; None until there is any.
    panels : list of Panel
        What it takes each class for, and the difference of both.
    about : ipywidgets.HTML
        Whether the two are told apart, and what had to be chosen for it.
    """

    def __init__(self, mine: Network, theirs: Network, names: Sequence[str], layers: Sequence[str]) -> None:
        self._names = names[0], names[1]
        self._found = {layer: layer_beside(mine, theirs, layer, names[1]) for layer in layers}
        self.probe: Probe | None = None
        self._theirs, self._apart, self.about = W.HTML(), W.HTML(), W.HTML()
        self.panels = [Panel("Taken for", self._theirs), Panel("Taken for, difference", self._apart)]

    def questions(self, pictures: ImageSet | None, classifier: str, pool: int | None) -> dict[str, Request]:
        """The same of the second network."""
        layers = tuple(dict.fromkeys(found.layer for found in self._found.values() if found.layer is not None))
        return {"learnt": ProbeRequest(pictures, layers, classifier, pool)} if layers else {}

    def second(self, same: bool) -> charts.Second | None:
        """What it says beside the first, if both have answered the same question."""
        if self.probe is None or not same:
            return None
        return charts.Second(self.probe, {name: found.layer for name, found in self._found.items()}, self._names)

    def draw(self, learnt: Probe, second: charts.Second | None, layer: str, per_class: int) -> None:
        """What it takes each class for, and the words about both."""
        said = [self._found[layer].words]
        theirs = None if second is None else second.layer(layer)
        matrices = "", ""
        if second is not None and theirs is not None and layer in learnt.known:
            place = learnt.place(per_class)
            both = [one.confusion[at][place].sum(0) for one, at in ((learnt, layer), (second.probe, theirs))]
            matrices = (
                charts.confusion_chart(both[1], learnt.classes, charts.SECOND),
                charts.confusion_difference(both[0], both[1], learnt.classes),
            )
            self.panels[0].title("Taken for", f"%, {theirs} of {self._names[1]}")
            self.panels[1].title("Taken for, difference", "points")
            self.panels[1].foot(f"red: {escape(self._names[1])} more often; blue: {escape(self._names[0])}")
            said.insert(0, self._verdict(learnt, second, layer, per_class))
        # Once: what is emptied first makes the page jump up and down with every layer.
        self._theirs.value, self._apart.value = matrices
        lines = "".join(f"<div>{escape(sentence)}</div>" for sentence in said if sentence)
        how = f'<div class="zf-soft">{_HOW}</div>' if second is not None else ""
        self.about.value = f'<div class="zf-h">Second network: {escape(self._names[1])}</div>{lines}{how}'

    def _verdict(self, learnt: Probe, second: charts.Second, layer: str, per_class: int) -> str:
        """Whether the two are told apart at a layer, in words."""
        found = second.difference(learnt, layer, per_class)
        assert found is not None  # both know the layer
        value = f"At {layer}, {self._names[1]} minus {self._names[0]} is {printed(100 * found.value, '+.1f')} points"
        if math.isnan(found.low):
            return f"{value}; one fold does not tell whether that is chance."
        ends = f"{printed(100 * found.low, '+.1f')} to {printed(100 * found.high, '+.1f')}"
        return f"{value}, from {ends}: {'told apart' if found.apart else 'not told apart'}."
