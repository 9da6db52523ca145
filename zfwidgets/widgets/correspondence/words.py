"""What the viewer of Fig. 8 and Table 1 shows beside its pictures, as HTML: strip, table, bars and curves."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zfwidgets.imaging import enlarge, mosaic, to_jpeg
from zfwidgets.methods.correspondence import PAPER, RANDOM, Correspondence, Delta, delta_difference
from zfwidgets.methods.telling import Difference
from zfwidgets.widgets.parts.curves import COLOURS, Curve, chip
from zfwidgets.widgets.parts.style import signed

__all__ = ["Second", "bars", "colour_of", "curve_foot", "curves", "strip", "table", "verdict"]

SHOWN = 6
"""Pictures in a row of the strip."""
_TILE = 96
_GAP = 3
*_COLOURS, _RANDOM_COLOUR = COLOURS
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Second:
    """What a second network says beside the first.

    Attributes
    ----------
    d : Correspondence
    layers : mapping
        Layer of the first network to the one of the second that stands beside it, or None.
    names : (str, str)
        What the two networks are called.
    same : bool
        Whether both have answered the same question.
    """

    d: Correspondence
    layers: Mapping[str, str | None]
    names: tuple[str, str]
    same: bool

    def layer(self, layer: str) -> str | None:
        """Its layer beside one of the first, if it has answered the same question."""
        found = self.layers.get(layer)
        return found if self.same and found in self.d.layers else None

    def differences(self, d: Correspondence, layer: str) -> dict[str, Difference]:
        """Part to second minus first, as soon as both are complete."""
        theirs = self.layer(layer)
        if theirs is None or not (d.complete and self.d.complete):
            return {}
        return {part: delta_difference(d, self.d, (layer, theirs), part) for part in d.parts}


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


def verdict(d: Correspondence, layer: str, second: Second | None = None) -> str:
    """Whether the paper's order comes out at a layer, in words; of two networks also where they are told apart."""
    said = [_order(d, layer)]
    theirs = None if second is None else second.layer(layer)
    if second is not None and theirs is not None:
        orders = zip(second.names, (said[0], _order(second.d, theirs)), strict=True)
        said = [f"<b>{escape(name)}</b>: {words}" for name, words in orders if words]
        said.append(_told_apart(second.differences(d, layer), second.names))
    lines = "".join(f"<div>{sentence}</div>" for sentence in said if sentence)
    return f'<div class="zf-h">{escape(layer)}: do the pictures change alike?</div>{lines}' if lines else ""


def _order(d: Correspondence, layer: str) -> str:
    """Which parts lie below random places, and whether in the paper's order."""
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
    return words


def _told_apart(differences: Mapping[str, Difference], names: tuple[str, str]) -> str:
    """At which parts the second network's Delta is another, beyond what other pictures would change."""
    if not differences:
        return ""
    if all(np.isnan(found.low) for found in differences.values()):
        return "Too few pictures to tell the two networks apart: mark a third one."
    groups = {
        "smaller": [part for part, found in differences.items() if found.high < 0],
        "larger": [part for part, found in differences.items() if found.low > 0],
        "not told apart": [part for part, found in differences.items() if not found.apart],
    }
    if not groups["smaller"] and not groups["larger"]:
        return "The two networks are not told apart at any part."
    said = "; ".join(f"{how} at {escape(', '.join(parts))}" for how, parts in groups.items() if parts)
    random = RANDOM in (*groups["smaller"], *groups["larger"])
    note = " Random places differ too: some of it is how many cells change at all." if random else ""
    return f"Delta of <b>{escape(names[1])}</b> is {said}.{note}"


def table(d: Correspondence, layer: str, second: Second | None = None) -> str:
    """Delta of a layer beside the paper's Table 1, or beside a second network's."""
    if second is not None:
        return _table_of_two(d, layer, second)
    head = ("part", f"Delta at<br>{escape(layer)}", "paper,<br>layer 5", "paper,<br>layer 7")
    cells = [f'<b class="zf-soft">{name}</b>' for name in head]
    for part in d.parts:
        paper = PAPER.get(part, ())
        numbers = [d.delta[layer][part], *paper] if paper else [d.delta[layer][part], None, None]
        cells += [f"<span>{chip(colour_of(part, d.parts))}{escape(part)}</span>", *map(_number, numbers)]
    meaning = "share of cells whose changes differ in sign, mean and deviation over pairs of pictures"
    return f'<div class="zf-parts zf-num">{"".join(cells)}</div><div class="zf-soft">{meaning}</div>'


