"""What `record` returns, and what is asked of it; needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zfwidgets.errors import ParameterError

if TYPE_CHECKING:
    import torch

    from zfwidgets.network import Network
    from zfwidgets.network.graph import Pass

__all__ = ["Recording", "channel_index", "softmax"]


@dataclass(frozen=True, eq=False)  # arrays have no single equality
class Recording:
    """One forward pass of N pictures, kept so that many projections can use its switches.

    Attributes
    ----------
    inputs : torch.Tensor
        (N, 3, H, W) model inputs.
    activations : mapping
        Layer name to (N, C, h, w), or (N, F) for layers without places.
    logits : ndarray
        (N, K).
    forward : Pass
        What the way back needs.
    """

    inputs: torch.Tensor
    activations: Mapping[str, NDArray[np.float32]]
    logits: NDArray[np.float32]
    forward: Pass

    def __len__(self) -> int:
        return len(self.logits)

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """(N, K), softmax of the logits."""
        return softmax(self.logits)


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Softmax over the last axis."""
    shifted = np.exp(logits - logits.max(-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(-1, keepdims=True), np.float32)


def channel_index(net: Network, layer: str, channel: int) -> int:
    """A channel of a layer, checked."""
    count = net.layers[layer].channels
    whole = isinstance(channel, int | np.integer) and not isinstance(channel, bool)
    if not whole or not 0 <= channel < count:
        raise ParameterError(f"Layer {layer!r} has channels 0 to {count - 1}; found {channel!r}.")
    return int(channel)
