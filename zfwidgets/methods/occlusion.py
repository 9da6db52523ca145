"""Occlusion: hide one square of the picture after the other and watch the network (section 4.2, Fig. 7).

One sweep answers every panel of the figure: it keeps all logits and, for every channel of one layer, the summed
activation; class, channel and colours are chosen afterwards.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zfwidgets.errors import Cancelled, NetworkError, ParameterError, unknown_name
from zfwidgets.methods.activations import channel_index, softmax
from zfwidgets.methods.fill import Fill, fill_picture
from zfwidgets.network import Network, checked_network

__all__ = ["OcclusionMap", "grid", "occluded_input", "occlusion_map"]

_PLANS = ("auto", "dense")
_CHUNK_MULTIPLY_ADDS = 2e9
"""Work of one chunk on a CPU: a few tens of milliseconds, so that a sweep can be cancelled at once."""
_PARTIAL_SECONDS = 0.25

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)  # arrays have no single equality
class OcclusionMap:
    """What the network says while each of R x C squares is hidden.

    Attributes
    ----------
    rows, columns : ndarray
        (R,), (C,) top-left corners of the squares in input pixels; every square lies inside the picture.
    size, stride : int
        In input pixels.
    logits, clean_logits : ndarray
        (R, C, K) with a square hidden, (K,) of the whole picture.
    target : int
        The class of `probability`; by default the one predicted for the whole picture.
    layer, channel : str or None, int or None
        The layer of `activation` and its map that is strongest (by sum) on the whole picture.
    sums, clean_sums : ndarray or None
        (R, C, channels), (channels,): activation summed over the map, for every channel of the layer.
    known : ndarray
        (R, C) bool. In a partial answer the other cells carry the value of the nearest known cell.
    """

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    size: int
    stride: int
    logits: Floats
    clean_logits: Floats
    target: int
    layer: str | None
    channel: int | None
    sums: Floats | None
    clean_sums: Floats | None
    known: NDArray[np.bool_]
    net: Network

    @property
    def complete(self) -> bool:
        """Whether every cell is known."""
        return bool(self.known.all())

    @property
    def top_label(self) -> NDArray[np.int64]:
        """(R, C): the most probable class (Fig. 7e)."""
        return np.asarray(self.logits.argmax(-1), np.int64)

    def probability(self, target: str | int | None = None) -> Floats:
        """(R, C): probability of a class, by default the target (Fig. 7d); never a new sweep."""
        index = self.target if target is None else self.net.class_index(target)
        return softmax(self.logits)[..., index]

    def clean_probability(self, target: str | int | None = None) -> float:
        """The same for the whole picture."""
        index = self.target if target is None else self.net.class_index(target)
        return float(softmax(self.clean_logits)[index])

    def activation(self, channel: int | None = None) -> Floats:
        """(R, C): summed activation of a channel of the layer, by default the strongest one (Fig. 7b)."""
        if self.sums is None or self.layer is None:
            raise NetworkError(self.net.trace_problem or "This sweep has no layer; ask for one with layer=.")
        chosen = self.channel if channel is None else channel_index(self.net, self.layer, channel)
        assert chosen is not None
        return np.asarray(self.sums[..., chosen])


def occlusion_map(
    net: Network,
    image: Any,
    size: int = 50,
    stride: int = 8,
    fill: Fill = "grey",
    target: str | int | None = None,
    layer: str | None = None,
    plan: str = "auto",
    precision: str = "exact",
    *,
    on_partial: Callable[[OcclusionMap], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    batch_size: int | None = None,
) -> OcclusionMap:
    """Slide a square over the picture and run the network at every position.

    Parameters
    ----------
    net : Network
        Any network; one that cannot be traced gives probabilities, but no activations.
    image : picture or tensor (3, H, W)
        A tensor is a model input and used as it is.
    size, stride : int
        Side of the square and its step, in input pixels. If the last step does not fit, one more position is
        added at the border.
    fill : str or (r, g, b)
        What the square shows, see `fill_picture`; ``"grey"`` as in the paper.
    target : str or int, optional
        Class; the predicted one by default.
    layer : str, optional
        Layer whose activations are summed; the last one with places by default.
    plan : {"auto", "dense"}
        How the sweep is computed; the answer is the same. ``"dense"`` runs the whole network at every position.
    precision : {"exact"}
        32-bit floating point throughout.
    on_partial : callable, optional
        Is given coarse maps first (about 5 x 5 positions), then finer ones, while the sweep runs.
    cancelled : callable, optional
        Asked between batches; True raises `Cancelled`.
    batch_size : int, optional
        The most pictures in one forward pass, for scarce memory; it is never more than a few tens of milliseconds
        of work.

    Returns
    -------
    OcclusionMap

    Raises
    ------
    ParameterError, UnknownNameError
        For a square that does not fit or a name that does not exist.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from zfwidgets.imaging import Preprocess
    >>> module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 14 * 14, 2))
    >>> net = Network(module, preprocess=Preprocess(size=16), device="cpu")
    >>> m = occlusion_map(net, torch.rand(3, 16, 16), size=6, stride=4)
    >>> m.rows, m.probability().shape, m.layer
    (array([ 0,  4,  8, 10]), (4, 4), 'conv1')
    """
    if plan not in _PLANS:
        raise unknown_name("plan", plan, _PLANS)
    if precision != "exact":
        raise unknown_name("precision", precision, ("exact",))
    clean = checked_network(net).input(image)
    height, width = clean.shape[1:]
    rows, columns = grid(height, size, stride), grid(width, size, stride)
    sweep = _Sweep(net, clean, fill_picture(net, clean, fill), size, _layer(net, layer), batch_size)
    whole = sweep.run(clean[None])
    empty = _empty(net, rows, columns, size, stride, target, sweep.layer, whole)
    return _filled(sweep, empty, on_partial, cancelled or (lambda: False))


def grid(extent: int, size: int, stride: int) -> NDArray[np.int64]:
    """First pixels of squares along one axis, every square inside, the last one at the border.

    Examples
    --------
    >>> grid(16, 6, 4)
    array([ 0,  4,  8, 10])
    """
    size = _whole("The occluder's size in pixels", size, extent)
    stride = _whole("The occluder's stride in pixels", stride, None)
    starts = np.arange(0, extent - size + 1, stride, dtype=np.int64)
    return starts if starts[-1] == extent - size else np.append(starts, extent - size)


def _whole(what: str, value: Any, most: int | None) -> int:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value < 1 or (most is not None and value > most):
        allowed = f"from 1 to {most}, the picture's side" if most is not None else "of at least 1"
        raise ParameterError(f"{what} is a whole number {allowed}; found {value!r}.")
    return int(value)


def occluded_input(net: Network, image: Any, row: int, column: int, size: int, fill: Fill = "grey") -> Tensor:
    """(3, H, W) model input with one square hidden; the square must lie inside the picture.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from zfwidgets.imaging import Preprocess
    >>> net = Network(nn.Sequential(nn.Conv2d(3, 2, 16), nn.Flatten()), preprocess=Preprocess(size=16))
    >>> bool((occluded_input(net, torch.ones(3, 16, 16), 0, 0, 4, "mean")[:, :4, :4] == 0).all())
    True
    """
    clean = net.input(image)
    for start, extent in zip((row, column), clean.shape[1:], strict=True):
        grid(extent, size, 1)
        if not 0 <= start <= extent - size:
            raise ParameterError(
                f"A square of {size} pixels starts from 0 to {extent - size} in this picture; found {start}."
            )
    square = (slice(None), slice(row, row + size), slice(column, column + size))
    hidden = clean.clone()
    hidden[square] = fill_picture(net, clean, fill)[square]
    return hidden


class _Sweep:
    """Runs batches of hidden squares and keeps logits and summed activations."""

    def __init__(
        self, net: Network, clean: Tensor, fill: Tensor, size: int, layer: str | None, batch_size: int | None
    ) -> None:
        self.net, self.clean, self.fill, self.size, self.layer = net, clean, fill, size, layer
        own = _batch_size(net, clean)
        self.batch_size = own if batch_size is None else min(_whole("batch_size", batch_size, None), own)

    def run(self, batch: Tensor) -> tuple[Floats, Floats | None]:
        """Logits (N, K) and, if there is a layer, activation sums (N, channels)."""
        net = self.net
        if net.graph is not None and net.graph.tabled:  # foreign code may call .view, which wants planes
            batch = batch.contiguous(memory_format=torch.channels_last)
        if self.layer is None:
            return _numpy(net(batch)), None
        graph, index = net.traced(), net.layers[self.layer].index
        with net.lock, torch.inference_mode(), net.evaluation():
            outputs = graph.run(batch, {index, graph.output}).outputs
            maps = outputs[index]
            return _numpy(net.as_logits(outputs[graph.output])), _numpy(maps.flatten(2).sum(2))

    def hidden(self, places: NDArray[np.int64]) -> Tensor:
        """(N, 3, H, W): the picture with a square hidden at each (row, column)."""
        batch = self.clean.expand(len(places), -1, -1, -1).clone()
        for picture, (row, column) in zip(batch, places.tolist(), strict=True):
            square = (slice(None), slice(row, row + self.size), slice(column, column + self.size))
            picture[square] = self.fill[square]
        return batch


def _filled(
    sweep: _Sweep,
    result: OcclusionMap,
    on_partial: Callable[[OcclusionMap], None] | None,
    cancelled: Callable[[], bool],
) -> OcclusionMap:
    told, finished = time.monotonic(), 0
    for level, cells in _levels(result.known.shape):
        for start in range(0, len(cells), sweep.batch_size):
            if cancelled():
                raise Cancelled("The sweep was cancelled.")
            chunk = cells[start : start + sweep.batch_size]
            r, c = chunk.T
            places = np.stack([result.rows[r], result.columns[c]], 1)
            result.logits[r, c], sums = sweep.run(sweep.hidden(places))
            if sums is not None and result.sums is not None:
                result.sums[r, c] = sums
            result.known[r, c] = True
            level_done = start + len(chunk) == len(cells)
            finished = level if level_done else finished
            due = level_done or time.monotonic() - told > _PARTIAL_SECONDS
            if on_partial is not None and finished and due and not result.complete:
                on_partial(_spread(result, finished))
                told = time.monotonic()
    return result


def _levels(shape: tuple[int, ...]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Nested grids, coarse (about 5 x 5) to fine: the step of each and its cells (n, 2) not in a coarser one."""
    seen = np.zeros(shape, bool)
    step = 1
    while max(shape) - 1 > 4 * step:
        step *= 2
    while step >= 1:
        now = np.zeros(shape, bool)
        now[np.ix_(*(_steps(count, step) for count in shape))] = True
        cells = np.argwhere(now & ~seen)
        if len(cells):
            yield step, cells
        seen |= now
        step //= 2


