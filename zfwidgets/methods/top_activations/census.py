"""Which pictures were seen: their keys, what they show by a hash, and why some could not be used."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zfwidgets.errors import StaleIndexError

__all__ = ["Census", "content_digest", "joined_names", "split_names"]

_NONE = bytes(32)


def content_digest(picture: Image.Image) -> bytes:
    """SHA-256 of a decoded RGB picture: of its size and its pixels, not of its file.

    Examples
    --------
    >>> content_digest(Image.new("RGB", (2, 3))) == content_digest(Image.new("RGB", (3, 2)))
    False
    """
    found = hashlib.sha256(b"%d x %d " % picture.size)
    found.update(np.asarray(picture).data)
    return found.digest()


def joined_names(names: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Names as one run of bytes, and where each ends. File names need not be valid text."""
    encoded = [name.encode("utf-8", "surrogatepass") for name in names]
    ends = np.cumsum([len(name) for name in encoded], dtype=np.int64)
    return np.frombuffer(b"".join(encoded), np.uint8), ends


def split_names(joined: NDArray[np.uint8], ends: NDArray[np.int64]) -> list[str]:
    """The inverse of `joined_names`."""
    whole = joined.tobytes()
    starts = [0, *ends.tolist()]
    return [whole[start:end].decode("utf-8", "surrogatepass") for start, end in pairwise(starts)]


@dataclass
class Census:
    """Pictures by key: a hash of what each shows, or the reason why it was skipped.

    Attributes
    ----------
    digests : dict
        Key to SHA-256 of the picture's pixels (32 bytes).
    stamps : dict
        Key to a number that changes with the picture's file, 0 where it has none.
    skipped : dict
        Key to reason.
    """

    digests: dict[str, bytes] = field(default_factory=dict)
    stamps: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.digests) + len(self.skipped)

    @cached_property
    def duplicates(self) -> dict[str, str]:
        """Key to the key under which the same picture is kept: the first in order."""
        kept: dict[bytes, str] = {}
        folded = {}
        for key in sorted(self.digests):
            first = kept.setdefault(self.digests[key], key)
            if first != key:
                folded[key] = first
        return folded

    @cached_property
    def pictures_digest(self) -> str:
        """SHA-256 over all keys and what is behind them."""
        found = hashlib.sha256()
        for key in self.keys():
            name = key.encode("utf-8", "surrogatepass")
            found.update(len(name).to_bytes(8, "little") + name + self.digests.get(key, _NONE))
        return found.hexdigest()

    def keys(self) -> list[str]:
        """All keys, in order."""
        return sorted([*self.digests, *self.skipped])

    @classmethod
    def union(cls, parts: Iterable[Census]) -> Census:
        """All pictures of several; one that could be read somewhere counts as read.

        Raises
        ------
        StaleIndexError
            If two of them met different pictures under one key.
        """
        found, left_out = cls(), cls()
        for part in parts:
            for key, digest in part.digests.items():
                if found.digests.setdefault(key, digest) != digest:
                    raise StaleIndexError(
                        f"The picture {key!r} is not the same in all parts: it changed while they were mined; "
                        "mine them again."
                    )
                # Any rule will do that does not depend on the order.
                found.stamps[key] = max(found.stamps.get(key, 0), part.stamps.get(key, 0))
            for key, reason in part.skipped.items():
                left_out.stamps[key] = max(left_out.stamps.get(key, 0), part.stamps.get(key, 0))
                left_out.skipped[key] = min(left_out.skipped.get(key, reason), reason)
        for key in left_out.skipped.keys() - found.digests.keys():
            found.skipped[key], found.stamps[key] = left_out.skipped[key], left_out.stamps[key]
        return found

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """As arrays, the keys in order."""
        keys = self.keys()
        joined, ends = joined_names(keys)
        digests = b"".join(self.digests.get(key, _NONE) for key in keys)
        return {
            "census.keys": joined,
            "census.ends": ends,
            "census.digests": np.frombuffer(digests, np.uint8).reshape(-1, 32),
            "census.stamps": np.array([self.stamps.get(key, 0) for key in keys], np.int64),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]], skipped: Mapping[str, str]) -> Census:
        """What `arrays` gave."""
        keys = split_names(arrays["census.keys"], arrays["census.ends"])  # type: ignore[arg-type]
        whole, stamps = arrays["census.digests"].tobytes(), arrays["census.stamps"].tolist()
        seen = [(place, key) for place, key in enumerate(keys) if key not in skipped]
        return cls(
            {key: whole[32 * place : 32 * place + 32] for place, key in seen},
            dict(zip(keys, stamps, strict=True)),
            dict(skipped),
        )
