"""What a probe found, drawn as SVG and as tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from zfwidgets.methods.probing import accuracy_difference
from zfwidgets.methods.probing.result import Probe, Score, paper
from zfwidgets.methods.telling import Difference
from zfwidgets.widgets.parts.curves import COLOURS
from zfwidgets.widgets.parts.figures import SIDE
from zfwidgets.widgets.parts.style import printed

__all__ = [
    "LEARNT",
    "PAPERS",
    "SECOND",
    "UNTAUGHT",
    "Second",
    "confusion_chart",
    "confusion_difference",
    "empty_chart",
    "empty_matrix",
    "layer_chart",
    "layer_table",
    "size_chart",
    "table_of_two",
]

LEARNT, UNTAUGHT, PAPERS, SECOND = COLOURS[0], COLOURS[4], COLOURS[3], COLOURS[2]
_LESS, _MORE = "#2f79b5", "#c53e3d"
_HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 220, 32, 10, 8, 24
_MOST_NAMES = 7
_MOST_CLASSES = 16
"""Classes whose names and numbers can be read in a panel."""

Point = tuple[float, Score]


@dataclass(frozen=True)
class Second:
    """What a second network's probe says beside the first's.

    Attributes
    ----------
    probe : Probe
        Of the same pictures.
    layers : mapping
        Layer of the first network to the one of the second that stands beside it, or None.
    names : (str, str)
        What the two networks are called.
    """

    probe: Probe
    layers: Mapping[str, str | None]
    names: tuple[str, str]

    def layer(self, layer: str) -> str | None:
        """Its layer beside one of the first, if that is known yet."""
        found = self.layers.get(layer)
        return found if found in self.probe.known else None

    def points(self, places: Mapping[str, float], per_class: int) -> list[Point]:
        """Its accuracy at the places of the first network's layers."""
        found = [(x, self.layer(name)) for name, x in places.items()]
        return [(x, self.probe.score(name, per_class)) for x, name in found if name is not None]

    def difference(self, learnt: Probe, layer: str, per_class: int) -> Difference | None:
        """Its accuracy minus the first's, as soon as both are known."""
        theirs = self.layer(layer)
        if theirs is None or layer not in learnt.known:
            return None
        return accuracy_difference(learnt, self.probe, (layer, theirs), per_class)


def empty_chart(layers: Sequence[str] = ()) -> str:
    """The frame of a chart that nothing is known of yet."""
    return _svg([_frame(_named(_places(layers)), None)], "accuracy, not known yet")


def layer_chart(learnt: Probe, untaught: Probe | None, layer: str, per_class: int, second: Second | None = None) -> str:
    """Accuracy by layer, with its spread; the paper's on Caltech-101 as diamonds; a second network's dashed."""
    places = _places(learnt.layers)
    parts = [_frame(_named(places), learnt.chance), _cursor(places[layer])]
    if untaught is not None and per_class in untaught.per_class:
        parts.append(
            _curve([(places[name], untaught.score(name, per_class)) for name in untaught.known], UNTAUGHT, True)
        )
    for name, x in places.items():
        theirs = paper(learnt.classifier, name)
        if theirs is not None:
            y = _up(theirs[0])
            parts.append(f'<path d="M{x} {y - 5}l5 5l-5 5l-5 -5z" fill="none" stroke="{PAPERS}" stroke-width="1.5"/>')
    if second is not None:
        parts.append(_curve(second.points(places, per_class), SECOND, True))
    parts.append(_curve([(places[name], learnt.score(name, per_class)) for name in learnt.known], LEARNT))
    return _svg(parts, "accuracy by layer")


def size_chart(learnt: Probe, untaught: Probe | None, layer: str, second: Second | None = None) -> str:
    """Accuracy against training pictures of each class (Fig. 9): one layer strong, the others thin."""
    low, high = math.log2(learnt.per_class[0]), math.log2(learnt.per_class[-1])
    places = {n: _across((math.log2(n) - low) / ((high - low) or 1) * 3, 4) for n in learnt.per_class}
    parts = [_frame([(x, str(n)) for n, x in places.items()], learnt.chance)]
    for name in learnt.known:
        if name != layer:
            points = " ".join(f"{x},{_up(learnt.score(name, n).mean)}" for n, x in places.items())
            parts.append(f'<polyline class="zf-curve" points="{points}" stroke="{LEARNT}"/>')
    if untaught is not None and layer in untaught.known and untaught.per_class == learnt.per_class:
        parts.append(_curve([(x, untaught.score(layer, n)) for n, x in places.items()], UNTAUGHT, True))
    theirs = None if second is None else second.layer(layer)
    if second is not None and theirs is not None:
        parts.append(_curve([(x, second.probe.score(theirs, n)) for n, x in places.items()], SECOND, True))
    if layer in learnt.known:
        parts.append(_curve([(x, learnt.score(layer, n)) for n, x in places.items()], LEARNT))
    return _svg(parts, "accuracy against training pictures of each class")


