"""Where a network runs, in words, and on how many threads."""

from __future__ import annotations

from threading import Thread

import torch

__all__ = ["describe_device", "follow_thread_count"]


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


def follow_thread_count() -> None:
    """Let torch use as many threads on this thread as somebody has told it to use by now.

    ``torch.set_num_threads`` holds for the thread that calls it and for those that have not used torch yet; a worker
    that has would go on with the old number for ever. So a new thread is asked.
    """
    found: list[int] = []
    asked = Thread(target=lambda: found.append(torch.get_num_threads()))
    asked.start()
    asked.join()
    if found[0] != torch.get_num_threads():
        torch.set_num_threads(found[0])
