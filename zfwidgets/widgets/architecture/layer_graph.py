"""The graph of one network, with a button on each row that has a name."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING

import ipywidgets as W

from zfwidgets.widgets.architecture import words
from zfwidgets.widgets.parts.binding import Offering

if TYPE_CHECKING:
    from zfwidgets.methods.architecture import Architecture

__all__ = ["LayerGraph"]


class LayerGraph(W.VBox):
    """Layers from the picture to the classes; a press chooses one.

    Parameters
    ----------
    chosen : callable
        Told the name of the layer that was pressed.
    name : str
        Of the network, where there are two; else "".

    Attributes
    ----------
    net : Architecture or None
        What is shown.
    """

    def __init__(self, chosen: Callable[[str], None], name: str = "") -> None:
        self._chosen, self._name = chosen, name
        self.net: Architecture | None = None
        self._offering = Offering()
        self._heading, self._graph = W.HTML(), W.HTML()
        self._rows = W.ToggleButtons(options=[], description="")
        self._rows.observe(lambda change: self._press(change["new"]), "value")
        sheet = W.Box([self._graph, self._rows])
        scroll = W.Box([sheet])
        super().__init__([self._heading, scroll])
        self._mark = f"zf-a{self.model_id[:8]}"  # a page may show several
        for box, name_of in (
            (sheet, "zf-graph"),
            (sheet, self._mark),
            (scroll, "zf-graph-scroll"),
            (self, "zf-layers"),
        ):
            box.add_class(name_of)

    def take(self, net: Architecture) -> None:
        """The network, which is drawn next."""
        self.net = net
        named = [(place, layer) for place, layer in enumerate(net.layers) if layer.name]
        with self._offering:
            self._rows.options = [(layer.name, place) for place, layer in named]
            self._rows.tooltips = [words.summary(layer) for _, layer in named]
        whose = escape(self._name and f"{self._name}: ")
        self._heading.value = (
            f'<div class="zf-title zf-heading">{whose}{len(net.layers) - 1} layers <small>{net.parameters:,} '
            f"parameters, {words.count(net.multiply_adds)} multiply-adds a picture</small></div>"
            '<div class="zf-graph-head"><span>Layer</span><span>Map (channels x rows x columns)</span>'
            "<span>Parameters, multiply-adds</span></div>"
        )

    def draw(self, to: words.GraphScale) -> None:
        """Draw it to scale."""
        if self.net is not None:
            self._graph.value = words.graph(self.net, words.plan(self.net, to), to, self._mark)

    def mark(self, node: int | None) -> None:
        """Mark the row with this operation of the network's graph; None, or one that has no row: none."""
        known = {place for _, place in self._rows.options}
        layers = () if self.net is None else self.net.layers
        rows = [place for place, layer in enumerate(layers) if node in layer.nodes and place in known]
        with self._offering:
            self._rows.value = rows[0] if rows else None

    def blank(self, why: str) -> None:
        """There is no graph; say why."""
        self._heading.value = f'<div class="zf-title zf-heading">{escape(self._name)}</div><div>{escape(why)}</div>'

    def _press(self, place: int | None) -> None:
        if not self._offering.under_way and place is not None and self.net is not None:
            self._chosen(str(self.net.layers[place].name))
