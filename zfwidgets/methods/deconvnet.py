"""Projections: one unit's activation sent down to the pixels (Zeiler and Fergus, section 2.1).

All other activations of the layer are zero. A unit's signal only ever occupies the window that the unit can
reach, so that window is all that is computed, for many units of one layer at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from zfwidgets.errors import Cancelled, ParameterError, RefusedError, unknown_name
from zfwidgets.methods.activations import Recording, channel_index, record
from zfwidgets.network import Network, checked_network
from zfwidgets.network.geometry import Span, Window, back_spans, receptive_field
from zfwidgets.network.passage import Overlap, Passage, Rule, Units, natural_span, place

__all__ = ["Projection", "Unit", "project", "project_units"]

_CHUNK_BYTES = 64 * 2**20
"""Signals of one chunk of units at their largest map; more only costs memory."""


@dataclass(frozen=True)
class Unit:
    """One activation: picture of the list, layer, channel, row and column (0, 0 in layers without places)."""

    image: int
    layer: str
    channel: int
    row: int = 0
    column: int = 0


@dataclass(frozen=True, eq=False)  # arrays have no single equality
class Projection:
    """What one unit's activation looks like in pixels.

    Attributes
    ----------
    pixels : ndarray
        (3, h, w) float32, signed, in the scale of the model input.
    box : (top, left, height, width)
        Where it lies in the input; it may stick out, and is zero there.
    value : float
        The activation. The whole projection is proportional to it (all rules start from it).
    position : (row, column)
        The unit's place in its map.
    input_size : (H, W)
        Size of the model input.
    """

    pixels: NDArray[np.float32]
    box: tuple[int, int, int, int]
    value: float
    position: tuple[int, int]
    layer: str
    channel: int
    rule: Rule
    overlap: Overlap
    input_size: tuple[int, int]

    def canvas(self) -> NDArray[np.float32]:
        """(3, H, W): the projection in its place in the whole input, zero elsewhere."""
        canvas = np.zeros((3, *self.input_size), np.float32)
        top, left, height, width = self.box
        rows = slice(max(top, 0), min(top + height, self.input_size[0]))
        columns = slice(max(left, 0), min(left + width, self.input_size[1]))
        inside = self.pixels[:, rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        canvas[:, rows, columns] = inside
        return canvas


def project(
    net: Network,
    image: Any,
    layer: str,
    channel: int,
    position: tuple[int, int] | None = None,
    rule: Rule = "deconvnet",
    overlap: Overlap = "sum",
) -> Projection:
    """Project one unit to the pixels.

    Parameters
    ----------
    net : Network
        A network that can be traced.
    image : picture, tensor (3, H, W) or Recording
        A recording of one picture saves its forward pass.
    layer, channel : str, int
        Which feature map.
    position : (row, column), optional
        Which unit; the map's maximum by default.
    rule : {"deconvnet", "guided", "gradient"}
        What happens at a relu on the way down: rectify the signal (the paper), rectify it and mask it by the
        forward pass (Springenberg et al. 2015), mask it only (value times the plain gradient).
    overlap : {"sum", "overwrite"}
        What happens where one place is the switch of several pooling windows: their signals add (the adjoint of
        pooling), or the last window's stays.

    Returns
    -------
    Projection

    Raises
    ------
    RefusedError
        If an operation below the layer has no deconvnet rule; names it.
    UnknownNameError, ParameterError
        For a layer, channel, position or option that does not exist.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from zfwidgets.imaging import Preprocess
    >>> module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 14 * 14, 2))
    >>> net = Network(module, preprocess=Preprocess(size=16), device="cpu")
    >>> p = project(net, torch.rand(3, 16, 16), layer="conv1", channel=2, position=(5, 6))
    >>> p.pixels.shape, p.box
    ((3, 3, 3), (5, 6, 3, 3))
    """
    check_projectable(checked_network(net), layer)
    channel_index(net, layer, channel)
    recording = image if isinstance(image, Recording) else record(net, image, [layer])
    if len(recording) != 1:
        raise ParameterError(f"project takes one picture, found {len(recording)}; project_units takes many.")
    if position is None:
        maps = activations_of(recording, layer)[0, channel]
        position = (0, 0) if maps.ndim == 0 else strongest(maps)
    if not isinstance(position, tuple | list) or len(position) != 2:
        raise ParameterError(f"A position is (row, column), or None for the maximum; found {position!r}.")
    unit = Unit(0, layer, channel, *position)
    return project_units(net, recording, [unit], rule=rule, overlap=overlap)[0]


def project_units(
    net: Network,
    images: Any,
    units: Sequence[Unit],
    rule: Rule = "deconvnet",
    overlap: Overlap = "sum",
    *,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[Projection]:
    """Project many units at once; units of one layer share one way back.

    Parameters
    ----------
    net : Network
        A network that can be traced.
    images : list of pictures or tensors, tensor (N, 3, H, W), or Recording
        The pictures that ``Unit.image`` counts.
    units : sequence of Unit
        What to project.
    rule, overlap : str
        As in `project`.
    cancelled : callable, optional
        Asked between chunks; True raises `Cancelled`.

    Returns
    -------
    list of Projection
        In the order of ``units``.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from zfwidgets.imaging import Preprocess
    >>> module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 14 * 14, 2))
    >>> net = Network(module, preprocess=Preprocess(size=16), device="cpu")
    >>> units = [Unit(0, "conv1", 1, 2, 3), Unit(1, "fc2", 0)]
    >>> [p.pixels.shape for p in project_units(net, torch.rand(2, 3, 16, 16), units)]
    [(3, 3, 3), (3, 16, 16)]
    """
    _check_option("rule", rule, get_args(Rule))
    _check_option("overlap", overlap, get_args(Overlap))
    checked_network(net)
    layers = list(dict.fromkeys(unit.layer for unit in units))
    for layer in layers:
        check_projectable(net, layer)
    recording = images if isinstance(images, Recording) else record(net, images, layers)
    for unit in units:
        _check_unit(net, recording, unit)
    wanted: dict[str, list[int]] = defaultdict(list)
    for number, unit in enumerate(units):
        wanted[unit.layer].append(number)
    found: dict[int, Projection] = {}
    for layer, numbers in wanted.items():
        descent = _Descent(net, recording, layer, rule, overlap)
        for start in range(0, len(numbers), descent.chunk):
            if cancelled():
                raise Cancelled("The projections were cancelled.")
            chunk = numbers[start : start + descent.chunk]
            found.update(zip(chunk, descent.project([units[n] for n in chunk]), strict=True))
    return [found[number] for number in range(len(units))]


class _Descent:
    """The way from one layer down to the pixels, for chunks of its units."""

    def __init__(self, net: Network, recording: Recording, layer: str, rule: Rule, overlap: Overlap) -> None:
        self.net, self.recording, self.layer = net, recording, layer
        self.rule, self.overlap = rule, overlap
        self.graph, self.start = net.traced(), net.layers[layer].index
        self.shapes = recording.forward.shapes
        # Overwriting lets a neighbour's zero erase a signal, so every window of the map takes part.
        self.spans = back_spans(self.graph, self.start, self.shapes, whole_share=0 if overlap == "overwrite" else 0.8)
        self.field = receptive_field(self.graph, self.start, self.shapes)
        self.chunk = max(1, _CHUNK_BYTES // self._bytes_per_unit())

    def _bytes_per_unit(self) -> int:
        def size(index: int, span: Span | None) -> int:
            cells = span[0].size * span[1].size if span is not None else 1
            return 4 * self.shapes[index][0] * cells

        return max(size(index, span) for index, span in self.spans.items())

    @torch.inference_mode()
    def project(self, chosen: Sequence[Unit]) -> list[Projection]:
        units = Units(*torch.tensor([[u.image, u.row, u.column] for u in chosen]).T)
        values = [self._value(unit) for unit in chosen]
        with self.net.lock:
            signal = self._down(units, self._seed(units, [u.channel for u in chosen], values))
        height, width = self.recording.inputs.shape[2:]
        spans = self.spans[0]
        assert spans is not None
        rows, columns = self.field
        if rows.jump == 0:  # the layer has no places: it sees the whole picture
            rows, columns = Window(0, 0, height), Window(0, 0, width)
        pixels = place(signal, spans, (rows, columns), units, (3, height, width)).cpu().numpy()
        return [
            Projection(
                pixels[number].copy(),
                (rows.start(unit.row), columns.start(unit.column), rows.size, columns.size),
                values[number],
                (unit.row, unit.column),
                unit.layer,
                unit.channel,
                self.rule,
                self.overlap,
                (height, width),
            )
            for number, unit in enumerate(chosen)
        ]

    def _value(self, unit: Unit) -> float:
        maps = activations_of(self.recording, self.layer)[unit.image, unit.channel]
        return float(maps if maps.ndim == 0 else maps[unit.row, unit.column])

    def _seed(self, units: Units, channels: list[int], values: list[float]) -> torch.Tensor:
        """The layer with everything zero but one unit each."""
        span, shape = self.spans[self.start], self.shapes[self.start]
        sizes = [window.size for window in span] if span is not None else []
        seed = torch.zeros(len(values), shape[0], *sizes)
        places: list[Any] = [torch.arange(len(values)), torch.tensor(channels)]
        if span is not None:
            own = (units.rows, units.columns)
            places += [own[axis] - units.starts(window, axis) for axis, window in enumerate(span)]
        seed[tuple(places)] = torch.tensor(values)
        return seed.to(self.recording.inputs.device)

    def _down(self, units: Units, seed: torch.Tensor) -> torch.Tensor:
        signals = {self.start: seed}
        for index in range(self.start, 0, -1):
            if index not in signals:
                continue
            node, signal, span = self.graph.nodes[index], signals.pop(index), self.spans[index]
            sources = tuple(self.shapes[source] for source in node.inputs)
            memory = self.recording.forward.memory.get(index)
            passage = Passage(units, span, self.shapes[index], sources, memory, self.rule, self.overlap)
            parts = node.operation.back(signal, passage)
            for source, shape, part in zip(node.inputs, sources, parts, strict=True):
                natural = natural_span(node.operation.reach(shape), span, shape)
                moved = place(part, natural, self.spans[source], units, shape)
                signals[source] = signals[source] + moved if source in signals else moved
        return signals[0]


def strongest(values: NDArray[np.float32]) -> tuple[int, int]:
    """Row and column of a map's maximum, the first one in reading order."""
    row, column = np.unravel_index(int(values.argmax()), values.shape)
    return int(row), int(column)


