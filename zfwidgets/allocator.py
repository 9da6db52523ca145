"""The C library's allocator, told to keep what torch gives back.

glibc takes big buffers from the system and returns them after each operation; the next operation waits while the
system clears new pages. A network on a CPU does nothing but allocate such buffers.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable

__all__ = ["tune_allocator"]

# From malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_LARGEST = 2**31 - 1
"""A C int, as mallopt takes it: 2 GiB."""
_OLD_LARGEST = 2**25
"""All that older versions of glibc accept as the mmap threshold: 32 MiB."""


def tune_allocator() -> bool:
    """Keep torch's big buffers in this process instead of giving them back to the system after each operation.

    Sets glibc's M_MMAP_THRESHOLD and M_TRIM_THRESHOLD, for the whole process and until it ends: memory that was used
    once stays with the process and is used again. Nothing is allocated by the call, and calling it twice does no harm.
    Call it before the first network runs. The Explorer page does so; a script decides for itself.

    Returns
    -------
    bool
        Whether anything was done: False on macOS, Windows and with other C libraries (musl), which are left alone.

    Examples
    --------
    >>> tune_allocator() == tune_allocator()
    True
    """
    mallopt = _mallopt()
    if mallopt is None:
        return False
    kept = bool(mallopt(_M_MMAP_THRESHOLD, _LARGEST) or mallopt(_M_MMAP_THRESHOLD, _OLD_LARGEST))
    # The first threshold decides whether a buffer comes from the heap, the second whether the heap shrinks again.
    return bool(mallopt(_M_TRIM_THRESHOLD, _LARGEST)) and kept


def _mallopt() -> Callable[[int, int], int] | None:
    """glibc's function of this process; musl has one of that name that does nothing."""
    try:
        if "glibc" not in (os.confstr("CS_GNU_LIBC_VERSION") or ""):
            return None
        function = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, ValueError):  # no confstr, no such value of it, no mallopt
        return None
    function.argtypes, function.restype = (ctypes.c_int, ctypes.c_int), ctypes.c_int

    def mallopt(parameter: int, value: int) -> int:
        return int(function(parameter, value))

    return mallopt
