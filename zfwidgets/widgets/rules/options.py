"""The options of the rule lab's viewer, each with the values it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import traitlets as T

from zfwidgets.methods.options import checked_seed
from zfwidgets.methods.rules import MEASURES
from zfwidgets.widgets.parts.values import Switch, Whole, as_name
from zfwidgets.widgets.viewer.unit_options import UnitViewer

if TYPE_CHECKING:
    from zfwidgets.network.passage import Rule

__all__ = ["CHECKED", "RuleOptions"]

CHECKED: tuple[Rule, ...] = ("deconvnet", "guided", "gradient")
"""The rules that take the check with random weights."""


class RuleOptions(UnitViewer):
    """Traits and their validation, with one message per cause."""

    difference = Switch(False)
    """Show each way minus the faithful picture in place of the way's own picture."""
    own = Switch(False)
    """Each tile with a contrast of its own, so that faint ones are seen; else all on the faithful picture's scale."""
    rule: Any = T.TraitType("deconvnet")
    """Whose pictures with random weights are shown: ``"deconvnet"``, ``"guided"`` or ``"gradient"``."""
    measure: Any = T.TraitType("rank")
    """How likeness is measured: ``"rank"``, ``"magnitude"`` or ``"cosine"``, see `WeightRandomisation`."""
    stage = Whole(0, 0, "stage")
    """How many layers, from the unit's own down, have random weights in the picture that is framed."""
    seed = Whole(0, 0, "seed")
    """Of the random weights."""

    @T.validate("seed")
    def _check_seed(self, proposal: Any) -> int:
        return checked_seed(proposal["value"])

    @T.validate("rule")
    def _check_rule(self, proposal: Any) -> str:
        return as_name("rule of this check", proposal["value"], CHECKED)

    @T.validate("measure")
    def _check_measure(self, proposal: Any) -> str:
        return as_name("measure", proposal["value"], MEASURES)
