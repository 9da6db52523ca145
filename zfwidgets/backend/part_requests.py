"""Questions about Fig. 8 and Table 1: pictures with marked parts, and what hiding a part changes in each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zfwidgets.data import frontal_faces
from zfwidgets.data.landmarks import known_parts

if TYPE_CHECKING:
    from zfwidgets.backend.backend import Backend
    from zfwidgets.methods import Correspondence

__all__ = ["CorrespondenceRequest", "Landmarks", "Marks", "View", "ViewRequest", "lend_faces", "marks_of"]

Partial = Callable[[Any], None] | None
Cancelled = Callable[[], bool] | None
Landmarks = Mapping[str, Mapping[str, tuple[float, float]]]
"""Key of a picture to part to (x, y) in its pixels."""
Marks = tuple[tuple[str, tuple[tuple[str, float, float], ...]], ...]
"""The same, frozen."""


def marks_of(landmarks: Landmarks) -> Marks:
    """Landmarks as a part of a question; pictures without any are left out.

    Examples
    --------
    >>> marks_of({"a": {"nose": (3, 4.5)}, "b": {}})
    (('a', (('nose', 3.0, 4.5),)),)
    """
    return tuple(
        (key, tuple((part, float(x), float(y)) for part, (x, y) in parts.items()))
        for key, parts in landmarks.items()
        if parts
    )


def lend_faces(backend: Backend, count: int) -> Landmarks:
    """Frontal faces of the scenes world, those among the backend's own pictures first; the others are lent to it."""
    own = ((key, known_parts(key)) for key in backend.images[:_LOOKED_AT])
    found: dict[str, Mapping[str, tuple[float, float]]] = {key: parts for key, parts in own if parts is not None}
    faces = frontal_faces(count)
    for key, face in faces.landmarks.items():
        if len(found) < count and key not in found:
            backend.borrow(key, faces.images)
            found[key] = face
    return dict(list(found.items())[:count])


_LOOKED_AT = 64
"""Pictures that are looked through for faces."""


@dataclass(frozen=True)
class CorrespondenceRequest:
    """Do pictures with marked parts change alike? Answered by `Correspondence`; options as in `correspondence`."""

    marks: Marks
    size: int
    layers: tuple[str, ...]
    align: bool = True
    pool: int | None = None
    places: int = 10
    quick: ClassVar[bool] = False

    def run(self, backend: Backend, on_partial: Partial = None, cancelled: Cancelled = None) -> Correspondence:
        from zfwidgets.backend.batching import fitting
        from zfwidgets.methods.correspondence import correspondence

        pictures = {key: backend.picture(key) for key, _ in self.marks}
        landmarks = {key: {part: (x, y) for part, x, y in parts} for key, parts in self.marks}

        def compare(batch: int) -> Correspondence:
            return correspondence(
                backend.network,
                pictures,
                landmarks,
                size=self.size,
                layers=self.layers,
                align=self.align,
                pool=self.pool,
                places=self.places,
                on_partial=on_partial,
                cancelled=cancelled,
                batch_size=batch,
            )

        return fitting(backend.network, compare)


class View(NamedTuple):
    """A whole picture, made smaller where it is large.

    Attributes
    ----------
    pixels : ndarray
        (h, w, 3) uint8.
    size : (int, int)
        Width and height of the picture itself.
    """

    pixels: NDArray[np.uint8]
    size: tuple[int, int]

    @property
    def scale(self) -> float:
        """Pixels shown for each pixel of the picture."""
        return float(self.pixels.shape[1] / self.size[0])


@dataclass(frozen=True)
class ViewRequest:
    """A whole picture to look at and to mark. Answered by `View`."""

    image: str
    most: int = 576
    quick: ClassVar[bool] = True

    def run(self, backend: Backend, on_partial: Partial = None, cancelled: Cancelled = None) -> View:
        picture = backend.picture(self.image)
        shown = picture.copy()
        shown.thumbnail((self.most, self.most), Image.Resampling.BILINEAR)
        return View(np.asarray(shown), picture.size)
