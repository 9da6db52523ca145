"""`ArchitectureViewer`: Fig. 3, the layers of any network drawn to scale, and Fig. 1, the deconvnet step by step."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as W
import traitlets as T

from zfwidgets.backend import Request, ScoresRequest
from zfwidgets.backend.architecture_requests import ArchitectureRequest, StagesRequest
from zfwidgets.errors import ParameterError, RefusedError
from zfwidgets.widgets.architecture.layer_graph import LayerGraph
from zfwidgets.widgets.architecture.stage_sheet import StageSheet
from zfwidgets.widgets.architecture.table import difference_table
from zfwidgets.widgets.architecture.words import scale
from zfwidgets.widgets.parts import controls
from zfwidgets.widgets.parts.values import Whole
from zfwidgets.widgets.viewer.counterpart import Counterpart, layer_beside
from zfwidgets.widgets.viewer.pair import FIRST, SECOND
from zfwidgets.widgets.viewer.unit_options import UnitViewer

if TYPE_CHECKING:
    from zfwidgets.methods.architecture import Architecture, ProjectionStages

__all__ = ["ArchitectureViewer"]


class ArchitectureViewer(UnitViewer):
    """The layers of a network, one of them to be looked into: its strongest unit sent down to the pixels, step by step.

    A row is a layer, its map drawn to scale; press it, or move *Layer*, to choose it. *Step* walks down the deconvnet.

    Parameters
    ----------
    backend : Backend
        A network that can be traced, and its pictures.
    other : Backend, optional
        A second network, drawn to the same scale, with a table of what differs. A layer that is pressed in one of the
        graphs marks the one beside it in the other; both units are sent down side by side.
    **options
        Traits: ``image``, ``layer``, ``channel``, ``position``, ``step``, ``other_layer``, ``awake``; and those of
        `ipywidgets.VBox`.

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

    other_layer = T.Any(None, allow_none=True)
    """Name of a layer of the second network; None: the one that stands beside `layer`."""
    step = Whole(0, 0, "step")
    """Which step down is shown; beyond the last one, the last."""

    _together = False

    LACKS = "layers to show"
    MAIN, UNIT = "layers", "stages"
    ALSO = ("stages", "picture")
    SENTENCE = (
        "Boxes are maps to scale; beside them one unit is unpooled, rectified and filtered, down to the pixels (Zeiler "
        "and Fergus, section 2.1, Figs. 1 and 3)."
    )

    def _build(self) -> W.Widget:
        names = self._names if len(self._backends) > 1 else ("",)
        # Pressed: the layer of one network, and the one beside it in the other.
        hands = self._by_hand(lambda name: setattr(self, "layer", name)), self._by_hand(self._choose_there)
        self._graphs = [LayerGraph(hand, name) for hand, name in zip(hands, names, strict=False)]
        self._sheets = [StageSheet(name) for name in names]
        self._table = W.HTML()
        left = W.VBox([self._picture_figure(), self._controls(), self._table])
        left.add_class("zf-side")
        self.observe(lambda _: self._mark_rows(), ["layer", "other_layer"])
        self.observe(lambda _: self._draw_stages(), "step")
        body = W.Box([left, *self._graphs, *self._sheets])
        body.add_class("zf-row")
        return body

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
        if not self.awake:
            return {}
        if which == FIRST:
            stages = StagesRequest(self.image, self.layer, self.channel, self.position)
            return {"layers": ArchitectureRequest(), "picture": ScoresRequest(self.image), "stages": stages}
        if self._backends[which].network.trace_problem is not None:
            return {}
        there = self._beside()
        layers: dict[str, Request] = {"layers": ArchitectureRequest()}
        if there is None or there.layer is None:
            return layers
        return layers | {"stages": StagesRequest(self.image, there.layer, there.channel, there.position)}

    def _chosen_there(self) -> str | None:
        return None if self.other_layer is None else str(self.other_layer)

    def _layer_there(self) -> Counterpart:
        """The layer of the second network that stands beside."""
        if self.other_layer is not None:
            return Counterpart(self.other_layer)
        mine, theirs = (backend.network for backend in self._backends)
        return layer_beside(mine, theirs, self.layer, self._names[SECOND])

    # Answers -------------------------------------------------------------------------------------------------

    def _show_of(self, which: int, slot: str, value: Any) -> None:
        if slot == "layers":
            self._tell_share(which, 1.0)
            self._graphs[which].take(value)
            self._show_layers()
        elif slot == "picture":
            self._show_picture(value.seen)
        else:
            self._sheets[which].take(value)
            self._step_control.max = max(*(len(sheet.steps) - 1 for sheet in self._sheets), 1)
            if which == FIRST:
                self._show_channel(value.projection.layer, value.projection.channel)
                self._begin()
            self._draw_stages()
        self._tell_apart()
        self._frame(self._sheets[FIRST].unit, None if self._other is None else self._sheets[SECOND].unit)

    def _refused_of(self, which: int, slot: str, error: Exception) -> bool:
        """Where the second network's unit has no way down, that is said in its place."""
        if which == FIRST or slot != "stages" or not isinstance(error, RefusedError):
            return False
        self._sheets[which].blank(str(error))
        return True

    def _show_layers(self) -> None:
        """All graphs that are known, to one scale."""
        known = [graph for graph in self._graphs if graph.net is not None]
        to = scale([graph.net for graph in known if graph.net is not None])
        for graph in known:
            graph.draw(to)
        self._mark_rows()

    def _mark_rows(self) -> None:
        """The row of each chosen layer, which may be an operation inside of it."""
        self._graphs[FIRST].mark(self._layer().index)
        if self._other is not None:
            there = self._layer_there().layer
            self._graphs[SECOND].mark(None if there is None else self._other.network.layers[there].index)

    def _tell_apart(self) -> None:
        """What differs, and what had to be chosen."""
        if self._other is None:
            return
        there, unit = self._layer_there(), self._beside()
        if there.layer is None:
            self._sheets[SECOND].blank(there.words)
        if self._other.network.trace_problem is not None:
            self._graphs[SECOND].blank(there.words)
        said = there.words if unit is None else " ".join(unit.words)
        nets = [graph.net for graph in self._graphs if graph.net is not None]
        layers = [] if there.layer is None else [self._layer(), self._other.network.layers[there.layer]]
        table = difference_table(nets, self._names, layers) if len(nets) > 1 else ""
        self._table.value = f'{table}<div class="zf-soft">{escape(said)}</div>'

    def _draw_stages(self) -> None:
        for sheet in self._sheets:
            sheet.draw(self.step)

    def _begin(self) -> None:
        """The first sight is an unpooling, if there is any: the step that the paper draws."""
        if "step" not in self._given:
            self._given.add("step")
            steps = self._sheets[FIRST].steps
            self.step = next((place for place, stage in enumerate(steps) if stage.switches is not None), 0)

    # Hands ---------------------------------------------------------------------------------------------------

    def _choose_there(self, name: str) -> None:
        """A layer of the second network; in the first one, the layer beside it."""
        mine, theirs = (backend.network for backend in self._backends)
        here = layer_beside(theirs, mine, name, self._names[FIRST]).layer
        self._together = True
        try:
            with self._inbox.lock, self.hold_trait_notifications():
                self.layer = self.layer if here is None else here
                self.other_layer = name
        finally:
            self._together = False

    def _of_layer(self) -> tuple[str, ...]:
        """Another layer of the first network has another one beside it, unless both were chosen together."""
        return (*super()._of_layer(), *(() if self._together else ("other_layer",)))

    def _facts(self) -> str:
        steps = " and ".join(str(len(sheet.steps) - 1) for sheet in self._sheets if sheet.found is not None)
        return steps and f"{steps} steps down &middot; exact"

    @property
    def result(self) -> Architecture | None:
        """The layers."""
        return self._graphs[FIRST].net

    @property
    def stages(self) -> ProjectionStages | None:
        """The projection that is shown, with its steps."""
        return self._sheets[FIRST].found

    @T.validate("other_layer")
    def _check_other_layer(self, proposal: Any) -> str | None:
        if proposal["value"] is None:
            return None
        if self._other is None:
            raise ParameterError("There is no second network to choose a layer of; try other=Backend(name).")
        name: str = self._other.network.layers[proposal["value"]].name
        return name
