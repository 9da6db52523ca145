"""Objects that are made: vehicles, buildings and tools, each composed of named parts."""

from __future__ import annotations

import math
from itertools import pairwise

from .details import INK, WHITE, pane, wheel
from .dice import Colour, Colours, Dice, mix
from .sketch import Sketch, arc

__all__ = ["boat", "car", "clock", "cup", "house", "key", "plane", "umbrella"]


def car(sketch: Sketch, dice: Dice, colours: Colours) -> None:
    """A car from the side: body, cabin with windows, two wheels, lamps."""
    roof, back = dice.uniform(0.42, 0.6), dice.uniform(-0.95, -0.6)
    sketch.polygon([(back, -0.02), (back + 0.22, -roof), (0.22, -roof), (0.6, -0.02)], colours.main)
    body = [(-1.08, 0.0), (-1.0, -0.1), (0.55, -0.1), (0.98, 0.02), (1.08, 0.16), (1.06, 0.4), (-1.08, 0.4)]
    sketch.polygon(body, colours.main)
    glass = mix(colours.light, (170, 215, 240), 0.5)
    middle = (back + 0.5) / 2
    sketch.polygon(
        [(back + 0.13, -0.1), (back + 0.28, -roof + 0.08), (middle - 0.03, -roof + 0.08), (middle - 0.03, -0.1)], glass
    )
    sketch.polygon([(middle + 0.04, -0.1), (middle + 0.04, -roof + 0.08), (0.19, -roof + 0.08), (0.47, -0.1)], glass)
    sketch.part("window", (middle + 0.3) / 2, -0.22)
    sketch.stroke([(-1.05, 0.15), (1.05, 0.15)], 0.05, mix(colours.main, colours.second, 0.7))
    sketch.stroke([(middle, -0.05), (middle, 0.36)], 0.03, mix(colours.main, INK, 0.5))
    sketch.ellipse(1.0, 0.14, 0.08, 0.09, (255, 240, 170))
    sketch.part("lamp", 1.0, 0.14)
    radius = dice.uniform(0.22, 0.28)
    for x, name in ((-0.6, "rear wheel"), (0.6, "front wheel")):
        sketch.ellipse(x, 0.4, radius + 0.05, radius + 0.05, mix(colours.main, INK, 0.7), outlined=False)
        wheel(sketch, x, 0.42, radius, colours.light)
        sketch.part(name, x, 0.42)


def plane(sketch: Sketch, dice: Dice, colours: Colours) -> None:
    """An airliner from above: fuselage, swept wings with engines, tail."""
    sweep, thick = dice.uniform(0.25, 0.6), dice.uniform(0.12, 0.17)
    for side, name in ((-1, "left wing"), (1, "right wing")):
        sketch.ellipse(side * 0.45, 0.42 * sweep - 0.22, 0.075, 0.17, mix(colours.second, INK, 0.2))
        sketch.polygon(
            [(side * 0.06, -0.28), (side * 1.0, sweep), (side * 1.0, sweep + 0.15), (side * 0.06, 0.18)], colours.second
        )
        sketch.part(name, side * 0.6, 0.65 * sweep - 0.02)
        sketch.polygon(
            [(side * 0.04, 0.68), (side * 0.4, 0.92), (side * 0.4, 1.03), (side * 0.04, 0.92)], colours.second
        )
    body = [(0, -1.05), (thick, -0.8), (thick, 0.5), (0.05, 1.05), (-0.05, 1.05), (-thick, 0.5), (-thick, -0.8)]
    sketch.blob(body, colours.main)
    sketch.stroke([(0, 0.62), (0, 1.02)], 0.07, colours.accent)
    sketch.part("tail", 0, 0.85)
    sketch.polygon(
        [(-0.08, -0.84), (0, -0.92), (0.08, -0.84), (0.06, -0.76), (-0.06, -0.76)],
        mix(INK, (90, 150, 200), 0.4),
        outlined=False,
    )
    sketch.part("nose", 0, -0.9)
    for step in range(6):
        for side in (-1, 1):
            sketch.ellipse(side * 0.65 * thick, -0.58 + 0.19 * step, 0.025, 0.04, INK, outlined=False)


def boat(sketch: Sketch, dice: Dice, colours: Colours) -> None:
    """A sailing boat: hull, mast, main sail, fore sail and a flag."""
    lean = dice.uniform(-0.05, 0.05)
    sketch.stroke([(0, 0.6), (lean, -1.1)], 0.07, mix(colours.dark, (110, 80, 50), 0.5))
    sketch.polygon([(0.06 + lean, -0.98), (0.85, 0.46), (0.06, 0.46)], mix(colours.light, colours.second, 0.15))
    if dice.chance(0.6):
        sketch.polygon([(0.07, -0.25), (0.44, -0.25), (0.64, 0.1), (0.07, 0.1)], colours.accent, outlined=False)
    sketch.part("main sail", 0.3, 0.0)
    sketch.polygon(
        [(lean - 0.06, -0.8), (-0.07, 0.46), (-dice.uniform(0.6, 0.78), 0.46)], mix(colours.second, WHITE, 0.2)
    )
    sketch.part("fore sail", -0.22, 0.25)
    sketch.polygon([(lean, -1.14), (lean + 0.28, -1.06), (lean, -0.97)], colours.accent)
    sketch.part("flag", lean + 0.08, -1.06)
    sketch.polygon([(-1.0, 0.55), (1.05, 0.55), (0.7, 1.0), (-0.65, 1.0)], colours.main)
    sketch.stroke([(-0.92, 0.66), (0.94, 0.66)], 0.07, mix(colours.main, WHITE, 0.6))
    for x in (-0.4, 0.0, 0.4):
        sketch.ellipse(x, 0.82, 0.06, 0.06, colours.light)
    sketch.part("hull", 0.2, 0.78)


