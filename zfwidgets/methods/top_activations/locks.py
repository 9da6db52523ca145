"""Locks on files: they tell whether whoever writes somewhere still lives."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from zfwidgets.errors import DataError

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

__all__ = ["alone_in", "lockable", "locked"]

_NAME = "lock"


def lockable() -> bool:
    """Whether this system has locks; where it has none, a file that is open cannot be removed, which says as much."""
    return fcntl is not None


def locked(handle: int) -> bool | None:
    """Whether the file is ours now; None where there are no locks, as on some disks of a cluster."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


@contextmanager
def alone_in(folder: Path, doing: str) -> Iterator[None]:
    """Make a folder and work there while nobody else does; a lock ends with its process, however that ends.

    Parameters
    ----------
    folder : Path
        Gets a file ``lock`` for the time.
    doing : str
        What is done there, for the error.

    Raises
    ------
    DataError
        If somebody else is there, or the folder cannot be made.

    Examples
    --------
    >>> with alone_in(Path(tempfile.mkdtemp()), "mining into 'a'"):
    ...     pass
    """
    path = folder / _NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = _taken(path, doing)
    except OSError as cause:
        raise DataError(f"{folder} cannot be used ({cause.strerror or cause}); make room or choose another.") from cause
    try:
        yield
    finally:
        if not lockable():
            os.close(handle)
        path.unlink(missing_ok=True)  # while it is still locked; it may have gone with its folder
        if lockable():
            os.close(handle)


def _taken(path: Path, doing: str) -> int:
    with tempfile.TemporaryFile(dir=path.parent) as probe:
        if locked(probe.fileno()) is None:
            return _taken_without_locks(path, doing)
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        if locked(handle):
            if _is_at(handle, path):
                os.ftruncate(handle, 0)
                os.write(handle, _me())
                return handle
            os.close(handle)
            continue
        os.close(handle)
        raise _refusal(path, doing)


def _taken_without_locks(path: Path, doing: str) -> int:
    """By who was first to make the file; what a dead process of this machine left is taken over."""
    number, _, host = _content(path).partition(" ")
    if host == socket.gethostname() and number.isdecimal() and not _lives(int(number)):
        path.unlink(missing_ok=True)
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        raise _refusal(path, doing, f" If none does any more, remove {str(path)!r}.") from None
    os.write(handle, _me())
    return handle


def _is_at(handle: int, path: Path) -> bool:
    """Whether the file is still there: its last owner may have removed it between the two."""
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False


def _me() -> bytes:
    return f"{os.getpid()} {socket.gethostname()}".encode()


def _content(path: Path) -> str:
    with suppress(OSError):
        return path.read_text("utf-8", "replace")
    return ""


def _refusal(path: Path, doing: str, more: str = "") -> DataError:
    number, _, host = _content(path).partition(" ")
    who = f" (process {number} on {host})" if host else ""
    return DataError(f"Another run is {doing}{who}; wait until it ends, or give another path.{more}")


def _lives(number: int) -> bool:
    if os.name != "posix":  # elsewhere this call does not ask, it ends the process
        return True
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