def confusion_chart(table: NDArray[np.int64], classes: Sequence[str], colour: str = LEARNT) -> str:
    """What each class (row) was taken for (column), in per cent of its pictures."""

    def cell(share: float, name: str, other: str) -> _Cell:
        words = f"{100 * share:.0f} % of {name} taken for {other}"
        return _Cell(colour, 0.06 + 0.94 * share, f"{100 * share:.0f}" if share >= 0.05 else "", words)

    return _matrix(_shares(table), classes, cell, "confusions")


def empty_matrix(classes: Sequence[str]) -> str:
    """The frame of confusions that nothing is known of yet."""
    unknown = _Cell(LEARNT, 0.06, "", "not known yet")
    return _matrix(np.zeros((len(classes), len(classes))), classes, lambda *_: unknown, "confusions, not known yet")


def confusion_difference(mine: NDArray[np.int64], theirs: NDArray[np.int64], classes: Sequence[str]) -> str:
    """What each class was taken for more often (red) or more seldom (blue) by the second network, in points."""

    def cell(share: float, name: str, other: str) -> _Cell:
        words = f"{printed(100 * share, '+.0f')} points of {name} taken for {other}"
        opacity = 0.04 + 0.96 * min(2 * abs(share), 1)
        return _Cell(
            _MORE if share > 0 else _LESS, opacity, printed(100 * share, ".0f") if abs(share) >= 0.05 else "", words
        )

    return _matrix(_shares(theirs) - _shares(mine), classes, cell, "difference of confusions")


def _shares(table: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.asarray(table / np.maximum(table.sum(1, keepdims=True), 1))


@dataclass(frozen=True)
class _Cell:
    """How a cell of a matrix looks, what is written in it, and what it means."""

    colour: str
    opacity: float
    text: str
    words: str


def _matrix(
    values: NDArray[np.float64], classes: Sequence[str], cell: Callable[[float, str, str], _Cell], what: str
) -> str:
    """A square for each pair of classes; names and numbers where they can be read."""
    readable = len(classes) <= _MOST_CLASSES
    left, top = (66, 4) if readable else (4, 4)
    side = (SIDE - left - 2) / len(classes)
    parts = []
    for row, name in enumerate(classes):
        y = top + row * side
        if readable:
            parts.append(
                f'<text x="{left - 5}" y="{y + side / 2 + 4:.1f}" text-anchor="end">{escape(name[:10])}</text>'
            )
        for column, other in enumerate(classes):
            drawn = cell(float(values[row, column]), name, other)
            x = left + column * side
            parts.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{side - 1:.1f}" height="{side - 1:.1f}" fill="{drawn.colour}" '
                f'fill-opacity="{drawn.opacity:.2f}"><title>{escape(drawn.words)}</title></rect>'
            )
            if readable and drawn.text:
                ink = ' style="fill:#fff"' if drawn.opacity > 0.577 else ""
                middle = f'x="{x + side / 2 - 0.5:.1f}" y="{y + side / 2 + 3.5:.1f}" text-anchor="middle"'
                tight = ' class="zf-tight"' if len(drawn.text) > 2 else ""
                parts.append(f"<text {middle}{ink}{tight}>{drawn.text}</text>")
    bottom = top + len(classes) * side
    if readable:
        for column, name in enumerate(classes):
            x, y = left + (column + 0.5) * side + 4, bottom + 6
            parts.append(
                f'<text x="{x:.1f}" y="{y:.1f}" transform="rotate(-50 {x:.1f} {y:.1f})" text-anchor="end">'
                f"{escape(name[:10])}</text>"
            )
    height = math.ceil(bottom + (52 if readable else 4))
    size = f'viewBox="0 0 {SIDE} {height}" width="{SIDE}" height="{height}"'
    return f'<svg class="zf-plot" {size} role="img" aria-label="{what}">{"".join(parts)}</svg>'


def layer_table(learnt: Probe, untaught: Probe | None, per_class: int) -> str:
    """Every layer beside the paper's Table 7, in per cent."""
    rows = []
    for name in learnt.known:
        random = untaught is not None and name in untaught.known and per_class in untaught.per_class
        theirs = paper(learnt.classifier, name)
        cells = [
            str(learnt.score(name, per_class)),
            f"{100 * untaught.score(name, per_class).mean:.1f}" if untaught is not None and random else "-",
            *(("-", "-") if theirs is None else (f"{100 * value:.1f}" for value in theirs)),
        ]
        rows.append(f"<tr><td>{escape(name)}&nbsp;</td>{''.join(f'<td>{_short(cell)}</td>' for cell in cells)}</tr>")
    heads = ("layer", "trained", "random weights", "paper<br>Caltech&#8209;101", "paper<br>Caltech&#8209;256")
    return _table(heads, rows, per_class)