def house(sketch: Sketch, dice: Dice, colours: Colours) -> None:
    """A house: walls, gable roof, chimney, door and two windows."""
    wall, roof = mix(colours.main, WHITE, 0.25), colours.second
    top = dice.uniform(-1.0, -0.8)
    sketch.polygon([(0.4, -0.2), (0.4, top), (0.62, top), (0.62, -0.2)], mix(roof, (120, 70, 60), 0.5))
    sketch.part("chimney", 0.51, top + 0.12)
    sketch.polygon([(-0.8, -0.2), (0.8, -0.2), (0.8, 0.95), (-0.8, 0.95)], wall)
    sketch.polygon([(-1.0, -0.14), (0, -1.02), (1.0, -0.14)], roof)
    for y, wide in ((-0.32, 0.62), (-0.54, 0.36)):
        sketch.stroke([(-wide, y), (wide, y)], 0.04, mix(roof, INK, 0.3))
    sketch.part("roof", 0, -0.45)
    glass = mix(colours.accent, (255, 235, 160), 0.65)
    door = dice.uniform(-0.1, 0.1)
    for x, name in ((-0.5, "left window"), (0.5, "right window")):
        pane(sketch, x, 0.22, 0.36, 0.42, glass, WHITE)
        sketch.part(name, x, 0.22)
    sketch.polygon(
        [(door - 0.18, 0.95), (door - 0.18, 0.32), (door + 0.18, 0.32), (door + 0.18, 0.95)],
        mix(colours.accent, INK, 0.35),
    )
    sketch.ellipse(door + 0.1, 0.66, 0.04, 0.04, (245, 215, 110), outlined=False)
    sketch.part("door", door, 0.6)


def key(sketch: Sketch, dice: Dice, colours: Colours) -> None:
    """A key: a bow with a hole, a shaft and a toothed bit."""
    metal, dark = colours.main, mix(colours.main, INK, 0.45)
    teeth = dice.integer(2, 4)
    sketch.polygon([(-0.45, -0.09), (1.0, -0.09), (1.06, 0), (1.0, 0.09), (-0.45, 0.09)], metal)
    for tooth in range(teeth):
        x = 0.9 - 0.17 * tooth
        long = dice.uniform(0.22, 0.42)
        sketch.polygon([(x - 0.12, 0.05), (x, 0.05), (x, long), (x - 0.12, long)], metal)
    sketch.part("bit", 0.84, 0.05)
    if dice.chance(0.5):
        sketch.ellipse(-0.68, 0, 0.42, 0.42, metal)
        sketch.ellipse(-0.72, 0, 0.22, 0.22, dark, outlined=False)
        sketch.ellipse(-0.72, 0, 0.19, 0.19, None)
    else:
        for x, y in ((-0.9, 0.0), (-0.62, -0.24), (-0.62, 0.24)):
            sketch.ellipse(x, y, 0.27, 0.27, metal)
        for x, y in ((-0.9, 0.0), (-0.62, -0.24), (-0.62, 0.24)):
            sketch.ellipse(x, y, 0.13, 0.13, None)
        sketch.ellipse(-0.66, 0, 0.12, 0.12, metal, outlined=False)
    sketch.part("bow", -0.42, 0)
    sketch.polygon([(-0.34, -0.16), (-0.22, -0.16), (-0.22, 0.16), (-0.34, 0.16)], mix(metal, WHITE, 0.3))
    sketch.stroke([(-0.15, -0.03), (0.9, -0.03)], 0.04, mix(metal, WHITE, 0.6))
    sketch.part("shaft", 0.1, 0)


