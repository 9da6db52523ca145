"""Where a network runs, in words."""

from __future__ import annotations

import torch

__all__ = ["describe_device"]


def describe_device(device: torch.device) -> str:
    """The device in words, for the head of a page.

    Examples
    --------
    >>> describe_device(torch.device("cpu")).startswith("cpu, ")
    True
    """
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "cpu":
        threads = torch.get_num_threads()
        return f"cpu, {threads} thread{'s' if threads > 1 else ''}"
    return device.type
