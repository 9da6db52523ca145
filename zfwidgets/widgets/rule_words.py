"""The rule lab as HTML: a tile for each way and for each stage, and what they say in words."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zfwidgets.imaging import enlarge, signed_picture, to_png
from zfwidgets.methods.rules import MEASURES, WAYS
from zfwidgets.methods.rules.ways import FAITHFUL
from zfwidgets.methods.similarity import reached
from zfwidgets.widgets.style import number

if TYPE_CHECKING:
    from zfwidgets.methods import Projection
    from zfwidgets.methods.rules import RuleComparison, WeightRandomisation

__all__ = ["figure", "heading", "scale_note", "stage_heading", "stage_tiles", "verdict", "way_tiles"]

_WAY, _STAGE = 148, 88
"""Screen pixels of a tile."""
_NAMES = {"desalinet": "DeSaliNet", "guided": "guided backprop", "norm derivative": "norm by derivative"}
_BRIGHT = 0.99
"""Share of a picture's values below full colour: a few far above the rest would leave all others grey."""
Values = NDArray[np.float32]


def heading(found: RuleComparison) -> str:
    """Which unit, and its activation."""
    unit = found.faithful
    place = f", row {unit.position[0]}, column {unit.position[1]}"
    return (
        f'<div class="zf-title zf-heading">{escape(unit.layer)} #{unit.channel}{place}, {len(found.projections)} ways '
        f"down <small>activation {number(unit.value)}</small></div>"
    )


def scale_note(found: RuleComparison, difference: bool, own: bool) -> str:
    """What the colours mean."""
    limit = number(_limit(found))
    if difference:
        said = (
            f"Each tile minus the deconvnet's picture, all on that picture's scale: grey is no difference, full colour "
            f"&plusmn;{limit} or more."
        )
    elif own:
        said = "Each tile has its own contrast: shapes compare, strengths do not."
    else:
        said = (
            f"One scale for all tiles: grey is zero, full colour &plusmn;{limit} or more, which one value in a hundred "
            "of the deconvnet's picture exceeds."
        )
    return f'<div class="zf-soft">{said}</div>'


def way_tiles(found: RuleComparison, difference: bool, own: bool) -> str:
    """A tile for each way with its numbers, the faithful one first."""
    tiles = []
    for name, projection in found.projections.items():
        pixels = reached(projection)
        if difference:
            pixels = pixels - reached(found.faithful)
        image = _img(
            pixels, _WAY, None if own and not difference else _limit(found), f"{_name(name)}: {WAYS[name].words}"
        )
        tiles.append(
            f"<figure><b>{escape(_name(name))}</b>{image}<figcaption>{_numbers(found, name)}"
            f"<small>{escape(_words(found, name))}</small></figcaption></figure>"
        )
    return f'<div class="zf-ways">{"".join(tiles)}</div>'


def _numbers(found: RuleComparison, name: str) -> str:
    if name == FAITHFUL:
        return "<span>faithful: the others are compared with it</span>"
    return (
        f"<span>cosine <b>{figure(found.cosine[name])}</b></span><span>rank correlation "
        f"<b>{figure(found.rank[name])}</b></span><span>relative error <b>{figure(found.error[name])}</b></span>"
    )


def _words(found: RuleComparison, name: str) -> str:
    same = name == "guided" and np.array_equal(
        found.projections["guided"].pixels, found.projections["desalinet"].pixels
    )
    if same:
        return "here the same as DeSaliNet: they differ at contrast normalisation only (Springenberg et al. 2015)"
    return WAYS[name].words


def _limit(found: RuleComparison) -> float:
    return _full(reached(found.faithful))


def _full(pixels: Values) -> float:
    """The magnitude of full colour."""
    magnitudes = np.abs(pixels)
    return float(np.quantile(magnitudes, _BRIGHT)) or float(magnitudes.max()) or 1.0


def _name(way: str) -> str:
    return _NAMES.get(way, way)


def figure(value: float) -> str:
    """Two digits, a dash for what does not exist; HTML."""
    return f"{value:.2f}".replace("-", "&minus;") if np.isfinite(value) else "&ndash;"


def stage_heading(found: WeightRandomisation) -> str:
    """What is done to the network."""
    return (
        '<div class="zf-title zf-heading">The same unit with random weights <small>from its own layer down, seed '
        f"{found.seed}</small></div>"
    )


def stage_tiles(found: WeightRandomisation, rule: str, measure: str, chosen: int) -> str:
    """The trained network's picture, and one for each stage that is done."""
    likeness = found.similarity(rule, measure)
    tiles = [_stage("trained", found.original[rule], "1.00", chosen == 0)]
    for stage, projection in enumerate(found.projections[rule]):
        name = found.layers[stage].split(".", 1)[-1]  # where names are long they begin alike
        name = name if stage == 0 else f"+ {name}"
        tiles.append(_stage(name, projection, figure(likeness[stage]), chosen == stage + 1))
    return f'<div class="zf-stages zf-random">{"".join(tiles)}</div>'


def _stage(name: str, projection: Projection, likeness: str, chosen: bool) -> str:
    pixels = reached(projection)
    image = _img(pixels, _STAGE, None, name if pixels.any() else f"{name}: nothing comes down")
    mark = ' class="zf-now"' if chosen else ""
    return f"<figure{mark}>{image}<figcaption><b>{escape(name)}</b> <span>{likeness}</span></figcaption></figure>"


def _img(pixels: Values, side: int, limit: float | None, words: str) -> str:
    data = base64.b64encode(to_png(enlarge(signed_picture(pixels, limit or _full(pixels)), side))).decode()
    text = escape(words)
    return (
        f'<img style="width:{side}px;height:{side}px" src="data:image/png;base64,{data}" alt="{text}" title="{text}">'
    )


def verdict(found: WeightRandomisation, measure: str, stage: int) -> str:
    """What the chosen stage says, in a sentence."""
    if stage == 0 or stage > found.done:
        last = found.layers[-1]
        return (
            f"Move Random layers: with every step one more layer, down to {last}, has the weights that an untrained "
            "network begins with. What the network has learned is gone then; what stays alike was never learned."
        )
    names: Sequence[str] = found.layers[:stage]
    lost = names[0] if stage == 1 else f"{names[0]} to {names[-1]}"
    parts = []
    for rule in found.original:
        likeness = float(found.similarity(rule, measure)[stage - 1])
        parts.append(f"{rule} {likeness:.2f}" if np.isfinite(likeness) else f"{rule} nothing comes down")
    return (
        f"Without the trained weights of {lost}, {MEASURES[measure]} with the trained network's picture: "
        f"{', '.join(parts)}."
    )
