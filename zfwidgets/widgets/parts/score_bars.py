"""The most probable classes of a changed picture, beside those of the whole one."""

from __future__ import annotations

from html import escape

from zfwidgets.backend import Scores
from zfwidgets.widgets.parts.style import bars

__all__ = ["score_bars"]

_ROWS = 5


def score_bars(heading: str, now: Scores, clean: Scores) -> str:
    """Bars of five classes, best of the whole picture first, as HTML; a tick marks what the whole picture had.

    Examples
    --------
    >>> import numpy as np
    >>> cat, dog = (Scores(np.array(shares, np.float32), ("cat", "dog")) for shares in ([0.9, 0.1], [0.2, 0.8]))
    >>> score_bars("Hidden", dog, cat)[:40]
    '<div class="zf-h">Hidden: dog 0.800</div'
    >>> sure = Scores(np.ones(1, np.float32), ("cat",))
    >>> score_bars("Hidden", sure, sure)[-77:-6]
    'the network has one class score: its probability is 1, whatever is seen'
    """
    best_now, best_clean = ([name for name, _ in scores.top(_ROWS)] for scores in (now, clean))
    shown = list(dict.fromkeys([*best_clean[:3], *best_now[:2], *best_clean[3:]]))[:_ROWS]
    rows = [
        (name, float(now.probabilities[place]), float(clean.probabilities[place]))
        for name, place in ((name, now.classes.index(name)) for name in shown)
    ]
    best = now.top(1)[0]
    alone = "the network has one class score: its probability is 1, whatever is seen"
    foot = alone if len(now.classes) == 1 else "the tick marks the whole picture"
    return (
        f'<div class="zf-h">{escape(heading)}: {escape(best[0])} {best[1]:.3f}</div>{bars(rows)}'
        f'<div class="zf-soft">{foot}</div>'
    )
