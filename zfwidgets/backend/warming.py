"""What a network does once before it can answer quickly, done before anybody asks."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from PIL import Image

from zfwidgets.errors import Cancelled

if TYPE_CHECKING:
    from zfwidgets.methods import OcclusionMap
    from zfwidgets.network import Network

__all__ = ["default_square", "forward_seconds", "warm_up"]

_GREY = (128, 128, 128)


def default_square(network: Network) -> tuple[int, int]:
    """Size and stride of a sweep that nobody has chosen: a quarter of the picture, in steps of a sixth of that.

    Examples
    --------
    >>> from torch import nn
    >>> from zfwidgets.imaging import Preprocess
    >>> from zfwidgets.network import Network
    >>> net = Network(nn.Sequential(nn.Conv2d(3, 2, 16), nn.Flatten()), preprocess=Preprocess(size=96), device="cpu")
    >>> default_square(net)
    (24, 4)
    """
    side = min(network.input_size)
    return max(1, side // 4), max(1, side // 24)


def warm_up(network: Network, cancelled: Callable[[], bool] = lambda: False) -> None:
    """Begin a sweep and make a projection, so that weights are packed and memory is taken when somebody asks.

    Parameters
    ----------
    network : Network
        Left as it was found.
    cancelled : callable, optional
        Asked between batches.

    Raises
    ------
    Cancelled
        When `cancelled` says so.
    """
    from zfwidgets.methods import occlusion_map, project

    picture = network.input(_grey(network))
    size, stride = default_square(network)
    begun: list[OcclusionMap] = []

    def enough() -> bool:
        return cancelled() or bool(begun)

    try:
        # Black on grey: a square of the picture's own colour would change nothing.
        occlusion_map(network, picture, size, stride, fill="black", on_partial=begun.append, cancelled=enough)
    except Cancelled:
        if not begun:
            raise
    if any(network.layers[name].spatial for name in network.menu):
        if cancelled():
            raise Cancelled("Somebody asks.")
        project(network, picture, network.default_layer, 0)


def forward_seconds(network: Network) -> float:
    """Time of one forward pass of one picture."""
    picture = network.input(_grey(network))[None]
    start = time.perf_counter()
    network(picture).cpu()
    return time.perf_counter() - start


def _grey(network: Network) -> Image.Image:
    height, width = network.input_size
    return Image.new("RGB", (width, height), _GREY)
