"""One network's part of the rule lab: its unit by all ways, and with random weights; it only draws what it is given."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import ipywidgets as W

from zfwidgets.widgets.rules import words

if TYPE_CHECKING:
    from zfwidgets.methods import Projection
    from zfwidgets.methods.rules import RuleComparison, WeightRandomisation

__all__ = ["RuleSheet"]


class RuleSheet:
    """Tiles of the ways down, and tiles of the random layers.

    Parameters
    ----------
    name : str
        Of the network, where there are two; else "".
    explained : bool
        Whether the tiles say what each way does; once on a page is enough.

    Attributes
    ----------
    heading, tiles, scale, stages : ipywidgets.HTML
        The unit, its picture by each way, what their colours mean; and its pictures with random layers.
    compared, checked : RuleComparison or None, WeightRandomisation or None
        What is shown.
    """

    def __init__(self, name: str = "", explained: bool = True) -> None:
        self._name, self._explained = name, explained
        self.compared: RuleComparison | None = None
        self.checked: WeightRandomisation | None = None
        self.heading, self.tiles, self.scale, self.stages = W.HTML(), W.HTML(), W.HTML(), W.HTML()
        self._no_way = self._no_stage = ""

    @property
    def unit(self) -> Projection | None:
        """The projection that the paper's rule gives."""
        return None if self.compared is None else self.compared.faithful

    def draw_ways(self, difference: bool, own: bool) -> None:
        """The unit by all ways."""
        found = self.compared
        if found is not None:
            self.heading.value = words.heading(found, self._name)
            self.tiles.value = words.way_tiles(found, difference, own, self._explained)
            self.scale.value = words.scale_note(found, difference, own)

    def draw_stages(self, rule: str, measure: str, stage: int) -> None:
        """The unit with more and more random layers; `stage` is framed."""
        if self.checked is not None:
            self.stages.value = words.stage_tiles(self.checked, rule, measure, stage, self._name)

    def blank_ways(self, why: str) -> None:
        """The unit has no way down; say why."""
        self.compared, self._no_way = None, why
        self.heading.value = f'<div class="zf-title zf-heading">{escape(self._name)}</div>'
        self.tiles.value, self.scale.value = f"<div>{escape(why)}</div>", ""
        self._say_stages()

    def blank_stages(self, why: str) -> None:
        """There is nothing to draw with random weights; say why."""
        self.checked, self._no_stage = None, why
        self._say_stages()

    def _say_stages(self) -> None:
        """One sentence is said once: what keeps a unit from all ways keeps it from the check too."""
        if self.checked is None and self._no_stage:
            same = self.compared is None and self._no_stage == self._no_way
            said = "nothing to compare, see above" if same else self._no_stage
            self.stages.value = f'<div class="zf-h">{escape(self._name)}</div><div>{escape(said)}</div>'
