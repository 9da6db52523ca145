"""Scenes as a set of pictures with keys."""

from __future__ import annotations

from functools import partial

from PIL import Image

from ...errors import ParameterError
from ...imaging.checks import whole_number
from ..image_set import Entry, ImageSet
from .world import CLASSES, Scene, draw, label_of

__all__ = ["scene_of", "scenes"]

_CREDIT = "zfwidgets scenes, drawn by code: no rights reserved"


def scenes(n: int, seed: int = 0, start: int = 0) -> ImageSet:
    """Scenes of the built-in world, drawn when they are asked for.

    Parameters
    ----------
    n : int
        How many.
    seed : int
        Different seeds share no scene. The embedded network learnt from seed 1, was tuned on seed 2 and tested on
        seed 3.
    start : int
        Index of the first.

    Returns
    -------
    ImageSet
        Keys ``scene/00000`` and so on, ``scene-7/00000`` for seed 7; labels are names of `CLASSES`. `scene_of`
        gives the mask and the parts that belong to a key.

    Raises
    ------
    ParameterError
        If a number is negative or not whole.

    Examples
    --------
    >>> some = scenes(2, start=5)
    >>> some.keys(), some["scene/00005"].size
    (('scene/00005', 'scene/00006'), (96, 96))
    """
    n, seed, start = (
        whole_number(number, f"The {what} of scenes", 0)
        for what, number in (("number", n), ("seed", seed), ("start", start))
    )
    return ImageSet(
        {
            _key(seed, index): Entry(partial(_picture, seed, index), partial(_name, seed, index), _CREDIT)
            for index in range(start, start + n)
        }
    )


def scene_of(key: str) -> Scene:
    """The whole scene, with its mask and parts, behind a key of `scenes`.

    Raises
    ------
    ParameterError
        If the key is not one of a scene.

    Examples
    --------
    >>> scene_of("scene/00003").mask.shape
    (96, 96)
    """
    world, _, index = key.partition("/")
    seed = world.removeprefix("scene").removeprefix("-") or "0"
    if not (world.startswith("scene") and seed.isdecimal() and index.isdecimal()):
        raise ParameterError(f"{key!r} is not the key of a scene; such keys look like 'scene/00003'.")
    return draw(int(seed), int(index))


def _key(seed: int, index: int) -> str:
    return f"scene-{seed}/{index:05d}" if seed else f"scene/{index:05d}"


def _picture(seed: int, index: int) -> Image.Image:
    return draw(seed, index).image


def _name(seed: int, index: int) -> str:
    return CLASSES[label_of(seed, index)]
