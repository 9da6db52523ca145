"""`filter_report`: the first convolution of a network, looked at from all sides of Fig. 6."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from zfwidgets.data import ImageSet
from zfwidgets.data.image_set import default_key
from zfwidgets.data.skipped import Skipped
from zfwidgets.errors import Cancelled, ImageError, NetworkError, ParameterError
from zfwidgets.methods.activations import stacked
from zfwidgets.methods.filters.report import RADIUS, FilterReport, Patterns, Responses
from zfwidgets.methods.filters.spectra import aliased, bands, likeness
from zfwidgets.network import Network, checked_network
from zfwidgets.network.geometry import receptive_field
from zfwidgets.network.graph import Graph
from zfwidgets.network.operations.filters import BatchNorm, Convolution

__all__ = ["filter_report", "second_convolution"]

_BATCH = 32
_BETWEEN = {"identity", "relu", "relu6", "max pool", "average pool", "batch norm", "response norm"}
"""What may lie between the two convolutions: all of it leaves the channels where they are."""


def filter_report(
    net: Network,
    image_set: ImageSet | Iterable[Any] | None = None,
    *,
    radius: float = RADIUS,
    cancelled: Callable[[], bool] | None = None,
) -> FilterReport:
    """The filters of the first convolution: size, frequencies, aliasing, duplicates, and which of them are dead.

    Parameters
    ----------
    net : Network
        Its first operation is a convolution on the RGB picture; a batch norm right behind it is counted in.
    image_set : ImageSet or list of pictures, optional
        Over which filters are found dead. Pictures that cannot be read are left out, see
        `Responses.skipped`.
    radius : float
        That of the clipping, for inputs in 8-bit steps, positive.
    cancelled : callable, optional
        Asked between batches; True raises `Cancelled`.

    Returns
    -------
    FilterReport

    Raises
    ------
    NetworkError
        If the network does not begin with a convolution on RGB pictures, or cannot be traced.
    ParameterError
        If the radius is not positive, or there is no picture in the set that can be read.

    Examples
    --------
    >>> from torch import nn
    >>> from zfwidgets.imaging import Preprocess
    >>> module = nn.Sequential(nn.Conv2d(3, 4, 5, stride=2), nn.ReLU(), nn.Conv2d(4, 6, 3), nn.Flatten())
    >>> net = Network(module, preprocess=Preprocess(size=16), device="cpu")
    >>> report = filter_report(net, [torch.rand(3, 16, 16)])
    >>> report.filters.shape, report.rms.shape, report.patterns.pixels.shape, report.responses.pictures
    ((4, 3, 5, 5), (4,), (6, 3, 9, 9), 1)
    """
    if not radius > 0:
        raise ParameterError(f"The radius of the filter clipping must be positive, not {radius}; the paper's is 0.1.")
    graph = checked_network(net).traced()
    first = _first_convolution(net, graph)
    notes: list[str] = []
    with net.lock, torch.no_grad():
        filters = _in_eight_bits(net, _filters(graph, first, notes))
        patterns = _patterns(net, graph, first, filters)
        array = _numpy(filters)
    stride = _pair(_convolution(graph, first).module.stride)
    responses = None if image_set is None else _responses(net, graph, first, image_set, cancelled)
    shares, frequency = bands(array)
    nearest, similarity = likeness(array)
    broken = int((~np.isfinite(array).all((1, 2, 3))).sum())
    empty = int((array == 0).all((1, 2, 3)).sum())
    if broken:
        notes.append(f"{_filters_hold(broken)} NaN or infinite values; they count nowhere.")
    if empty:
        notes.append(f"{_filters_hold(empty)} nothing but zeros.")
    return FilterReport(
        net.name,
        _name(net, graph, first),
        array,
        stride,
        float(radius),
        shares,
        frequency,
        aliased(array, stride),
        nearest,
        similarity,
        responses,
        patterns,
        tuple(notes),
    )


def second_convolution(net: Network) -> int | None:
    """The node of the convolution that reads the first one's maps, through relus, norms and pools only."""
    graph = net.traced()
    first = _first_convolution(net, graph)
    for node in graph.nodes[first + 1 :]:
        if not isinstance(node.operation, Convolution):
            continue
        source = node.inputs[0]
        while source > first and graph.nodes[source].operation.kind in _BETWEEN:
            source = graph.nodes[source].inputs[0]
        if source == first:
            return node.index
    return None


def _first_convolution(net: Network, graph: Graph) -> int:
    readers = [node for node in graph.nodes if 0 in node.inputs]
    while len(readers) == 1 and readers[0].operation.kind == "identity":
        readers = [node for node in graph.nodes if readers[0].index in node.inputs]
    kinds = sorted({node.operation.kind for node in readers})
    if len(readers) != 1 or kinds != ["convolution"]:
        found = " and ".join(kinds) or "nothing"
        raise NetworkError(
            f"{net.name} does not begin with a convolution on the RGB picture but with {found}; a filter report is of "
            "networks like AlexNet, VGG, ResNet or a ZFNet."
        )
    return readers[0].index


def _convolution(graph: Graph, index: int) -> Convolution:
    operation = graph.nodes[index].operation
    assert isinstance(operation, Convolution)
    return operation


