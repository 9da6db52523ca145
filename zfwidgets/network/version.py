"""Telling a network whose weights were edited from the one that gave an earlier answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache

import torch
from torch import Tensor

__all__ = ["weights_version"]

_SAMPLES = 1024
"""Elements looked at anywhere in a tensor, besides one in each row (a filter, a unit) and each column."""


def weights_version(tensors: Iterable[Tensor]) -> int:
    """A number that changes when weights do.

    torch counts its own writes into a tensor; what goes around that count (``.data``, memory shared with numpy, a
    a tensor put in another's place) is noticed by its values, at 1024 places of each tensor and in each of its rows
    and columns. Such an edit that touches none of these places is not noticed.

    Parameters
    ----------
    tensors : iterable of Tensor
        Parameters and buffers, always in the same order.

    Examples
    --------
    >>> weight = torch.zeros(3)
    >>> before = weights_version([weight])
    >>> weight.numpy()[1] = 5
    >>> weights_version([weight]) != before
    True
    """
    facts: list[object] = []
    samples: defaultdict[tuple[torch.device, torch.dtype], list[Tensor]] = defaultdict(list)
    with torch.inference_mode():
        for tensor in tensors:
            facts.append((tuple(tensor.shape), 0 if tensor.is_inference() else tensor._version))
            if tensor.numel() and not tensor.is_meta:
                samples[tensor.device, tensor.dtype].append(_sample(tensor))
        # One tensor of all samples: on a GPU each look at a value of its own would be a wait of its own.
        facts += [_bytes(torch.cat(parts)) for parts in samples.values()]
    return hash(tuple(facts))


def _sample(tensor: Tensor) -> Tensor:
    """Some elements as a vector; all of a small tensor."""
    if tensor.is_quantized:
        tensor = tensor.int_repr()
    elif tensor.layout is not torch.strided:
        tensor = tensor.to_dense()
    if tensor.dim() == 4 and not tensor.is_contiguous():
        tensor = tensor.permute(0, 2, 3, 1)  # channels_last lies in memory like this
    flat = tensor.reshape(-1)
    count = flat.numel()
    if count <= _SAMPLES:
        return flat
    return flat.index_select(0, _places(tensor.shape[0] if tensor.dim() > 1 else 1, count, flat.device))


@lru_cache(maxsize=1024)
def _places(rows: int, count: int, device: torch.device) -> Tensor:
    """Drawn once: steps of one length would look at the same few columns of a matrix in every row."""
    generator = torch.Generator().manual_seed(count)
    columns = count // rows
    anywhere = torch.randint(count, (_SAMPLES,), generator=generator)
    in_rows = torch.arange(rows) * columns + torch.randint(columns, (rows,), generator=generator)
    in_columns = torch.randint(rows, (columns,), generator=generator) * columns + torch.arange(columns)
    parts = [anywhere, in_rows, in_columns] if rows > 1 else [anywhere]
    return torch.cat(parts).sort().values.to(device)


def _bytes(values: Tensor) -> bytes:
    return values.cpu().view(torch.uint8).numpy().tobytes()
