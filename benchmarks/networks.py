"""The networks that are compared: known architectures, random weights that keep the scale of the activations."""

from __future__ import annotations

import torch
from torch import Tensor, nn

import zfwidgets as zf

__all__ = ["NAMES", "load", "photograph"]

NAMES = ("alexnet", "zfnet", "squeezenet1_1", "resnet18", "vgg16")


def load(name: str, device: str | torch.device = "cpu") -> zf.Network:
    """One of `NAMES`, always with the same weights.

    Drawn as He et al. (2015) do, because torchvision's own start lets the activations of deep networks die out:
    with nothing but zeros and subnormal numbers inside, times mean nothing.
    """
    net = zf.load_network(name, weights=None, device="cpu")
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for part in net.module.modules():
            _draw(part, generator)
    return zf.Network(net.module, preprocess=net.preprocess, classes=net.classes, device=device, name=name)


def _draw(part: nn.Module, generator: torch.Generator) -> None:
    if isinstance(part, nn.Conv2d | nn.Linear):
        part.weight.normal_(0, (2 / part.weight[0].numel()) ** 0.5, generator=generator)
        if part.bias is not None:
            part.bias.normal_(0, 0.1, generator=generator)
    elif isinstance(part, nn.BatchNorm2d):
        assert part.running_mean is not None
        assert part.running_var is not None
        part.running_mean.normal_(0, 0.1, generator=generator)
        part.running_var.uniform_(0.5, 1.5, generator=generator)
        part.weight.uniform_(0.5, 1.5, generator=generator)
        part.bias.normal_(0, 0.1, generator=generator)


def photograph(net: zf.Network) -> Tensor:
    """(3, 224, 224): a cat, as the network's input."""
    return net.input(zf.samples()["photo/chelsea"])
