"""The device that a network runs on, and what it is fast at."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import ParamSpec, TypeVar

import torch

from zfwidgets.errors import ParameterError

__all__ = ["choose_device", "exactly", "fast_arithmetic"]

P = ParamSpec("P")
R = TypeVar("R")


def choose_device(asked: str | torch.device = "auto") -> torch.device:
    """The device to compute on.

    Parameters
    ----------
    asked : str or torch.device
        ``"auto"``: a CUDA card, else Apple's graphics processor, else the processor.

    Raises
    ------
    ParameterError
        A device that torch does not know or this machine does not have.

    Examples
    --------
    >>> choose_device("cpu")
    device(type='cpu')
    """
    if asked == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(asked)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, TypeError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise ParameterError(f"There is no device {str(asked)!r} here ({reason}); try 'auto' or 'cpu'.") from error
    return device


@lru_cache(maxsize=8)
def fast_arithmetic(device: torch.device) -> bool:
    """Whether a device multiplies 16-bit numbers faster than 32-bit ones."""
    if device.type == "cpu":
        able = torch.cpu.get_capabilities()
        return bool(able.get("avx512_bf16") or able.get("amx_bf16"))
    return device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)


def exactly(function: Callable[P, R]) -> Callable[P, R]:
    """The function in the numbers of its weights, also where its caller trains in mixed precision (``autocast``).

    Examples
    --------
    >>> ones = torch.ones(2, 2)
    >>> with torch.autocast("cpu", torch.bfloat16):
    ...     torch.mm(ones, ones).dtype, exactly(torch.mm)(ones, ones).dtype
    (torch.bfloat16, torch.float32)
    """

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if not torch.is_autocast_enabled("cpu") and not torch.is_autocast_enabled("cuda"):
            return function(*args, **kwargs)
        with torch.autocast("cpu", enabled=False), torch.autocast("cuda", enabled=False):
            return function(*args, **kwargs)

    return run
