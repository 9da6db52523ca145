"""The network of the paper's Fig. 3, and the same shape at any size."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Collection
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ..errors import NetworkError, ParameterError

__all__ = ["ZFNet", "fold_batch_norm"]

Normalisation = Literal["lrn", "batch"] | None

_CAN_GO = (3, 4, 6, 7)
"""The layers that the paper's Table 3 leaves out."""


class ZFNet(nn.Module):
    """Five convolutions and three linear layers, as in Fig. 3 of Zeiler and Fergus.

    With its defaults it is the network of the paper: 224 x 224 input, 7x7 convolution with stride 2, 62,357,608
    parameters at 1000 classes, 256 x 6 x 6 before fc6. The constants of the local response normalisation, which
    the paper does not state, are Krizhevsky's (n=5, k=2, alpha=1e-4, beta=0.75).

    Parameters
    ----------
    classes : int
        Number of classes, K.
    channels : tuple of five int
        Feature maps of conv1 to conv5.
    hidden : tuple of two int
        Widths of fc6 and fc7.
    input_size : int
        Side of the square input in pixels.
    conv1_size, conv1_stride : int
        Of the first convolution; Krizhevsky's are 11 and 4 (Fig. 6).
    conv2_stride, conv2_padding : int
        Of the 5x5 convolution; smaller inputs need stride 1 to keep a map worth looking at in conv5.
    normalisation : {"lrn", "batch", None}
        After pool1 and pool2 (the paper), in every convolution before its relu, or nowhere.
    dropout : float
        Share of fc6's and fc7's inputs that training drops.
    without : collection of int
        Layers that are left out, any of 3, 4, 6 and 7, as in Table 3; their numbers of channels say nothing then.

    Raises
    ------
    ParameterError
        If a number is not positive, or the input is too small to leave anything after pool5.

    Attributes
    ----------
    architecture : dict
        The arguments that make it again, for a manifest.

    Examples
    --------
    >>> import torch
    >>> net = ZFNet(classes=16, channels=(8, 8, 8, 8, 8), hidden=(32, 32), input_size=96, conv2_stride=1).eval()
    >>> tuple(net(torch.zeros(2, 3, 96, 96)).shape)
    (2, 16)
    >>> sum(isinstance(module, nn.Linear) for module in ZFNet(16, without=(6, 7)).modules())
    1
    """

    def __init__(
        self,
        classes: int = 1000,
        *,
        channels: tuple[int, int, int, int, int] = (96, 256, 384, 384, 256),
        hidden: tuple[int, int] = (4096, 4096),
        input_size: int = 224,
        conv1_size: int = 7,
        conv1_stride: int = 2,
        conv2_stride: int = 2,
        conv2_padding: int = 0,
        normalisation: Normalisation = "lrn",
        dropout: float = 0.5,
        without: Collection[int] = (),
    ) -> None:
        super().__init__()
        _check(classes, channels, hidden, input_size, normalisation, dropout, without)
        first, second = (conv1_size, conv1_stride, 1), (5, conv2_stride, conv2_padding)
        _check_convolutions(first, second)
        side = _pooled(_pooled(_pooled(input_size, first), second), (3, 1, 1), ceil=False)
        if side < 1:
            raise ParameterError(f"A ZFNet for {input_size}-pixel inputs has nothing left after pool5; try 96 or 224.")
        self.architecture: dict[str, Any] = {
            "classes": classes,
            "channels": list(channels),
            "hidden": list(hidden),
            "input_size": input_size,
            "conv1_size": conv1_size,
            "conv1_stride": conv1_stride,
            "conv2_stride": conv2_stride,
            "conv2_padding": conv2_padding,
            "normalisation": normalisation,
            "dropout": dropout,
            "without": sorted(without),
        }
        self.input_size = input_size
        widths = [channels[1], *_kept((3, 4, 5), channels[2:], without)]
        self.features = nn.Sequential(
            *_convolution(3, channels[0], first, normalisation),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            *_response(normalisation),
            *_convolution(channels[0], channels[1], second, normalisation),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            *_response(normalisation),
            *(
                part
                for inputs, outputs in itertools.pairwise(widths)
                for part in _convolution(inputs, outputs, (3, 1, 1), normalisation)
            ),
            nn.MaxPool2d(3, 2),
        )
        widths = [channels[4] * side * side, *_kept((6, 7), hidden, without)]
        self.classifier = nn.Sequential(
            *(
                part
                for inputs, outputs in itertools.pairwise(widths)
                for part in (nn.Dropout(dropout), nn.Linear(inputs, outputs), nn.ReLU(inplace=True))
            ),
            nn.Linear(widths[-1], classes),
        )

    def forward(self, batch: Tensor) -> Tensor:
        """Logits (N, K) of a batch (N, 3, H, W)."""
        logits: Tensor = self.classifier(torch.flatten(self.features(batch), 1))
        return logits


