"""`ArchitectureViewer`: Fig. 3, the layers of any network drawn to scale, and Fig. 1, the deconvnet step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as W

from zfwidgets.backend import Request, ScoresRequest
from zfwidgets.backend.architecture_requests import ArchitectureRequest, StagesRequest
from zfwidgets.widgets import architecture_words as words
from zfwidgets.widgets import controls
from zfwidgets.widgets.figures import PictureFigure
from zfwidgets.widgets.pair import SECOND
from zfwidgets.widgets.stage_words import shown_stages, stage_panel, stage_strip
from zfwidgets.widgets.unit import inside
from zfwidgets.widgets.unit_options import UnitViewer
from zfwidgets.widgets.values import Whole

if TYPE_CHECKING:
    from zfwidgets.methods.architecture import Architecture, ProjectionStages, Stage

__all__ = ["ArchitectureViewer"]


class ArchitectureViewer(UnitViewer):
    """The layers of a network, one of them to be looked into: its strongest unit sent down to the pixels, step by step.

    A row is a layer, its map drawn to scale; press it, or move *Layer*, to choose it. *Step* walks down the deconvnet.

    Parameters
    ----------
    backend : Backend
        A network that can be traced, and its pictures.
    **options
        Traits: ``image``, ``layer``, ``channel``, ``position``, ``step``, ``awake``; and those of `ipywidgets.VBox`.

    Raises
    ------
    ParameterError
        If the network cannot be traced; says why.

    Examples
    --------
    >>> from zfwidgets.backend import Backend
    >>> with Backend("zfnet-scenes", device="cpu") as backend:
    ...     viewer = ArchitectureViewer(backend, layer="conv2")
    ...     done = viewer.wait()
    >>> viewer.result["conv2"].kernel, [stage.step for stage in viewer.stages.stages]
    ((5, 5), ['start', 'rectify', 'filter', 'unpool', 'rectify', 'filter'])
    """

    step = Whole(0, 0, "step")
    """Which step down is shown; beyond the last one, the last."""

    LACKS = "layers to show"
    MAIN = "layers"
    ALSO = ("stages", "picture")
    SENTENCE = (
        "Boxes are maps to scale; beside them one unit is unpooled, rectified and filtered, down to the pixels (Zeiler "
        "and Fergus, section 2.1, Figs. 1 and 3)."
    )

    def _build(self) -> W.Widget:
        self._architecture: Architecture | None = None
        self._found: ProjectionStages | None = None
        self._shown_steps: tuple[Stage, ...] = ()
        self._picture = PictureFigure("Picture")
        self._picture.foot("the frame is what the unit sees")
        self._rows = W.ToggleButtons(options=[], description="")
        self._rows.observe(lambda change: self._press(change["new"]), "value")
        self._graph, self._heading, self._panel, self._strip_of_stages = (W.HTML() for _ in range(4))
        sheet = W.Box([self._graph, self._rows])
        sheet.add_class("zf-graph")
        sheet.add_class(self._mark)
        scroll = W.Box([sheet])
        scroll.add_class("zf-graph-scroll")
        left = W.VBox([self._picture, self._controls()])
        layers, stages = W.VBox([self._heading, scroll]), W.VBox([self._panel, self._strip_of_stages])
        self.observe(lambda _: self._mark_row(), "layer")
        self.observe(lambda _: self._draw_stages(), "step")
        body = W.Box([left, layers, stages])
        for box, name in zip([*body.children, body], ("zf-side", "zf-layers", "zf-deconv", "zf-row"), strict=True):
            box.add_class(name)
        return body

    @property
    def _mark(self) -> str:
        """Class of the box with this viewer's rows: a page may show several."""
        return f"zf-a{self.model_id[:8]}"

    def _controls(self) -> W.VBox:
        net = self._backend.network
        self._image_control = controls.image_choice(self._backend, self.image)
        self._step_control = self._bind(controls.slider("Step", 0, 1), "step")
        return controls.group(
            self._step_control,
            self._bind(self._image_control, "image"),
            self._bind(controls.choice("Layer", list(net.menu), net.menu[0]), "layer"),
            self._channel_slider(),
        )

    def _questions_to(self, which: int) -> dict[str, Request]:
        if not self.awake or which == SECOND:
            return {}
        return {
            "layers": ArchitectureRequest(),
            "picture": ScoresRequest(self.image),
            "stages": StagesRequest(self.image, self.layer, self.channel, self.position),
        }

    # Answers -------------------------------------------------------------------------------------------------

    def _show_of(self, which: int, slot: str, value: Any) -> None:
        if slot == "layers":
            self._architecture, self._progress = value, 1.0
            self._show_layers(value)
        elif slot == "picture":
            self._picture.show(value.seen)
            self._base = value.seen.shape
        else:
            self._found, self._shown_steps = value, shown_stages(value)
            self._step_control.max = max(len(self._shown_steps) - 1, 1)
            self._show_channel(value.projection.layer, value.projection.channel)
            self._begin()
            self._draw_stages()
        if self._found is not None and "picture" in self._answered:
            self._picture.boxes([inside(self._found.projection.box, self._base)])

    def _show_layers(self, net: Architecture) -> None:
        self._graph.value = words.graph(net, words.plan(net), self._mark)
        self._setting = True
        try:
            self._rows.options = [(layer.name, place) for place, layer in enumerate(net.layers) if layer.name]
        finally:
            self._setting = False
        self._mark_row()
        self._heading.value = (
            f'<div class="zf-title zf-heading">{len(net.layers) - 1} layers <small>{net.parameters:,} parameters, '
            f"{words.count(net.multiply_adds)} multiply-adds a picture</small></div>"
            '<div class="zf-graph-head"><span>Layer</span><span>Map (channels x rows x columns)</span>'
            "<span>Parameters, multiply-adds</span></div>"
        )

    def _mark_row(self) -> None:
        """The row of the chosen layer, which may be an operation inside of it."""
        if self._architecture is None:
            return
        index = self._backend.network.layers[self.layer].index
        rows = [place for place, layer in enumerate(self._architecture.layers) if index in layer.nodes]
        known = {place for _, place in self._rows.options}
        self._setting = True
        try:
            self._rows.value = rows[0] if rows and rows[0] in known else None
        finally:
            self._setting = False

    def _draw_stages(self) -> None:
        if self._found is not None:
            step = min(self.step, len(self._shown_steps) - 1)
            self._panel.value = stage_panel(self._found, self._shown_steps, step)
            self._strip_of_stages.value = stage_strip(self._found, self._shown_steps, step)

    def _begin(self) -> None:
        """The first sight is an unpooling, if there is any: the step that the paper draws."""
        if "step" not in self._given:
            self._given.add("step")
            self.step = next((i for i, stage in enumerate(self._shown_steps) if stage.switches is not None), 0)

    # Hands ---------------------------------------------------------------------------------------------------

    def _press(self, place: int | None) -> None:
        if not self._setting and place is not None and self._architecture is not None:
            name = self._architecture.layers[place].name
            self._try("control", lambda: setattr(self, "layer", name))

    def _facts(self) -> str:
        return "" if self._found is None else f"{len(self._shown_steps) - 1} steps down &middot; exact"

    @property
    def result(self) -> Architecture | None:
        """The layers."""
        return self._architecture

    @property
    def stages(self) -> ProjectionStages | None:
        """The projection that is shown, with its steps."""
        return self._found
