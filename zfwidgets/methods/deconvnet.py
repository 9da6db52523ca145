"""Projections: one unit's activation sent down to the pixels (Zeiler and Fergus, section 2.1).

All other activations of the layer are zero. A unit's signal only ever occupies the window that the unit can
reach, so that window is all that is computed, for many units of one layer at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from zfwidgets.errors import Cancelled, ParameterError, RefusedError, unknown_name
from zfwidgets.methods.activations import record_for_projections
from zfwidgets.methods.projection import Projection, Unit
from zfwidgets.methods.recording import Recording, channel_index
from zfwidgets.network import Network, checked_network
from zfwidgets.network.change import shared
from zfwidgets.network.descent import back_frames, descend
from zfwidgets.network.geometry import receptive_field
from zfwidgets.network.graph import Node
from zfwidgets.network.passage import USUAL_NORMS, Norms, Overlap, Passage, Rule
from zfwidgets.network.side_by_side import side_by_side
from zfwidgets.network.windows import Frame, Ints

__all__ = ["Projection", "Unit", "project", "project_units"]

_PIECE_BYTES = 12 * 2**20
"""Signals of units worked on at once, at their largest map: about what the processor's caches hold. Measured flat
from 8 to 32 MB, a third slower at 2."""

Seen = Callable[[Node, torch.Tensor, Passage | None], None] | None

_PIECE_UNITS = 36
"""Units worked on at once at most: more gain nothing, and a cancelled question waits for them."""


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
    rule : {"deconvnet", "desalinet", "guided", "gradient"}
        What happens at a relu on the way down: rectify the signal (the paper), rectify it and mask it by the
        forward pass (twice: Mahendran and Vedaldi 2016, Springenberg et al. 2015), mask it only (value times the
        plain gradient). The first two leave contrast normalisation out, the others take its derivative.
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
    recording, unit = one_unit(net, image, layer, channel, position)
    return project_units(net, recording, [unit], rule=rule, overlap=overlap)[0]


def one_unit(
    net: Network, image: Any, layer: str, channel: int, position: tuple[int, int] | None
) -> tuple[Recording, Unit]:
    """The recording of one picture, and the unit of it that is meant; position None: the map's maximum."""
    check_projectable(checked_network(net), layer)
    channel_index(net, layer, channel)
    recording = image if isinstance(image, Recording) else record_for_projections(net, image, [layer])
    if len(recording) != 1:
        raise ParameterError(f"project takes one picture, found {len(recording)}; project_units takes many.")
    if position is None:
        maps = activations_of(recording, layer)[0, channel]
        position = (0, 0) if maps.ndim == 0 else strongest(maps)
    if not isinstance(position, tuple | list) or len(position) != 2:
        raise ParameterError(f"A position is (row, column), or None for the maximum; found {position!r}.")
    return recording, Unit(0, layer, channel, *position)


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
    descents = ways_down(net, images, units, rule, overlap)
    pieces = [(descent, piece) for descent in descents for piece in descent.pieces(units)]

    def pieces_until_cancelled() -> Iterator[tuple[Descent, list[int]]]:
        for piece in pieces:
            if cancelled():
                raise Cancelled("The projections were cancelled.")
            yield piece

    def projected(piece: tuple[Descent, list[int]]) -> dict[int, Projection]:
        descent, numbers = piece
        return dict(zip(numbers, descent.project([units[number] for number in numbers]), strict=True))

    found: dict[int, Projection] = {}
    with net.lock, torch.inference_mode():
        alone = len(pieces) == 1 or net.device.type != "cpu"
        for some in (map if alone else side_by_side)(projected, pieces_until_cancelled()):
            found.update(some)
    return [found[number] for number in range(len(units))]


def ways_down(net: Network, images: Any, units: Sequence[Unit], rule: Rule, overlap: Overlap) -> list[Descent]:
    """From each layer of the units, in their order; raises what `project` raises for what does not exist."""
    check_rules(rule, overlap)
    checked_network(net)
    if not isinstance(units, Sequence) or not all(isinstance(unit, Unit) for unit in units):
        raise ParameterError(f"units is a list of Unit(image, layer, channel, row, column); found {units!r:.80}.")
    layers = list(dict.fromkeys(unit.layer for unit in units))
    for layer in layers:
        check_projectable(net, layer)
    recording = images if isinstance(images, Recording) else record_for_projections(net, images, layers)
    for unit in units:
        check_unit(net, recording, unit)
    net.traced().refresh([net.layers[layer].index for layer in layers])
    return [Descent(net, recording, layer, rule, overlap) for layer in layers]


