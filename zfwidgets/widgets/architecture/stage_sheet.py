"""One unit's way down on the page: the chosen step large, all steps in a strip; it only draws what it is given."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import ipywidgets as W

from zfwidgets.widgets.architecture.stage_words import shown_stages, stage_panel, stage_strip

if TYPE_CHECKING:
    from zfwidgets.methods import Projection
    from zfwidgets.methods.architecture import ProjectionStages, Stage

__all__ = ["StageSheet"]


class StageSheet(W.VBox):
    """The deconvnet of one network, step by step.

    Parameters
    ----------
    name : str
        Of the network, where there are two; else "".

    Attributes
    ----------
    found : ProjectionStages or None
    steps : tuple of Stage
        Those that are shown.
    panel, strip : ipywidgets.HTML
        The step, and all of them.
    """

    def __init__(self, name: str = "") -> None:
        self._name = name
        self.found: ProjectionStages | None = None
        self.steps: tuple[Stage, ...] = ()
        self.panel, self.strip = W.HTML(), W.HTML()
        super().__init__([self.panel, self.strip])
        self.add_class("zf-deconv")

    def take(self, found: ProjectionStages) -> None:
        """Another unit."""
        self.found, self.steps = found, shown_stages(found)

    @property
    def unit(self) -> Projection | None:
        """The projection."""
        return None if self.found is None else self.found.projection

    def draw(self, step: int) -> None:
        """Show a step; beyond the last one, the last."""
        if self.found is not None:
            step = min(step, len(self.steps) - 1)
            self.panel.value = stage_panel(self.found, self.steps, step, self._name)
            self.strip.value = stage_strip(self.found, self.steps, step)

    def blank(self, why: str) -> None:
        """There is no way down; say why."""
        self.found, self.steps = None, ()
        self.panel.value = f'<div class="zf-title zf-heading">{escape(self._name)}</div><div>{escape(why)}</div>'
        self.strip.value = ""
