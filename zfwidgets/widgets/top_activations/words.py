"""What the viewer of Fig. 2 says about an index, as HTML."""

from __future__ import annotations

import base64
from html import escape
from typing import TYPE_CHECKING

from zfwidgets.backend.top_requests import TopOrder
from zfwidgets.widgets.parts.style import duration

if TYPE_CHECKING:
    from zfwidgets.methods.top_activations import Progress

__all__ = ["facts", "heading", "mining_note", "notice", "progress", "save_link"]


def heading(order: TopOrder, first: int, count: int, growing: bool) -> str:
    """Above the grid: which maps it shows; `first` counts from 0, `growing`: pictures are being mined."""
    if not count:
        return ""
    every = len(order.channels)
    maps = f"Maps {first + 1} to {first + count} of {every}" if every > count else f"All {every} maps"
    note = "each: its strongest activations projected, beside their patches"
    if growing:
        note = "by number, until all pictures are seen"
    return f'<div class="zf-title zf-heading">{maps} of {escape(order.layer)} <small>{note}</small></div>'


def notice(order: TopOrder, own: int) -> str:
    """In the place of the grid, where there are no maps; `own` is the number of the backend's pictures."""
    if order.index is None:
        return (
            f'<div class="zf-h">These maps have not been mined yet.</div><div>One pass over the {own:,} pictures '
            "finds the strongest activations of every map of every layer: press <b>Mine these pictures</b>. The page "
            "fills meanwhile, and what is done stays when you cancel.</div>"
        )
    if not len(order.channels):
        return (
            f'<div class="zf-h">{escape(order.layer)} was not mined.</div><div>The index holds '
            f"{escape(', '.join(order.index.layers))}: choose one of these layers.</div>"
        )
    return ""


def mining_note(order: TopOrder, own: int) -> str:
    """Below the button."""
    if order.index is None:
        return ""
    among = "built-in scenes" if order.index.pictures is not None else "pictures"
    words = f"Shown: the strongest among {order.index.count:,} {among}. The button looks among the {own:,} under Image."
    return f'<div class="zf-soft">{words}</div>'


def facts(order: TopOrder) -> str:
    """For the status line."""
    if order.index is None:
        return "no index yet"
    if not len(order.channels):
        return f"{escape(order.layer)} was not mined"
    dead = int(order.dead.sum())
    among = "built-in scenes" if order.index.pictures is not None else "pictures"
    skipped = f" ({order.index.skipped:,} could not be used)" if order.index.skipped else ""
    parts = [f"{len(order.channels)} maps", f"{dead} dead" if dead else "none dead"]
    return " &middot; ".join([*parts, f"over {order.index.count:,} {among}{skipped}"])


def progress(far: Progress | None, stopped: bool) -> str:
    """How far a pass over the pictures is."""
    if far is None:
        return "mining"
    seen = f"{far.done:,} of {far.total:,} pictures"
    if stopped:
        return f"mining stopped at {seen}"
    return f"mining: {seen}, {far.rate:.0f} a second, {duration(far.seconds_left)} left"


def save_link(name: str, png: bytes) -> str:
    """A link that saves a picture under a name."""
    data = base64.b64encode(png).decode()
    return (
        f'<a download="{escape(name)}" href="data:image/png;base64,{data}">Save {escape(name)}</a> '
        f'<span class="zf-soft">({len(png) / 1e6:.1f} MB)</span>'
    )
