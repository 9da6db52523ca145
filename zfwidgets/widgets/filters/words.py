"""What the viewer of Fig. 6 says about filters, as HTML."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from zfwidgets.imaging import signed_picture, to_png
from zfwidgets.widgets.parts.style import printed

if TYPE_CHECKING:
    from zfwidgets.methods.filters import FilterReport

__all__ = ["card", "comparison", "first_foot", "listed"]

_ROWS = (
    (
        "largest / median",
        "dominance",
        "How many times the median filter the largest one is (Fig. 6a: without clipping)",
    ),
    ("above the radius {radius:g}", "over", "Filters that the clipping would set back"),
    ("low frequencies", "low", "Waves longer than 8 pixels"),
    ("mid frequencies", "mid", "Waves of 4 to 8 pixels (Fig. 6b: missing with large filters and strides)"),
    ("high frequencies", "high", "Waves shorter than 4 pixels"),
    ("aliasing, layer 1", "aliasing", "Share of a natural picture that passes and is too fine for the stride"),
    ("aliasing, layer 2", "pattern aliasing", "The same of layer 2, drawn through layer 1 (Fig. 6d)"),
    ("near-duplicates", "duplicates", "Filters with another one at a cosine above 0.9"),
    ("dead", "dead", "Filters that say the same of every picture"),
)
_SHARES = {"low", "mid", "high", "aliasing", "pattern aliasing"}
_MOST_LISTED = 8


def comparison(reports: Sequence[FilterReport]) -> str:
    """The figures of one network, or of two side by side."""
    columns = [report.figures() for report in reports]
    heads = "".join(f"<th>{escape(report.network)}</th>" for report in reports)
    rows = [f"<tr><th></th>{heads}</tr>" if len(reports) > 1 else ""]
    for name, key, meaning in _ROWS:
        if any(key in figures for figures in columns):
            cells = "".join(f"<td>{_cell(key, figures)}</td>" for figures in columns)
            label = name.format(radius=reports[0].radius)
            rows.append(f'<tr title="{escape(meaning)}"><th scope="row">{label}</th>{cells}</tr>')
    notes = dict.fromkeys(note for report in reports for note in report.notes)
    said = "".join(f'<div class="zf-soft">{escape(note)}</div>' for note in notes)
    return f'<div class="zf-h">Figures</div><table class="zf-figures">{"".join(rows)}</table>{said}'


def _cell(key: str, figures: dict[str, float]) -> str:
    value = figures.get(key, float("nan"))
    if np.isnan(value):
        return "-"
    if key in ("over", "duplicates", "dead"):
        return f"{value:.0f} of {figures['filters']:.0f}"
    return f"{100 * value:.1f} %" if key in _SHARES else f"{value:.3g}"


def card(report: FilterReport, index: int, shared: float | None) -> str:
    """One filter, large, with its figures; `shared` is the magnitude of full colour."""
    picture = base64.b64encode(to_png(signed_picture(report.filters[index], shared or None))).decode()
    low, mid, high = report.shares[index]
    lines = [f"RMS <b>{_number(report.rms[index])}</b>"]
    if report.broken[index]:
        lines = ["holds NaN or infinite values"]
    elif not report.rms[index] > 0:
        lines = ["all zero"]
    else:
        if report.over[index]:
            lines[0] += f", above the radius {report.radius:g}"
        lines.append(f"low {low:.0%}, mid {mid:.0%}, high {high:.0%}")
        lines.append(f"aliased {report.aliasing[index]:.1%}")
        if report.nearest[index] >= 0:
            twin = "near-duplicate of" if report.duplicate[index] else "nearest:"
            lines.append(f"{twin} #{report.nearest[index]}, cosine {printed(report.similarity[index], '.2f')}")
    if report.responses is not None and not report.broken[index]:
        active = report.responses.active[index]
        lines.append("<b>dead</b>" if report.responses.dead[index] else f"answers at {active:.0%} of all places")
    return (
        f'<div class="zf-card"><img alt="Filter {index} of {escape(report.network)}" '
        f'src="data:image/png;base64,{picture}"><div class="zf-num"><div class="zf-h">#{index} '
        f'<small class="zf-soft">{escape(report.network)}</small></div>{"<br>".join(lines)}</div></div>'
    )


def first_foot(report: FilterReport, shared: float | None) -> str:
    """Below the filters: what the colours mean, and who is dead."""
    scale = "each with its own contrast" if shared is None else f"full colour: {shared:.3g}, for all"
    words = f"grey is zero; {scale}"
    if report.responses is not None and report.responses.dead.any():
        words += f"; dead: {listed(np.flatnonzero(report.responses.dead))}"
    return words


def listed(numbers: Sequence[int] | np.ndarray) -> str:
    """Numbers of filters, the first few of many.

    Examples
    --------
    >>> listed([3, 5]), listed(range(12))
    ('#3, #5', '#0, #1, #2, #3, #4, #5, #6, #7 and 4 more')
    """
    words = ", ".join(f"#{one}" for one in list(numbers)[:_MOST_LISTED])
    more = len(numbers) - _MOST_LISTED
    return f"{words} and {more} more" if more > 0 else words


def _number(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.3g}"
