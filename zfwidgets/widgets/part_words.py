"""What the viewer of Fig. 8 and Table 1 shows beside its pictures, as HTML: strip, table, bars and curves."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zfwidgets.imaging import enlarge, mosaic, to_jpeg
from zfwidgets.methods.correspondence import PAPER, RANDOM, Correspondence, Delta
from zfwidgets.widgets.curves import COLOURS, Curve, chip

__all__ = ["bars", "colour_of", "curves", "strip", "table", "verdict"]

SHOWN = 6
"""Pictures in a row of the strip."""
_TILE = 96
_GAP = 3
*_COLOURS, _RANDOM_COLOUR = COLOURS
Pixels = NDArray[np.uint8]


def colour_of(part: str, parts: Sequence[str]) -> str:
    """A part's colour, the same in every figure; grey for random places."""
    return _RANDOM_COLOUR if part == RANDOM else _COLOURS[parts.index(part) % len(_COLOURS)]


def strip(d: Correspondence) -> str:
    """Fig. 8: the pictures as the network sees them, in a row for each part with its squares hidden."""
    rows = [_row("the pictures, nothing hidden", d.seen[:SHOWN])]
    for part in d.parts:
        note = f", the first of {d.places.count(part)} in each picture" if part == RANDOM else ""
        rows.append(_row(f"{part}{note}", d.hidden(part)[:SHOWN], colour_of(part, d.parts)))
    more = len(d.seen) - SHOWN
    if more > 0:
        rows.append(f'<div class="zf-soft">and {more} more pictures</div>')
    return f'<div class="zf-hidden-parts">{"".join(rows)}</div>'


def _row(name: str, tiles: Pixels, colour: str | None = None) -> str:
    pixels = mosaic(np.stack([_fitted(tile) for tile in tiles]), columns=len(tiles), gap=_GAP).pixels
    data = base64.b64encode(to_jpeg(pixels)).decode()
    key = chip(colour) if colour else ""
    height, width = pixels.shape[:2]
    return (
        f"<div>{key}{escape(name)}</div>"
        f'<img alt="{escape(name)}" width="{width}" height="{height}" src="data:image/jpeg;base64,{data}">'
    )


def _fitted(tile: Pixels) -> Pixels:
    if max(tile.shape[:2]) <= _TILE:
        return enlarge(tile, _TILE)
    return np.asarray(Image.fromarray(tile).resize((_TILE, _TILE), Image.Resampling.LANCZOS))


def verdict(d: Correspondence, layer: str) -> str:
    """Whether the paper's order comes out at a layer, in words."""
    delta = {part: found.mean for part, found in d.delta[layer].items() if not np.isnan(found.mean)}
    marked = [part for part in delta if part != RANDOM]
    if RANDOM not in delta or not marked:
        return ""
    below = [part for part in marked if delta[part] < delta[RANDOM]]
    if len(below) == len(marked):
        words = "Every part lies below random places: the network answers to each alike in all pictures."
    elif below:
        above = [part for part in marked if part not in below]
        words = f"Below random places: {escape(', '.join(below))}; not: {escape(', '.join(above))}."
    else:
        words = "No part lies below random places."
    eyes = [delta[part] for part in marked if part in ("left eye", "right eye")]
    if len(eyes) == 2 and "nose" in delta:
        agrees = max(eyes) < delta["nose"] < delta[RANDOM]
        words += f" The paper's order, eyes &lt; nose &lt; random: {'yes' if agrees else 'no'}."
    return f'<div class="zf-h">{escape(layer)}: do the pictures change alike?</div><div>{words}</div>'


def table(d: Correspondence, layer: str) -> str:
    """Delta of a layer beside the paper's Table 1."""
    head = ("part", f"Delta at<br>{escape(layer)}", "paper,<br>layer 5", "paper,<br>layer 7")
    cells = [f'<b class="zf-soft">{name}</b>' for name in head]
    for part in d.parts:
        paper = PAPER.get(part, ())
        numbers = [d.delta[layer][part], *paper] if paper else [d.delta[layer][part], None, None]
        cells += [f"<span>{chip(colour_of(part, d.parts))}{escape(part)}</span>", *map(_number, numbers)]
    meaning = "share of cells whose changes differ in sign, mean and deviation over pairs of pictures"
    return f'<div class="zf-parts zf-num">{"".join(cells)}</div><div class="zf-soft">{meaning}</div>'


def _number(delta: Delta | None) -> str:
    if delta is None or np.isnan(delta.mean):
        return '<span class="zf-soft">-</span>'
    return f"<span>{delta.mean:.3f} <small>&plusmn;{f'{delta.std:.3f}'.lstrip('0')}</small></span>"


def bars(d: Correspondence, layer: str) -> str:
    """Delta of each part as a bar, with its bootstrap interval."""
    intervals = {part: d.interval(layer, part) for part in d.parts}
    delta = d.delta[layer]
    ends = [0.0, *(found.mean for found in delta.values()), *(high for _, high in intervals.values())]
    most = 1.03 * float(np.nanmax(ends)) or 1.0
    rows = []
    for part in d.parts:
        mean, (low, high) = delta[part].mean, intervals[part]
        if np.isnan(mean):
            continue
        line = "" if np.isnan(low) else f'<s style="left:{_share(low, most)};width:{_share(high - low, most)}"></s>'
        rows.append(
            f'<b>{escape(part)}</b><div class="zf-track"><i style="width:{_share(mean, most)};'
            f'background:{colour_of(part, d.parts)}"></i>{line}</div><em>{mean:.3f}</em>'
        )
    note = "line: 95 % of bootstrap resamples of the pictures" if len(d.seen) > 2 else ""
    return f'<div class="zf-bars zf-intervals">{"".join(rows)}</div><div class="zf-soft">{note}</div>'


def _share(value: float, most: float) -> str:
    return f"{100 * value / most:.1f}%"


def curves(d: Correspondence) -> list[Curve]:
    """Delta of each part over the number of the layer."""
    delta, numbers = d.delta, np.arange(len(d.layers), dtype=float)
    return [
        Curve(
            numbers, np.array([delta[name][part].mean for name in d.layers], np.float32), colour_of(part, d.parts), True
        )
        for part in d.parts
    ]
