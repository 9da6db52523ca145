"""The options of the rule lab's viewer, each with the values it takes."""

from __future__ import annotations

from typing import Any

import traitlets as T

from zfwidgets.errors import unknown_name
from zfwidgets.methods.rules import MEASURES
from zfwidgets.widgets.base import Viewer
from zfwidgets.widgets.values import Whole, as_channel, as_place

__all__ = ["CHECKED", "RuleOptions"]

CHECKED = ("deconvnet", "guided", "gradient")
"""The rules that take the check with random weights."""


class RuleOptions(Viewer):
    """Traits and their validation, with one message per cause."""

    layer: Any = T.TraitType("")
    """Name of the unit's layer."""
    channel = T.Any(None, allow_none=True)
    """Which map of it; None: the one that the picture excites most."""
    position = T.Any(None, allow_none=True)
    """(row, column) of the unit; None: the map's maximum."""
    difference = T.Bool(False)
    """Show each way minus the faithful picture in place of the way's own picture."""
    own = T.Bool(False)
    """Each tile with a contrast of its own, so that faint ones are seen; else all on the faithful picture's scale."""
    rule: Any = T.TraitType("deconvnet")
    """Whose pictures with random weights are shown: ``"deconvnet"``, ``"guided"`` or ``"gradient"``."""
    measure: Any = T.TraitType("rank")
    """How likeness is measured: ``"rank"``, ``"magnitude"`` or ``"cosine"``, see `WeightRandomisation`."""
    stage = Whole(0, 0, "stage")
    """How many layers, from the unit's own down, have random weights in the picture that is framed."""
    seed = Whole(0, 0, "seed")
    """Of the random weights."""
    awake = T.Bool(True)
    """False: nothing is asked until it is True, for a viewer that nobody sees yet."""

    @T.validate("layer")
    def _check_layer(self, proposal: Any) -> str:
        name: str = self._backend.network.layers[proposal["value"]].name
        return name

    @T.validate("channel")
    def _check_channel(self, proposal: Any) -> int | None:
        return as_channel(self._backend.network, self.layer, proposal["value"])

    @T.validate("position")
    def _check_position(self, proposal: Any) -> tuple[int, int] | None:
        layer, expected = self._backend.network.layers[self.layer], "(row, column) or None for the maximum"
        return as_place("position", proposal["value"], (layer.height, layer.width), expected)

    @T.validate("rule")
    def _check_rule(self, proposal: Any) -> str:
        if proposal["value"] not in CHECKED:
            raise unknown_name("rule of this check", proposal["value"], CHECKED)
        return str(proposal["value"])

    @T.validate("measure")
    def _check_measure(self, proposal: Any) -> str:
        if proposal["value"] not in MEASURES:
            raise unknown_name("measure", proposal["value"], MEASURES)
        return str(proposal["value"])
