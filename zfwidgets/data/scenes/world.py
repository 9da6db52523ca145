"""One scene from a seed and an index: an object in its pose, behind it a backdrop, over it the light."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...errors import ParameterError
from . import creatures, things
from .backdrop import clutter, ground, light, relief, shadow
from .dice import Colours, Dice, colours_against
from .sketch import Pose, Sketch, place, rasterise

__all__ = ["CLASSES", "SIZE", "Scene", "draw", "label_of", "paint"]

SIZE = 96
"""Side of every scene in pixels."""

_UPRIGHT, _TILTED, _ANY = 0.25, 0.6, math.pi
# Every class: how to draw it, and how far it may turn (radians) before a person would hesitate.
_OBJECTS: dict[str, tuple[Callable[[Sketch, Dice, Colours], None], float]] = {
    "boat": (things.boat, _UPRIGHT),
    "butterfly": (creatures.butterfly, _ANY),
    "car": (things.car, _UPRIGHT),
    "cat": (creatures.cat, _TILTED),
    "clock": (things.clock, _TILTED),
    "cup": (things.cup, _UPRIGHT),
    "face": (creatures.face, _TILTED),
    "fish": (creatures.fish, _TILTED),
    "flower": (creatures.flower, _TILTED),
    "house": (things.house, _UPRIGHT),
    "key": (things.key, _ANY),
    "mushroom": (creatures.mushroom, _UPRIGHT),
    "owl": (creatures.owl, _UPRIGHT),
    "plane": (things.plane, _ANY),
    "tree": (creatures.tree, _UPRIGHT),
    "umbrella": (things.umbrella, _TILTED),
}

CLASSES: tuple[str, ...] = tuple(_OBJECTS)
"""Names of the classes; a scene's label is an index into it."""


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture with its ground truth.

    Attributes
    ----------
    image : PIL.Image.Image
        RGB, 96 x 96.
    label : int
        Index into `CLASSES`.
    name : str
        ``CLASSES[label]``.
    mask : array (96, 96) bool
        Where the object is.
    parts : dict of str to (float, float)
        Place (x, y) of every part, in pixels from the left and top edge of the picture. "left" and "right"
        are sides of the picture, as seen when the object stands upright.
    """

    image: Image.Image
    label: int
    name: str
    mask: NDArray[np.bool_]
    parts: dict[str, tuple[float, float]]

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom edge of the object: the smallest box that holds its mask.

        Examples
        --------
        >>> scene = draw(seed=0, index=7)
        >>> left, top, right, bottom = scene.box
        >>> bool(scene.mask[top:bottom, left:right].sum() == scene.mask.sum())
        True
        """
        (top, *_, bottom), (left, *_, right) = (np.flatnonzero(self.mask.any(axis)) for axis in (1, 0))
        return int(left), int(top), int(right) + 1, int(bottom) + 1


def draw(seed: int, index: int) -> Scene:
    """Draw one scene; the same for the same seed and index, in any order and any process.

    Parameters
    ----------
    seed : int
        The world, 0 or more. Different seeds share no scene.
    index : int
        The scene's number in it, 0 or more. Each run of ``len(CLASSES)`` scenes that starts at a multiple of
        ``len(CLASSES)`` holds every class once.

    Returns
    -------
    Scene

    Raises
    ------
    ParameterError
        If the seed or the index is negative or not a whole number.

    Examples
    --------
    >>> scene = draw(seed=0, index=7)
    >>> scene.image.size, scene.mask.shape, scene.name == CLASSES[scene.label]
    ((96, 96), (96, 96), True)
    """
    for what, number in (("seed", seed), ("index", index)):
        if not isinstance(number, (int, np.integer)) or isinstance(number, bool) or number < 0:
            raise ParameterError(f"A scene's {what} must be a whole number from 0, not {number!r}; try draw(0, 0).")
    label = label_of(int(seed), int(index))
    dice = Dice(f"scene {seed} {index}")
    picture, coverage, parts = paint(dice, *_OBJECTS[CLASSES[label]])
    return Scene(Image.fromarray(picture), label, CLASSES[label], coverage > 0.5, parts)


def label_of(seed: int, index: int) -> int:
    """The class of a scene, as a place in `CLASSES`, without drawing it.

    Examples
    --------
    >>> label_of(0, 7) == draw(0, 7).label
    True
    """
    block, place_in_block = divmod(index, len(CLASSES))
    return Dice(f"labels {seed} {block}").shuffled(range(len(CLASSES)))[place_in_block]


def paint(
    dice: Dice, compose: Callable[[Sketch, Dice, Colours], None], most_turn: float
) -> tuple[NDArray[np.uint8], NDArray[np.float32], dict[str, tuple[float, float]]]:
    """The picture (96, 96, 3), how much of each pixel the object covers (96, 96), and the places of its parts."""
    behind, mean = ground(dice, SIZE)
    picture = _over(rasterise(clutter(dice, SIZE, mean), SIZE, outline=0.7), behind)
    sketch = Sketch()
    compose(sketch, dice, colours_against(dice, mean))
    placed = place(sketch, _pose(dice, most_turn), SIZE)
    layer = rasterise(placed.shapes, SIZE, outline=max(0.7, 0.03 * placed.pixels_per_unit))
    coverage = layer[..., 3]
    # A little unevenness, so that no surface of the object is one flat colour.
    layer[..., :3] *= 1 + dice.uniform(0.03, 0.16) * relief(dice, SIZE, dice.integer(8, 28))[..., None]
    picture = _over(layer, picture * (1 - shadow(dice, coverage))[..., None]) * light(dice, SIZE)
    noise = np.frombuffer(dice.bytes(SIZE * SIZE), dtype=np.uint8).reshape(SIZE, SIZE, 1).astype(np.float32)
    picture += (noise - 127.5) * (dice.uniform(0, 10) / 127.5)
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8), coverage, placed.parts


def _over(layer: NDArray[np.float32], picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """A premultiplied layer (H, W, 4) over a picture (H, W, 3)."""
    covered: NDArray[np.float32] = picture * (1 - layer[..., 3:]) + layer[..., :3]
    return covered


def _pose(dice: Dice, most_turn: float) -> Pose:
    return Pose(
        extent=dice.uniform(48, 86),
        turn=dice.uniform(-most_turn, most_turn),
        stretch=dice.uniform(0.85, 1.18),
        mirrored=dice.chance(0.5),
        across=dice.uniform(0, 1),
        down=dice.uniform(0, 1),
    )
