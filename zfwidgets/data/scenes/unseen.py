"""Objects of the scenes world that no embedded network was taught: held-out classes, to probe features with."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from PIL import Image

from ...imaging.checks import whole_number
from ..image_set import Entry, ImageSet
from .details import INK, WHITE, eye, leaf
from .dice import Colours, Dice, mix
from .sketch import Sketch, arc
from .world import paint

__all__ = ["UNSEEN", "unseen_scenes"]

_CREDIT = "zfwidgets scenes, drawn by code: no rights reserved"


def _bicycle(sketch: Sketch, dice: Dice, colours: Colours) -> None:
    """Two spoked wheels, a frame, a saddle and a handlebar."""
    radius = dice.uniform(0.36, 0.44)
    for x in (-0.58, 0.58):
        sketch.stroke(arc(x, 0.35, radius, radius, 0, 2 * math.pi, 24), 0.1, INK)
        for turn in range(4):
            across, up = 0.9 * radius * math.cos(math.pi * turn / 4), 0.9 * radius * math.sin(math.pi * turn / 4)
            sketch.stroke([(x - across, 0.35 - up), (x + across, 0.35 + up)], 0.03, colours.light)
    for line in (
        [(-0.58, 0.35), (-0.28, -0.25), (0.4, -0.25), (-0.05, 0.4), (-0.58, 0.35)],
        [(-0.05, 0.4), (-0.34, -0.42)],
        [(0.58, 0.35), (0.36, -0.5)],
    ):
        sketch.stroke(line, 0.1, colours.main)
    sketch.stroke([(-0.52, -0.45), (-0.18, -0.45)], 0.13, colours.second)
    sketch.stroke([(0.36, -0.5), (0.2, -0.6)], 0.09, colours.dark)


def _snail(sketch: Sketch, dice: Dice, colours: Colours) -> None:
    """A spiral shell on a long foot, with two eyes on stalks."""
    skin = mix(colours.second, WHITE, 0.3)
    for x in (0.78, 0.98):
        sketch.stroke([(0.75, 0.35), (x, -dice.uniform(0.2, 0.45))], 0.07, skin)
        eye(sketch, x, -0.35, 0.1, colours.accent)
    sketch.blob([(-1.1, 0.75), (-0.4, 0.5), (0.5, 0.45), (0.75, 0.15), (0.98, 0.3), (0.9, 0.75)], skin)
    sketch.ellipse(-0.15, 0.02, 0.65, 0.62, colours.main)
    turns = dice.uniform(4.5, 5.5) * math.pi
    spiral = [
        (-0.15 + 0.56 * share * math.cos(turns * share), 0.02 + 0.54 * share * math.sin(turns * share))
        for share in (step / 30 for step in range(1, 31))
    ]
    sketch.stroke(spiral, 0.07, mix(colours.main, INK, 0.5))


def _lamp(sketch: Sketch, dice: Dice, colours: Colours) -> None:
    """A table lamp: foot, stand and a flared shade."""
    narrow = dice.uniform(0.25, 0.5)
    sketch.stroke([(0, -0.1), (0, 0.9)], 0.12, colours.second)
    sketch.ellipse(0, 0.92, dice.uniform(0.4, 0.55), 0.14, colours.second)
    sketch.polygon([(-narrow, -1.0), (narrow, -1.0), (0.85, 0.0), (-0.85, 0.0)], mix(colours.main, WHITE, 0.25))
    sketch.stroke([(-0.84, -0.03), (0.84, -0.03)], 0.07, colours.accent)
    sketch.stroke([(0.3, 0.02), (0.3, 0.35)], 0.03, colours.dark)


def _chair(sketch: Sketch, dice: Dice, colours: Colours) -> None:
    """A chair seen from the side: back, seat and legs."""
    wood, lean = colours.main, dice.uniform(0.05, 0.25)
    for x in (-0.45, 0.5):
        sketch.stroke([(x, 0.15), (x + (0.1 if x > 0 else -0.1), 1.05)], 0.11, mix(wood, INK, 0.2))
    sketch.stroke([(-0.45, 0.1), (-0.45 - lean, -1.05)], 0.13, wood)
    for step in range(dice.integer(1, 3)):
        y = -0.9 + 0.3 * step
        sketch.stroke([(-0.6, y), (-0.05, y + 0.08)], 0.1, colours.second)
    sketch.polygon([(-0.58, 0.02), (0.62, 0.02), (0.7, 0.22), (-0.5, 0.22)], colours.second)
    sketch.stroke([(-0.45, 0.65), (0.52, 0.65)], 0.07, wood)


def _snowman(sketch: Sketch, dice: Dice, colours: Colours) -> None:
    """Three balls, a hat, a carrot and arms of twigs."""
    snow = mix(colours.light, WHITE, 0.6)
    for side in (-1, 1):
        sketch.stroke([(side * 0.35, 0.0), (side * 0.95, -dice.uniform(0.1, 0.5))], 0.06, mix(INK, (120, 80, 50), 0.5))
    for y, radius in ((0.65, 0.5), (0.02, 0.38), (-0.5, 0.28)):
        sketch.ellipse(0, y, radius, radius, snow)
    for y in (-0.1, 0.1, 0.5):
        sketch.ellipse(0, y, 0.05, 0.05, INK, outlined=False)
    for x in (-0.1, 0.1):
        sketch.ellipse(x, -0.58, 0.04, 0.04, INK, outlined=False)
    sketch.polygon([(0, -0.52), (0.3, -0.44), (0, -0.42)], (235, 130, 50))
    sketch.polygon([(-0.22, -1.15), (0.22, -1.15), (0.22, -0.74), (-0.22, -0.74)], colours.main)
    sketch.stroke([(-0.36, -0.74), (0.36, -0.74)], 0.09, colours.main)


def _rocket(sketch: Sketch, dice: Dice, colours: Colours) -> None:
    """A pointed hull with a round window, fins and a flame."""
    sketch.blob([(-0.16, 0.6), (0, dice.uniform(1.0, 1.2)), (0.16, 0.6)], (250, 170, 50))
    for side in (-1, 1):
        sketch.polygon([(side * 0.24, 0.05), (side * 0.62, 0.62), (side * 0.24, 0.55)], colours.second)
    sketch.blob([(0, -1.1), (0.34, -0.35), (0.28, 0.6), (-0.28, 0.6), (-0.34, -0.35)], mix(colours.main, WHITE, 0.2))
    sketch.ellipse(0, -0.3, 0.16, 0.16, mix(colours.accent, WHITE, 0.5))
    sketch.stroke([(-0.28, 0.28), (0.28, 0.28)], 0.08, colours.accent)


def _hammer(sketch: Sketch, dice: Dice, colours: Colours) -> None:
    """A wooden handle with a steel head that ends in a claw."""
    steel, wide = mix(colours.second, (130, 135, 145), 0.6), dice.uniform(0.45, 0.6)
    sketch.polygon([(-0.1, -0.6), (0.1, -0.6), (0.14, 1.05), (-0.14, 1.05)], mix(colours.main, (150, 100, 60), 0.4))
    sketch.polygon([(-0.14, -0.95), (wide, -0.92), (wide, -0.52), (-0.14, -0.55)], steel)
    sketch.polygon([(wide, -1.0), (wide + 0.14, -1.0), (wide + 0.14, -0.45), (wide, -0.45)], mix(steel, INK, 0.3))
    sketch.blob([(-0.1, -0.95), (-0.5, -0.88), (-0.75, -0.5), (-0.45, -0.65), (-0.1, -0.6)], steel)


def _cactus(sketch: Sketch, dice: Dice, colours: Colours) -> None:
    """A ribbed column with two arms in a pot."""
    green = mix(colours.main, (60, 140, 80), 0.5)
    for side in (-1, 1):
        low, high = dice.uniform(0.0, 0.25), dice.uniform(-0.6, -0.25)
        sketch.stroke([(side * 0.1, low), (side * 0.55, low), (side * 0.55, high)], 0.22, green)
    sketch.stroke([(0, 0.6), (0, -0.9)], 0.4, green)
    for x in (-0.1, 0.02, 0.14):
        sketch.stroke([(x, 0.5), (x, -0.9)], 0.03, mix(green, WHITE, 0.45))
    sketch.polygon([(-0.42, 0.5), (0.42, 0.5), (0.3, 1.05), (-0.3, 1.05)], colours.second)


def _glasses(sketch: Sketch, dice: Dice, colours: Colours) -> None:
    """A pair of glasses: two lenses, a bridge and the ends of the temples."""
    high = dice.uniform(0.3, 0.42)
    glass = mix(colours.light, (170, 210, 235), 0.5)
    for side in (-1, 1):
        sketch.ellipse(side * 0.52, 0, 0.42, high, glass, outlined=False)
        sketch.stroke(arc(side * 0.52, 0, 0.42, high, 0, 2 * math.pi, 24), 0.11, colours.main)
        sketch.stroke([(side * 0.92, -0.08), (side * 1.12, -0.2)], 0.1, colours.main)
        sketch.stroke([(side * 0.52 - 0.15, 0.12), (side * 0.52 + 0.1, -0.14)], 0.05, WHITE)
    sketch.stroke(arc(0, 0, 0.14, 0.14, math.pi, 2 * math.pi, 8), 0.1, colours.main)


def _strawberry(sketch: Sketch, dice: Dice, colours: Colours) -> None:
    """A heart-shaped fruit with seeds and a crown of leaves."""
    wide = dice.uniform(0.62, 0.78)
    sketch.blob([(-wide, -0.35), (0, -0.55), (wide, -0.35), (0.45, 0.4), (0, 0.95), (-0.45, 0.4)], colours.main)
    for row, count in enumerate((4, 3, 2, 1)):
        for seed in range(count):
            x, y = 0.3 * (seed - (count - 1) / 2), -0.25 + 0.27 * row
            sketch.ellipse(x, y, 0.035, 0.055, mix(colours.accent, WHITE, 0.5), outlined=False)
    green = mix(colours.second, (70, 150, 70), 0.6)
    sketch.stroke([(0, -0.5), (0.08, -0.95)], 0.09, green)
    for turn in (-0.2, 0.55, 1.6, 2.6, 3.3):
        leaf(sketch, 0, -0.52, 0.45, turn, green)


_OBJECTS: dict[str, tuple[Callable[[Sketch, Dice, Colours], None], float]] = {
    "bicycle": (_bicycle, 0.25),
    "cactus": (_cactus, 0.25),
    "chair": (_chair, 0.4),
    "glasses": (_glasses, 0.6),
    "hammer": (_hammer, math.pi),
    "lamp": (_lamp, 0.4),
    "rocket": (_rocket, math.pi),
    "snail": (_snail, 0.4),
    "snowman": (_snowman, 0.3),
    "strawberry": (_strawberry, 0.6),
}

UNSEEN: tuple[str, ...] = tuple(_OBJECTS)
"""Names of the held-out classes; none of them is a class of `scenes`."""


def unseen_scenes(n: int, seed: int = 0, start: int = 0) -> ImageSet:
    """Scenes of objects that the embedded networks were never taught, in the same world: for `feature_probe`.

    Poses, colours, backgrounds, clutter and light are drawn as in `scenes`; only the objects are others.

    Parameters
    ----------
    n : int
        How many. Each run of ten that starts at a multiple of ten holds every class once.
    seed : int
        Different seeds share no picture.
    start : int
        Index of the first.

    Returns
    -------
    ImageSet
        Keys ``unseen/00000`` and so on, ``unseen-7/00000`` for seed 7; labels are names of `UNSEEN`.

    Raises
    ------
    ParameterError
        If a number is negative or not whole.

    Examples
    --------
    >>> some = unseen_scenes(10)
    >>> some["unseen/00003"].size, sorted(some.label(key) for key in some) == sorted(UNSEEN)
    ((96, 96), True)
    """
    n, seed, start = (
        whole_number(number, f"The {what} of scenes", 0)
        for what, number in (("number", n), ("seed", seed), ("start", start))
    )
    world = f"unseen-{seed}" if seed else "unseen"
    return ImageSet(
        {
            f"{world}/{index:05d}": Entry(partial(_picture, seed, index), partial(_name, seed, index), _CREDIT)
            for index in range(start, start + n)
        }
    )


def _picture(seed: int, index: int) -> Image.Image:
    picture, _, _ = paint(Dice(f"unseen scene {seed} {index}"), *_OBJECTS[_name(seed, index)])
    return Image.fromarray(picture)


def _name(seed: int, index: int) -> str:
    block, place = divmod(index, len(UNSEEN))
    return Dice(f"unseen labels {seed} {block}").shuffled(UNSEEN)[place]
