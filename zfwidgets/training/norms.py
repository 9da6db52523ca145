"""What batch norm takes for mean and spread, measured once more when the weights no longer change."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

__all__ = ["measure_norms"]


@torch.no_grad()
def measure_norms(network: nn.Module, batches: Iterable[Tensor]) -> None:
    """Set the running statistics of every batch norm to the mean over these batches (Wu and Johnson 2021).

    Those that a training leaves behind are of its last few batches, of weights that still changed, and of pictures
    that CutMix had pasted into.

    Parameters
    ----------
    network : nn.Module
        Changed in place, but for its mode; everything but its norms works as in evaluation.
    batches : iterable of tensor (N, 3, H, W)
        In model-input scale.

    Examples
    --------
    >>> network = nn.BatchNorm2d(3)
    >>> measure_norms(network, [torch.zeros(2, 3, 1, 1), torch.ones(2, 3, 1, 1)])
    >>> network.running_mean
    tensor([0.5000, 0.5000, 0.5000])
    """
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)]
    modes = {module: module.training for module in network.modules()}
    momenta = {norm: norm.momentum for norm in norms}
    network.eval()
    try:
        for norm in norms:
            norm.train()
            norm.reset_running_stats()
            norm.momentum = None  # every batch counts alike
        for inputs in batches:
            network(inputs)
    finally:
        for norm, momentum in momenta.items():
            norm.momentum = momentum
        for module, mode in modes.items():
            module.training = mode