def fold_batch_norm(network: ZFNet) -> ZFNet:
    """The same function without batch norm: its scale and shift go into the convolutions.

    Parameters
    ----------
    network : ZFNet
        With ``normalisation="batch"``; is not changed.

    Returns
    -------
    ZFNet
        In evaluation mode, with ``normalisation=None``: convolution, relu, max pool and linear only, so that the
        paper's deconvnet holds exactly. Its logits equal those of ``network.eval()`` but for rounding.

    Raises
    ------
    NetworkError
        If the network has no batch norm.

    Examples
    --------
    >>> small = dict(channels=(4, 4, 4, 4, 4), hidden=(8, 8), input_size=64, conv2_stride=1)
    >>> folded = fold_batch_norm(ZFNet(5, normalisation="batch", **small))
    >>> any(isinstance(module, torch.nn.BatchNorm2d) for module in folded.modules())
    False
    """
    layers: list[nn.Module] = []
    for layer in network.features:
        if not isinstance(layer, nn.BatchNorm2d):
            layers.append(copy.deepcopy(layer))
            continue
        convolution = layers[-1]
        if not isinstance(convolution, nn.Conv2d):
            raise NetworkError("Batch norm can only be folded into the convolution in front of it; there is none.")
        _scale(convolution, layer)
    if len(layers) == len(network.features):
        raise NetworkError('This network has no batch norm to fold; build it with ZFNet(normalisation="batch").')
    folded = copy.deepcopy(network)
    folded.features = nn.Sequential(*layers)
    folded.architecture = {**network.architecture, "normalisation": None}
    return folded.eval()


@torch.no_grad()
def _scale(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    assert convolution.bias is not None
    # In double precision: the division by a small variance would otherwise cost digits.
    scale = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
    shift = norm.bias.double() + (convolution.bias.double() - norm.running_mean.double()) * scale
    convolution.weight.copy_(convolution.weight.double() * scale[:, None, None, None])
    convolution.bias.copy_(shift)


def _kept(numbers: tuple[int, ...], widths: tuple[int, ...], without: Collection[int]) -> list[int]:
    return [width for number, width in zip(numbers, widths, strict=True) if number not in without]


def _convolution(
    inputs: int, outputs: int, window: tuple[int, int, int], normalisation: Normalisation
) -> list[nn.Module]:
    norm: list[nn.Module] = [nn.BatchNorm2d(outputs)] if normalisation == "batch" else []
    return [nn.Conv2d(inputs, outputs, *window), *norm, nn.ReLU(inplace=True)]


def _response(normalisation: Normalisation) -> list[nn.Module]:
    return [nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=2.0)] if normalisation == "lrn" else []


def _pooled(side: int, window: tuple[int, int, int], *, ceil: bool = True) -> int:
    """Side of a map after a convolution and a 3x3/2 pool, rounded up but for the last one."""
    kernel, stride, padding = window
    side = (side + 2 * padding - kernel) // stride + 1
    return (-(-(side - 3) // 2) if ceil else (side - 3) // 2) + 1


def _check(
    classes: int,
    channels: tuple[int, ...],
    hidden: tuple[int, ...],
    input_size: int,
    normalisation: Normalisation,
    dropout: float,
    without: Collection[int],
) -> None:
    if len(channels) != 5 or len(hidden) != 2:
        raise ParameterError(
            f"A ZFNet has five convolutions and two hidden layers, not channels={channels} and hidden={hidden}."
        )
    if min(classes, input_size, *channels, *hidden) < 1:
        raise ParameterError("Classes, channels, hidden widths and the input size of a ZFNet must be at least 1.")
    if normalisation not in ("lrn", "batch", None):
        raise ParameterError(f'The normalisation of a ZFNet is "lrn", "batch" or None, not {normalisation!r}.')
    if not 0 <= dropout < 1:
        raise ParameterError(f"The dropout of a ZFNet must be in [0, 1), not {dropout}; the paper's is 0.5.")
    if not set(without) <= set(_CAN_GO):
        raise ParameterError(f"A ZFNet can do without layers 3, 4, 6 and 7, not without {sorted(without)}.")


def _check_convolutions(*windows: tuple[int, int, int]) -> None:
    if any(size < 1 or stride < 1 or padding < 0 for size, stride, padding in windows):
        raise ParameterError("Sizes and strides of a ZFNet's convolutions must be at least 1, paddings 0 or more.")
