"""The way from the worker's thread to the kernel's loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from IPython import get_ipython

__all__ = ["call_later", "call_soon"]


def call_soon(function: Callable[[], None]) -> bool:
    """Call a function on the kernel's main loop; from any thread.

    The loop is looked up each time: Jupyter runs callbacks on several threads, each with a loop of its own, and
    the one of the moment may be gone a moment later.

    Returns
    -------
    bool
        False where there is no kernel, as in a script; nothing is called then.

    Examples
    --------
    >>> call_soon(print)
    False
    """
    loop = _loop()
    if loop is None:
        return False
    loop.add_callback(function)
    return True


def call_later(seconds: float, function: Callable[[], None]) -> bool:
    """Call a function on the kernel's main loop after a while; from that loop only.

    Returns
    -------
    bool
        False where there is no kernel; nothing is called then.
    """
    loop = _loop()
    if loop is None:
        return False
    loop.call_later(seconds, function)
    return True


def _loop() -> Any:
    return getattr(getattr(get_ipython(), "kernel", None), "io_loop", None)
