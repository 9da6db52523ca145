"""The graph of a network as HTML and SVG: a row for each layer, its map to scale, who reads whom at the side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING

from zfwidgets.widgets.parts.style import breakable

if TYPE_CHECKING:
    from zfwidgets.methods.architecture import Architecture, ArchitectureLayer

__all__ = ["GraphPlan", "GraphScale", "count", "graph", "plan", "scale", "sizes", "summary"]

_SIDE, _SLANT = 84, 0.3
"""Height of the picture, and how much of a map's width is seen from the side."""
_THICK, _LONG = 42, 84
"""Pixels of the most channels of a map, and of the longest vector."""
_LEAST, _ROOM, _TOP = 44, 12, 4
_LANE, _LANES_WIDTH = 8, 72
_LONG_NAME = 18
"""Letters of a name beyond which a narrow page has no room for more than the name."""
_COLOURS = {
    "input": "var(--zf-soft)",
    "convolution": "#2a788e",
    "linear": "#7a5ea8",
    "addition": "#3f9b57",
    "concatenation": "#3f9b57",
}
_OTHER = "#8c8c8c"


@dataclass(frozen=True)
class GraphScale:
    """What the largest box and the longest bar of a graph stand for; one for two graphs that are compared.

    Attributes
    ----------
    height, width, channels : int
        Of the largest maps.
    values : int
        Of the longest vector.
    parameters, multiply_adds : int
        The most of one layer.
    """

    height: int
    width: int
    channels: int
    values: int
    parameters: int
    multiply_adds: int


def scale(nets: Sequence[Architecture]) -> GraphScale:
    """By which all of these networks are drawn."""
    layers = [layer for net in nets for layer in net.layers]
    maps = [layer for layer in layers if layer.spatial]
    return GraphScale(
        max(layer.height for layer in layers),
        max(layer.width for layer in layers),
        max((layer.channels for layer in maps), default=1),
        max((layer.channels for layer in layers if not layer.spatial), default=1),
        max(layer.parameters for layer in layers),
        max(layer.multiply_adds for layer in layers),
    )


@dataclass(frozen=True)
class GraphPlan:
    """Where the rows of a graph lie, in pixels from its top.

    Attributes
    ----------
    tops, heights : tuple of float
        Of each layer's row.
    lanes : tuple of (source, reader, lane)
        Connections that leave out a row, each with its place at the side; those of one source share a place.
    """

    tops: tuple[float, ...]
    heights: tuple[float, ...]
    lanes: tuple[tuple[int, int, int], ...]

    @property
    def height(self) -> float:
        """Of all rows."""
        return self.tops[-1] + self.heights[-1]

    def middle(self, place: int) -> float:
        """Of a row."""
        return self.tops[place] + self.heights[place] / 2


def plan(net: Architecture, to: GraphScale) -> GraphPlan:
    """Rows one below the other, and connections that pass by others beside them."""
    heights = [max(_LEAST, layer.height / to.height * _SIDE * (1 + _SLANT) + _ROOM) for layer in net.layers]
    tops = [float(_TOP)]
    for height in heights[:-1]:
        tops.append(tops[-1] + height)
    return GraphPlan(tuple(tops), tuple(heights), tuple(_lanes(net)))


def _lanes(net: Architecture) -> list[tuple[int, int, int]]:
    """Connections that leave out a row: the first free place from the source to its last reader."""
    readers: dict[int, list[int]] = {}
    for place, layer in enumerate(net.layers):
        for source in layer.inputs:
            if source < place - 1:
                readers.setdefault(source, []).append(place)
    free_from: list[int] = []
    found = []
    for source in sorted(readers):
        lane = next((lane for lane, end in enumerate(free_from) if end <= source), len(free_from))
        free_from[lane:] = [max(readers[source]), *free_from[lane + 1 :]]
        found += [(source, reader, lane) for reader in readers[source]]
    return found


def count(number: int) -> str:
    """Many things, in three digits.

    Examples
    --------
    >>> count(640), count(14208), count(1168032896)
    ('640', '14.2 k', '1.17 G')
    """
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return str(number)


def graph(net: Architecture, places: GraphPlan, to: GraphScale, name: str) -> str:
    """The whole graph; `name` is the class of the box that it lies in, whose buttons are put on its rows."""
    lanes = 1 + max((lane for _, _, lane in places.lanes), default=-1)
    gap = min(_LANE, _LANES_WIDTH / max(lanes, 1))
    left = 10 + gap * lanes
    width = left + 10 + max(_THICK + _SIDE * _SLANT, _LONG) + 6
    drawn = "".join(_slab(layer, places.middle(place), to, left + 10) for place, layer in enumerate(net.layers))
    svg = (
        f'<svg class="zf-graph-lines" width="{width:.0f}" height="{places.height:.0f}" aria-hidden="true">'
        f"{_connections(net, places, left, gap)}{drawn}</svg>"
    )
    rows = "".join(_row(layer, places.heights[place], to) for place, layer in enumerate(net.layers))
    buttons = (
        f".zf .{name} button:nth-child({number}) {{ top: {places.tops[place]:.1f}px; "
        f"height: {places.heights[place]:.1f}px; }}"
        for number, place in enumerate(_named(net), 1)
    )
    return (
        f"<style>{''.join(buttons)}</style>{svg}"
        f'<div class="zf-graph-rows" style="padding: {_TOP}px 0 0 {width:.0f}px">{rows}</div>'
    )


