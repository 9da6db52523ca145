"""`RuleViewer`: one unit by the paper's rule and by others, and with random weights."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as W

from zfwidgets.backend import Request, ScoresRequest, fidelity_sentence
from zfwidgets.backend.rule_requests import RandomisationRequest, RuleComparisonRequest
from zfwidgets.errors import ParameterError, RefusedError
from zfwidgets.methods.rules import MEASURES
from zfwidgets.widgets.parts import controls
from zfwidgets.widgets.rules import words
from zfwidgets.widgets.rules.beside import RuleBeside
from zfwidgets.widgets.rules.curves import LikenessFigure
from zfwidgets.widgets.rules.options import CHECKED, RuleOptions
from zfwidgets.widgets.rules.sheet import RuleSheet
from zfwidgets.widgets.viewer.pair import FIRST, SECOND
from zfwidgets.widgets.viewer.unit import LATER_WORK

if TYPE_CHECKING:
    from zfwidgets.methods.rules import RuleComparison, WeightRandomisation

__all__ = ["RuleViewer"]

_SEEDS = 9


class RuleViewer(RuleOptions):
    """One unit sent down by the paper's rule and by others, side by side; and what random weights do to its picture.

    Each tile has its cosine, rank correlation and relative error to the paper's own picture. Below, the unit's layer
    and one after the other the layers under it lose their weights: a picture that stays alike tells little of what the
    network has learned.

    Parameters
    ----------
    backend : Backend
        A network that can be traced, and its pictures.
    other : Backend, optional
        A second network: the map of the same number in the layer of the same name or depth, at the same place of the
        picture, by the same rules below the first one's; what its pictures show more, where both networks see the same
        pixels; and its check with random weights in the same plot, dashed.
    **options
        Traits: ``image``, ``layer``, ``channel``, ``position``, ``difference``, ``own``, ``rule``, ``measure``,
        ``stage``, ``seed``, ``awake``; and those of `ipywidgets.VBox`.

    Raises
    ------
    ParameterError
        If the network cannot be traced; says why.

    Examples
    --------
    >>> from zfwidgets.backend import Backend
    >>> with Backend("zfnet-scenes", device="cpu") as backend:
    ...     viewer = RuleViewer(backend, layer="conv2")
    ...     done = viewer.wait()
    >>> list(viewer.result.projections), viewer.check.layers
    (['deconvnet', 'overwrite', 'desalinet', 'guided', 'gradient'], ('conv2', 'conv1'))
    """

    LACKS = "projections to compare"
    MAIN = UNIT = "rules"
    ALSO = ("picture", "check")
    SENTENCE = (
        "How much of a projection is the rule, and how much the unit (Zeiler and Fergus, section 2.1; Adebayo et al. "
        "2018)."
    )

    def _build(self) -> W.Widget:
        self._second = None if self._other is None else RuleBeside(self._names)
        self._sheet = RuleSheet("" if self._second is None else self._names[FIRST])
        self._curves = LikenessFigure()
        self._check_heading, self._verdict, self._later = W.HTML(), W.HTML(), W.HTML()
        ways, said = [self._sheet.heading, self._sheet.tiles, self._sheet.scale], [self._sheet.stages, self._verdict]
        if self._second is not None:
            beside = self._second.sheet
            ways += [beside.heading, self._second.about, beside.tiles, beside.scale, self._second.difference]
            said = [self._sheet.stages, beside.stages, self._verdict, self._second.verdict]
        told = W.VBox([*said, self._later])
        check = W.Box([self._curves, told])
        lab = W.VBox([*ways, self._check_heading, check])
        left = W.VBox([self._picture_figure(), self._controls()])
        self.observe(lambda _: self._draw_ways(), ["difference", "own"])
        self.observe(lambda _: self._draw_check(), ["rule", "measure", "stage"])
        body = W.Box([left, lab])
        names = ("zf-checked", "zf-check", "zf-side", "zf-lab", "zf-row")
        for box, name in zip([told, check, left, lab, body], names, strict=True):
            box.add_class(name)
        return body

    def _controls(self) -> W.VBox:
        net = self._backend.network
        self._image_control = controls.image_choice(self._backend, self.image)
        self._stage_control = self._bind(controls.slider("Random layers", 0, 1), "stage")
        difference = W.ToggleButton(description="Difference", tooltip="Each tile minus the deconvnet's picture")
        own = W.ToggleButton(description="Own contrast", tooltip="Each tile up to its own largest magnitude")
        switches = W.Box([self._bind(difference, "difference"), self._bind(own, "own")])
        switches.add_class("zf-buttons")
        measures = [(name, key) for key, name in MEASURES.items()]
        return controls.group(
            switches,
            self._stage_control,
            self._bind(controls.choice("Pictures of", list(CHECKED), self.rule), "rule"),
            self._bind(controls.choice("Likeness", measures, self.measure), "measure"),
            self._bind(self._image_control, "image"),
            self._bind(controls.choice("Layer", list(net.menu), net.menu[0]), "layer"),
            self._channel_slider(),
            self._bind(controls.slider("Random seed", 0, _SEEDS), "seed"),
        )

    def _questions_to(self, which: int) -> dict[str, Request]:
        if not self.awake:
            return {}
        if which == FIRST:
            unit = (self.image, self.layer, self.channel, self.position)
            return {"picture": ScoresRequest(self.image), **self._of_unit(unit)}
        there = self._beside()
        if there is None or there.layer is None:
            return {}
        return self._of_unit((self.image, there.layer, there.channel, there.position))

    def _of_unit(self, unit: tuple[str, str, int | None, tuple[int, int] | None]) -> dict[str, Request]:
        return {"rules": RuleComparisonRequest(*unit), "check": RandomisationRequest(*unit, CHECKED, self.seed)}

    # Answers -------------------------------------------------------------------------------------------------

    def _show_of(self, which: int, slot: str, value: Any) -> None:
        sheet = self._sheet if self._second is None or which == FIRST else self._second.sheet
        if slot == "picture":
            self._show_picture(value.seen)
        elif slot == "rules":
            sheet.compared = value
            self._tell_share(which, 1.0)
            if which == FIRST:
                self._show_channel(value.faithful.layer, value.faithful.channel)
                self._later.value = self._honest()
            self._draw_ways()
        else:
            sheet.checked = value
            if which == FIRST:
                self._stage_control.max = max(len(value.layers), 1)
                self._begin(value)
            self._draw_check()
        self._frame(self._sheet.unit, None if self._second is None else self._second.sheet.unit)

    def _refused_of(self, which: int, slot: str, error: Exception) -> bool:
        """A unit of the second network that is silent here, or has no way down, is said in its place."""
        if which == FIRST or self._second is None or not isinstance(error, RefusedError | ParameterError):
            return False
        if slot == "rules":
            self._second.sheet.blank_ways(str(error))
            self._draw_ways()
        else:
            self._second.sheet.blank_stages(str(error))
            self._draw_check()
        return True

    def _draw_ways(self) -> None:
        self._sheet.draw_ways(self.difference, self.own)
        there = self._beside()
        if self._second is None or there is None:
            return
        self._second.tell(there)
        self._second.sheet.draw_ways(self.difference, self.own)
        # What is shown, faded, stays until both have answered the same question.
        if self._second.sheet.compared is None or all(self._is_current(which, "rules") for which in (FIRST, SECOND)):
            self._second.subtract(self._sheet, self._crossing(self.image).same)

    def _draw_check(self) -> None:
        found = self._sheet.checked
        if found is None:
            return
        stage = min(self.stage, len(found.layers))
        both = [found]
        if self._second is not None:
            # Another unit's or seed's check is not compared: of the two one answers first.
            same = all(self._is_current(which, "check") for which in (FIRST, SECOND))
            theirs = self._second.draw_stages(found if same else None, self.rule, self.measure, stage)
            both += [] if theirs is None else [theirs]
        self._curves.show(both, self._names, CHECKED, self.rule, self.measure, stage)
        self._check_heading.value = words.stage_heading(found)
        self._sheet.draw_stages(self.rule, self.measure, stage)
        self._verdict.value = f'<p class="zf-said">{escape(words.verdict(found, self.measure, stage))}</p>'

    def _begin(self, found: WeightRandomisation) -> None:
        """The first sight is a network of which one layer, the lowest, is left."""
        if "stage" not in self._given and found.complete:
            self._given.add("stage")
            self.stage = max(len(found.layers) - 1, 1)

    def _honest(self) -> str:
        """How faithful, and what later work says."""
        assert self._sheet.compared is not None
        faithful = fidelity_sentence(self._backend.network, self._sheet.compared.faithful.layer)
        return f'<p class="zf-soft zf-said">{escape(faithful)} {escape(LATER_WORK)}</p>'

    def _facts(self) -> str:
        found, checked = self._sheet.compared, self._sheet.checked
        if found is None:
            return ""
        stages = "" if checked is None else f", {checked.done} of {len(checked.layers)} layers random"
        return f"{len(found.projections)} ways{stages}"

    @property
    def result(self) -> RuleComparison | None:
        """The ways that are shown."""
        return self._sheet.compared

    @property
    def check(self) -> WeightRandomisation | None:
        """The check with random weights that is shown."""
        return self._sheet.checked
