"""Curves in a panel: drawn as SVG, so that they are crisp, follow the page's colours, and need no view of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import ipywidgets as W
import numpy as np
from numpy.typing import NDArray

from zfwidgets.widgets.parts.figures import SIDE, Panel
from zfwidgets.widgets.parts.style import printed

__all__ = ["COLOURS", "Curve", "CurveFigure", "chip"]

COLOURS = ("#2f7fc1", "#009e73", "#c0589b", "#a6761d", "#7f7f7f")
"""One for each curve, told apart by colour-blind people, on a light page and on a dark one; none is the accent."""

_HEIGHT = 204
_LEFT, _RIGHT, _TOP, _BOTTOM = 36, 8, 8, 22
"""Screen pixels around the plot, for the numbers of the axes."""
_BASE = _HEIGHT - _BOTTOM
_TICKS = 5
_LONGEST, _LETTER = 14, 6.2
"""Letters of a name that are shown, and screen pixels of one."""
_SCALE = 0, 0.25, 0.5, 0.75, 1


@dataclass(frozen=True, eq=False)  # arrays have no single equality
class Curve:
    """One curve.

    Attributes
    ----------
    x, y : ndarray
        (n,) each, x ascending; NaN is left out.
    colour : str
    strong : bool
        Drawn over the others, with a dot under the cursor.
    dashed, dotted : bool
        For a second network; for what the others are compared with.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float32]
    colour: str
    strong: bool = False
    dashed: bool = False
    dotted: bool = False

    def known(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The points that are numbers."""
        there = np.isfinite(self.y)
        return self.x[there], self.y[there].astype(float)

    def at(self, x: float) -> float | None:
        """The height at x, between the known points; None beyond them."""
        known, heights = self.known()
        if not len(known) or not known[0] <= x <= known[-1]:
            return None
        return float(np.interp(x, known, heights))


class CurveFigure(Panel):
    """A titled panel with curves, an upright cursor, and ticks where something is to be seen.

    Parameters
    ----------
    title : str
        What it shows, as text.
    """

    def __init__(self, title: str = "") -> None:
        self._plot = W.HTML(_svg("", "no curves yet"))  # which holds the room
        super().__init__(title, self._plot)

    def draw(
        self,
        curves: Sequence[Curve],
        low: float,
        high: float,
        top: float = 1.0,
        unit: str = "",
        cursor: float | None = None,
        marks: Sequence[float] = (),
        names: Sequence[str] = (),
        bottom: float = 0.0,
    ) -> None:
        """Draw curves from x = `low` to `high`, over y from `bottom` to `top`.

        `marks` are little triangles on the x axis; `names` are what x = 0, 1, 2 ... stand for, in place of numbers, as
        many as have room, the one under the cursor in any case.
        """
        across, up = _Axis(low, high, _LEFT, SIDE - _RIGHT), _Axis(bottom, top, _BASE, _TOP)
        ticks = _names(across, names, cursor) if names else _numbers(across, unit)
        parts = [_grid(across, up), ticks, *(_line(curve, across, up) for curve in sorted(curves, key=_strength))]
        parts += [_mark(across(x)) for x in marks]
        if cursor is not None:
            parts.append(
                f'<line class="zf-cursor" x1="{across(cursor)}" x2="{across(cursor)}" y1="{_TOP}" y2="{_BASE}"/>'
            )
            dots = [(curve.at(cursor), curve.colour) for curve in curves if curve.strong]
            parts += [
                f'<circle cx="{across(cursor)}" cy="{up(y)}" r="4" fill="{colour}" class="zf-dot"/>'
                for y, colour in dots
                if y is not None
            ]
        ends = (names[0], names[-1]) if names else (f"{printed(low, 'g')}{unit}", f"{printed(high, 'g')}{unit}")
        words = f"{len(curves)} curves from {escape(ends[0])} to {escape(ends[1])}"
        self._plot.value = _svg("".join(parts), words)


def _svg(parts: str, words: str) -> str:
    size = f'viewBox="0 0 {SIDE} {_HEIGHT}" width="{SIDE}" height="{_HEIGHT}"'
    return f'<svg class="zf-plot" {size} role="img" aria-label="{words}">{parts}</svg>'


def chip(colour: str) -> str:
    """A spot of a curve's colour, as HTML."""
    return f'<i class="zf-key" style="background:{colour}"></i>'


@dataclass(frozen=True)
class _Axis:
    """From numbers to screen pixels."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        span = self.high - self.low or 1.0
        return round(self.start + (value - self.low) / span * (self.end - self.start), 1)


def _strength(curve: Curve) -> bool:
    return curve.strong


def _line(curve: Curve, across: _Axis, up: _Axis) -> str:
    x, y = curve.known()
    points = " ".join(f"{across(a)},{up(min(max(b, up.low), up.high))}" for a, b in zip(x, y, strict=True))
    kinds = f"zf-curve{' zf-strong' if curve.strong else ''}{' zf-dashed' if curve.dashed else ''}"
    kinds += " zf-dotted" if curve.dotted else ""
    return f'<polyline class="{kinds}" points="{points}" stroke="{curve.colour}"/>'


def _grid(across: _Axis, up: _Axis) -> str:
    parts = []
    for share in _SCALE:
        value = up.low + share * (up.high - up.low)
        y = up(value)
        parts.append(f'<line class="zf-grid" x1="{_LEFT}" x2="{across.end}" y1="{y}" y2="{y}"/>')
        parts.append(f'<text x="{_LEFT - 5}" y="{y + 3.5}" text-anchor="end">{printed(value, ".3g")}</text>')
    return "".join(parts)


def _numbers(across: _Axis, unit: str) -> str:
    parts = []
    for place, value in enumerate(np.linspace(across.low, across.high, _TICKS)):
        x = across(float(value))
        parts.append(f'<line class="zf-grid" x1="{x}" x2="{x}" y1="{_BASE}" y2="{_BASE + 4}"/>')
        anchor = "start" if place == 0 else "end" if place == _TICKS - 1 else "middle"
        parts.append(
            f'<text x="{x}" y="{_HEIGHT - 5}" text-anchor="{anchor}">{printed(value, ".3g")}{escape(unit)}</text>'
        )
    return "".join(parts)


def _names(across: _Axis, names: Sequence[str], cursor: float | None) -> str:
    """Names below the axis: the one under the cursor, the ends, and as many others as have room."""
    short = [name if len(name) <= _LONGEST else f"...{name[3 - _LONGEST :]}" for name in names]
    reach = [_LETTER * len(name) / 2 + 3 for name in short]
    chosen = [] if cursor is None else [int(cursor)]
    taken: list[int] = []
    for place in dict.fromkeys([*chosen, 0, len(names) - 1, *range(len(names))]):
        if all(abs(across(place) - across(other)) >= reach[place] + reach[other] for other in taken):
            taken.append(place)
    return "".join(
        f'<text x="{min(max(across(place), reach[place]), SIDE - reach[place]):.1f}" y="{_HEIGHT - 5}" '
        f'text-anchor="middle"{" class=zf-now" if place in chosen else ""}>{escape(short[place])}</text>'
        for place in taken
    )


def _mark(x: float) -> str:
    return f'<path class="zf-mark" d="M{x} {_BASE - 7}l-4 7h8z"/>'
