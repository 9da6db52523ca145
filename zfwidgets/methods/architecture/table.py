"""The layers of a network from its graph: operations that belong together are one layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zfwidgets.methods.architecture.result import Architecture, ArchitectureLayer
from zfwidgets.network import Network, checked_network
from zfwidgets.network.geometry import receptive_field
from zfwidgets.network.graph import Graph, Node
from zfwidgets.network.operations import Constant, Opaque

__all__ = ["architecture"]

_AFTER = {"batch norm", "relu", "relu6", "response norm"}
"""Belong to what they read, if nobody else reads it."""
_BEFORE = {"identity", "flatten"}
"""Belong to what reads them: pool5 is a map, not the vector that fc6 makes of it."""


def architecture(net: Network) -> Architecture:
    """The layers of a network: sizes, receptive fields, parameters, multiply-adds, and who reads whom.

    Parameters
    ----------
    net : Network
        A network that can be traced.

    Returns
    -------
    Architecture

    Raises
    ------
    NetworkError
        If it cannot be traced; says why.

    References
    ----------
    Zeiler and Fergus, Fig. 3.

    Examples
    --------
    >>> from torch import nn
    >>> from zfwidgets.imaging import Preprocess
    >>> module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4 * 7 * 7, 2))
    >>> found = architecture(Network(module, preprocess=Preprocess(size=16), device="cpu"))
    >>> [(layer.name, layer.channels, layer.height, layer.parameters) for layer in found.layers]
    [(None, 3, 16, 0), ('conv1', 4, 14, 112), ('pool1', 4, 7, 0), ('fc2', 2, 1, 394)]
    >>> found["pool1"].receptive_field, found["pool1"].stride, found["conv1"].multiply_adds == 14 * 14 * 4 * 27
    ((4, 4), (2, 2), True)
    """
    graph = checked_network(net).traced()
    shapes = net.shapes
    used = [index for index in sorted(graph.ancestors([graph.output])) if not _constant(graph, index)]
    last = _groups(graph, shapes, used)
    members: dict[int, list[int]] = {}
    for index in used:
        members.setdefault(last[index], []).append(index)
    order = sorted(members)
    places = {end: place for place, end in enumerate(order)}
    names = _names(net)
    counted: set[int] = set()
    layers = tuple(_layer(net, graph, members[end], last, places, names, counted) for end in order)
    unique = {id(parameter): parameter.numel() for parameter in net.module.parameters()}
    return Architecture(net.name, layers, sum(unique.values()), sum(layer.multiply_adds for layer in layers))


def _constant(graph: Graph, index: int) -> bool:
    return isinstance(graph.nodes[index].operation, Constant)


def _groups(graph: Graph, shapes: Sequence[tuple[int, ...]], used: Sequence[int]) -> dict[int, int]:
    """For every operation, the one that computes its layer's map."""
    readers: dict[int, list[int]] = {index: [] for index in used}
    for index in used:
        for source in {*graph.nodes[index].inputs} & readers.keys():
            readers[source].append(index)
    last: dict[int, int] = {}
    for index in reversed(used):
        reading = readers[index]
        joins = False
        if index and reading:
            alone = len(reading) == 1
            kind = graph.nodes[index].operation.kind
            # What is neither map nor vector (tokens, a size) is half way to one.
            half_way = len(shapes[index]) not in (1, 3)
            joins = half_way or (alone and (kind in _BEFORE or _follows(graph.nodes[reading[0]], shapes)))
        last[index] = last[reading[0]] if joins else index
    return last


def _follows(node: Node, shapes: Sequence[tuple[int, ...]]) -> bool:
    """Whether an operation belongs to what it reads."""
    operation = node.operation
    if operation.kind in _AFTER:
        return True
    # An activation without a rule, such as SiLU.
    return (
        isinstance(operation, Opaque)
        and len(node.inputs) == 1
        and shapes[node.index] == shapes[node.inputs[0]]
        and not operation.parameters()
    )


def _names(net: Network) -> Mapping[int, str]:
    """A layer name for each operation that has one: that of the menu, or else the shortest."""
    found: dict[int, str] = {}
    for name in net.layers:
        index = net.layers[name].index
        known = found.get(index)
        if known is None or (name.count("."), len(name)) < (known.count("."), len(known)):
            found[index] = name
    return found | {net.layers[name].index: name for name in net.menu}


def _layer(
    net: Network,
    graph: Graph,
    nodes: Sequence[int],
    last: Mapping[int, int],
    places: Mapping[int, int],
    names: Mapping[int, str],
    counted: set[int],
) -> ArchitectureLayer:
    end, shapes = nodes[-1], net.shapes
    shape = shapes[end]
    channels, height, width = shape if len(shape) == 3 else (shape[-1] if shape else 1, 1, 1)
    field, stride = _sees(net, graph, end, names)
    main = _main(graph, nodes)
    source = next((i for i in main.inputs if not _constant(graph, i)), None)
    reach = None if source is None else main.operation.reach(shapes[source])
    slides = reach is not None and main.operation.kind in ("convolution", "max pool", "average pool")
    inputs = {last[i] for node in nodes for i in graph.nodes[node].inputs if i in last} - {end}
    on_the_menu = [names[index] for index in nodes if names.get(index) in net.menu]
    named = on_the_menu or [names[index] for index in nodes if index in names and len(shapes[index]) in (1, 3)]
    return ArchitectureLayer(
        named[-1] if named and end else None,
        _kind(main),
        tuple(_kind(graph.nodes[index]) for index in nodes),
        channels,
        height,
        width,
        (reach[0].kernel, reach[1].kernel) if reach is not None and slides else None,
        (reach[0].stride, reach[1].stride) if reach is not None and slides else None,
        field,
        stride,
        _parameters(graph, nodes, counted),
        sum(graph.nodes[index].operation.multiply_adds(shapes[index]) for index in nodes if shapes[index]),
        tuple(sorted(places[i] for i in inputs)),
        tuple(nodes),
    )


def _sees(net: Network, graph: Graph, end: int, names: Mapping[int, str]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Receptive field and stride of a map; in deep networks they cost a long walk, which a named layer has done."""
    if end in names:
        layer = net.layers[names[end]]
        return layer.receptive_field, layer.stride
    rows, columns = receptive_field(graph, end, net.shapes)
    return (rows.size, columns.size), (rows.jump, columns.jump)


def _main(graph: Graph, nodes: Sequence[int]) -> Node:
    """The operation that the layer is called by: with weights, or the first that is no mere company."""
    own = [graph.nodes[index] for index in nodes if graph.nodes[index].operation.kind not in _AFTER | _BEFORE]
    learned = [node for node in own if node.operation.parameters()]
    return (learned or own or [graph.nodes[nodes[0]]])[0]


def _kind(node: Node) -> str:
    operation = node.operation
    return operation.call.name if isinstance(operation, Opaque) else operation.kind


def _parameters(graph: Graph, nodes: Sequence[int], counted: set[int]) -> int:
    """Learned numbers of the operations and of the constants that they read, but for those counted before."""
    total = 0
    for index in nodes:
        constants = [source for source in graph.nodes[index].inputs if _constant(graph, source)]
        for place in (*constants, index):
            for parameter in graph.nodes[place].operation.parameters():
                if id(parameter) not in counted:
                    counted.add(id(parameter))
                    total += parameter.numel()
    return total
