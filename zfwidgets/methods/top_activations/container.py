"""One safetensors file that can be read in part: named arrays, a manifest, and a hash of each.

The header is the manifest's place, so the two cannot be parted. A file appears under its name whole or not at all:
it is written under another name, synced and renamed. That other name is locked as long as its writer lives, so
whoever comes next can tell what a killed program left and clear it away.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from zfwidgets.errors import DataError
from zfwidgets.methods.top_activations.locks import lockable, locked

__all__ = ["Container", "atomically", "clear_away", "write"]

_ENTRY = "zfwidgets"
_SUFFIX = ".zfwidgets-part"
_TYPES = {"F32": "<f4", "I64": "<i8", "I32": "<i4", "U8": "|u1"}
_NAMES = {np.dtype(code): name for name, code in _TYPES.items()}

Arrays = Mapping[str, NDArray[Any]]


def write(path: Path, arrays: Arrays, manifest: Mapping[str, Any]) -> None:
    """Write arrays and their manifest; the same content gives the same bytes.

    Raises
    ------
    DataError
        If the folder cannot be made or written to, or the disk is full; nothing is left behind then.

    Examples
    --------
    >>> path = Path(tempfile.mkdtemp(), "a.safetensors")
    >>> write(path, {"one": np.arange(3)}, {"what": "an example"})
    >>> Container(path)["one"].tolist(), [other.name for other in path.parent.iterdir()]
    ([0, 1, 2], ['a.safetensors'])
    """
    laid_out = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    header = _header(laid_out, manifest)
    with atomically(path) as file:
        file.write(len(header).to_bytes(8, "little") + header)
        for array in laid_out.values():
            file.write(array.data if array.size else b"")


@contextmanager
def atomically(path: Path) -> Iterator[BinaryIO]:
    """A new file that is at ``path`` when the context has ended well, and nowhere when not.

    Raises
    ------
    DataError
        If the folder cannot be made or written to, or the disk is full.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _fresh(path) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _sync_folder(path.parent)
    except OSError as cause:
        raise DataError(
            f"{path} cannot be written ({cause.strerror or cause}); make room or choose another."
        ) from cause


def _header(arrays: Arrays, manifest: Mapping[str, Any]) -> bytes:
    table: dict[str, Any] = {}
    hashes, start = {}, 0
    for name, array in arrays.items():
        end = start + array.nbytes
        table[name] = {"dtype": _NAMES[array.dtype], "shape": list(array.shape), "data_offsets": [start, end]}
        hashes[name] = hashlib.sha256(array.data if array.size else b"").hexdigest()
        start = end
    content = {"manifest": manifest, "sha256": hashes}
    # One entry, with its own hash, because a header's other bytes are hashed nowhere.
    text = json.dumps([content, _digest(content, table)], sort_keys=True, ensure_ascii=True)
    header = json.dumps({"__metadata__": {_ENTRY: text}, **table}, ensure_ascii=True).encode()
    return header + b" " * (-len(header) % 8)


def _digest(content: Any, table: Any) -> str:
    return hashlib.sha256(json.dumps([content, table], sort_keys=True).encode()).hexdigest()


@contextmanager
def _fresh(path: Path) -> Iterator[BinaryIO]:
    """A new file that takes the place of ``path`` when all went well, and is gone when not."""
    while True:
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:80]}.", suffix=_SUFFIX, dir=path.parent)
        if locked(handle) is not False and os.path.exists(name):
            break
        os.close(handle)  # somebody cleared it away between the two
        Path(name).unlink(missing_ok=True)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            if lockable():
                os.fchmod(handle, 0o644)
                os.replace(name, path)  # still locked
        if not lockable():
            os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def clear_away(folder: Path) -> None:
    """Remove what killed programs left half written; what a living one writes stays."""
    for left in folder.glob(f".*{_SUFFIX}"):
        with suppress(OSError):
            handle = os.open(left, os.O_RDWR)
            try:
                if locked(handle):
                    left.unlink()
            finally:
                os.close(handle)
            if not lockable():
                left.unlink()


def _sync_folder(folder: Path) -> None:
    """A rename lasts when the folder is on the disk; not every system can be asked for that."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


class Container(Mapping[str, NDArray[Any]]):
    """A file that `write` made, mapped into memory; arrays are views of it and cannot be written to.

    Parameters
    ----------
    path : Path
        The file.
    later : callable, optional
        Which arrays, by name, are checked when they are first used instead of now.

    Raises
    ------
    DataError
        If the file is missing, cut short, altered in a single byte, or of another kind.
    """

    def __init__(self, path: Path, later: Callable[[str], bool] = lambda name: False) -> None:
        self.path = path
        try:
            with open(path, "rb") as file:
                self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except FileNotFoundError:
            raise DataError(f"There is no index {str(path)!r}; check the path, or mine one first.") from None
        except (OSError, ValueError) as cause:
            raise DataError(f"The index {str(path)!r} cannot be read ({cause}); mine it again.") from cause
        self._table, self._start, content = self._read_header()
        self.manifest: dict[str, Any] = content["manifest"]
        self._hashes: dict[str, str] = content["sha256"]
        self._sound: set[str] = set()
        for name in self._table:
            if not later(name):
                self._check(name)

    def _read_header(self) -> tuple[dict[str, Any], int, dict[str, Any]]:
        size = int.from_bytes(self._bytes[:8], "little")
        start = 8 + size
        try:
            table = json.loads(self._bytes[8:start])
            text = table.pop("__metadata__")[_ENTRY]
            content, digest = json.loads(text)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise self._damaged("is cut short, altered or no index of zfwidgets") from None
        if _digest(content, table) != digest or set(table) != set(content["sha256"]):
            raise self._damaged("was altered")
        ends = [entry["data_offsets"][1] for entry in table.values()]
        if start + max(ends, default=0) != len(self._bytes):
            raise self._damaged("is cut short or too long")
        return table, start, content

    def _damaged(self, what: str) -> DataError:
        return DataError(f"The index {str(self.path)!r} {what}; mine it again.")

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name not in self._sound:
            self._check(name)
        return self._view(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)

    def _view(self, name: str) -> NDArray[Any]:
        entry = self._table[name]
        start, _ = entry["data_offsets"]
        shape, kind = entry["shape"], np.dtype(_TYPES[entry["dtype"]])
        count = int(np.prod(shape, dtype=np.int64))
        return np.frombuffer(self._bytes, kind, count, self._start + start).reshape(shape)

    def _check(self, name: str) -> None:
        start, end = self._table[name]["data_offsets"]
        found = hashlib.sha256(memoryview(self._bytes)[self._start + start : self._start + end]).hexdigest()
        if found != self._hashes[name]:
            raise self._damaged("was altered")
        self._sound.add(name)
