"""How large the numbers of a network can become at most."""

from __future__ import annotations

import math
from collections.abc import Iterable

from zfwidgets.network import Network
from zfwidgets.network.operations.base import Input
from zfwidgets.network.operations.filters import Convolution, Rectification
from zfwidgets.network.operations.joins import Concatenation, Identity
from zfwidgets.network.operations.pooling import MaxPool

__all__ = ["limits"]


def limits(net: Network, nodes: Iterable[int]) -> dict[int, float]:
    """For each node, in the order they run: what no number of its output exceeds for any picture; inf: not known.

    Sums below the largest float cannot overflow, so there is neither an infinite number nor what comes of two.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from zfwidgets.imaging import Preprocess
    >>> module = nn.Sequential(nn.Conv2d(3, 1, 1), nn.ReLU(), nn.Flatten(), nn.Linear(4, 2))
    >>> _ = nn.init.constant_(module[0].weight, -2.0), nn.init.constant_(module[0].bias, 1.0)
    >>> net = Network(module, preprocess=Preprocess(size=2, mean=(0, 0, 0), std=(1, 1, 1)), device="cpu")
    >>> limits(net, range(3))
    {0: 1.0, 1: 7.0, 2: 7.0}
    """
    found: dict[int, float] = {}
    for index in nodes:
        operation, sources = net.traced().nodes[index].operation, net.traced().nodes[index].inputs
        largest = max((found[source] for source in sources), default=math.inf)
        if type(operation) is Input:
            pairs = zip(net.preprocess.mean, net.preprocess.std, strict=True)
            found[index] = max(max(abs(mean), abs(1 - mean)) / std for mean, std in pairs)
        elif type(operation) is Convolution:
            module = operation.module
            sums = module.weight.detach().abs().sum((1, 2, 3)) * largest
            found[index] = float((sums if module.bias is None else sums + module.bias.detach().abs()).max())
        elif type(operation) in (Rectification, MaxPool, Concatenation, Identity):
            found[index] = largest
        else:
            found[index] = math.inf
    return found
