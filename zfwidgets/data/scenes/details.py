"""Parts that several objects share, and that also lie about in the pictures as clutter."""

from __future__ import annotations

import math
from collections.abc import Callable

from .dice import Colour, Colours, Dice, mix
from .sketch import Sketch, arc

__all__ = ["CLUTTER", "eye", "leaf", "pane", "wheel"]

Line = tuple[tuple[float, float], ...]

INK: Colour = (28, 25, 34)
WHITE: Colour = (250, 248, 242)


def eye(sketch: Sketch, x: float, y: float, radius: float, iris: Colour, look: float = 0.0) -> None:
    """A round eye: white, iris, pupil and a glint; ``look`` moves the iris sideways (-1 to 1)."""
    sketch.ellipse(x, y, radius, radius, WHITE)
    x += 0.25 * look * radius
    sketch.ellipse(x, y, 0.62 * radius, 0.62 * radius, iris, outlined=False)
    sketch.ellipse(x, y, 0.34 * radius, 0.34 * radius, INK, outlined=False)
    sketch.ellipse(x - 0.22 * radius, y - 0.25 * radius, 0.16 * radius, 0.16 * radius, WHITE, outlined=False)


def wheel(sketch: Sketch, x: float, y: float, radius: float, hub: Colour) -> None:
    """A tyre with a hub cap."""
    sketch.ellipse(x, y, radius, radius, INK, outlined=False)
    sketch.ellipse(x, y, 0.6 * radius, 0.6 * radius, hub, outlined=False)
    sketch.ellipse(x, y, 0.2 * radius, 0.2 * radius, INK, outlined=False)


def pane(sketch: Sketch, x: float, y: float, width: float, height: float, glass: Colour, frame: Colour) -> None:
    """A window with a cross of glazing bars, centred at (x, y)."""
    a, b = width / 2, height / 2
    sketch.polygon([(x - a, y - b), (x + a, y - b), (x + a, y + b), (x - a, y + b)], glass)
    sketch.stroke([(x, y - b), (x, y + b)], 0.045, frame)
    sketch.stroke([(x - a, y), (x + a, y)], 0.045, frame)


def leaf(sketch: Sketch, x: float, y: float, length: float, turn: float, fill: Colour) -> None:
    """A pointed leaf that starts at (x, y) and grows in the direction ``turn`` (radians)."""
    cos, sin = math.cos(turn), math.sin(turn)
    outline = [(0.0, 0.0), (0.3, -0.2), (0.7, -0.17), (1.0, 0.0), (0.7, 0.17), (0.3, 0.2)]
    points = [(x + length * (cos * u - sin * v), y + length * (sin * u + cos * v)) for u, v in outline]
    sketch.polygon(points, fill)
    sketch.stroke([points[0], points[3]], 0.03, mix(fill, INK, 0.4))


def _loose_eye(sketch: Sketch, dice: Dice, colours: Colours) -> None:
    eye(sketch, 0, 0, 1, colours.main)


def _loose_wheel(sketch: Sketch, dice: Dice, colours: Colours) -> None:
    wheel(sketch, 0, 0, 1, colours.light)


def _loose_pane(sketch: Sketch, dice: Dice, colours: Colours) -> None:
    pane(sketch, 0, 0, 1.6, 2, colours.light, colours.dark)


def _loose_leaf(sketch: Sketch, dice: Dice, colours: Colours) -> None:
    leaf(sketch, -1, 0, 2, 0, colours.main)


def _loose_petals(sketch: Sketch, dice: Dice, colours: Colours) -> None:
    for step in range(3):
        turn = 0.7 * (step - 1)
        sketch.ellipse(0.5 * math.sin(turn), -0.5 * math.cos(turn), 0.22, 0.5, colours.main, turn=turn)


def _loose_teeth(sketch: Sketch, dice: Dice, colours: Colours) -> None:
    sketch.polygon(
        [
            (-1, -0.2),
            (1, -0.2),
            (1, 0.5),
            (0.7, 0.5),
            (0.7, 0.1),
            (0.3, 0.1),
            (0.3, 0.4),
            (0, 0.4),
            (0, 0.1),
            (-1, 0.1),
        ],
        colours.main,
    )


def _loose_hands(sketch: Sketch, dice: Dice, colours: Colours) -> None:
    sketch.stroke([(-0.3, -0.9), (0, 0), (0.9, 0.2)], 0.25, colours.dark)


def _loose_fin(sketch: Sketch, dice: Dice, colours: Colours) -> None:
    sketch.polygon([(-0.8, -0.8), (0.5, 0), (-0.8, 0.8), (-0.4, 0)], colours.main)


def _loose_smile(sketch: Sketch, dice: Dice, colours: Colours) -> None:
    sketch.stroke(arc(0, -0.4, 1, 0.8, 0.3, math.pi - 0.3, 9), 0.22, colours.main)


def _pebble(sketch: Sketch, dice: Dice, colours: Colours) -> None:
    sketch.ellipse(0, 0, 1, dice.uniform(0.5, 1), colours.main)


def _ring(sketch: Sketch, dice: Dice, colours: Colours) -> None:
    sketch.stroke(arc(0, 0, 1, 1, 0, 2 * math.pi, 24), 0.4, colours.main)


def _shard(sketch: Sketch, dice: Dice, colours: Colours) -> None:
    corners = dice.integer(3, 5)
    turns = [2 * math.pi * (corner + dice.uniform(-0.3, 0.3)) / corners for corner in range(corners)]
    sketch.polygon([(math.cos(turn), math.sin(turn)) for turn in turns], colours.main)


def _stick(sketch: Sketch, dice: Dice, colours: Colours) -> None:
    sketch.stroke([(-2, 0), (2, dice.uniform(-0.5, 0.5))], dice.uniform(0.15, 0.5), colours.main)


# The strokes of A, E, N, Z and K.
_LETTERS: tuple[tuple[Line, ...], ...] = (
    (((-0.6, 1), (0, -1), (0.6, 1)), ((-0.35, 0.3), (0.35, 0.3))),
    (((-0.5, -1), (-0.5, 1)), ((-0.5, -1), (0.5, -1)), ((-0.5, 0), (0.3, 0)), ((-0.5, 1), (0.5, 1))),
    (((-0.5, 1), (-0.5, -1), (0.5, 1), (0.5, -1)),),
    (((-0.6, -1), (0.6, -1), (-0.6, 1), (0.6, 1)),),
    (((-0.5, -1), (-0.5, 1)), ((0.5, -1), (-0.5, 0.1), (0.5, 1))),
)


def _letter(sketch: Sketch, dice: Dice, colours: Colours) -> None:
    for line in dice.pick(_LETTERS):
        sketch.stroke(line, 0.3, colours.main)


CLUTTER: tuple[Callable[[Sketch, Dice, Colours], None], ...] = (
    _loose_eye,
    _loose_wheel,
    _loose_pane,
    _loose_leaf,
    _loose_petals,
    _loose_teeth,
    _loose_hands,
    _loose_fin,
    _loose_smile,
    _pebble,
    _ring,
    _shard,
    _stick,
    _letter,
    _pebble,
    _shard,
    _stick,
)
"""What lies about: parts of objects that say nothing about the class, and plain shapes."""
