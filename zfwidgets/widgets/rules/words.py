"""The rule lab as HTML: a tile for each way and for each stage, and what they say in words."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zfwidgets.imaging import enlarge, signed_picture, to_png
from zfwidgets.methods import projection_difference
from zfwidgets.methods.rules import MEASURES, WAYS
from zfwidgets.methods.rules.ways import FAITHFUL
from zfwidgets.methods.similarity import reached
from zfwidgets.widgets.parts.style import breakable, number, printed

if TYPE_CHECKING:
    from zfwidgets.methods import Projection
    from zfwidgets.methods.rules import RuleComparison, WeightRandomisation

__all__ = [
    "differences",
    "figure",
    "heading",
    "scale_note",
    "stage_heading",
    "stage_tiles",
    "verdict",
    "verdict_of_both",
    "way_tiles",
]

_WAY, _STAGE = 148, 88
"""Screen pixels of a tile."""
_NAMES = {"desalinet": "DeSaliNet", "guided": "guided backprop", "norm derivative": "norm by derivative"}
_BRIGHT = 0.99
"""Share of a picture's values below full colour: a few far above the rest would leave all others grey."""
_ALIKE = 0.05
"""Likenesses of two networks that differ by less are called about the same."""
Values = NDArray[np.float32]


def heading(found: RuleComparison, name: str = "") -> str:
    """Which unit, of which network where there are two, and its activation."""
    unit, whose = found.faithful, escape(name and f"{name}: ")
    place = f", row {unit.position[0]}, column {unit.position[1]}"
    return (
        f'<div class="zf-title zf-heading">{whose}{escape(unit.layer)} #{unit.channel}{place}, '
        f"{len(found.projections)} ways down <small>activation {number(unit.value)}</small></div>"
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


def way_tiles(found: RuleComparison, difference: bool, own: bool, explained: bool = True) -> str:
    """A tile for each way with its numbers, the faithful one first; `explained`: and what the way does."""
    tiles = []
    for name, projection in found.projections.items():
        pixels = reached(projection)
        if difference:
            pixels = pixels - reached(found.faithful)
        image = _img(
            pixels, _WAY, None if own and not difference else _limit(found), f"{_name(name)}: {WAYS[name].words}"
        )
        caption = _numbers(found, name) + (f"<small>{escape(_words(found, name))}</small>" if explained else "")
        tiles.append(f"<figure><b>{escape(_name(name))}</b>{image}<figcaption>{caption}</figcaption></figure>")
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
    """Two digits, a dash for what does not exist."""
    return printed(value, ".2f") if np.isfinite(value) else "\N{EN DASH}"


def stage_heading(found: WeightRandomisation) -> str:
    """What is done to the network."""
    return (
        '<div class="zf-title zf-heading">The same unit with random weights <small>from its own layer down, seed '
        f"{found.seed}</small></div>"
    )


def stage_tiles(found: WeightRandomisation, rule: str, measure: str, chosen: int, network: str = "") -> str:
    """The trained network's picture, and one for each stage that is done; `network`: of which, where there are two."""
    likeness = found.similarity(rule, measure)
    tiles = [_stage("trained", found.original[rule], "1.00", chosen == 0)]
    for stage, projection in enumerate(found.projections[rule]):
        name = found.layers[stage] if stage == 0 else f"+ {found.layers[stage]}"
        tiles.append(_stage(name, projection, figure(likeness[stage]), chosen == stage + 1))
    whose = network and f'<div class="zf-h">{escape(network)}</div>'
    return f'{whose}<div class="zf-stages zf-random">{"".join(tiles)}</div>'


def _stage(name: str, projection: Projection, likeness: str, chosen: bool) -> str:
    pixels = reached(projection)
    image = _img(pixels, _STAGE, None, name if pixels.any() else f"{name}: nothing comes down")
    mark = ' class="zf-now"' if chosen else ""
    return f"<figure{mark}>{image}<figcaption><span>{likeness}</span> <b>{breakable(name)}</b></figcaption></figure>"


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
    parts = []
    for rule in found.original:
        likeness = float(found.similarity(rule, measure)[stage - 1])
        parts.append(f"{rule} {figure(likeness)}" if np.isfinite(likeness) else f"{rule} nothing comes down")
    return (
        f"Without the trained weights of {_lost(found, stage)}, {MEASURES[measure]} with the trained network's "
        f"picture: {', '.join(parts)}."
    )


def _lost(found: WeightRandomisation, stage: int) -> str:
    names = found.layers[:stage]
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"


def verdict_of_both(
    found: Sequence[WeightRandomisation], names: Sequence[str], rule: str, measure: str, stages: Sequence[int]
) -> str:
    """Of which of two networks' pictures less is left, in a sentence; "" where there is nothing to compare.

    It is about one draw of random weights: another seed moves a likeness by a few hundredths, that of plain gradients
    under one or two random layers by some tenths.
    """
    if not all(0 < stage <= one.done for one, stage in zip(found, stages, strict=True)):
        return ""
    pairs = list(zip(found, stages, names, strict=True))
    left = [float(one.similarity(rule, measure)[stage - 1]) for one, stage, _ in pairs]
    said = " and ".join(
        f"{figure(likeness)} in {name} (without {_lost(one, stage)})"
        for likeness, (one, stage, name) in zip(left, pairs, strict=True)
    )
    if not np.isfinite(left).all():
        return f"By {rule} nothing is left to compare in one of the two networks: nothing comes down."
    if abs(left[0] - left[1]) < _ALIKE:
        end = "about as much is left of both pictures"
    else:
        end = f"less is left of the picture of {names[int(left[1] < left[0])]}"
    return f"By {rule}, {MEASURES[measure]} is {said}: with seed {found[0].seed} {end}; see whether other seeds agree."


def differences(mine: RuleComparison, theirs: RuleComparison) -> str:
    """For each way that both have, the second network's picture minus the first one's, as tiles of the whole input."""
    found = {
        way: projection_difference(mine.projections[way], theirs.projections[way])
        for way in mine.projections
        if way in theirs.projections
    }
    limit = _full(found[FAITHFUL].pixels)
    tiles = (
        f"<figure><b>{escape(_name(way))}</b>{_img(one.pixels, _WAY, limit, f'{_name(way)}: difference')}"
        f"<figcaption><span>cosine <b>{figure(one.cosine)}</b></span></figcaption></figure>"
        for way, one in found.items()
    )
    return (
        f'<div class="zf-ways">{"".join(tiles)}</div><div class="zf-soft">Each picture with its strongest value as 1, '
        f"in its place in the whole input; full colour &plusmn;{number(limit)} or more.</div>"
    )
