"""The deconvnet step by step: what a projection does, with the signal kept at every step (section 2.1, Fig. 1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zfwidgets.methods.architecture.result import ProjectionStages, Stage
from zfwidgets.methods.deconvnet import Descent, one_unit, ways_down
from zfwidgets.network import Network
from zfwidgets.network.graph import Node
from zfwidgets.network.operations import Constant
from zfwidgets.network.passage import Overlap, Passage, Rule

__all__ = ["projection_stages"]

_STEPS = {
    "convolution": "filter",
    "linear": "filter",
    "max pool": "unpool",
    "adaptive max pool": "unpool",
    "average pool": "spread",
    "adaptive average pool": "spread",
    "relu": "rectify",
    "relu6": "rectify",
    "batch norm": "scale",
    "addition": "split",
    "concatenation": "split",
    "flatten": "reshape",
}
"""What the way back of an operation does to the signal; all others let it pass."""
_SWITCHES = ("max pool", "adaptive max pool")


def projection_stages(
    net: Network,
    image: Any,
    layer: str,
    channel: int,
    position: tuple[int, int] | None = None,
    rule: Rule = "deconvnet",
    overlap: Overlap = "sum",
) -> ProjectionStages:
    """Project one unit to the pixels, and keep the signal at every step.

    Parameters
    ----------
    net, image, layer, channel, position, rule, overlap
        As in `project`.

    Returns
    -------
    ProjectionStages
        The first stage is the unit alone; the last one equals ``project(...)``, of which it is the signal at the
        pixels. With a rule that is not the paper's, ``"rectify"`` names what that rule does at a relu.

    Raises
    ------
    RefusedError
        If an operation below the layer has no deconvnet rule; names it.
    UnknownNameError, ParameterError
        For a layer, channel, position or option that does not exist.

    References
    ----------
    Zeiler and Fergus, section 2.1, Fig. 1.

    Examples
    --------
    >>> from torch import nn
    >>> from zfwidgets.imaging import Preprocess
    >>> below = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 5, 3), nn.ReLU())
    >>> module = nn.Sequential(*below, nn.Flatten(), nn.Linear(125, 2))
    >>> net = Network(module, preprocess=Preprocess(size=16), device="cpu")
    >>> shown = projection_stages(net, torch.rand(3, 16, 16), "conv2", 1, position=(2, 2))
    >>> [(stage.step, stage.at, stage.signal.shape) for stage in shown.stages]  # doctest: +NORMALIZE_WHITESPACE
    [('start', 'conv2', (5, 1, 1)), ('rectify', '3', (5, 1, 1)), ('filter', 'pool1', (4, 3, 3)),
     ('unpool', 'conv1', (4, 6, 6)), ('rectify', '0', (4, 6, 6)), ('filter', 'pixels', (3, 8, 8))]
    """
    recording, unit = one_unit(net, image, layer, channel, position)
    (descent,) = ways_down(net, recording, [unit], rule, overlap)
    with net.lock, torch.inference_mode():
        watch = _Watch(descent, _names(net))
        (projection,) = descent.project([unit], watch.note)
    return ProjectionStages(projection, tuple(watch.stages))


class _Watch:
    """Makes a stage of everything that it is told on the way down."""

    def __init__(self, descent: Descent, names: Mapping[int, str]) -> None:
        self.graph, self.shapes, self.names = descent.graph, descent.shapes, names
        self.stages: list[Stage] = []
        self._came: dict[int, list[Node]] = {}
        self._switches: dict[int, NDArray[np.bool_]] = {}
        self._boxes: dict[int, tuple[int, int, int, int]] = {}

    def note(self, node: Node, signal: Tensor, passage: Passage | None) -> None:
        """The whole signal at a node's output, and how it will pass through the node."""
        if not isinstance(node.operation, Constant):
            self.stages.append(self._stage(node, signal))
        if passage is None:
            return
        for source, frame in zip(node.inputs, passage.targets, strict=True):
            self._came.setdefault(source, []).append(node)
            if frame is not None:
                self._boxes[source] = (int(frame.rows[0]), int(frame.columns[0]), frame.height, frame.width)
        if passage.frame is not None and not self._came.get(node.index):
            frame = passage.frame
            self.stages[-1] = replace(
                self.stages[-1], box=(int(frame.rows[0]), int(frame.columns[0]), frame.height, frame.width)
            )
        if node.operation.kind in _SWITCHES:
            # What arrives where a one was sent from everywhere are the places of the maxima.
            ones = node.operation.back(torch.ones_like(signal), replace(passage, owned=False))[0]
            places = _frozen(ones[0].cpu().numpy() != 0)
            known = self._switches.get(node.inputs[0])
            self._switches[node.inputs[0]] = places if known is None else _frozen(known | places)

    def _stage(self, node: Node, signal: Tensor) -> Stage:
        values = signal[0].detach().cpu().numpy().astype(np.float32)  # a copy: it may be written into
        values = values if values.ndim == 3 else values[:, None, None]
        came = self._came.get(node.index, [])
        shape = self.shapes[node.index]
        steps = dict.fromkeys(_STEPS.get(other.operation.kind, "pass") for other in came)
        return Stage(
            " + ".join(steps) or "start",
            tuple(self._name(other) for other in came),
            "pixels" if node.index == 0 else self._name(node),
            _frozen(values),
            self._switches.get(node.index),
            self._boxes.get(node.index, (0, 0, *values.shape[1:])),
            (shape[0], shape[1], shape[2]) if len(shape) == 3 else (shape[0], 1, 1),
        )

    def _name(self, node: Node) -> str:
        return self.names.get(node.index, node.operation.kind)


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    array.flags.writeable = False
    return array


def _names(net: Network) -> dict[int, str]:
    """A layer name for each operation, that of the menu before others."""
    names = {net.layers[name].index: name for name in reversed(list(net.layers))}
    return names | {net.layers[name].index: name for name in net.menu}