def table_of_two(learnt: Probe, second: Second, per_class: int) -> str:
    """Every layer of both networks, and second minus first in points with its interval."""
    rows = []
    for name in learnt.known:
        theirs, apart = second.layer(name), second.difference(learnt, name, per_class)
        other = f'<br><small class="zf-name">{escape(theirs)}</small>' if theirs not in (None, name) else ""
        score = "-" if theirs is None else str(second.probe.score(theirs, per_class))
        cells = [_short(str(learnt.score(name, per_class))), _short(score) + other, _points(apart)]
        rows.append(f"<tr><td>{escape(name)}&nbsp;</td>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
    return _table(("layer", *map(escape, second.names), "second<br>minus first"), rows, per_class)


def _points(found: Difference | None) -> str:
    if found is None:
        return "-"
    value, low, high = (printed(100 * one, "+.1f") for one in (found.value, found.low, found.high))
    ends = "" if math.isnan(found.low) else f"<br><small>{low} to {high}</small>"
    return (f"<b>{value}</b>" if found.apart else value) + ends


def _table(heads: Sequence[str], rows: Sequence[str], per_class: int) -> str:
    head = "".join(f"<th>{text}</th>" for text in heads)
    caption = f"Accuracy, %, {per_class} of each class"
    return f'<table class="zf-table zf-num"><caption>{caption}</caption><tr>{head}</tr>{"".join(rows)}</table>'


def _short(cell: str) -> str:
    return cell.replace(" +- ", "&nbsp;&plusmn;&nbsp;")


def _across(number: float, count: int) -> float:
    free = SIDE - _LEFT - _RIGHT - 32
    return round(_LEFT + 16 + free * (number / (count - 1) if count > 1 else 0.5), 1)


def _up(share: float) -> float:
    return round(_HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM), 1)


def _places(layers: Sequence[str]) -> dict[str, float]:
    return {name: _across(number, len(layers)) for number, name in enumerate(layers)}


def _named(places: Mapping[str, float]) -> list[tuple[float, str]]:
    """As many names as can be read."""
    step = -(-len(places) // _MOST_NAMES)
    return [(x, name) for number, (name, x) in enumerate(places.items()) if number % step == 0]


def _frame(names: Sequence[tuple[float, str]], chance: float | None) -> str:
    parts = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = _up(share)
        parts.append(f'<line class="zf-grid" x1="{_LEFT}" x2="{SIDE - _RIGHT}" y1="{y}" y2="{y}"/>')
        parts.append(f'<text x="{_LEFT - 5}" y="{y + 3.5}" text-anchor="end">{100 * share:.0f}</text>')
    parts += [f'<text x="{x}" y="{_HEIGHT - 6}" text-anchor="middle">{escape(name[:9])}</text>' for x, name in names]
    if chance is None:
        return "".join(parts)
    y = _up(chance)
    below = 12 if chance > 0.08 else -4
    parts.append(
        f'<line x1="{_LEFT}" x2="{SIDE - _RIGHT}" y1="{y}" y2="{y}" stroke="var(--zf-soft)" stroke-dasharray="2 3"/>'
        f'<text x="{SIDE - _RIGHT}" y="{y + below}" text-anchor="end">guessing</text>'
    )
    return "".join(parts)


def _cursor(x: float) -> str:
    return f'<line class="zf-cursor" x1="{x}" x2="{x}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"/>'


def _curve(points: Sequence[Point], colour: str, dashed: bool = False) -> str:
    line = " ".join(f"{x},{_up(score.mean)}" for x, score in points)
    parts = [
        f'<polyline class="zf-curve zf-strong{" zf-dashed" if dashed else ""}" points="{line}" stroke="{colour}"/>'
    ]
    for x, score in points:
        if not math.isnan(score.std):
            high, low = _up(min(score.mean + score.std, 1)), _up(max(score.mean - score.std, 0))
            parts.append(
                f'<path d="M{x - 3} {high}h6M{x} {high}V{low}M{x - 3} {low}h6" stroke="{colour}" fill="none"/>'
            )
        parts.append(f'<circle cx="{x}" cy="{_up(score.mean)}" r="3.5" fill="{colour}" class="zf-dot"/>')
    return "".join(parts)


def _svg(parts: Sequence[str], words: str) -> str:
    size = f'viewBox="0 0 {SIDE} {_HEIGHT}" width="{SIDE}" height="{_HEIGHT}"'
    return f'<svg class="zf-plot" {size} role="img" aria-label="{words}">{"".join(parts)}</svg>'