def _whole_weight(operation: Convolution, inputs: int) -> Tensor:
    """(F, inputs, h, w): with zeros for the channels of other groups and between the cells of a dilated filter."""
    module = operation.module
    weight = module.weight.detach().to("cpu", torch.float32)
    count, own, height, width = weight.shape
    (down, across), groups = _pair(module.dilation), module.groups
    whole = torch.zeros(count, inputs, (height - 1) * down + 1, (width - 1) * across + 1)
    per_group = count // groups
    for group in range(groups):
        rows = slice(group * per_group, (group + 1) * per_group)
        whole[rows, group * own : (group + 1) * own, ::down, ::across] = weight[rows]
    return whole


def _filters(graph: Graph, first: int, notes: list[str]) -> Tensor:
    operation = _convolution(graph, first)
    filters = _whole_weight(operation, 3)
    readers = _readers(graph, first)
    norm = graph.nodes[readers[0]].operation if len(readers) == 1 else None
    if isinstance(norm, BatchNorm):
        scale = norm.respond(torch.ones(1, len(filters), 1, 1, device=operation.module.weight.device))
        filters = filters * scale.to("cpu", torch.float32).reshape(-1, 1, 1, 1)
        notes.append("Batch norm is counted in; the clipping, which looks at the weights alone, would see others.")
    if operation.module.groups > 1:
        notes.append(f"The filters come in {operation.module.groups} groups: each sees some of the colours only.")
    return filters


def _in_eight_bits(net: Network, filters: Tensor) -> Tensor:
    """The same filters for pictures whose values go in steps of 1, as the paper's do."""
    return filters / (255 * torch.tensor(net.preprocess.std).reshape(1, 3, 1, 1))


def _patterns(net: Network, graph: Graph, first: int, filters: Tensor) -> Patterns | None:
    second = second_convolution(net)
    if second is None:
        return None
    node = graph.nodes[second]
    weight = _whole_weight(_convolution(graph, second), len(filters))
    rows, columns = receptive_field(graph, node.inputs[0], net.shapes)
    pixels = _numpy(F.conv_transpose2d(weight, filters, stride=(rows.jump, columns.jump)))
    return Patterns(_name(net, graph, second), pixels, aliased(pixels, _pair(_convolution(graph, first).module.stride)))


def _responses(
    net: Network,
    graph: Graph,
    first: int,
    image_set: ImageSet | Iterable[Any],
    cancelled: Callable[[], bool] | None,
) -> Responses:
    wanted = _answering(graph, first)[-1]
    peak = sums = squares = above = torch.zeros(())
    places = pictures = 0
    skipped: list[Skipped] = []
    for batch in _batches(net, image_set, skipped):
        if cancelled is not None and cancelled():
            raise Cancelled("The report on the filters was cancelled.")
        with net.lock, net.without_gradients(), net.evaluation():
            answers = graph.run(batch, [wanted]).outputs[wanted].transpose(0, 1).flatten(1).double().cpu()
        top = answers.amax(1)
        peak = top if not pictures else torch.maximum(peak, top)
        sums, squares = sums + answers.sum(1), squares + answers.square().sum(1)
        above = above + (answers > 0).sum(1)
        places, pictures = places + answers.shape[1], pictures + len(batch)
    if not pictures:
        why = f" None of {len(skipped)} can be read: {skipped[0].reason}" if skipped else ""
        raise ParameterError(
            f"There are no pictures to find dead filters over; give some, or None to leave that out.{why}"
        )
    variance = (squares / places - (sums / places).square()).clamp_min(0)
    return Responses(pictures, _numpy(peak), _numpy(variance.sqrt()), _numpy(above / places), tuple(skipped))


def _batches(net: Network, image_set: ImageSet | Iterable[Any], skipped: list[Skipped]) -> Iterator[Tensor]:
    keyed = isinstance(image_set, ImageSet)
    # A set's own code reads its pictures, and may raise anything.
    unreadable = Exception if keyed else ImageError
    if isinstance(image_set, str | bytes) or not isinstance(image_set, Iterable):
        raise ParameterError(
            f"Pictures are an ImageSet or a list, not a {type(image_set).__name__}; put one picture into a list."
        )
    waiting: list[Tensor] = []
    for place, item in enumerate(image_set):
        try:
            waiting.append(net.input(image_set[item] if isinstance(image_set, ImageSet) else item))
        except unreadable as error:
            skipped.append(Skipped.of(item if keyed else default_key(item, place), error))
        if len(waiting) == _BATCH:
            yield stacked(waiting)
            waiting = []
    if waiting:
        yield stacked(waiting)


def _name(net: Network, graph: Graph, index: int) -> str:
    """What lists of layers call its maps, if they offer them; else the convolution's own name."""
    offered = {net.layers[name].index: name for name in net.menu}
    for node in _answering(graph, index):
        if node in offered:
            return offered[node]
    return next((name for name, node in graph.names.items() if node == index), graph.nodes[index].name)


def _readers(graph: Graph, index: int) -> list[int]:
    return [node.index for node in graph.nodes if index in node.inputs]


def _answering(graph: Graph, index: int) -> list[int]:
    """A convolution and, behind it, its norm and relu, if it has them: the last one's output is the filters' answer."""
    found = [index]
    readers = _readers(graph, index)
    while len(readers) == 1 and graph.nodes[readers[0]].operation.kind in ("batch norm", "relu", "relu6"):
        found += readers
        readers = _readers(graph, found[-1])
    return found


def _pair(value: Any) -> tuple[int, int]:
    down, across = value
    return int(down), int(across)


def _numpy(tensor: Tensor) -> Any:
    return tensor.to("cpu", torch.float32).contiguous().numpy().copy()


def _filters_hold(count: int) -> str:
    return "1 filter holds" if count == 1 else f"{count} filters hold"
