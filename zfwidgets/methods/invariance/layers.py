"""The two layers that Fig. 5 compares; needs no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zfwidgets.network import Network

__all__ = ["shallow_and_deep"]


def shallow_and_deep(net: Network) -> tuple[str, ...]:
    """The first layer and the last one below the class scores: the paper's layers 1 and 7.

    Fewer than two for a network that has no others, or cannot be traced.

    Examples
    --------
    >>> from zfwidgets.models import load_network
    >>> shallow_and_deep(load_network("zfnet-scenes", device="cpu"))
    ('conv1', 'fc7')
    """
    scores = len(net.classes)
    below = [place for place, name in enumerate(net.menu) if net.layers[name].channels != scores]
    deep = below[-1] if below else 0
    return tuple(dict.fromkeys([*net.menu[:1], *net.menu[deep : deep + 1]]))
