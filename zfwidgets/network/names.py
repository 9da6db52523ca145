"""Names of classes and layers: ``conv1 ... pool1 ... fc6`` of plain chains, and the short list of a menu."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from zfwidgets.errors import NetworkError
from zfwidgets.network.graph import Graph

if TYPE_CHECKING:
    from zfwidgets.network.network import Layer

__all__ = ["chain_names", "class_names", "menu"]

_AFTER_FILTERS = {"batch norm", "relu", "relu6"}
_BLOCKS = {"relu", "relu6", "max pool", "average pool", "concatenation", "addition", "linear"}


def chain_names(graph: Graph) -> dict[str, int]:
    """``conv1``, ``pool1`` ... ``fc8`` if every operation reads only the one before it, else nothing.

    ``conv5`` is the map after its relu, ``pool5`` the pooling after it, and the linear layers go on counting.
    """
    readers: dict[int, list[int]] = {node.index: [] for node in graph.nodes}
    for node in graph.nodes:
        for source in set(node.inputs):
            readers[source].append(node.index)
    names: dict[str, int] = {}
    count, index = 0, 0
    while readers[index]:
        if len(readers[index]) > 1:
            return {}
        (index,) = readers[index]
        kind = graph.nodes[index].operation.kind
        if kind in ("convolution", "linear"):
            count += 1
            stem = "conv" if kind == "convolution" else "fc"
            names[f"{stem}{count}"] = _rectified(graph, readers, index)
        elif kind.endswith("pool") and count:
            names[f"pool{count}"] = index
        elif kind == "other":
            return {}
    return names if index == graph.output else {}


def _rectified(graph: Graph, readers: Mapping[int, list[int]], index: int) -> int:
    while len(readers[index]) == 1:
        (after,) = readers[index]
        kind = graph.nodes[after].operation.kind
        if kind not in _AFTER_FILTERS:
            break
        index = after
        if kind != "batch norm":
            break
    return index


def menu(graph: Graph, layers: Mapping[str, Layer]) -> tuple[str, ...]:
    """One name for each layer worth offering: the chain's names, or else each block once, by its shortest name."""
    chain = chain_names(graph)
    if chain:
        return tuple(chain)
    named = [name for name in layers if "#" not in name]
    mapped = any(layers[name].spatial and layers[name].kind in _BLOCKS for name in named)
    # Without a block that has maps (behind filters nothing but SiLU, say) the filters' own maps are what there is.
    kinds = _BLOCKS if mapped else _BLOCKS | {"convolution"}
    best: dict[int, str] = {}
    for name in named:
        layer = layers[name]
        if layer.kind not in kinds:
            continue
        known = best.get(layer.index)
        if known is None or name.count(".") < known.count("."):
            best[layer.index] = name
    return tuple(best[index] for index in sorted(best))


def class_names(classes: Sequence[str] | None, count: int) -> tuple[str, ...]:
    """Names of all classes, each of them different: those given, or ``class 0`` and so on."""
    if classes is None:
        return tuple(f"class {index}" for index in range(count))
    if isinstance(classes, str) or not isinstance(classes, Sequence):
        raise NetworkError(f"Class names are a list of {count} names, not {classes!r:.80}.")
    if len(classes) != count:
        raise NetworkError(f"The network has {count} classes and {len(classes)} class names were given.")
    names = list(map(str, classes))
    # ImageNet has two cranes; a name must lead to one class.
    return tuple(f"{name} ({index})" if names.count(name) > 1 else name for index, name in enumerate(names))
