"""Which layers a probe asks; needs no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zfwidgets.network import Network

__all__ = ["default_layers"]


def default_layers(net: Network) -> tuple[str, ...]:
    """The paper's layers: a convolution counts with the pool that comes after it; without the class scores.

    Examples
    --------
    >>> from zfwidgets.models import load_network
    >>> default_layers(load_network("zfnet-scenes", device="cpu"))
    ('pool1', 'pool2', 'conv3', 'conv4', 'pool5', 'fc6', 'fc7')
    """
    found = [net.layers[name] for name in net.menu]
    pooled = [after.kind.endswith("pool") for after in found[1:]] + [False]
    kept = [layer for layer, soon in zip(found, pooled, strict=True) if not soon]
    scores = len(net.classes)
    return tuple(layer.name for layer in kept if layer.spatial or layer.channels != scores) or tuple(net.menu)
