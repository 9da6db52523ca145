"""Curves over the epochs, as SVG: they take the page's colours, need no widget of their own and print well."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zfwidgets.imaging.labels import LABEL_COLOURS

__all__ = ["INK", "LINE_COLOURS", "Curve", "Span", "epoch_chart"]

LINE_COLOURS = tuple(LABEL_COLOURS[place] for place in (0, 1, 2, 5, 6, 4))
"""Those of the labels that are seen on a light and on a dark page."""
INK = "var(--zf-ink)"
_WIDTH, _HEIGHT = 288, 236
_LEFT, _RIGHT, _TOP, _BOTTOM = 34, 10, 8, 26
_LABEL_SPACE = 17
"""Pixels that the name of an epoch needs."""


@dataclass(frozen=True, eq=False)  # arrays have no single equality
class Curve:
    """A line with its name.

    Attributes
    ----------
    name : str
        "" for a line that the legend leaves out.
    epochs, values : array_like
        Equally long; nan is a gap.
    colour : str
    dashed, dots : bool
        Whether the line is dashed; whether each value has a dot.
    missing : tuple of int or None
        Its own epochs without a value, at which the line breaks; None: those of the axis.
    """

    name: str
    epochs: Sequence[float] | NDArray[Any]
    values: Sequence[float] | NDArray[Any]
    colour: str
    dashed: bool = False
    dots: bool = False
    missing: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Span:
    """The axis of epochs, logarithmic as the paper's choice of epochs is.

    Attributes
    ----------
    ticks : tuple of int
        Epochs that are named.
    missing : tuple of int
        Those among them that have no checkpoint: a gap.
    last : int
        The last epoch of all.
    """

    ticks: tuple[int, ...]
    missing: tuple[int, ...] = ()
    last: int = 1

    def x(self, epoch: float) -> float:
        """Pixels from the left."""
        first = min((*self.ticks, self.last, 1))
        whole = math.log(max(self.last, first + 1) / first)
        share = math.log(max(epoch, first) / first) / whole
        return _LEFT + 4 + share * (_WIDTH - _LEFT - _RIGHT - 8)


def epoch_chart(
    curves: Sequence[Curve], span: Span, cursor: float | None = None, top: float = 1.0, what: str = ""
) -> str:
    """Curves with their legend, as HTML.

    Parameters
    ----------
    curves : sequence of Curve
        Values from 0 to `top`; beyond they are drawn at the edge.
    span : Span
        The axis.
    cursor : float, optional
        The epoch that is shown.
    top : float
        Upper end of the axis.
    what : str
        What the chart shows, for those who do not see it.

    Examples
    --------
    >>> html = epoch_chart([Curve("conv1", (1, 2), (0.5, 1.0), INK)], Span((1, 2), last=2), cursor=2)
    >>> html.count("<polyline"), html.count("zf-cursor")
    (1, 1)
    """
    parts = [_frame(span, top)]
    if cursor is not None:
        x = span.x(cursor)
        parts.append(f'<line class="zf-cursor" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"/>')
    parts += [_line(curve, span, top) for curve in curves]
    names = "".join(f"<span><i {_key(curve)}></i>{escape(curve.name)}</span>" for curve in curves if curve.name)
    return (
        f'<svg class="zf-plot zf-chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(what)}">'
        f'{"".join(parts)}</svg><div class="zf-legend">{names}</div>'
    )


def _key(curve: Curve) -> str:
    if curve.dashed:
        return f'class="zf-dashed" style="border-top:2px dashed {curve.colour}"'
    return f'style="background:{curve.colour}"'


def _y(value: float, top: float) -> float:
    share = min(max(value / top, 0.0), 1.0)
    return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)


def _frame(span: Span, top: float) -> str:
    parts = []
    for share in (0.0, 0.5, 1.0):
        y = _y(share * top, top)
        parts.append(f'<line class="zf-grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{_LEFT - 5}" y="{y + 4:.1f}" text-anchor="end">{share * top:.3g}</text>')
    free = 0.0
    for epoch in span.ticks:
        x, gone = span.x(epoch), epoch in span.missing
        if gone:
            parts.append(
                f'<rect class="zf-gap" x="{x - 5:.1f}" y="{_TOP}" width="10" height="{_HEIGHT - _TOP - _BOTTOM}">'
                f"<title>no checkpoint of epoch {epoch}</title></rect>"
            )
        if x < free:
            continue
        free = x + _LABEL_SPACE
        text = f'<tspan class="zf-missing">{epoch}</tspan>' if gone else str(epoch)
        parts.append(f'<text x="{x:.1f}" y="{_HEIGHT - _BOTTOM + 16}" text-anchor="middle">{text}</text>')
    return "".join(parts)


def _line(curve: Curve, span: Span, top: float) -> str:
    runs: list[list[str]] = [[]]
    dots = []
    for epoch, value in zip(curve.epochs, curve.values, strict=True):
        if not np.isfinite(value) or (curve.dots and _between(runs[-1], epoch, curve, span)):
            runs.append([])
        if np.isfinite(value):
            x, y = span.x(float(epoch)), _y(float(value), top)
            runs[-1].append(f"{x:.1f},{y:.1f}")
            dots.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" fill="{curve.colour}"/>')
    dash = ' stroke-dasharray="4 3"' if curve.dashed else ""
    lines = (
        f'<polyline points="{" ".join(run)}" fill="none" stroke="{curve.colour}" stroke-width="1.8"{dash}/>'
        for run in runs
        if len(run) > 1
    )
    return "".join(lines) + ("".join(dots) if curve.dots or len(dots) == 1 else "")


def _between(run: Sequence[str], epoch: float, curve: Curve, span: Span) -> bool:
    """Whether a planned epoch without a checkpoint lies between this one and the one before."""
    if not run:
        return False
    earlier = [other for other in curve.epochs if other < epoch]
    gaps = span.missing if curve.missing is None else curve.missing
    return any(max(earlier, default=epoch) < gone < epoch for gone in gaps)
