"""The way from the worker's thread to the kernel's loop."""

from __future__ import annotations

from collections.abc import Callable

from IPython import get_ipython

__all__ = ["call_soon"]


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
    loop = getattr(getattr(get_ipython(), "kernel", None), "io_loop", None)
    if loop is None:
        return False
    loop.add_callback(function)
    return True