def _named(net: Architecture) -> Sequence[int]:
    return [place for place, layer in enumerate(net.layers) if layer.name is not None]


def _connections(net: Architecture, places: GraphPlan, x: float, gap: float) -> str:
    parts = []
    for above, below in pairwise(range(len(net.layers))):
        if above in net.layers[below].inputs:
            parts.append(f'<path d="M{x:.1f} {places.middle(above):.1f}V{places.middle(below):.1f}"/>')
    for source, reader, lane in places.lanes:
        at, top, bottom = x - gap * (lane + 1), places.middle(source), places.middle(reader)
        bend = min(6.0, gap)
        parts.append(
            f'<path d="M{x:.1f} {top:.1f}Q{at:.1f} {top:.1f} {at:.1f} {top + bend:.1f}V{bottom - bend:.1f}'
            f'Q{at:.1f} {bottom:.1f} {x:.1f} {bottom:.1f}"/>'
        )
    dots = (
        f'<circle cx="{x:.1f}" cy="{places.middle(place):.1f}" r="3" fill="{_colour(layer)}"/>'
        for place, layer in enumerate(net.layers)
    )
    return f'<g class="zf-graph-edges">{"".join(parts)}</g>{"".join(dots)}'


def _colour(layer: ArchitectureLayer) -> str:
    return _COLOURS.get(layer.kind, _OTHER)


def _slab(layer: ArchitectureLayer, middle: float, to: GraphScale, x: float) -> str:
    """A map as a box: height and depth are its rows and columns, width its channels; a vector is a bar."""
    colour = _colour(layer)
    if not layer.spatial:
        long = max(layer.channels / to.values * _LONG, 1.5)
        return f'<rect x="{x:.1f}" y="{middle - 2.5:.1f}" width="{long:.1f}" height="5" fill="{colour}"/>'
    thick = max(layer.channels / to.channels * _THICK, 1.5)
    side, depth = layer.height / to.height * _SIDE, layer.width / to.width * _SIDE * _SLANT
    top = middle - (side + depth) / 2 + depth
    faces = (
        (0.95, [(x, top), (x + thick, top), (x + thick, top + side), (x, top + side)]),
        (0.7, [(x, top), (x + depth, top - depth), (x + depth + thick, top - depth), (x + thick, top)]),
        (
            0.45,
            [
                (x + thick, top),
                (x + thick + depth, top - depth),
                (x + thick + depth, top - depth + side),
                (x + thick, top + side),
            ],
        ),
    )
    drawn = []
    for opacity, points in faces:
        corners = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        drawn.append(f'<polygon fill="{colour}" fill-opacity="{opacity}" points="{corners}"/>')
    return "".join(drawn)


def _row(layer: ArchitectureLayer, height: float, to: GraphScale) -> str:
    title, kind = _title(layer), escape(_kind(layer))
    long = ' class="zf-long"' if len(title) > _LONG_NAME else ""
    bars = _bar(layer.parameters, to.parameters, "parameters") + _bar(
        layer.multiply_adds, to.multiply_adds, "multiply-adds"
    )
    return (
        f'<div style="height:{height:.1f}px"><span{long}><b>{breakable(title)}</b><small>{kind}</small></span>'
        f"<span>{_size(layer)}<small>{_sees(layer)}</small></span><span>{bars}</span></div>"
    )


def summary(layer: ArchitectureLayer) -> str:
    """A layer in a line, with the whole of its name.

    Examples
    --------
    >>> from zfwidgets.models import load_network
    >>> from zfwidgets.methods.architecture import architecture
    >>> summary(architecture(load_network("zfnet-scenes", device="cpu"))["conv2"])
    'conv2: convolution 5 x 5, relu; 64 x 19 x 19, sees 27 x 27'
    """
    return "; ".join([f"{_title(layer)}: {_kind(layer)}", ", ".join(filter(None, (_size(layer), _sees(layer))))])


def _title(layer: ArchitectureLayer) -> str:
    return "picture" if layer.kind == "input" else layer.name or layer.kind


def _kind(layer: ArchitectureLayer) -> str:
    """Its operations, as far as the title does not say them."""
    extra = [kind for kind in layer.operations if kind not in ("identity", "flatten", layer.kind)]
    kind = "" if layer.kind in (_title(layer), "input") else layer.kind
    if layer.kernel is not None and layer.step is not None:
        step = layer.step[0] if layer.step[0] == layer.step[1] else sizes(*layer.step)
        kind += f" {sizes(*layer.kernel)}" + (f", step {step}" if layer.step != (1, 1) else "")
    return (kind + "".join(f", {name}" for name in dict.fromkeys(extra))).strip(", ")


def _size(layer: ArchitectureLayer) -> str:
    return sizes(layer.channels, layer.height, layer.width) if layer.spatial else f"{layer.channels:,}"


def _sees(layer: ArchitectureLayer) -> str:
    if layer.kind == "input":
        return ""
    return "whole picture" if layer.stride == (0, 0) else f"sees {sizes(*layer.receptive_field)}"


def sizes(*numbers: int) -> str:
    """Rows, columns and the like."""
    return " x ".join(map(str, numbers))


def _bar(number: int, most: int, what: str) -> str:
    if not number:
        return ""
    share = 100 * number / max(most, 1)
    return f'<i title="{number:,} {what}" style="--zf-share:{share:.1f}%">{count(number)}</i>'
