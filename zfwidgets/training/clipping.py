"""The paper's remedy for filters that dominate (section 3, Fig. 6)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from ..errors import ParameterError
from ..methods.filters import RADIUS

__all__ = ["RADIUS", "clip_filters", "first_radius"]


def first_radius(std: Sequence[float], radius: float = RADIUS) -> float:
    """The radius for the first convolution when its inputs are divided by ``std``.

    Inputs that are smaller by a factor need filters that are larger by it; later layers do not notice.

    Parameters
    ----------
    std : sequence of float
        As in `Preprocess`: pixels in [0, 1] are divided by it.
    radius : float
        For inputs in 8-bit steps.

    Examples
    --------
    >>> round(first_radius((0.25, 0.25, 0.25)), 3)
    6.375
    """
    return radius * 255 * sum(std) / len(std)


@torch.no_grad()
def clip_filters(network: nn.Module, radius: float = RADIUS, first: float | None = None) -> int:
    """Set every convolution filter whose root mean square exceeds the radius back to it, in place.

    Parameters
    ----------
    network : nn.Module
        Its `nn.Conv2d` modules are looked at; a filter is all weights (inputs, height, width) of one output.
    radius : float
        Largest root mean square, positive.
    first : float, optional
        Another radius for the first convolution, see `first_radius`.

    Returns
    -------
    int
        How many filters were set back.

    Raises
    ------
    ParameterError
        If a radius is not positive.

    Examples
    --------
    >>> convolution = nn.Conv2d(3, 8, 7)
    >>> clip_filters(nn.Sequential(convolution), radius=0.01)
    8
    >>> round(float(convolution.weight.detach().square().mean((1, 2, 3)).sqrt().max()), 4)
    0.01
    """
    clipped = 0
    for place, module in enumerate(module for module in network.modules() if isinstance(module, nn.Conv2d)):
        limit = first if first is not None and place == 0 else radius
        if not limit > 0:
            raise ParameterError(
                f"The radius of the filter clipping must be positive, not {limit}; the paper's is 0.1."
            )
        size = module.weight.square().mean((1, 2, 3), keepdim=True).sqrt()
        over = size > limit
        module.weight.copy_(torch.where(over, module.weight * (limit / size), module.weight))
        clipped += int(over.sum())
    return clipped
