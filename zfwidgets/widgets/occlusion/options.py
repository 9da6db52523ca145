"""The options of the occlusion viewer, each with the values it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import traitlets as T

from zfwidgets.backend import OcclusionRequest, RefinedRequest, Request
from zfwidgets.errors import ParameterError
from zfwidgets.methods import checked_fill
from zfwidgets.widgets.parts.values import Share, Switch, Whole, as_channel, as_name, as_target, as_whole
from zfwidgets.widgets.viewer.pair import PairViewer

if TYPE_CHECKING:
    from zfwidgets.network import Network

__all__ = ["PRECISIONS", "OcclusionOptions", "layers_with_places", "sweep_of"]

PRECISIONS = ("exact", "fast", "preview")


class OcclusionOptions(PairViewer):
    """Traits and their validation, with one message per cause."""

    size = Whole(24, 1, "occluder size")
    """Side of the square, in input pixels."""
    stride = Whole(4, 1, "stride")
    """Step of the square, in input pixels."""
    fill: Any = T.TraitType("grey")
    """What the square shows: a name of `FILLS` or (red, green, blue) in [0, 1]."""
    target: Any = T.TraitType("predicted")
    """``"predicted"``, ``"true"``, or the name or index of a class."""
    layer = T.Any(None, allow_none=True)
    """Whose activations are summed; None only where a network has no layers to look into."""
    channel = T.Any(None, allow_none=True)
    """Which map of the layer; None: the strongest on the whole picture."""
    precision: Any = T.TraitType("exact")
    """Of the first map: ``"exact"``; ``"fast"``, with differences in fewer bits; ``"preview"``, with fewer squares."""
    refine = Switch(True)
    """Whether the exact map follows a first one that is not; a viewer that does not refine says which it shows."""
    row = Whole(0, 0, "row")
    """Top of the square on the picture."""
    column = Whole(0, 0, "column")
    """Left of the square on the picture."""
    opacity = Share(0.7, "opacity")
    """Of the maps over the picture; 1: the maps alone."""
    rescaled = Switch(False)
    """Colours from the smallest to the largest value of this picture; else fixed, so that maps can be compared."""

    @T.validate("size")
    def _check_size(self, proposal: Any) -> int:
        return as_whole("occluder size", proposal["value"], 1, min(self._backend.network.input_size))

    @T.validate("row", "column")
    def _check_place(self, proposal: Any) -> int:
        side = min(self._backend.network.input_size)
        # The square's own size is checked where it is used: row and size may change in either order.
        return min(as_whole(proposal["trait"].what, proposal["value"], 0, side), side - self.size)

    @T.validate("fill")
    def _check_fill(self, proposal: Any) -> Any:
        return checked_fill(proposal["value"])

    @T.validate("precision")
    def _check_precision(self, proposal: Any) -> str:
        return as_name("precision", proposal["value"], PRECISIONS)

    @T.validate("target")
    def _check_target(self, proposal: Any) -> str:
        return as_target(self._backend.network, proposal["value"])

    @T.validate("layer")
    def _check_layer(self, proposal: Any) -> str | None:
        layer, net = proposal["value"], self._backend.network
        if layer is not None and not net.layers[layer].spatial:
            raise ParameterError(
                f"Layer {layer!r} has no map to sum over; there are {', '.join(layers_with_places(net))}."
            )
        return None if layer is None else str(layer)

    @T.validate("channel")
    def _check_channel(self, proposal: Any) -> int | None:
        return None if self.layer is None else as_channel(self._backend.network, self.layer, proposal["value"])


def sweep_of(options: OcclusionOptions, size: int, stride: int, layer: str | None) -> Request:
    """The sweep that the options ask of a network, with a square in pixels of its input."""
    sweep = OcclusionRequest(options.image, size, stride, options.fill, layer, options.precision)
    return RefinedRequest(sweep) if options.refine and options.precision != "exact" else sweep


def layers_with_places(net: Network) -> list[str]:
    """Layers whose activations can be summed over a map."""
    return [name for name in net.menu if net.layers[name].spatial]
