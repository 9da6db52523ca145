"""What the viewer of Fig. 4 says in words."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from zfwidgets.widgets.parts.charts import INK, LINE_COLOURS, Curve, Span, epoch_chart
from zfwidgets.widgets.parts.style import number, printed

if TYPE_CHECKING:
    from zfwidgets.backend.evolution_drawing import EvolutionBlock, EvolutionCell
    from zfwidgets.methods.evolution.result import FeatureEvolution

__all__ = [
    "FINAL_WORDS",
    "GROWING_WORDS",
    "SETTLED_WORDS",
    "block_foot",
    "cell_report",
    "chart",
    "facts",
    "left_out",
    "life_note",
    "no_series",
    "settling",
    "shares",
    "span_of",
]

SETTLED_WORDS = "Settled: the mean cosine of its filters to their final form stays at 0.9 or above."
FINAL_WORDS = "Final exemplars: maps whose strongest picture is already the one of the last epoch."
GROWING_WORDS = "Not all checkpoints are looked through: until then the last one so far stands for the final one."


def span_of(evolution: FeatureEvolution) -> Span:
    """The axis of its epochs."""
    ticks = tuple(sorted({*evolution.epochs, *evolution.missing}))
    trained = evolution.history["epoch"]
    return Span(ticks, evolution.missing, int(max((*ticks, *trained.tolist()), default=1)))


def chart(evolution: FeatureEvolution, epoch: int) -> str:
    """How near each layer's filters are to their final form, and the validation error."""
    curves = [
        Curve(name, evolution.epochs, layer.similarity, LINE_COLOURS[place % len(LINE_COLOURS)], dots=True)
        for place, (name, layer) in enumerate(evolution.layers.items())
        if np.isfinite(layer.similarity).any()
    ]
    history = evolution.history
    if np.isfinite(history["validation_error"]).any():
        curves.append(Curve("validation error", history["epoch"], history["validation_error"], INK, dashed=True))
    what = f"Similarity of each layer's filters to the final ones, and validation error, by epoch; epoch {epoch} shown"
    return epoch_chart(curves, span_of(evolution), epoch, what=what)


def settling(evolution: FeatureEvolution, epoch: int, complete: bool) -> str:
    """A table: when each layer had 90 % of its final similarity, and how many exemplars are the final ones by now.

    `complete`: whether all checkpoints are looked through.
    """
    place = evolution.epochs.index(epoch)
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td>{'-' if settled is None else settled}</td>"
        f"<td>{shares([evolution[name].similarity[place]])}</td><td>{shares([evolution[name].final[place]])}</td></tr>"
        for name, settled in evolution.settled.items()
    )
    return (
        f'<table class="zf-table zf-num"><caption>When layers settle</caption><tr><th>layer</th>'
        f"<th>filters settled from epoch</th><th>similarity now</th><th>final exemplars now</th></tr>{rows}</table>"
        f'<div class="zf-soft">{SETTLED_WORDS} {FINAL_WORDS}{"" if complete else f" {GROWING_WORDS}"}</div>'
    )


def shares(values: Sequence[float]) -> str:
    """Numbers from 0 to 1 beside each other.

    Examples
    --------
    >>> shares([0.5]), shares([0.251, float("nan")])
    ('0.50', '0.25 | -')
    """
    return " | ".join("-" if not np.isfinite(value) else printed(value, ".2f") for value in values)


def life_note(unseen: int) -> str:
    """What the rows of one map show, and how to see the epochs that have not been drawn.

    Examples
    --------
    >>> life_note(0)
    'its projections, and what they are projections of'
    >>> life_note(7)
    'its projections, and what they are projections of; Epoch and Play fill the 7 empty ones'
    """
    shown = "its projections, and what they are projections of"
    return shown if not unseen else f"{shown}; Epoch and Play fill the {unseen} empty one{'s' if unseen > 1 else ''}"


def block_foot(evolution: FeatureEvolution, block: EvolutionBlock, jumps: Sequence[bool]) -> str:
    """What happened to the maps of a block since the epoch before."""
    place = evolution.epochs.index(block.epoch)
    dead = sum(cell.exemplar is None for cell in block.cells)
    parts = [f"{dead} dead"] if dead else []
    if place:
        before = evolution.epochs[place - 1]
        parts.insert(0, f"{sum(jumps)} of {len(block.cells)} exemplars jumped since epoch {before}")
    else:
        parts.insert(0, "the first checkpoint: nothing can have jumped yet")
    return " &middot; ".join(parts)


def cell_report(evolution: FeatureEvolution, layer: str, cell: EvolutionCell, epoch: int) -> str:
    """One map at one epoch, as HTML."""
    if cell.exemplar is None:
        return f"<b>{escape(layer)} #{cell.channel}</b> at epoch {epoch}: dead, no picture gives more than 0"
    value, image, row, column = cell.exemplar
    found = evolution[layer]
    of_map = found.images[:, found.channels.tolist().index(cell.channel)]
    since = evolution.epochs.index(epoch)
    while since and of_map[since - 1] == image:
        since -= 1
    return (
        f"<b>{escape(layer)} #{cell.channel}</b> at epoch {epoch}: {number(value)} in {escape(image)}, row {row}, "
        f"column {column} &middot; the strongest picture since epoch {evolution.epochs[since]}"
    )


def facts(evolution: FeatureEvolution) -> str:
    """What the status line tells of a series, as HTML."""
    left = len(evolution.problems or {})
    said = f"{len(evolution.epochs)} checkpoints of {escape(evolution.name)}"
    return said + (f" &middot; {left} files left out" if left else "")


def no_series(name: str) -> str:
    """That a network has no series, and what to do.

    Examples
    --------
    >>> print(no_series("alexnet"))
    No series of checkpoints ships with alexnet: pass a folder of them as other_series=, which record_training writes.
    """
    return (
        f"No series of checkpoints ships with {name}: pass a folder of them as other_series=, which record_training "
        "writes."
    )


def left_out(evolution: FeatureEvolution) -> tuple[str, ...]:
    """Sentences about checkpoints that are not, or not wholly, usable."""
    gaps = ", ".join(map(str, evolution.missing))
    missing = (f"No checkpoint of epoch {gaps}: a gap on the axis.",) if evolution.missing else ()
    return (*(evolution.problems or {}).values(), *evolution.notes, *missing)
