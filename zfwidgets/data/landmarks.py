"""Pictures with the places of their parts: faces of the scenes world, seen from the front."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import count, islice
from typing import NamedTuple

from ..errors import ParameterError
from .image_set import ImageSet
from .scenes import CLASSES, draw, scene_of, scenes
from .scenes.world import label_of

__all__ = ["FACE_PARTS", "Faces", "frontal_faces", "known_parts"]

FACE_PARTS = ("left eye", "right eye", "nose", "mouth")
"""Parts of a face; left and right are sides of the picture."""
_FACE = "face"
_MOST_TILT = 15.0
"""Degrees by which the line through the eyes of a frontal face leans at most."""


class Faces(NamedTuple):
    """Faces, and where their parts are.

    Attributes
    ----------
    images : ImageSet
        The pictures, under the keys of `scenes`.
    landmarks : dict
        Key to {part: (x, y)}, in pixels of the picture from its left and top edge, for each of `FACE_PARTS`.
    """

    images: ImageSet
    landmarks: Mapping[str, Mapping[str, tuple[float, float]]]


def frontal_faces(n: int, seed: int = 0) -> Faces:
    """Upright faces of the scenes world with the places of eyes, nose and mouth.

    Parameters
    ----------
    n : int
        How many, at least 1.
    seed : int
        As in `scenes`: different seeds share no face.

    Returns
    -------
    Faces
        The first faces of that world whose eyes lie level within 15 degrees.

    Raises
    ------
    ParameterError
        If a number is too small or not whole.

    Examples
    --------
    >>> faces = frontal_faces(2)
    >>> faces.images.keys()
    ('scene/00004', 'scene/00029')
    >>> sorted(faces.landmarks["scene/00004"])
    ['left eye', 'mouth', 'nose', 'right eye']
    """
    if not isinstance(n, int) or isinstance(n, bool) or n < 1:
        raise ParameterError(f"The number of faces must be a whole number of at least 1, not {n!r}.")
    images, landmarks = scenes(0, seed=seed), {}
    for index, parts in islice(_frontal(seed), n):
        one = scenes(1, seed=seed, start=index)
        images, landmarks[one.keys()[0]] = images | one, parts
    return Faces(images, landmarks)


def known_parts(key: str) -> dict[str, tuple[float, float]] | None:
    """The places of `FACE_PARTS` behind a key of `scenes`; None unless it is that of a frontal face.

    Examples
    --------
    >>> sorted(known_parts("scene/00004")), known_parts("scene/00005"), known_parts("photo/astronaut")
    (['left eye', 'mouth', 'nose', 'right eye'], None, None)
    """
    try:
        scene = scene_of(key)
    except ParameterError:
        return None
    if scene.name != _FACE or not _is_frontal(scene.parts):
        return None
    return {name: scene.parts[name] for name in FACE_PARTS}


def _frontal(seed: int) -> Iterator[tuple[int, dict[str, tuple[float, float]]]]:
    """Index and parts of every frontal face of a world."""
    for index in count():
        if CLASSES[label_of(seed, index)] == _FACE and _is_frontal(parts := draw(seed, index).parts):
            yield index, {name: parts[name] for name in FACE_PARTS}


def _is_frontal(parts: Mapping[str, tuple[float, float]]) -> bool:
    """Whether the line through the eyes leans by 15 degrees at most."""
    (left, top), (right, low) = parts["left eye"], parts["right eye"]
    return abs(math.degrees(math.atan2(low - top, right - left))) <= _MOST_TILT
