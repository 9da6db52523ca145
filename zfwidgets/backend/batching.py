"""How many pictures go through a network at once: as many as the memory holds, fewer when it does not."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from weakref import WeakKeyDictionary

import psutil
import torch

from zfwidgets.errors import NetworkError
from zfwidgets.network import Network

__all__ = ["batch_limit", "fitting", "free_bytes", "halving"]

T = TypeVar("T")
MOST = 256
_FOUND: WeakKeyDictionary[Network, dict[torch.device, int]] = WeakKeyDictionary()
"""Batches that fitted after larger ones did not."""
_CONTAINER = Path("/sys/fs/cgroup")
_SHARE = 0.25
"""Part of the free memory that one batch may take: outputs, temporary buffers and the rest of the kernel."""


def free_bytes(device: torch.device) -> int:
    """Memory that is free on a device now, in bytes.

    Examples
    --------
    >>> free_bytes(torch.device("cpu")) > 0
    True
    """
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return min(int(psutil.virtual_memory().available), _allowed_bytes())


def _allowed_bytes() -> int:
    """What a container may still take; a container sees all of its host's memory."""
    try:
        limit, used = (int((_CONTAINER / name).read_text()) for name in ("memory.max", "memory.current"))
    except (OSError, ValueError):  # no container, or "max"
        return sys.maxsize
    return max(limit - used, 0)


def batch_limit(network: Network, memory: int | None = None) -> int:
    """Pictures that one batch may hold, from 1 to 256.

    Parameters
    ----------
    network : Network
        Its maps are what takes the memory.
    memory : int, optional
        Free bytes; those of the network's device unless given.

    Examples
    --------
    >>> from torch import nn
    >>> from zfwidgets.imaging import Preprocess
    >>> net = Network(nn.Sequential(nn.Conv2d(3, 2, 16), nn.Flatten()), preprocess=Preprocess(size=16), device="cpu")
    >>> batch_limit(net, memory=2**20), batch_limit(net, memory=2**40)
    (21, 256)
    """
    free = free_bytes(network.device) if memory is None else memory
    largest = 3 * network.input_size[0] * network.input_size[1]
    for layer in network.layers.values():
        largest = max(largest, layer.channels * layer.height * layer.width)
    # Input, output and the unfolded windows of one layer live at the same time, in 32-bit numbers.
    return max(1, min(MOST, int(free * _SHARE / (4 * 4 * largest))))


def fitting(network: Network, run: Callable[[int], T]) -> T:
    """Run with as many pictures in a batch as fit, and remember for this network on its device what did not.

    Parameters
    ----------
    network : Network
        Whose batches they are; it is not kept alive.
    run : callable
        Is given the number of pictures in a batch; called again with half of it when the memory does not suffice.

    Raises
    ------
    NetworkError
        If not even one picture fits.

    Examples
    --------
    >>> from torch import nn
    >>> from zfwidgets.imaging import Preprocess
    >>> net = Network(nn.Sequential(nn.Conv2d(3, 2, 16), nn.Flatten()), preprocess=Preprocess(size=16), device="cpu")
    >>> tried = []
    >>> def run(size):
    ...     tried.append(size)
    ...     if size > 100:
    ...         raise MemoryError
    >>> fitting(net, run), fitting(net, run)
    (None, None)
    >>> tried
    [256, 128, 64, 64]
    """
    most = _FOUND.get(network, {}).get(network.device, MOST)
    first = min(batch_limit(network), most)

    def noted(size: int) -> T:
        value = run(size)
        if size < first:
            _FOUND.setdefault(network, {})[network.device] = size
        return value

    return halving(noted, first)


def halving(run: Callable[[int], T], first: int) -> T:
    """Run with ever smaller batches until the memory suffices.

    Parameters
    ----------
    run : callable
        Is given the number of pictures in a batch.
    first : int
        What to begin with; 1 for work that has no batches, whose lack of memory then gets its sentence.

    Raises
    ------
    NetworkError
        If not even one picture fits.

    Examples
    --------
    >>> def run(size):
    ...     if size > 3:
    ...         raise MemoryError
    ...     return size
    >>> halving(run, 8)
    2
    """
    size = first
    while True:
        try:
            return run(size)
        except (RuntimeError, MemoryError) as error:
            if not _out_of_memory(error):
                raise
        # Out here the error is gone, and with it the frames that hold the tensors of the batch that did not fit.
        if size == 1:
            raise NetworkError(
                "The memory does not suffice for one picture: close other programs, take a smaller network, or "
                "use device='cpu'."
            )
        size = max(1, size // 2)
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _out_of_memory(error: BaseException) -> bool:
    words = ("out of memory", "not enough memory", "can't allocate memory", "ALLOC_FAILED")
    known = isinstance(error, MemoryError | torch.OutOfMemoryError)
    return known or any(word in str(error) for word in words)
