"""The same network before it was taught: the tables' "not pretrained", with features that are never trained."""

from __future__ import annotations

import copy

import torch

from zfwidgets.errors import NetworkError
from zfwidgets.network import Network, checked_network

__all__ = ["untaught"]


def untaught(net: Network, seed: int = 0) -> Network:
    """A copy of a network with the random weights that its layers begin with.

    In the paper a network that is not pretrained is then trained on the few pictures; here its features stay random
    and the classifier alone learns, as in every other probe.

    Parameters
    ----------
    net : Network
        Left as it is.
    seed : int

    Raises
    ------
    NetworkError
        If a layer with weights does not know how to begin anew (no ``reset_parameters``).

    Examples
    --------
    >>> from torch import nn
    >>> from zfwidgets.imaging import Preprocess
    >>> module = nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(2 * 36, 2))
    >>> net = Network(module, preprocess=Preprocess(size=8), device="cpu")
    >>> bool((untaught(net).module[0].weight != module[0].weight).all())
    True
    """
    module = copy.deepcopy(checked_network(net).module)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for name, part in module.named_modules():
            if hasattr(part, "reset_parameters"):
                part.reset_parameters()
            elif list(part.parameters(recurse=False)):
                raise NetworkError(
                    f"{net.name} cannot begin anew: {name or type(part).__name__!r} has no reset_parameters; compare "
                    "with load_network(name, weights=None)."
                )
    return Network(
        module, preprocess=net.preprocess, classes=net.classes, device=net.device, name=f"{net.name}, not trained"
    )
