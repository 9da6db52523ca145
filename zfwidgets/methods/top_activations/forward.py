"""The network for batches of one size, up to the last wanted layer.

All batches have one size and each is computed on one thread, so what a picture gives depends neither on the pictures
beside it nor on how many threads or processes there are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zfwidgets.network import Network

__all__ = ["Forward"]

_MOST = 16
_MAP_BYTES = 48 * 2**20
"""A batch's largest map, in bytes: several batches are under way at the same time."""


class Forward:
    """Maps of the wanted layers for batches of one size.

    Parameters
    ----------
    net : Network
        A network that can be traced.
    layers : sequence of str
        Layers that are wanted.
    """

    def __init__(self, net: Network, layers: Sequence[str]) -> None:
        self.net, self.graph = net, net.traced()
        self.wanted = {name: net.layers[name].index for name in layers}
        found = [net.layers[name] for name in net.layers]
        largest = max(layer.channels * layer.height * layer.width for layer in found) * 4
        self.batch = max(min(_MAP_BYTES // largest, _MOST), 1)

    def __call__(self, pixels: Sequence[NDArray[np.uint8] | None], see: Callable[[str, Tensor], None]) -> None:
        """Run a batch of at most `batch` pictures and hand each wanted layer's maps (batch, C, H, W) to ``see``.

        Vectors come as maps of one cell; a picture that is None is grey.
        """
        size = self.net.preprocess.size
        levels = np.zeros((self.batch, size, size, 3), np.uint8)
        for place, picture in enumerate(pixels):
            if picture is not None:
                levels[place] = picture
        scaled = torch.from_numpy(levels).to(self.net.device).to(torch.float32).div_(255)
        inputs = self.net.preprocess.normalise(scaled.permute(0, 3, 1, 2))
        result = self.graph.run(inputs, set(self.wanted.values()))
        for name, index in self.wanted.items():
            maps = result.outputs[index]
            see(name, maps if maps.dim() == 4 else maps[:, :, None, None])
