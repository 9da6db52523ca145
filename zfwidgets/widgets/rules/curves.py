"""How like a unit's picture stays while layers lose their weights, as curves: of one network, or of two in one plot."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from zfwidgets.methods.rules import MEASURES
from zfwidgets.widgets.parts.curves import COLOURS, Curve, CurveFigure, chip
from zfwidgets.widgets.rules.words import figure

if TYPE_CHECKING:
    from zfwidgets.methods.rules import WeightRandomisation

__all__ = ["LikenessFigure", "stage_beside"]

_LONGEST = 14
"""Letters of a name under the plot."""


def stage_beside(stage: int, mine: WeightRandomisation, theirs: WeightRandomisation) -> int:
    """How many layers of the second network are the same share of its layers."""
    return round(stage * len(theirs.layers) / max(len(mine.layers), 1))


class LikenessFigure(CurveFigure):
    """The plot, and the legend under it."""

    def __init__(self) -> None:
        super().__init__("Likeness to the trained picture")

    def show(
        self,
        found: Sequence[WeightRandomisation],
        networks: Sequence[str],
        rules: Sequence[str],
        rule: str,
        measure: str,
        stage: int,
    ) -> None:
        """Draw the checks of one network or two.

        Parameters
        ----------
        found : sequence of WeightRandomisation
            The second is dashed, and stretched to the width of the first.
        networks : sequence of str
            What they are called.
        rules : sequence of str
            In the order of their colours.
        rule, measure, stage
            What stands out, how likeness is measured, and where the cursor is.
        """
        layers, colours = found[0].layers, dict(zip(rules, COLOURS, strict=False))
        curves = []
        for place, one in enumerate(found):
            x = np.linspace(0.0, len(layers), len(one.layers) + 1)
            for name in rules:
                y = np.concatenate([[1.0], one.similarity(name, measure)])
                curves.append(Curve(x, y, colours[name], strong=name == rule, dashed=place > 0))
        others = [one.others[measure][rule] for one in found]
        for other in others:
            flat = np.full(len(layers) + 1, other, np.float32)
            curves.append(Curve(np.arange(len(layers) + 1.0), flat, colours[rule], dotted=True))
        names = ("trained", *_brief(layers))
        self.draw(curves, 0, len(layers), cursor=stage, names=names, bottom=-1.0)
        keys = "".join(f"<span>{chip(colours[name])}{escape(name)}</span>" for name in rules)
        kinds = ""
        if len(found) > 1:
            stretched = "" if len(found[1].layers) == len(layers) else f", its {len(found[1].layers)} layers stretched"
            kinds = f"<div>solid: {escape(networks[0])}; dashed: {escape(networks[1])}{stretched}</div>"
        self.foot(
            f'<div class="zf-legend">{keys}</div>{kinds}{MEASURES[measure]}, 1: the same. Dotted: pictures of other '
            f"maps at this place, {' and '.join(map(figure, others))}"
        )


def _brief(layers: Sequence[str]) -> list[str]:
    """Names without the modules that all of them lie in; of long ones the beginning."""
    parts = [name.split(".") for name in layers]
    shared = 0
    while all(len(part) > shared + 1 and part[shared] == parts[0][shared] for part in parts):
        shared += 1
    names = [".".join(part[shared:]) for part in parts]
    return [name if len(name) <= _LONGEST else f"{name[: _LONGEST - 3]}..." for name in names]
