"""A second network beside the rule lab's own: its tiles, the difference of the pictures, and a sentence about both."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import ipywidgets as W

from zfwidgets.widgets.rules import words
from zfwidgets.widgets.rules.curves import stage_beside
from zfwidgets.widgets.rules.sheet import RuleSheet
from zfwidgets.widgets.viewer.counterpart import UnitBeside
from zfwidgets.widgets.viewer.unit import no_difference

if TYPE_CHECKING:
    from zfwidgets.methods.rules import WeightRandomisation

__all__ = ["RuleBeside"]


class RuleBeside:
    """What the rule lab shows of a second network.

    Parameters
    ----------
    names : sequence of str
        Of the two networks.

    Attributes
    ----------
    sheet : RuleSheet
        Its tiles, by the same rules.
    about, difference, verdict : ipywidgets.HTML
        What had to be chosen; what its pictures show that the first network's do not; of which of the two
        less is left with random weights.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self.sheet = RuleSheet(names[1], explained=False)
        self.about, self.difference, self.verdict = W.HTML(), W.HTML(), W.HTML()

    def tell(self, unit: UnitBeside) -> None:
        """What had to be chosen for it."""
        lines = "".join(f"<div>{escape(sentence)}</div>" for sentence in unit.words)
        self.about.value = f'<div class="zf-said">{lines}</div>' if lines and unit.layer is not None else ""
        if unit.layer is None:
            self.sheet.blank_ways(" ".join(unit.words))
            self.sheet.blank_stages(" ".join(unit.words))

    def subtract(self, first: RuleSheet, same: bool) -> None:
        """The difference of the pictures, where the inputs show the same places."""
        mine, theirs = first.compared, self.sheet.compared
        if mine is None or theirs is None:
            self.difference.value = ""
            return
        if same:
            heading = f"{self._names[1]} minus {self._names[0]}"
            shown = f'<div class="zf-title zf-heading">{escape(heading)}</div>{words.differences(mine, theirs)}'
        else:
            shown = f'<div class="zf-soft">{escape(no_difference(mine.faithful, theirs.faithful))}</div>'
        self.difference.value = shown

    def draw_stages(
        self, mine: WeightRandomisation | None, rule: str, measure: str, stage: int
    ) -> WeightRandomisation | None:
        """Its random layers at the same share of the depth, and the sentence about both.

        Parameters
        ----------
        mine : WeightRandomisation or None
            The first network's; None: not of the same question.
        rule, measure, stage
            Of the first network.

        Returns
        -------
        WeightRandomisation or None
            What can be compared with the first network's.
        """
        theirs = self.sheet.checked
        self.verdict.value = ""
        if mine is None or theirs is None:
            return None
        there = stage_beside(stage, mine, theirs)
        self.sheet.draw_stages(rule, measure, there)
        said = words.verdict_of_both((mine, theirs), self._names, rule, measure, (stage, there))
        self.verdict.value = f'<p class="zf-said">{escape(said)}</p>' if said else ""
        return theirs
