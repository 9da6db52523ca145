"""`RuleViewer`: one unit by the paper's rule and by others, and with random weights."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as W
import numpy as np

from zfwidgets.backend import Request, ScoresRequest, fidelity_sentence
from zfwidgets.backend.rule_requests import RandomisationRequest, RuleComparisonRequest
from zfwidgets.methods.rules import MEASURES
from zfwidgets.widgets import controls
from zfwidgets.widgets import rule_words as words
from zfwidgets.widgets.curves import COLOURS, Curve, CurveFigure, chip
from zfwidgets.widgets.figures import PictureFigure
from zfwidgets.widgets.pair import SECOND
from zfwidgets.widgets.rule_options import CHECKED, RuleOptions
from zfwidgets.widgets.unit import LATER_WORK, inside

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
    MAIN = "rules"
    ALSO = ("picture", "check")
    SENTENCE = (
        "How much of a projection is the rule, and how much the unit (Zeiler and Fergus, section 2.1; Adebayo et al. "
        "2018)."
    )

    def _build(self) -> W.Widget:
        self._compared: RuleComparison | None = None
        self._checked: WeightRandomisation | None = None
        self._picture = PictureFigure("Picture")
        self._picture.foot("the frame is what the unit sees")
        self._heading, self._ways, self._scale = W.HTML(), W.HTML(), W.HTML()
        self._check_heading, self._stages, self._verdict = W.HTML(), W.HTML(), W.HTML()
        self._curves = CurveFigure("Likeness to the trained picture")
        self._later = W.HTML()
        said = W.VBox([self._stages, self._verdict, self._later])
        check = W.Box([self._curves, said])
        lab = W.VBox([self._heading, self._ways, self._scale, self._check_heading, check])
        left = W.VBox([self._picture, self._controls()])
        self.observe(lambda _: self._draw_ways(), ["difference", "own"])
        self.observe(lambda _: self._draw_check(), ["rule", "measure", "stage"])
        body = W.Box([left, lab])
        names = ("zf-checked", "zf-check", "zf-side", "zf-lab", "zf-row")
        for box, name in zip([said, check, left, lab, body], names, strict=True):
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
        if not self.awake or which == SECOND:
            return {}
        unit = (self.image, self.layer, self.channel, self.position)
        return {
            "picture": ScoresRequest(self.image),
            "rules": RuleComparisonRequest(*unit),
            "check": RandomisationRequest(*unit, CHECKED, self.seed),  # type: ignore[arg-type]
        }

    # Answers -------------------------------------------------------------------------------------------------

    def _show_of(self, which: int, slot: str, value: Any) -> None:
        if slot == "picture":
            self._picture.show(value.seen)
            self._base = value.seen.shape
        elif slot == "rules":
            self._compared, self._progress = value, 1.0
            self._show_channel(value.faithful.layer, value.faithful.channel)
            self._later.value = self._honest()
            self._draw_ways()
        else:
            self._checked = value
            self._stage_control.max = max(len(value.layers), 1)
            self._begin(value)
            self._draw_check()
        if self._compared is not None and "picture" in self._answered:
            self._picture.boxes([inside(self._compared.faithful.box, self._base)])

    def _draw_ways(self) -> None:
        found = self._compared
        if found is not None:
            self._heading.value = words.heading(found)
            self._ways.value = words.way_tiles(found, self.difference, self.own)
            self._scale.value = words.scale_note(found, self.difference, self.own)

    def _draw_check(self) -> None:
        found = self._checked
        if found is None:
            return
        stage = min(self.stage, len(found.layers))
        x = np.arange(len(found.layers) + 1, dtype=np.float64)
        curves = [
            Curve(x, np.concatenate([[1.0], found.similarity(rule, self.measure)]), colour, strong=rule == self.rule)
            for rule, colour in zip(CHECKED, COLOURS, strict=False)
        ]
        other = found.others[self.measure][self.rule]
        curves.append(Curve(x, np.full(len(x), other, np.float32), COLOURS[CHECKED.index(self.rule)], dashed=True))
        names = ("trained", *found.layers)
        self._curves.draw(curves, 0, len(found.layers), cursor=stage, names=names, bottom=-1.0)
        keys = "".join(f"<span>{chip(c.colour)}{escape(rule)}</span>" for rule, c in zip(CHECKED, curves, strict=False))
        self._curves.foot(
            f'<div class="zf-legend">{keys}</div>{MEASURES[self.measure]}, 1: the same. Dashed: pictures of other maps '
            f"at this place, {words.figure(other)}"
        )
        self._check_heading.value = words.stage_heading(found)
        self._stages.value = words.stage_tiles(found, self.rule, self.measure, stage)
        self._verdict.value = f'<p class="zf-said">{escape(words.verdict(found, self.measure, stage))}</p>'

    def _begin(self, found: WeightRandomisation) -> None:
        """The first sight is a network of which one layer, the lowest, is left."""
        if "stage" not in self._given and found.complete:
            self._given.add("stage")
            self.stage = max(len(found.layers) - 1, 1)

    def _honest(self) -> str:
        """How faithful, and what later work says."""
        assert self._compared is not None
        faithful = fidelity_sentence(self._backend.network, self._compared.faithful.layer)
        return f'<p class="zf-soft zf-said">{escape(faithful)} {escape(LATER_WORK)}</p>'

    def _facts(self) -> str:
        if self._compared is None:
            return ""
        stages = "" if self._checked is None else f", {self._checked.done} of {len(self._checked.layers)} layers random"
        return f"{len(self._compared.projections)} ways{stages}"

    @property
    def result(self) -> RuleComparison | None:
        """The ways that are shown."""
        return self._compared

    @property
    def check(self) -> WeightRandomisation | None:
        """The check with random weights that is shown."""
        return self._checked