class Descent:
    """The way from one layer down to the pixels, for pieces of its units."""

    def __init__(
        self, net: Network, recording: Recording, layer: str, rule: Rule, overlap: Overlap, norms: Norms = USUAL_NORMS
    ) -> None:
        self.recording, self.layer = recording, layer
        self.rule, self.overlap, self.norms = rule, overlap, norms
        self.graph, self.start = net.traced(), net.layers[layer].index
        self.shapes = recording.forward.shapes
        self.field = receptive_field(self.graph, self.start, self.shapes)

    def pieces(self, units: Sequence[Unit]) -> list[list[int]]:
        """The layer's units, as numbers in the list, in pieces worked on at once."""
        numbers = [number for number, unit in enumerate(units) if unit.layer == self.layer]
        size = self._units_at_once([units[number] for number in numbers])
        # The windows of units near a border are cut off there, and all windows of a piece get the largest one's
        # size: so units equally far from their borders come together.
        bands = round((len(numbers) / size) ** 0.5) or 1
        numbers.sort(key=lambda number: self._depth(units[number], 0))
        per_band = -(-len(numbers) // bands)
        ordered: list[int] = []
        for first in range(0, len(numbers), per_band):
            ordered += sorted(numbers[first : first + per_band], key=lambda number: self._depth(units[number], 1))
        return [
            sorted(ordered[first : first + size], key=lambda number: (units[number].row, units[number].column))
            for first in range(0, len(ordered), size)
        ]

    def _depth(self, unit: Unit, axis: int) -> int:
        """Cells between a unit and the nearer border of its map."""
        shape = self.shapes[self.start]
        place = (unit.row, unit.column)[axis]
        return min(place, shape[1 + axis] - 1 - place) if len(shape) == 3 else 0

    def _units_at_once(self, units: Sequence[Unit]) -> int:
        _, rows, columns = _places(units)
        frames = back_frames(self.graph, self.start, self.shapes, rows, columns)
        cells = max(self.shapes[index][0] * frame.height * frame.width for index, frame in frames.items() if frame)
        return min(max(_PIECE_BYTES // (4 * cells), 1), _PIECE_UNITS)

    def project(
        self, chosen: Sequence[Unit], seen: Seen = None, values: Sequence[float] | None = None
    ) -> list[Projection]:
        """The units' projections; `seen` is told every step, see `descend`.

        `values` are sent down in place of the activations.
        """
        images, rows, columns = _places(chosen)
        values = [self._value(unit) for unit in chosen] if values is None else values
        whole = self.overlap == "overwrite"  # a neighbour's zero may erase a signal, so every window takes part
        frames = back_frames(self.graph, self.start, self.shapes, rows, columns, whole=whole)
        seed = self._seed(frames[self.start], chosen, values)
        forward = self.recording.forward
        rules = (self.rule, self.overlap, seen, self.norms)
        signal = descend(self.graph, self.start, forward, images, frames, seed, *rules)
        frame = frames[0]
        assert frame is not None
        return [
            self._placed(pixels, int(top), int(left), unit, value)
            for pixels, top, left, unit, value in zip(
                signal.cpu().numpy(), frame.rows, frame.columns, chosen, values, strict=True
            )
        ]

    def _placed(self, pixels: NDArray[np.float32], top: int, left: int, unit: Unit, value: float) -> Projection:
        """A projection of what was found at (top, left) of the picture: its box may be smaller, or stick out."""
        size = self.recording.inputs.shape[2:]
        box = []
        for window, extent, position in zip(self.field, size, (unit.row, unit.column), strict=True):
            # A layer without places sees the whole picture.
            box.append((window.start(position), window.size) if window.jump else (0, extent))
        (box_top, height), (box_left, width) = box
        placed = np.zeros((3, height, width), np.float32)
        to_rows, from_rows = shared(top - box_top, pixels.shape[1], height)
        to_columns, from_columns = shared(left - box_left, pixels.shape[2], width)
        placed[:, to_rows, to_columns] = pixels[:, from_rows, from_columns]
        return Projection(
            placed,
            (box_top, box_left, height, width),
            value,
            (unit.row, unit.column),
            unit.layer,
            unit.channel,
            self.rule,
            self.overlap,
            (size[0], size[1]),
        )

    def _value(self, unit: Unit) -> float:
        maps = activations_of(self.recording, self.layer)[unit.image, unit.channel]
        return float(maps if maps.ndim == 0 else maps[unit.row, unit.column])

    def _seed(self, frame: Frame | None, chosen: Sequence[Unit], values: Sequence[float]) -> torch.Tensor:
        """The layer with everything zero but one unit each."""
        sizes = () if frame is None else (frame.height, frame.width)
        seed = np.zeros((len(values), self.shapes[self.start][0], *sizes), np.float32)
        for number, (unit, value) in enumerate(zip(chosen, values, strict=True)):
            place = () if frame is None else (unit.row - frame.rows[number], unit.column - frame.columns[number])
            seed[(number, unit.channel, *place)] = value
        return torch.from_numpy(seed).to(self.recording.inputs.device)


def _places(units: Sequence[Unit]) -> tuple[Ints, Ints, Ints]:
    """Picture, row and column of each unit."""
    images, rows, columns = np.array([[unit.image, unit.row, unit.column] for unit in units]).T
    return images, rows, columns


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


def check_unit(net: Network, recording: Recording, unit: Unit) -> None:
    """Raise `ParameterError` if a unit does not exist."""
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


def check_rules(rule: object, overlap: object) -> None:
    """Raise `UnknownNameError` for an option that does not exist."""
    _check_option("rule", rule, get_args(Rule))
    _check_option("overlap", overlap, get_args(Overlap))


def _check_option(kind: str, asked: object, known: tuple[str, ...]) -> None:
    if asked not in known:
        raise unknown_name(kind, asked, known)
