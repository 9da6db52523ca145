"""Two trainings compared: their curves in one plot, and which of the two settles a layer first."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from zfwidgets.widgets.evolution import words
from zfwidgets.widgets.parts.charts import INK, LINE_COLOURS, Curve, Span, epoch_chart
from zfwidgets.widgets.parts.style import printed

if TYPE_CHECKING:
    from zfwidgets.methods.evolution.result import FeatureEvolution

__all__ = ["EvolutionPair", "apart", "pair_chart", "pair_settling", "settled_between"]


class EvolutionPair(NamedTuple):
    """Two evolutions.

    Attributes
    ----------
    names : (str, str)
        Of the networks.
    evolutions : (FeatureEvolution, FeatureEvolution)
    layers : tuple of (str, str)
        Those that stand beside each other.
    complete : bool
        Whether all checkpoints of both are looked through.
    """

    names: tuple[str, str]
    evolutions: tuple[FeatureEvolution, FeatureEvolution]
    layers: tuple[tuple[str, str], ...]
    complete: bool


def settled_between(evolution: FeatureEvolution, layer: str) -> tuple[int, int] | None:
    """The earliest and the latest epoch from which a layer can have been settled; None where it has no filters.

    Between two recorded epochs nobody looked: a layer that was unsettled at 5 and settled at 10 was so from 6 on or
    from 10 on. Before the first recorded epoch, that is before the training, is 0.
    """
    settled = evolution.settled[layer]
    if settled is None:
        return None
    return max((epoch + 1 for epoch in evolution.epochs if epoch < settled), default=0), settled


def apart(mine: tuple[int, int] | None, theirs: tuple[int, int] | None) -> str:
    """How many epochs later the second one was settled, as a range; or that it cannot be told.

    Examples
    --------
    >>> apart((6, 10), (11, 20)), apart((11, 20), (2, 2)), apart((2, 2), (5, 5)), apart((6, 10), (6, 10))
    ('+1 to +14', '−18 to −9', '+3', 'not told apart')
    >>> apart(None, (2, 2))
    '-'
    """
    if mine is None or theirs is None:
        return "-"
    low, high = theirs[0] - mine[1], theirs[1] - mine[0]
    if low <= 0 <= high:
        return "the same" if low == high else "not told apart"
    return printed(low, "+d") if low == high else f"{printed(low, '+d')} to {printed(high, '+d')}"


def pair_chart(pair: EvolutionPair, epoch: int) -> str:
    """The curves of both: a colour for each layer, the second network's dashed."""
    recorded = {one for evolution in pair.evolutions for one in evolution.epochs}
    missing = {one for evolution in pair.evolutions for one in evolution.missing} - recorded
    last = max(words.span_of(evolution).last for evolution in pair.evolutions)
    curves = []
    for which, evolution in enumerate(pair.evolutions):
        for place, both in enumerate(pair.layers):
            values = evolution[both[which]].similarity
            if np.isfinite(values).any():
                name = " / ".join(dict.fromkeys(both)) if which == 0 else ""
                colour = LINE_COLOURS[place % len(LINE_COLOURS)]
                curves.append(Curve(name, evolution.epochs, values, colour, which == 1, True, evolution.missing))
        errors = evolution.history["validation_error"]
        if np.isfinite(errors).any():
            name = (
                "" if any(curve.colour == INK for curve in curves) else "validation error, each over its own pictures"
            )
            curves.append(Curve(name, evolution.history["epoch"], errors, INK, which == 1))
    keys = "".join(
        f'<span><i class="zf-dashed" style="width:22px;border-top:2px {line} {INK}"></i>{escape(name)}</span>'
        for name, line in zip(pair.names, ("solid", "dashed"), strict=True)
    )
    what = (
        "Similarity of each layer's filters to the final ones, and validation error, by epoch, of "
        f"{pair.names[0]} and, dashed, {pair.names[1]}; epoch {epoch} shown"
    )
    span = Span(tuple(sorted(recorded | missing)), tuple(sorted(missing)), last)
    return epoch_chart(curves, span, epoch, what=what) + f'<div class="zf-legend">{keys}</div>'


def pair_settling(pair: EvolutionPair, epochs: tuple[int, int]) -> str:
    """Tables: when each layer settles in the one and in the other, and how far both are at their epochs."""
    first, second = pair.evolutions
    settled, now = [], []
    for mine, theirs in pair.layers:
        name = escape(" / ".join(dict.fromkeys((mine, theirs))))
        between = settled_between(first, mine), settled_between(second, theirs)
        later = apart(*between) if pair.complete else "-"
        cells = (*("-" if one is None else str(one[1]) for one in between), later)
        settled.append(f"<tr><td>{name}</td>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
        places = [one.epochs.index(epoch) for one, epoch in zip(pair.evolutions, epochs, strict=True)]
        both = [one[layer] for one, layer in zip(pair.evolutions, (mine, theirs), strict=True)]
        similar = words.shares([layer.similarity[place] for layer, place in zip(both, places, strict=True)])
        final = words.shares([layer.final[place] for layer, place in zip(both, places, strict=True)])
        now.append(f"<tr><td>{name}</td><td>{similar}</td><td>{final}</td></tr>")
    names = [escape(name) for name in pair.names]
    return (
        '<table class="zf-table zf-num"><caption>When layers settle</caption><tr><th>layer</th>'
        f"<th>{names[0]}, from epoch</th><th>{names[1]}, from epoch</th><th>difference, epochs</th></tr>"
        f'{"".join(settled)}</table><div class="zf-soft">{words.SETTLED_WORDS} {_difference_words(pair)}</div>'
        f'<table class="zf-table zf-num"><caption>Now: {names[0]} | {names[1]}</caption><tr><th>layer</th>'
        f"<th>similarity</th><th>final exemplars</th></tr>{''.join(now)}</table>"
        f'<div class="zf-soft">{words.FINAL_WORDS}</div>'
    )


def _difference_words(pair: EvolutionPair) -> str:
    if not pair.complete:
        return words.GROWING_WORDS
    last = [one.epochs[-1] for one in pair.evolutions]
    names = [escape(name) for name in pair.names]
    said = (
        f"Difference: {names[1]} minus {names[0]}, as a range, because between two recorded epochs nobody looked; "
        "where it reaches over 0, the recorded epochs do not tell the two apart."
    )
    if last[0] != last[1]:
        said += f" Final is epoch {last[0]} of {names[0]} and epoch {last[1]} of {names[1]}."
    return said
