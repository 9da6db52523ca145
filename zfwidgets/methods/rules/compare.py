"""One unit sent down by the paper's rule and by others, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from zfwidgets.errors import NetworkError, ParameterError, unknown_name
from zfwidgets.methods.deconvnet import Descent, check_unit, one_unit
from zfwidgets.methods.projection import Projection, Unit
from zfwidgets.methods.recording import Recording
from zfwidgets.methods.rules.result import RuleComparison
from zfwidgets.methods.rules.ways import FAITHFUL, WAYS, Way
from zfwidgets.methods.similarity import cosine, rank_correlation, reached, relative_error
from zfwidgets.network import Network
from zfwidgets.network.graph import Node
from zfwidgets.network.passage import Norms

__all__ = ["compare_rules", "lively_unit"]


def compare_rules(
    net: Network,
    image: Any,
    layer: str,
    channel: int,
    position: tuple[int, int] | None = None,
    ways: Sequence[str] | None = None,
) -> RuleComparison:
    """Project one unit by the paper's rule and by others, and measure how far apart they are.

    Parameters
    ----------
    net, image, layer, channel, position
        As in `project`.
    ways : sequence of str, optional
        Names of `WAYS`: ``"overwrite"``, ``"desalinet"``, ``"guided"``, ``"gradient"``, ``"norm derivative"``, ``"batch
        norm left out"``; the faithful ``"deconvnet"`` is always there. By default all that can differ: without batch
        norm below the unit there is nothing to choose about it.

    Returns
    -------
    RuleComparison

    Raises
    ------
    RefusedError
        If an operation below the layer has no deconvnet rule; names it.
    ParameterError
        If the unit is silent in this picture, so that every way is empty; or if a way needs what is not there.
    UnknownNameError
        For a layer or a way that does not exist.
    NetworkError
        If the network cannot be traced, or the unit's activation is not finite.

    References
    ----------
    Zeiler and Fergus, section 2.1; Mahendran and Vedaldi 2016, "Salient deconvolutional networks".

    Examples
    --------
    >>> from torch import nn
    >>> from zfwidgets.imaging import Preprocess
    >>> below = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Conv2d(4, 5, 3))
    >>> module = nn.Sequential(*below, nn.Flatten(), nn.Linear(80, 2))
    >>> net = Network(module, preprocess=Preprocess(size=16), device="cpu")
    >>> found = compare_rules(net, torch.rand(3, 16, 16), "conv2", 1)
    >>> list(found.projections), found.error["deconvnet"]
    (['deconvnet', 'overwrite', 'desalinet', 'guided', 'gradient'], 0.0)
    """
    recording, unit = lively_unit(net, image, layer, channel, position)
    chosen = _checked(ways, _present(net, layer), layer)
    net.traced().refresh([net.layers[layer].index])
    with net.lock, torch.inference_mode():
        found = {name: _projected(net, recording, unit, way) for name, way in chosen.items()}
    pixels = {name: reached(projection) for name, projection in found.items()}
    faithful = pixels[FAITHFUL]
    if not faithful.any():
        raise ParameterError(
            f"Nothing of {layer} #{channel} comes down to the pixels of this picture: every signal is cut off by a "
            "relu on the way; choose another channel or place."
        )
    return RuleComparison(
        found,
        {name: cosine(some, faithful) for name, some in pixels.items()},
        {name: rank_correlation(some, faithful) for name, some in pixels.items()},
        {name: relative_error(some, faithful) for name, some in pixels.items()},
    )


def lively_unit(
    net: Network, image: Any, layer: str, channel: int, position: tuple[int, int] | None
) -> tuple[Recording, Unit]:
    """The recording of one picture, and the unit of it that is meant; raises for one that is silent or overflows."""
    recording, unit = one_unit(net, image, layer, channel, position)
    check_unit(net, recording, unit)
    maps = recording.activations[layer][0, channel]
    value = maps if maps.ndim == 0 else maps[unit.row, unit.column]
    if not np.isfinite(value):
        raise NetworkError(
            f"{net.name} overflows in this picture: {layer} #{channel} is {value}, which cannot be sent down; check "
            "its weights and its preprocessing."
        )
    if value == 0:
        where = "everywhere in" if position is None else f"at row {unit.row}, column {unit.column} of"
        raise ParameterError(
            f"{layer} #{channel} is silent {where} this picture (activation 0), so there is nothing to send down; "
            "choose another channel or place."
        )
    return recording, unit


def _present(net: Network, layer: str) -> set[str]:
    """What lies between a layer and the pixels, in the words of `Way.needs`."""
    graph = net.traced()
    nodes = [graph.nodes[index] for index in graph.ancestors([net.layers[layer].index])]
    overlap = {"overlap"} if any(_overlaps(net, node) for node in nodes) else set()
    return {"", *overlap, *(node.operation.kind for node in nodes)}


def _overlaps(net: Network, node: Node) -> bool:
    """Whether one place can be the maximum of several windows."""
    if node.operation.kind not in ("max pool", "adaptive max pool"):
        return False
    reaches = node.operation.reach(net.shapes[node.inputs[0]])
    return reaches is None or any(reach.extent > reach.stride for reach in reaches)


def _checked(asked: Sequence[str] | None, present: set[str], layer: str) -> dict[str, Way]:
    """The ways by name, the faithful one first."""
    if asked is None:
        return {name: way for name, way in WAYS.items() if way.needs in present}
    for name in asked:
        if name not in WAYS:
            raise unknown_name("way", name, WAYS)
        if WAYS[name].needs not in present:
            missing = {"overlap": "max pool with overlapping windows"}.get(WAYS[name].needs, WAYS[name].needs)
            raise ParameterError(
                f"There is no {missing} below {layer!r}, so {name!r} would change nothing; leave it out."
            )
    return {name: WAYS[name] for name in dict.fromkeys((FAITHFUL, *asked))}


def _projected(net: Network, recording: Recording, unit: Unit, way: Way) -> Projection:
    norms = Norms(way.response, way.batch)
    return Descent(net, recording, unit.layer, way.rule, way.overlap, norms).project([unit])[0]
