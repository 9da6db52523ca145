"""What a probe found, drawn as SVG and as tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from zfwidgets.methods.probing.result import Probe, Score, paper
from zfwidgets.widgets.curves import COLOURS
from zfwidgets.widgets.figures import SIDE

__all__ = ["LEARNT", "PAPERS", "UNTAUGHT", "confusion_chart", "layer_chart", "layer_table", "size_chart"]

LEARNT, UNTAUGHT, PAPERS = COLOURS[0], COLOURS[4], COLOURS[3]
_HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 220, 32, 10, 8, 24
_MOST_NAMES = 7
_MOST_CLASSES = 16
"""Classes whose names and numbers can be read in a panel."""

Point = tuple[float, Score]


def layer_chart(learnt: Probe, untaught: Probe | None, layer: str, per_class: int) -> str:
    """Accuracy by layer, with its spread; the paper's on Caltech-101 as diamonds."""
    places = {name: _across(number, len(learnt.layers)) for number, name in enumerate(learnt.layers)}
    step = -(-len(places) // _MOST_NAMES)
    names = [(x, name) for number, (name, x) in enumerate(places.items()) if number % step == 0]
    parts = [_frame(names, learnt.chance), _cursor(places[layer])]
    if untaught is not None and per_class in untaught.per_class:
        parts.append(
            _curve([(places[name], untaught.score(name, per_class)) for name in untaught.known], UNTAUGHT, True)
        )
    for name, x in places.items():
        theirs = paper(learnt.classifier, name)
        if theirs is not None:
            y = _up(theirs[0])
            parts.append(f'<path d="M{x} {y - 5}l5 5l-5 5l-5 -5z" fill="none" stroke="{PAPERS}" stroke-width="1.5"/>')
    parts.append(_curve([(places[name], learnt.score(name, per_class)) for name in learnt.known], LEARNT))
    return _svg(parts, "accuracy by layer")


def size_chart(learnt: Probe, untaught: Probe | None, layer: str) -> str:
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
    if layer in learnt.known:
        parts.append(_curve([(x, learnt.score(layer, n)) for n, x in places.items()], LEARNT))
    return _svg(parts, "accuracy against training pictures of each class")


def confusion_chart(table: NDArray[np.int64], classes: Sequence[str]) -> str:
    """What each class (row) was taken for (column), in per cent of its pictures."""
    shares = table / np.maximum(table.sum(1, keepdims=True), 1)
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
            share = float(shares[row, column])
            x = left + column * side
            words = f"{100 * share:.0f} % of {name} taken for {other}"
            parts.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{side - 1:.1f}" height="{side - 1:.1f}" fill="{LEARNT}" '
                f'fill-opacity="{0.06 + 0.94 * share:.2f}"><title>{escape(words)}</title></rect>'
            )
            if readable and share >= 0.05:
                ink = ' style="fill:#fff"' if share > 0.55 else ""
                middle = f'x="{x + side / 2 - 0.5:.1f}" y="{y + side / 2 + 3.5:.1f}" text-anchor="middle"'
                parts.append(f"<text {middle}{ink}>{100 * share:.0f}</text>")
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
    return f'<svg class="zf-plot" {size} role="img" aria-label="confusions">{"".join(parts)}</svg>'


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


def _frame(names: Sequence[tuple[float, str]], chance: float) -> str:
    parts = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = _up(share)
        parts.append(f'<line class="zf-grid" x1="{_LEFT}" x2="{SIDE - _RIGHT}" y1="{y}" y2="{y}"/>')
        parts.append(f'<text x="{_LEFT - 5}" y="{y + 3.5}" text-anchor="end">{100 * share:.0f}</text>')
    parts += [f'<text x="{x}" y="{_HEIGHT - 6}" text-anchor="middle">{escape(name[:9])}</text>' for x, name in names]
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
