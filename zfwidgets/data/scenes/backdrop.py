"""What lies behind and over an object: ground, texture, clutter, shadow and light."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from .details import CLUTTER
from .dice import Colour, Dice, colours_against, hsv, mix, vivid
from .sketch import Pose, Shape, Sketch, place

__all__ = ["clutter", "ground", "light", "relief", "shadow"]

Field = NDArray[np.float32]


@lru_cache(maxsize=2)
def _grid(size: int) -> tuple[Field, Field]:
    """x (1, size) and y (size, 1) of the pixel centres, -1 to 1 over the picture."""
    line = ((np.arange(size, dtype=np.float32) + 0.5) / size * 2 - 1).astype(np.float32)
    return line[None, :], line[:, None]


def relief(dice: Dice, size: int, cells: int) -> Field:
    """Smooth noise (size, size), about -1 to 1, with ``cells`` bumps across."""
    knots = np.array(dice.numbers(cells * cells), dtype=np.float32).reshape(cells, cells) * 2 - 1
    fine = Image.fromarray(knots).resize((size, size), Image.Resampling.BICUBIC)
    return np.asarray(fine)


def _waves(dice: Dice, size: int) -> Field:
    """Stripes, checks, ripples or rings, -1 to 1."""
    x, y = _grid(size)
    turn, pitch = dice.uniform(0, math.pi), dice.uniform(9, 32)
    along = math.cos(turn) * x + math.sin(turn) * y
    across = math.cos(turn) * y - math.sin(turn) * x
    style, phase = dice.integer(0, 4), dice.uniform(0, 6)
    waves: Field
    if style == 0:
        waves = np.sin(pitch * along + phase)
    elif style == 1:
        waves = np.sin(pitch * along + phase) * np.sin(pitch * across)
    elif style == 2:
        waves = np.sin(pitch * along + 2.5 * np.sin(3 * across + phase))
    elif style == 3:
        waves = np.sin(pitch * np.hypot(x - dice.uniform(-1, 1), y - dice.uniform(-1, 1)))
    else:
        waves = np.sign(np.sin(pitch * along + phase) * np.sin(0.6 * pitch * across)) * np.float32(0.8)
    return waves


def ground(dice: Dice, size: int) -> tuple[Field, Colour]:
    """A textured background.

    Parameters
    ----------
    dice : Dice
        Where the variation comes from.
    size : int
        Side in pixels.

    Returns
    -------
    array (size, size, 3) float32, 0 to 255, and its mean colour.
    """
    hue, strong = dice.uniform(0, 1), dice.uniform(0.08, 0.6)
    first = hsv(hue, strong, dice.uniform(0.3, 0.95))
    second = mix(first, hsv(hue + dice.uniform(-0.15, 0.15), strong, dice.uniform(0.25, 1.0)), 0.8)
    if dice.chance(0.25):
        second = mix(second, vivid(dice), 0.7)
    x, y = _grid(size)
    turn = dice.uniform(0, 2 * math.pi)
    if dice.chance(0.3):
        # Two areas, such as a table and a wall or a meadow and the sky, with a soft uneven border.
        share = 0.5 + 8 * (y - dice.uniform(-0.3, 0.6) + 0.06 * relief(dice, size, 5))
    else:
        share = 0.5 + 0.5 * (math.cos(turn) * x + math.sin(turn) * y)
    share = share + dice.uniform(0.05, 0.4) * relief(dice, size, dice.integer(3, 6))
    share = share + dice.uniform(0.0, 0.3) * relief(dice, size, dice.integer(10, 24))
    if dice.chance(0.55):
        share = share + dice.uniform(0.12, 0.4) * _waves(dice, size)
    share = np.clip(share, 0, 1)[..., None]
    start, stop = np.array(first, dtype=np.float32), np.array(second, dtype=np.float32)
    return start + share * (stop - start), mix(first, second, 0.5)


def clutter(dice: Dice, size: int, behind: Colour, most: int = 5) -> list[Shape]:
    """Up to ``most`` small loose parts and plain shapes anywhere in the picture."""
    shapes: list[Shape] = []
    for _ in range(dice.integer(0, most)):
        sketch = Sketch()
        colours = colours_against(dice, behind)
        # Half-way to the background, so that the object stays the most visible thing.
        colours = colours._replace(main=mix(colours.main, behind, dice.uniform(0.0, 0.6)))
        dice.pick(CLUTTER)(sketch, dice, colours)
        pose = Pose(
            dice.uniform(9, 24), dice.uniform(0, 2 * math.pi), 1.0, False, dice.uniform(0, 1), dice.uniform(0, 1)
        )
        shapes += place(sketch, pose, size, margin=-4).shapes
    return shapes


def shadow(dice: Dice, coverage: Field) -> Field:
    """The soft shadow (size, size) that an object of this coverage casts: 0 none, up to 0.5."""
    mask = Image.fromarray(np.rint(255 * coverage).astype(np.uint8))
    fallen = Image.new("L", mask.size)
    fallen.paste(mask, (dice.integer(-5, 5), dice.integer(1, 6)))
    soft = fallen.filter(ImageFilter.BoxBlur(dice.uniform(1.5, 3.5)))
    return np.asarray(soft, dtype=np.float32) * (dice.uniform(0.15, 0.5) / 255)


def light(dice: Dice, size: int) -> Field:
    """Light (size, size, 1) to multiply a picture by: from one side, sometimes a darker border."""
    x, y = _grid(size)
    turn = dice.uniform(0, 2 * math.pi)
    slope, level = dice.uniform(0, 0.3), dice.uniform(0.75, 1.12)
    field = level + slope * (math.cos(turn) * x + math.sin(turn) * y)
    if dice.chance(0.4):
        field = field - dice.uniform(0.05, 0.18) * (x * x + y * y)
    return field[..., None].astype(np.float32)
