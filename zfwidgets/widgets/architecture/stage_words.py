"""The deconvnet step by step as HTML: a picture and a sentence for every stage (Fig. 1)."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zfwidgets.imaging import enlarge, mosaic, signed_picture, to_png
from zfwidgets.widgets.parts.style import number

if TYPE_CHECKING:
    from zfwidgets.methods.architecture import ProjectionStages, Stage

__all__ = ["picture", "shown_stages", "stage_panel", "stage_strip", "switch_picture"]

_MOST = 9
_LARGE, _MIDDLE, _SMALL = 168, 84, 72
_SWITCH = (255, 127, 14)
Pixels = NDArray[np.uint8]


def shown_stages(found: ProjectionStages) -> tuple[Stage, ...]:
    """The stages that change something; what only passes (dropout, contrast normalisation) is left out."""
    quiet = {"pass", "reshape"}
    last = len(found.stages) - 1
    return tuple(
        stage
        for place, stage in enumerate(found.stages)
        if place in (0, last) or not set(stage.step.split(" + ")) <= quiet
    )


def picture(stage: Stage, channel: int) -> Pixels:
    """A stage as uint8 (h, w, 3): grey is zero, bright positive, dark negative.

    The unit's own map at the start, the projection in its colours at the pixels; else the nine maps with the strongest
    signal, on one scale. A vector is folded into a square.
    """
    if stage.at == "pixels":
        return signed_picture(stage.signal)
    if stage.shape[1:] == (1, 1):
        return _grey(_folded(stage.signal[:, 0, 0]))
    if stage.step == "start":
        return _grey(stage.whole()[channel])
    best = _strongest(stage)
    limit = float(np.abs(stage.signal[best]).max()) or 1.0
    return mosaic(np.stack([_grey(stage.signal[place], limit) for place in best]), columns=3).pixels


def switch_picture(stage: Stage) -> Pixels:
    """The switches of the same maps: where the maxima were on the way up."""
    assert stage.switches is not None
    places = stage.switches[_strongest(stage)]
    tiles = np.full((*places.shape, 3), 128, np.uint8)
    tiles[places] = _SWITCH
    return mosaic(tiles, columns=3).pixels


def _strongest(stage: Stage) -> NDArray[np.int64]:
    """The maps with the strongest signal."""
    strength = np.abs(stage.signal).max((1, 2))
    return np.argsort(-strength, kind="stable")[:_MOST]


def _grey(values: NDArray[np.float32], limit: float | None = None) -> Pixels:
    return signed_picture(np.stack([values] * 3), limit)


def _folded(values: NDArray[np.float32]) -> NDArray[np.float32]:
    side = int(np.ceil(np.sqrt(len(values))))
    return np.pad(values, (0, side * side - len(values))).reshape(side, side)


def stage_panel(found: ProjectionStages, stages: Sequence[Stage], step: int, name: str = "") -> str:
    """A stage beside the one before it, and what was done in between; `name`: of which network, where there are two."""
    before, after = stages[max(step - 1, 0)], stages[step]
    channel = found.projection.channel
    pictures = [_figure(after, channel, _LARGE, _caption(after))]
    if step:
        switches = "" if after.switches is None else _img(switch_picture(after), _MIDDLE, "its switches")
        arrow = f'<div class="zf-arrow">{switches}{escape(after.step)} &rarr;</div>'
        pictures = [_figure(before, channel, _LARGE, _caption(before)), arrow, *pictures]
    words = _sentence(found, before, after)
    p = found.projection
    whose = escape(name and f"{name}: ")
    title = f"{whose}{escape(p.layer)} #{p.channel}, down to the pixels <small>step {step} of {len(stages) - 1}</small>"
    return (
        f'<div class="zf-title zf-heading">{title}</div><div class="zf-stage">{"".join(pictures)}</div>'
        f'<p class="zf-said">{escape(words)}</p>'
    )


def stage_strip(found: ProjectionStages, stages: Sequence[Stage], step: int) -> str:
    """All stages from the unit down to the pixels, the chosen one framed."""
    channel = found.projection.channel
    figures = (
        _figure(stage, channel, _SMALL, f"{place} {stage.step}", place == step) for place, stage in enumerate(stages)
    )
    return f'<div class="zf-stages">{"".join(figures)}</div>'


def _figure(stage: Stage, channel: int, side: int, caption: str, chosen: bool = False) -> str:
    return _img(picture(stage, channel), side, caption, _caption(stage), chosen)


def _img(pixels: Pixels, side: int, caption: str, alternative: str = "", chosen: bool = False) -> str:
    data = base64.b64encode(to_png(enlarge(pixels, side))).decode()
    words, mark = escape(alternative or caption), ' class="zf-now"' if chosen else ""
    return (
        f'<figure{mark}><img style="width:{side}px;height:{side}px" src="data:image/png;base64,{data}" '
        f'alt="{words}" title="{words}"><figcaption>{escape(caption)}</figcaption></figure>'
    )


def _caption(stage: Stage) -> str:
    channels, height, width = stage.shape
    if (height, width) == (1, 1):
        return f"{stage.at}: {channels:,} values"
    seen = stage.signal.shape[1:]
    if stage.step == "start":
        return f"{stage.at}: one unit of {height} x {width}"
    part = f"{seen[0]} x {seen[1]}" + (f" of {height} x {width}" if seen != (height, width) else "")
    some = "" if stage.at == "pixels" or channels <= _MOST else f", {_MOST} of {channels} maps"
    return f"{stage.at}: {part}{some}"


def _sentence(found: ProjectionStages, before: Stage, after: Stage) -> str:
    """What was done, and what it did here."""
    p, undone = found.projection, " and ".join(dict.fromkeys(after.undone))
    steps = after.step.split(" + ")
    if steps == ["start"]:
        place = f", row {p.position[0]}, column {p.position[1]}" if after.shape[1:] != (1, 1) else ""
        return (
            f"One unit keeps its value {number(p.value)} ({p.layer} #{p.channel}{place}); all others are set to zero."
        )
    said = []
    if "unpool" in steps and after.switches is not None:
        used = int((after.switches & (after.signal != 0)).sum())
        said.append(
            f"Unpool {undone}: each value goes back to where the maximum was on the way up. {used:,} of "
            f"{int(after.switches.sum()):,} switches in this window get a signal."
        )
    if "rectify" in steps:
        said.append(
            f"Rectify: {int((before.signal < 0).sum()):,} negative values of {before.signal.size:,} become zero."
        )
    if "filter" in steps:
        said.append(f"Filter with the transposed weights of {undone}: every value paints its filter, overlaps add up.")
    others = {
        "split": f"{undone} read several branches: the signal goes down each of them.",
        "spread": f"{undone} took averages: each value is shared evenly over its window.",
        "scale": f"{undone}: the signal is scaled, nothing is added.",
    }
    said += [sentence for step, sentence in others.items() if step in steps]
    if after.at == "pixels":
        said.append("These are the pixels: signed, not rectified, the projection itself.")
    return " ".join(said)