def activations_of(recording: Recording, layer: str) -> NDArray[np.float32]:
    """Activations of a layer in a recording, which must hold it."""
    if layer not in recording.activations:
        raise unknown_name("recorded layer", layer, recording.activations)
    return recording.activations[layer]


def check_projectable(net: Network, layer: str) -> None:
    """Raise `RefusedError` if an operation between the pixels and the layer has no deconvnet rule."""
    index = net.layers[layer].index
    graph = net.traced()
    for ancestor in sorted(graph.ancestors([index])):
        operation = graph.nodes[ancestor].operation
        if operation.fidelity == "refused":
            raise RefusedError(
                f"Layer {layer!r} cannot be projected: {operation.note}. Choose a layer before it, or use an "
                "occlusion map, which works with every network."
            )


def _check_unit(net: Network, recording: Recording, unit: Unit) -> None:
    channel_index(net, unit.layer, unit.channel)
    for number in (unit.image, unit.row, unit.column):
        if not isinstance(number, int | np.integer) or isinstance(number, bool):
            raise ParameterError(f"Picture, row and column of a unit are whole numbers; found {number!r}.")
    if not 0 <= unit.image < len(recording):
        raise ParameterError(f"Picture {unit.image} of {len(recording)} pictures does not exist.")
    shape = activations_of(recording, unit.layer).shape[2:] or (1, 1)
    if not (0 <= unit.row < shape[0] and 0 <= unit.column < shape[1]):
        raise ParameterError(
            f"Layer {unit.layer!r} has rows 0 to {shape[0] - 1} and columns 0 to {shape[1] - 1}; found "
            f"({unit.row}, {unit.column})."
        )


def _check_option(kind: str, asked: object, known: tuple[str, ...]) -> None:
    if asked not in known:
        raise unknown_name(kind, asked, known)
