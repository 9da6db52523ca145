"""Pictures decoded, hashed and cut to what the network sees."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zfwidgets.data import ImageSet
from zfwidgets.errors import ZfwidgetsError
from zfwidgets.imaging import Preprocess
from zfwidgets.methods.top_activations.census import content_digest

__all__ = ["Decoded", "decoded"]


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
    """

    pixels: NDArray[np.uint8] | None
    digest: bytes = b""
    reason: str = ""


def decoded(image_set: ImageSet, key: str, preprocess: Preprocess) -> Decoded:
    """A picture ready for the network; one that cannot be read is told, never raised."""
    try:
        if key not in image_set:
            return Decoded(None, reason=f"{key!r} is no longer in the set of pictures.")
        picture = image_set[key]
        return Decoded(np.asarray(preprocess.crop(picture)), content_digest(picture))
    except ZfwidgetsError as error:
        return Decoded(None, reason=str(error))
    except Exception as error:  # a set's own code reads the picture
        words = " ".join(str(error).split()).rstrip(".")[:200] or type(error).__name__
        return Decoded(None, reason=f"{key!r} cannot be read: {words}.")
