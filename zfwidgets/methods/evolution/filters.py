"""The filters that make the maps of a layer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zfwidgets.network import Network
from zfwidgets.network.graph import Graph

__all__ = ["layer_filters", "mean_cosine"]

_PASSING = {"relu", "relu6", "batch norm", "identity"}
"""What a map goes through without becoming another's."""

Filters = NDArray[np.float32]


def layer_filters(net: Network, layer: str) -> Filters | None:
    """The weights of the convolution or linear layer behind a layer, one row for each filter.

    Behind a concatenation these are the filters of all its parts, behind a residual sum those of the branch.

    Parameters
    ----------
    net : Network
        A network that can be traced.
    layer : str
        Its name.

    Returns
    -------
    ndarray or None
        (C, D) float32, rows of different lengths filled up with zeros; None where something else (a pool) makes it.

    Examples
    --------
    >>> from torch import nn
    >>> from zfwidgets.imaging import Preprocess
    >>> module = nn.Sequential(nn.Conv2d(3, 4, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4 * 36, 2))
    >>> net = Network(module, preprocess=Preprocess(size=16), device="cpu")
    >>> layer_filters(net, "conv1").shape, layer_filters(net, "pool1") is None
    ((4, 75), True)
    """
    found = _behind(net.traced(), net.layers[layer].index, sums=1)
    if not found:
        return None
    width = max(part.shape[1] for part in found)
    return np.concatenate([np.pad(part, ((0, 0), (0, width - part.shape[1]))) for part in found])


def _behind(graph: Graph, index: int, sums: int) -> list[Filters]:
    node = graph.nodes[index]
    kind = node.operation.kind
    if kind in ("convolution", "linear"):
        weight = node.operation.module.weight  # type: ignore[attr-defined]
        return [weight.detach().cpu().float().flatten(1).numpy().copy()]
    joined = kind == "concatenation" or (kind == "addition" and sums > 0)
    if not joined and kind not in _PASSING:
        return []
    left = sums - (kind == "addition")
    return [part for source in node.inputs for part in _behind(graph, source, left)]


def mean_cosine(filters: Filters, final: Filters) -> float:
    """Mean over all filters of the cosine between each and its final form; a filter of zeros resembles only itself.

    Parameters
    ----------
    filters, final : ndarray
        (C, D).

    Returns
    -------
    float
        In [-1, 1]; nan where a weight is no finite number.

    Examples
    --------
    >>> round(mean_cosine(np.float32([[1, 0], [0, 2]]), np.float32([[3, 0], [1, 1]])), 3)
    0.854
    """
    one, other = filters.astype(np.float64), final.astype(np.float64)
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    products = (one * other).sum(1)
    none = (one == 0).all(1) & (other == 0).all(1)
    cosines = np.divide(products, lengths, out=none.astype(float), where=lengths != 0)
    return float(cosines.mean()) if np.isfinite(lengths).all() else float("nan")