def _table_of_two(d: Correspondence, layer: str, second: Second) -> str:
    """Both networks' Delta with its interval, and second minus first."""
    theirs, differences = second.layer(layer), second.differences(d, layer)
    heads = zip(second.names, (layer, theirs or "-"), strict=True)
    head = ("part", *(f"{escape(name)}<br>{escape(at)}" for name, at in heads), "second<br>minus first")
    cells = [f'<span class="zf-soft zf-name">{name}</span>' for name in head]
    for part in d.parts:
        cells.append(f"<span>{chip(colour_of(part, d.parts))}{escape(part)}</span>")
        cells += [_with_interval(d, layer, part), _with_interval(second.d, theirs, part)]
        cells.append(_difference(differences.get(part)))
    papers = "; ".join(f"{part} {one.mean:.3f}, {other.mean:.3f}" for part, (one, other) in PAPER.items())
    meaning = (
        "Share of cells whose changes differ in sign; below, and of the difference, 95 % by Student from leaving out "
        f"each picture in turn, each part by itself; bold: zero lies outside. The paper, layers 5 and 7: {papers}."
    )
    return f'<div class="zf-parts zf-num">{"".join(cells)}</div><div class="zf-soft">{meaning}</div>'


def _with_interval(d: Correspondence, layer: str | None, part: str) -> str:
    if layer is None or part not in d.parts or np.isnan(d.delta[layer][part].mean):
        return '<span class="zf-soft">-</span>'
    low, high = d.interval(layer, part)
    return f"<span>{d.delta[layer][part].mean:.3f}{_ends(f'{low:.3f}', f'{high:.3f}')}</span>"


def _difference(found: Difference | None) -> str:
    if found is None or np.isnan(found.value):
        return '<span class="zf-soft">-</span>'
    value = f"<b>{signed(found.value)}</b>" if found.apart else signed(found.value)
    return f"<span>{value}{_ends(signed(found.low), signed(found.high))}</span>"


def _ends(low: str, high: str) -> str:
    """An interval below a number, narrow enough for a column of four; none is nothing."""
    return "" if "nan" in low else f"<br><small>{low.replace('0.', '.', 1)} to {high.replace('0.', '.', 1)}</small>"


def _number(delta: Delta | None) -> str:
    if delta is None or np.isnan(delta.mean):
        return '<span class="zf-soft">-</span>'
    return f"<span>{delta.mean:.3f} <small>&plusmn;{f'{delta.std:.3f}'.lstrip('0')}</small></span>"


def bars(d: Correspondence, layer: str, second: Second | None = None) -> str:
    """Delta of each part as a bar, with its interval; a second network's is striped, below the first's."""
    theirs = None if second is None else second.layer(layer)
    shown = [(d, layer)] if second is None or theirs is None else [(d, layer), (second.d, theirs)]
    found = {
        (part, place): (one.delta[at][part].mean, one.interval(at, part))
        for part in d.parts
        for place, (one, at) in enumerate(shown)
        if part in one.parts
    }
    most = 1.03 * float(np.nanmax([0.0, *(end for mean, ends in found.values() for end in (mean, *ends))])) or 1.0
    rows = [
        _bar("" if place else part, colour_of(part, d.parts), mean, ends, most, striped=place > 0)
        for (part, place), (mean, ends) in found.items()
        if not np.isnan(mean)
    ]
    notes = ["line: 95 % by Student, leaving out each picture in turn"] if len(d.seen) > 2 else []
    if second is not None and len(shown) > 1:
        notes.append(f"full: {escape(second.names[0])}, striped: {escape(second.names[1])}")
    return f'<div class="zf-bars zf-intervals">{"".join(rows)}</div><div class="zf-soft">{"; ".join(notes)}</div>'


def _bar(name: str, colour: str, mean: float, ends: tuple[float, float], most: float, striped: bool) -> str:
    low, high = ends
    line = "" if np.isnan(low) else f'<s style="left:{_share(low, most)};width:{_share(high - low, most)}"></s>'
    fill = f"repeating-linear-gradient(115deg,{colour} 0 4px,transparent 4px 7px)" if striped else colour
    return (
        f'<b>{escape(name)}</b><div class="zf-track"><i style="width:{_share(mean, most)};background:{fill}"></i>{line}'
        f"</div><em>{mean:.3f}</em>"
    )


def _share(value: float, most: float) -> str:
    return f"{100 * value / most:.1f}%"


def curves(d: Correspondence, second: Second | None = None) -> list[Curve]:
    """Delta of each part over the number of the layer; a second network's at the layers that stand beside these."""
    found = _curves(d, d.layers, d.parts)
    if second is not None:
        found += _curves(second.d, [second.layer(name) for name in d.layers], d.parts, dashed=True)
    return found


def curve_foot(second: Second) -> str:
    """Which network is dashed, and at which layers."""
    others = any(layer != name for layer, name in second.layers.items())
    where = ", at its layers of the same name or depth" if others else ""
    return f"dashed: {escape(second.names[1])}{where}"


def _curves(d: Correspondence, layers: Sequence[str | None], parts: Sequence[str], dashed: bool = False) -> list[Curve]:
    delta, numbers = d.delta, np.arange(len(layers), dtype=float)
    none = Delta(np.nan, np.nan)
    return [
        Curve(
            numbers,
            np.array([none.mean if name is None else delta[name].get(part, none).mean for name in layers], np.float32),
            colour_of(part, parts),
            strong=True,
            dashed=dashed,
        )
        for part in parts
    ]
