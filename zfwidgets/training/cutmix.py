"""CutMix (Yun et al. 2019): a batch in which each picture has a rectangle of another one, and shares its label."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["Mixed", "cut_and_mixed", "mixed_loss"]


class Mixed(NamedTuple):
    """A batch and what was pasted into it.

    Attributes
    ----------
    inputs : tensor (N, 3, H, W)
    labels, pasted : tensor (N,) int64
        Of the pictures themselves, and of what was pasted into them.
    share : float
        Of the area that is a picture's own.
    """

    inputs: Tensor
    labels: Tensor
    pasted: Tensor
    share: float


def cut_and_mixed(inputs: Tensor, labels: Tensor, generator: torch.Generator) -> Mixed:
    """Paste one rectangle, the same for the whole batch, from each picture's partner.

    Parameters
    ----------
    inputs : tensor (N, 3, H, W)
        Written into: a training batch is nobody else's.
    labels : tensor (N,) int64
        What the pictures show.
    generator : torch.Generator
        Where the chance comes from.

    Returns
    -------
    Mixed
        The pasted share of the area is drawn evenly from 0 to 1, and rounded to whole pixels.

    Examples
    --------
    >>> mixed = cut_and_mixed(torch.zeros(2, 3, 8, 8), torch.tensor([4, 5]), torch.Generator().manual_seed(0))
    >>> 0 <= mixed.share <= 1
    True
    """
    height, width = inputs.shape[2:]
    partners = torch.randperm(len(inputs), generator=generator)
    area, down, across = torch.rand(3, generator=generator).tolist()
    rows, columns = round(height * area**0.5), round(width * area**0.5)
    top, left = round(down * (height - rows)), round(across * (width - columns))
    place = (slice(None), slice(None), slice(top, top + rows), slice(left, left + columns))
    inputs[place] = inputs[place][partners]
    return Mixed(inputs, labels, labels[partners], 1 - rows * columns / (height * width))


def mixed_loss(logits: Tensor, batch: Mixed, label_smoothing: float) -> Tensor:
    """Mean cross entropy with the picture's own label and the pasted one's, by their shares of the area."""
    own = F.cross_entropy(logits, batch.labels, label_smoothing=label_smoothing)
    if batch.share == 1:
        return own
    pasted = F.cross_entropy(logits, batch.pasted, label_smoothing=label_smoothing)
    return batch.share * own + (1 - batch.share) * pasted
