"""What the monitor of a training says in words and curves."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from zfwidgets.widgets.parts.charts import LINE_COLOURS, Curve, Span, epoch_chart
from zfwidgets.widgets.parts.style import duration

if TYPE_CHECKING:
    from zfwidgets.methods.evolution.result import SeriesFacts

__all__ = ["error_chart", "loss_chart", "progress", "status"]

_STATES = {
    "waiting": "nothing recorded yet",
    "running": "training",
    "stopping": "asked to stop after this epoch",
    "stopped": "stopped",
    "finished": "finished",
    "failed": "failed",
    "gone": "the folder is gone",
}


QUIET, EPOCHS_QUIET = 30.0, 5
"""Seconds, and epochs' time, without a word after which a training elsewhere may have ended."""


def status(facts: SeriesFacts | None, state: str, seconds: float | None, silence: float = 0.0) -> str:
    """How far the training is, as HTML: an epoch takes so many seconds, and the last word came so long ago."""
    words = f'<span role="status">{_STATES[state]}</span>'
    if facts is None or not facts.done:
        return words
    last = max((*facts.planned, facts.done))
    parts = [words, f"epoch {facts.done} of {last}"]
    if seconds is not None and state in ("running", "stopping"):
        parts.append(_ahead(last - facts.done, seconds, silence))
    errors = facts.figures["validation_error"]
    if len(errors) and np.isfinite(errors[-1]):
        parts.append(f"validation error {100 * errors[-1]:.1f} %")
    return " &middot; ".join(parts)


def _ahead(epochs: int, seconds: float, silence: float) -> str:
    if silence > max(QUIET, EPOCHS_QUIET * seconds):
        return f"nothing new for {duration(silence)}: it may have ended"
    return f"about {duration(seconds * epochs)} left, {duration(seconds)} each"


def progress(facts: SeriesFacts | None) -> float:
    """Share of its epochs that are over."""
    return 0.0 if facts is None else facts.done / max((*facts.planned, facts.done, 1))


def loss_chart(facts: SeriesFacts) -> str:
    """Loss on training and on validation pictures."""
    figures = facts.figures
    curves = [
        Curve("training", figures["epoch"], figures["loss"], LINE_COLOURS[0], dots=True),
        Curve("validation", figures["epoch"], figures["validation_loss"], LINE_COLOURS[4], dashed=True, dots=True),
    ]
    return _chart("Loss", "loss", curves, facts, None)


def error_chart(facts: SeriesFacts) -> str:
    """Share of validation pictures that are named wrongly."""
    figures = facts.figures
    curves = [Curve("validation", figures["epoch"], figures["validation_error"], LINE_COLOURS[4], dots=True)]
    return _chart("Error", "validation_error", curves, facts, 1.0)


def _chart(title: str, figure: str, curves: list[Curve], facts: SeriesFacts, top: float | None) -> str:
    known = [curve for curve in curves if np.isfinite(curve.values).any()]
    largest = max((float(np.max(np.asarray(one.values)[np.isfinite(one.values)])) for one in known), default=1.0)
    last = max((*facts.planned, facts.done, 2))
    span = Span(tuple(sorted({*facts.planned, *facts.epochs})), facts.missing, last)
    unlogged = facts.done > 0 and not known
    foot = f'<div class="zf-soft">not logged; recording.log({figure}=...) tells it</div>' if unlogged else ""
    return epoch_chart(known, span, top=top or _round(largest), what=title) + foot


def _round(value: float) -> float:
    """The next round number: an axis that does not move with every epoch.

    Examples
    --------
    >>> _round(2.71), _round(0.34), _round(0.0)
    (3.0, 0.4, 1.0)
    """
    if value <= 0:
        return 1.0
    step = 10.0 ** math.floor(math.log10(value))
    return float(np.ceil(value / step - 1e-9) * step)