def clock(sketch: Sketch, dice: Dice, colours: Colours) -> None:
    """A round clock with marks and two hands; half of them alarm clocks with bells and feet."""
    if dice.chance(0.5):
        for side in (-1, 1):
            sketch.stroke([(side * 0.5, 0.7), (side * 0.75, 1.08)], 0.15, colours.second)
            sketch.ellipse(side * 0.58, -0.86, 0.34, 0.24, colours.second, turn=side * 0.65)
        sketch.stroke([(0, -0.9), (0, -1.1)], 0.1, colours.dark)
    dial = mix(colours.light, WHITE, 0.4)
    sketch.ellipse(0, 0, 0.95, 0.95, colours.main)
    sketch.ellipse(0, 0, 0.76, 0.76, dial)
    for hour in range(12):
        turn = math.pi * hour / 6
        inner = 0.56 if hour % 3 == 0 else 0.63
        sketch.stroke(
            [(inner * math.sin(turn), inner * math.cos(turn)), (0.69 * math.sin(turn), 0.69 * math.cos(turn))],
            0.08 if hour % 3 == 0 else 0.045,
            INK,
        )
    sketch.part("rim", 0, -0.86)
    for length, width, name in ((0.36, 0.12, "hour hand"), (0.56, 0.08, "minute hand")):
        turn = dice.uniform(0, 2 * math.pi)
        x, y = math.sin(turn), -math.cos(turn)
        sketch.stroke([(-0.1 * x, -0.1 * y), (length * x, length * y)], width, mix(INK, colours.accent, 0.15))
        sketch.part(name, 0.7 * length * x, 0.7 * length * y)
    sketch.ellipse(0, 0, 0.08, 0.08, colours.accent)
    sketch.part("centre", 0, 0)


def cup(sketch: Sketch, dice: Dice, colours: Colours) -> None:
    """A cup of coffee: body, handle, rim, saucer and steam."""
    foot, deep = dice.uniform(0.42, 0.66), dice.uniform(0.6, 0.8)
    if dice.chance(0.6):
        sketch.ellipse(0, deep, 1.0, 0.2, colours.second)
        sketch.ellipse(0, deep - 0.03, 0.7, 0.12, mix(colours.second, INK, 0.25), outlined=False)
    for shade, wide in ((mix(colours.main, INK, 0.45), 0.24), (colours.main, 0.16)):
        sketch.stroke(arc(0.68, 0.1, 0.34, 0.32, -1.7, 1.75, 12), wide, shade)
    sketch.part("handle", 1.02, 0.1)
    sketch.polygon([(-0.76, -0.4), (0.76, -0.4), (0.7, 0.1), (foot, deep), (-foot, deep), (-0.7, 0.1)], colours.main)
    _pattern(sketch, dice, colours.accent, foot)
    sketch.part("body", 0, 0.3)
    sketch.ellipse(0, -0.4, 0.77, 0.2, mix(colours.main, WHITE, 0.45))
    sketch.ellipse(0, -0.38, 0.66, 0.14, mix((80, 48, 30), colours.second, 0.2), outlined=False)
    sketch.part("rim", 0, -0.55)
    for x in (-0.25, 0.05, 0.35) if dice.chance(0.6) else ():
        sketch.stroke([(x, -0.66), (x + 0.08, -0.78), (x - 0.06, -0.92), (x + 0.03, -1.06)], 0.05, colours.light)


def _pattern(sketch: Sketch, dice: Dice, colour: Colour, foot: float) -> None:
    style = dice.integer(0, 2)
    if style == 0:
        sketch.polygon([(-0.71, 0.02), (0.71, 0.02), (0.67, 0.22), (-0.67, 0.22)], colour, outlined=False)
    elif style == 1:
        for x in (-0.4, 0.0, 0.4):
            sketch.ellipse(x, 0.12, 0.11, 0.11, colour, outlined=False)
    else:
        for x in (-0.45, -0.15, 0.15, 0.45):
            sketch.stroke([(x, -0.12), (x * foot / 0.6, 0.5)], 0.08, colour)


def umbrella(sketch: Sketch, dice: Dice, colours: Colours) -> None:
    """An open umbrella: ribbed canopy with a scalloped hem, tip, stick and a hooked handle."""
    high = dice.uniform(0.75, 0.95)
    wood = mix(colours.dark, (140, 95, 60), 0.45)
    sketch.stroke([(0, -0.1 - high), (0, -0.2 - high)], 0.07, wood)
    sketch.part("tip", 0, -0.14 - high)
    side = dice.pick((-1, 1))
    sketch.stroke([(0, 0.0), (0, 0.9), *arc(side * 0.16, 0.9, -side * 0.16, 0.18, 0, math.pi, 8)], 0.09, wood)
    sketch.part("handle", side * 0.16, 1.08)
    ribs = (-1.0, -0.6, -0.2, 0.2, 0.6, 1.0)
    for panel, (left, right) in enumerate(pairwise(ribs)):
        outer = [_rib(left, share, high) for share in (0.0, 0.3, 0.6, 0.85, 1.0)]
        inner = [_rib(right, share, high) for share in (1.0, 0.85, 0.6, 0.3, 0.0)]
        hem = ((left + right) / 2, -0.12)
        sketch.polygon([*outer, hem, *inner], colours.main if panel % 2 else colours.second)
    sketch.part("canopy", 0, -0.5 * high - 0.1)


def _rib(reach: float, share: float, high: float) -> tuple[float, float]:
    """A point on the rib that ends at x = reach: share 0 is the top of the canopy, 1 its hem."""
    turn = share * math.pi / 2
    return reach * math.sin(turn), -0.1 - high * math.cos(turn) + 0.1 * share
