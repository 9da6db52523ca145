"""What a module must be to be a `Network`: one sentence each for what it is not."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from zfwidgets.errors import NetworkError

__all__ = [
    "check_weights",
    "checked_output",
    "not_taken",
    "on_device",
    "reason_of",
    "tensors_of",
]


def tensors_of(module: nn.Module) -> list[Tensor]:
    """Its parameters and buffers, always in the same order."""
    return [*module.parameters(), *module.buffers()]


def on_device(module: nn.Module, device: torch.device) -> nn.Module:
    """The module, or a copy of it where it is elsewhere."""
    there = {tensor.device for tensor in tensors_of(module)}
    # "cuda" without a number is satisfied by any card, but not by two.
    fits = len(there) <= 1 and all(d.type == device.type and device.index in (None, d.index) for d in there)
    return module if fits else copy.deepcopy(module).to(device)


def checked_output(name: str, output: Any) -> Tensor:
    """Logits (N, classes), or the error that says what it returns."""
    if not isinstance(output, Tensor) or output.dim() != 2:
        found = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
        raise NetworkError(f"{name} returns {found}; a network must return logits (N, classes).")
    return output


def check_weights(module: nn.Module) -> None:
    """Refuse weights that hold no values, or values that are no finite numbers."""
    for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
        if is_lazy(tensor):
            raise NetworkError(
                f"The weights {name!r} have no shape yet (a lazy module); run the module once on a batch before."
            )
        if tensor.is_meta:
            raise NetworkError(f"The weights {name!r} hold no values (device 'meta'); load some first.")
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise NetworkError(f"The weights hold NaN or infinite values in {name!r}; load sound ones.")


def reason_of(error: Exception) -> str:
    """The first line of foreign code's own words, without a full stop."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")


def not_taken(name: str, module: nn.Module, batch: Tensor, error: Exception) -> NetworkError:
    """The error for a module that fails on a batch of pictures: its numbers are of another kind, or its size is."""
    kinds = sorted({str(one.dtype) for one in module.parameters() if one.dtype != batch.dtype})
    remedy = "Give a network of RGB pictures, and the size it wants with preprocess=Preprocess(size=...)."
    if kinds:
        remedy = f"Its weights are {' and '.join(kinds)}; give module.float()."
    return NetworkError(
        f"{name} does not take a batch {tuple(batch.shape)} of 32-bit floats ({reason_of(error)}). {remedy}"
    )
