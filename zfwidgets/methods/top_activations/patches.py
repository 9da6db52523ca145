"""The part of a picture that a unit sees."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zfwidgets.imaging import as_image
from zfwidgets.methods.top_activations.parts import TopEntry
from zfwidgets.network import Network, checked_network

__all__ = ["patch"]


def patch(net: Network, image: Any, entry: TopEntry) -> NDArray[np.uint8]:
    """The receptive field of an entry, cut out of its picture as the network sees it.

    Parameters
    ----------
    net : Network
        Whose preprocessing is used.
    image : picture or tensor (3, H, W)
        The entry's picture.
    entry : TopEntry
        Whose ``box`` is cut out.

    Returns
    -------
    ndarray
        (height, width, 3) uint8. Beyond the picture's edge it is what the network's zero padding stands for: the
        mean colour.

    Examples
    --------
    >>> from torch import nn
    >>> from zfwidgets.imaging import Preprocess
    >>> module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 14 * 14, 2))
    >>> net = Network(module, preprocess=Preprocess(size=16), device="cpu")
    >>> patch(net, np.zeros((16, 16, 3), np.uint8), TopEntry(1.0, "black", (2, 3), (2, 3, 3, 4))).shape
    (3, 4, 3)
    """
    preprocess = checked_network(net).preprocess
    picture: NDArray[np.uint8]
    if isinstance(image, Tensor):
        picture = preprocess.inverse(net.input(image))
    else:
        picture = np.asarray(preprocess.crop(as_image(image)))
    top, left, height, width = entry.box
    found: NDArray[np.uint8] = np.empty((height, width, 3), np.uint8)
    found[:] = preprocess.inverse(torch.zeros(3, 1, 1))[0, 0]
    rows = slice(max(top, 0), max(min(top + height, picture.shape[0]), 0))
    columns = slice(max(left, 0), max(min(left + width, picture.shape[1]), 0))
    inside = picture[rows, columns]
    found[rows.start - top :, columns.start - left :][: inside.shape[0], : inside.shape[1]] = inside
    return found
