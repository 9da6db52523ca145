"""Scenes with a second object: what the paper's third picture of Fig. 7 is about."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np
from PIL import Image

from ...imaging.checks import whole_number
from ..image_set import Entry, ImageSet
from .world import CLASSES, SIZE, Scene, draw, label_of

__all__ = ["Guest", "Visited", "visited_scenes"]

Box = tuple[int, int, int, int]

_GUEST_SIDE = 64
"""Longer side of the second object, in pixels: about that of the first one, which has 48 to 86."""


class Guest(NamedTuple):
    """The second object: its class, and its left, top, right and bottom edge in pixels."""

    name: str
    box: Box


class Visited(NamedTuple):
    """Pictures with two objects.

    Attributes
    ----------
    images : ImageSet
        Keys ``visited/00000`` and so on; the label is the class of the first object, which is drawn in full size.
    boxes : dict
        Key to the box of the first object, which the second one may cover in part.
    guests : dict
        Key to the `Guest`, which is always of another class.
    """

    images: ImageSet
    boxes: Mapping[str, Box]
    guests: Mapping[str, Guest]


def visited_scenes(n: int, seed: int = 0) -> Visited:
    """Scenes into whose emptiest corner an object of another scene has been pasted, about as large as the first one.

    It is cut out of its own scene and scaled so that its longer side has 64 pixels.

    Parameters
    ----------
    n : int
        How many.
    seed : int
        As in `scenes`.

    Raises
    ------
    ParameterError
        If a number is negative or not whole.

    Examples
    --------
    >>> some = visited_scenes(1)
    >>> some.images.label("visited/00000"), some.guests["visited/00000"].name
    ('key', 'car')
    """
    n, seed = (whole_number(number, f"The {what} of scenes", 0) for what, number in (("number", n), ("seed", seed)))
    entries, boxes, guests = {}, {}, {}
    for index in range(n):
        key = f"visited-{seed}/{index:05d}" if seed else f"visited/{index:05d}"
        _, host, guest = _composed(seed, index)
        entries[key] = Entry(partial(_picture, seed, index), partial(_name, host.label))
        boxes[key], guests[key] = host.box, guest
    return Visited(ImageSet(entries), boxes, guests)


def _picture(seed: int, index: int) -> Image.Image:
    return _composed(seed, index)[0]


def _name(label: int) -> str:
    return CLASSES[label]


@lru_cache(maxsize=64)
def _composed(seed: int, index: int) -> tuple[Image.Image, Scene, Guest]:
    """The picture, its first object and its second one: the next scene's, half a round of the classes on."""
    other = index + len(CLASSES) // 2
    while label_of(seed, other) == label_of(seed, index):
        other += 1
    host, visitor = draw(seed, index), draw(seed, other)
    left, top, right, bottom = visitor.box
    scale = _GUEST_SIDE / max(right - left, bottom - top)
    size = max(round((right - left) * scale), 1), max(round((bottom - top) * scale), 1)
    cut = visitor.image.resize(size, Image.Resampling.BILINEAR, box=visitor.box)
    alpha = Image.fromarray(255 * visitor.mask.astype(np.uint8)).resize(size, Image.Resampling.BILINEAR, visitor.box)
    x, y = min(
        ((x, y) for y in (0, SIZE - size[1]) for x in (0, SIZE - size[0])),
        key=lambda corner: host.mask[corner[1] : corner[1] + size[1], corner[0] : corner[0] + size[0]].sum(),
    )
    picture = host.image.copy()
    picture.paste(cut, (x, y), alpha)
    return picture, host, Guest(visitor.name, (x, y, x + size[0], y + size[1]))