def _steps(count: int, step: int) -> NDArray[np.int64]:
    return np.unique(np.append(np.arange(0, count, step), count - 1))


def _spread(result: OcclusionMap, step: int) -> OcclusionMap:
    """A partial answer: unknown cells get the value of the nearest cell of the finished grid of this step."""
    rows, columns = (_nearest(count, step) for count in result.known.shape)
    nearest = np.ix_(rows, columns)

    def spread(values: Floats) -> Floats:
        return np.where(result.known[..., None], values, values[nearest])

    return replace(
        result,
        logits=spread(result.logits),
        sums=spread(result.sums) if result.sums is not None else None,
        known=result.known.copy(),
    )


def _nearest(count: int, step: int) -> NDArray[np.int64]:
    steps = _steps(count, step)
    nearest: NDArray[np.int64] = steps[np.abs(np.arange(count)[:, None] - steps).argmin(1)]
    return nearest


def _empty(
    net: Network,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    size: int,
    stride: int,
    target: str | int | None,
    layer: str | None,
    whole: tuple[Floats, Floats | None],
) -> OcclusionMap:
    logits, sums = whole[0][0], whole[1][0] if whole[1] is not None else None
    shape = (len(rows), len(columns))
    return OcclusionMap(
        rows,
        columns,
        int(size),
        int(stride),
        np.zeros((*shape, len(logits)), np.float32),
        logits,
        int(logits.argmax()) if target is None else net.class_index(target),
        layer,
        int(sums.argmax()) if sums is not None else None,
        np.zeros((*shape, len(sums)), np.float32) if sums is not None else None,
        sums,
        np.zeros(shape, bool),
        net,
    )


def _layer(net: Network, layer: str | None) -> str | None:
    if layer is None:
        has_maps = any(net.layers[name].spatial for name in net.menu)
        return net.default_layer if has_maps else None
    if not net.layers[layer].spatial:
        maps = [name for name in net.menu if net.layers[name].spatial]
        raise ParameterError(f"Layer {layer!r} has no map to sum over; there are {', '.join(maps)}.")
    return layer


def _batch_size(net: Network, clean: Tensor) -> int:
    if clean.device.type != "cpu":
        return 256
    reference = net.input_size[0] * net.input_size[1]
    work = (net.multiply_adds or _CHUNK_MULTIPLY_ADDS / 8) * clean.shape[1] * clean.shape[2] / reference
    return int(np.clip(_CHUNK_MULTIPLY_ADDS / max(work, 1), 1, 64))


def _numpy(values: Tensor) -> Floats:
    return values.to("cpu", torch.float32).numpy()
