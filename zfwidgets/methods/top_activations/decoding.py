"""Pictures decoded, hashed and cut to what the network sees."""

from __future__ import annotations

import hashlib
import os
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zfwidgets.data import ImageSet
from zfwidgets.data.skipped import Skipped
from zfwidgets.imaging import Preprocess
from zfwidgets.methods.top_activations.census import content_digest

__all__ = ["Decoded", "decoded", "stamp"]


class Decoded(NamedTuple):
    """What became of a picture.

    Attributes
    ----------
    pixels : ndarray or None
        (size, size, 3) uint8: what the network sees of it.
    digest : bytes
        SHA-256 of the whole picture.
    reason : str
        Why there is none, "" where there is one.
    stamp : int
        Of its file before it was read, see `stamp`.
    """

    pixels: NDArray[np.uint8] | None
    digest: bytes = b""
    reason: str = ""
    stamp: int = 0


def decoded(image_set: ImageSet, key: str, preprocess: Preprocess) -> Decoded:
    """A picture ready for the network; one that cannot be read is told, never raised."""
    before = 0
    try:
        if key not in image_set:
            return Decoded(None, reason=f"{key!r} is no longer in the set of pictures.")
        before = stamp(image_set, key)
        picture = image_set[key]
        return Decoded(np.asarray(preprocess.crop(picture)), content_digest(picture), stamp=before)
    except Exception as error:  # a set's own code reads the picture
        return Decoded(None, reason=Skipped.of(key, error).reason, stamp=before)


def stamp(image_set: ImageSet, key: str) -> int:
    """A number that changes when a picture's file does, by its size and time; 0 where there is no file."""
    path = image_set.path(key)
    if path is None:
        return 0
    try:
        facts = os.stat(path)
    except (OSError, ValueError):
        return 0
    number = hashlib.sha256(b"%d %d" % (facts.st_size, facts.st_mtime_ns)).digest()
    return int.from_bytes(number[:7], "little") + 1
