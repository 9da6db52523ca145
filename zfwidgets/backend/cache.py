"""Answers that were computed before, as many as fit into a number of bytes; the least recently used go first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import fields, is_dataclass
from threading import Lock
from typing import Any

__all__ = ["Cache", "size_of"]

_SMALL = 64
"""Bytes counted for anything that is not an array: keeps an endless row of empty answers bounded too."""


class Cache:
    """A mapping that forgets.

    Parameters
    ----------
    limit : int
        Bytes of arrays that it holds at most. A value larger than that is never kept.

    Examples
    --------
    >>> import numpy as np
    >>> cache = Cache(limit=1000)
    >>> cache.put("a", np.zeros(100)), cache.put("b", np.zeros(20))
    (None, None)
    >>> cache.get("a") is None, cache.get("b").shape
    (True, (20,))
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self._lock = Lock()
        self._kept: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()

    def get(self, key: Hashable) -> Any:
        """The value, now the most recently used one; None if it is not here."""
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key][0]

    def put(self, key: Hashable, value: Any) -> None:
        """Keep a value, and forget others until all fit."""
        size = size_of(value)
        with self._lock:
            self._forget(key)
            if size > self.limit:
                return
            self._kept[key] = (value, size)
            self.used += size
            while self.used > self.limit:
                self._forget(next(iter(self._kept)))

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()
            self.used = 0

    def __len__(self) -> int:
        return len(self._kept)

    def _forget(self, key: Hashable) -> None:
        _, size = self._kept.pop(key, (None, 0))
        self.used -= size


def size_of(value: Any) -> int:
    """Bytes of all arrays and tensors in a value, through dataclasses, mappings and sequences.

    Examples
    --------
    >>> import numpy as np
    >>> size_of({"maps": [np.zeros(1000, np.float32)]}) >= 4000
    True
    """
    return _size(value, set())


def _size(value: Any, seen: set[int]) -> int:
    if id(value) in seen:
        return 0
    seen.add(id(value))
    nbytes = getattr(value, "nbytes", None)  # of arrays and of tensors, whose type would cost an import of torch
    if isinstance(nbytes, int):
        return nbytes + _SMALL
    if isinstance(value, Mapping):
        return _SMALL + sum(_size(item, seen) for item in value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return _SMALL + sum(_size(item, seen) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        return _SMALL + sum(_size(getattr(value, field.name), seen) for field in fields(value))
    return _SMALL
