"""Objects that live: faces, animals and plants, each composed of named parts."""

from __future__ import annotations

import math

from .details import INK, WHITE, eye, leaf
from .dice import Colours, Dice, mix
from .sketch import Sketch, arc, smooth

__all__ = ["butterfly", "cat", "face", "fish", "flower", "mushroom", "owl", "tree"]


def face(sketch: Sketch, dice: Dice, colours: Colours) -> None:
    """A human face with hair, brows, eyes, nose and mouth."""
    skin, hair = mix(colours.main, WHITE, 0.35), colours.second
    wide = dice.uniform(0.66, 0.8)
    if dice.chance(0.4):
        sketch.blob([(-0.95, 0.75), (-0.95, -0.4), (0, -1.15), (0.95, -0.4), (0.95, 0.75), (0, 0.4)], hair)
    for side in (-1, 1):
        sketch.ellipse(side * wide, 0.08, 0.14, 0.2, skin)
    sketch.ellipse(0, 0.05, wide, 0.92, skin)
    low = dice.uniform(-0.5, -0.3)
    fringe = [
        (-wide - 0.06, -0.1),
        (-0.7, -0.75),
        (0, -1.05),
        (0.7, -0.75),
        (wide + 0.06, -0.1),
        (0.5, low),
        (0.1, low - 0.15),
        (-0.4, low),
    ]
    sketch.blob(fringe, hair)
    apart, radius, look = dice.uniform(0.27, 0.35), dice.uniform(0.13, 0.18), dice.uniform(-1, 1)
    for side, name in ((-1, "left eye"), (1, "right eye")):
        eye(sketch, side * apart, -0.06, radius, colours.accent, look)
        sketch.stroke([(side * (apart - 0.15), -0.28), (side * (apart + 0.15), -0.31)], 0.07, mix(hair, INK, 0.5))
        sketch.part(name, side * apart, -0.06)
    sketch.blob([(0, 0.02), (0.12, 0.3), (0, 0.37), (-0.12, 0.3)], mix(skin, INK, 0.15))
    sketch.part("nose", 0, 0.26)
    _mouth(sketch, dice, colours)
    sketch.part("mouth", 0, 0.62)


def _mouth(sketch: Sketch, dice: Dice, colours: Colours) -> None:
    wide, lips = dice.uniform(0.22, 0.34), mix(colours.accent, (170, 40, 60), 0.5)
    if dice.chance(0.5):
        sketch.polygon(arc(0, 0.54, wide, 0.22, 0, math.pi, 10), lips)
        sketch.polygon(
            [(-0.7 * wide, 0.56), (0.7 * wide, 0.56), (0.6 * wide, 0.62), (-0.6 * wide, 0.62)], WHITE, outlined=False
        )
    else:
        sketch.stroke(arc(0, 0.5, wide, 0.12, 0.1, math.pi - 0.1, 10), 0.1, lips)


def cat(sketch: Sketch, dice: Dice, colours: Colours) -> None:
    """The head of a cat with ears, slit eyes, nose and whiskers."""
    fur, inner = colours.main, mix(colours.main, (255, 190, 190), 0.6)
    tall = dice.uniform(1.0, 1.2)
    for side, name in ((-1, "left ear"), (1, "right ear")):
        sketch.polygon([(side * 0.88, -0.1), (side * 0.8, -tall), (side * 0.2, -0.6)], fur)
        sketch.polygon([(side * 0.74, -0.35), (side * 0.72, -tall + 0.22), (side * 0.4, -0.6)], inner, outlined=False)
        sketch.part(name, side * 0.68, -0.65)
    sketch.blob(
        [(-0.98, 0.2), (-0.6, -0.58), (0, -0.7), (0.6, -0.58), (0.98, 0.2), (0.5, 0.78), (0, 0.88), (-0.5, 0.78)], fur
    )
    if dice.chance(0.6):
        for x in (-0.25, 0.0, 0.25):
            sketch.stroke([(x, -0.62), (0.7 * x, -0.36)], 0.1, mix(fur, colours.second, 0.8))
    sketch.ellipse(0, 0.46, 0.42, 0.32, mix(fur, WHITE, 0.7), outlined=False)
    lid = dice.uniform(0.14, 0.22)
    for side, name in ((-1, "left eye"), (1, "right eye")):
        sketch.ellipse(side * 0.42, -0.08, 0.23, lid, mix(colours.accent, WHITE, 0.4), turn=-side * 0.25)
        sketch.ellipse(side * 0.42, -0.08, 0.06, 0.9 * lid, INK, outlined=False)
        sketch.part(name, side * 0.42, -0.08)
        for droop in (-0.12, 0.02, 0.16):
            sketch.stroke([(side * 0.3, 0.42 + 0.4 * droop), (side * 1.2, 0.36 + droop)], 0.035, colours.light)
    sketch.polygon([(-0.14, 0.24), (0.14, 0.24), (0, 0.4)], mix((200, 90, 110), colours.second, 0.3))
    sketch.stroke([(-0.22, 0.54), (-0.1, 0.62), (0, 0.5), (0.1, 0.62), (0.22, 0.54)], 0.05, INK)
    sketch.part("nose", 0, 0.29)


def owl(sketch: Sketch, dice: Dice, colours: Colours) -> None:
    """A sitting owl: tufts, large eyes, beak, folded wings and feet."""
    body, breast = colours.main, mix(colours.main, WHITE, 0.55)
    for side in (-1, 1):
        for toe in (0.1, 0.2, 0.3):
            sketch.ellipse(side * toe, 1.02, 0.06, 0.12, mix(colours.accent, (240, 180, 60), 0.5))
    sketch.blob(
        [
            (-0.75, -0.95),
            (-0.3, -0.82),
            (0.3, -0.82),
            (0.75, -0.95),
            (0.72, -0.2),
            (0.74, 0.5),
            (0.4, 0.98),
            (-0.4, 0.98),
            (-0.74, 0.5),
            (-0.72, -0.2),
        ],
        body,
    )
    sketch.ellipse(0, 0.45, 0.44, 0.5, breast, outlined=False)
    for row in range(3):
        for column in range(-1, 2 - row % 2):
            x = 0.22 * column + 0.11 * (row % 2)
            sketch.stroke(arc(x, 0.28 + 0.2 * row, 0.09, 0.08, 0.2, math.pi - 0.2, 5), 0.045, mix(body, INK, 0.2))
    for side, name in ((-1, "left wing"), (1, "right wing")):
        sketch.blob(
            [(side * 0.68, -0.15), (side * 0.84, 0.3), (side * 0.62, 0.85), (side * 0.42, 0.3)],
            mix(colours.second, INK, 0.1),
        )
        sketch.part(name, side * 0.64, 0.3)
    radius, look = dice.uniform(0.27, 0.34), dice.uniform(-1, 1)
    for side, name in ((-1, "left eye"), (1, "right eye")):
        sketch.ellipse(side * 0.35, -0.42, radius + 0.08, radius + 0.08, breast)
        eye(sketch, side * 0.35, -0.42, radius, mix(colours.accent, (250, 190, 40), 0.5), look)
        sketch.part(name, side * 0.35, -0.42)
    sketch.polygon([(-0.14, -0.3), (0.14, -0.3), (0, 0.04)], mix(colours.accent, (240, 170, 50), 0.6))
    sketch.part("beak", 0, -0.18)


def fish(sketch: Sketch, dice: Dice, colours: Colours) -> None:
    """A fish seen from the side: body with bands, tail, fins and an eye."""
    high = dice.uniform(0.4, 0.6)
    sketch.blob([(0.5, 0.0), (0.9, -0.42), (1.08, -0.4), (0.92, 0.0), (1.08, 0.4), (0.9, 0.42)], colours.second)
    sketch.part("tail", 0.86, 0.0)
    sketch.blob([(-0.35, -0.75 * high), (0.0, -high - 0.3), (0.35, -high - 0.22), (0.4, -0.5 * high)], colours.second)
    sketch.part("back fin", 0.08, -high - 0.1)
    sketch.blob([(-0.1, 0.8 * high), (0.1, high + 0.22), (0.28, high + 0.12), (0.25, 0.7 * high)], colours.second)
    body = [
        (-1.0, 0.03),
        (-0.65, -0.75 * high),
        (-0.05, -high),
        (0.5, -0.45 * high),
        (0.7, -0.06),
        (0.7, 0.06),
        (0.5, 0.45 * high),
        (-0.05, high),
        (-0.65, 0.75 * high),
    ]
    sketch.blob(body, colours.main)
    style = dice.integer(0, 2)
    if style == 0:
        for x in (-0.25, 0.05, 0.33):
            reach = 0.8 * high * (1 - abs(x) ** 1.5 * 1.3)
            sketch.stroke([(x, -reach), (x + 0.05, 0), (x, reach)], 0.1, mix(colours.accent, colours.light, 0.3))
    elif style == 1:
        for x, y in ((-0.2, -0.2), (0.05, 0.1), (0.25, -0.12), (-0.12, 0.25), (0.45, 0.03), (0.05, -0.28)):
            sketch.stroke(arc(x, y * high * 2, 0.09, 0.1, -1.2, 1.2, 5), 0.045, mix(colours.main, INK, 0.4))
    else:
        sketch.polygon(
            smooth(
                [(-0.9, 0.1), (-0.3, 0.12), (0.5, 0.08), (0.3, 0.6 * high), (-0.2, 0.85 * high), (-0.7, 0.5 * high)]
            ),
            colours.light,
            outlined=False,
        )
    sketch.stroke(arc(-0.55, 0, 0.16, 0.62 * high, -1.2, 1.2, 7), 0.05, mix(colours.main, INK, 0.5))
    sketch.blob([(-0.25, 0.1), (0.08, 0.12), (0.12, 0.32), (-0.1, 0.28)], mix(colours.second, WHITE, 0.2))
    eye(sketch, -0.68, -0.14, 0.12, colours.accent)
    sketch.part("eye", -0.68, -0.14)
    sketch.stroke([(-0.98, 0.06), (-0.84, 0.12)], 0.05, INK)


def butterfly(sketch: Sketch, dice: Dice, colours: Colours) -> None:
    """A butterfly from above: four spotted wings, body and feelers."""
    reach, deep = dice.uniform(0.9, 1.05), dice.uniform(0.65, 0.85)
    for side, name in ((-1, "left wing"), (1, "right wing")):
        sketch.blob(
            [(side * 0.05, 0.05), (side * 0.5, 0.0), (side * 0.8, 0.35), (side * 0.55, deep), (side * 0.15, 0.6)],
            colours.second,
        )
        sketch.blob(
            [(side * 0.05, -0.2), (side * 0.45, -0.78), (side * reach, -0.72), (side * 0.85, -0.1), (side * 0.3, 0.12)],
            colours.main,
        )
        sketch.blob(
            [(side * 0.25, -0.22), (side * 0.55, -0.58), (side * 0.8, -0.5), (side * 0.66, -0.16)],
            mix(colours.main, WHITE, 0.4),
            outlined=False,
        )
        sketch.ellipse(side * 0.7, -0.42, 0.12, 0.12, colours.accent)
        sketch.ellipse(side * 0.5, 0.42, 0.12, 0.12, colours.accent)
        sketch.stroke([(0, -0.5), (side * 0.12, -0.82), (side * 0.28, -0.98)], 0.05, INK)
        sketch.part(name, side * 0.62, -0.4)
        sketch.part(f"{name} (hind)", side * 0.5, 0.38)
    sketch.ellipse(0, 0.02, 0.09, 0.52, mix(colours.dark, colours.second, 0.25))
    sketch.ellipse(0, -0.52, 0.11, 0.11, mix(colours.dark, colours.second, 0.25))
    sketch.part("body", 0, 0.0)


def flower(sketch: Sketch, dice: Dice, colours: Colours) -> None:
    """A flower: petals around a centre, a stem and two leaves."""
    petals, green = dice.integer(5, 9), mix(colours.second, (60, 150, 70), 0.55)
    sketch.stroke([(0, 0), (dice.uniform(-0.1, 0.1), 0.6), (0, 1.35)], 0.12, green)
    leaf(sketch, 0, 1.1, 0.6, -0.6, green)
    leaf(sketch, 0, 1.25, 0.6, math.pi + 0.6, green)
    sketch.part("leaf", 0.25, 0.93)
    sketch.part("stem", 0, 1.3)
    thick = min(0.3, 1.5 / petals)
    for petal in range(petals):
        turn = 2 * math.pi * petal / petals
        x, y = math.sin(turn), -math.cos(turn)
        sketch.ellipse(0.48 * x, 0.48 * y - 0.2, thick, 0.38, colours.main, turn=turn)
        sketch.stroke([(0.3 * x, 0.3 * y - 0.2), (0.6 * x, 0.6 * y - 0.2)], 0.04, mix(colours.main, INK, 0.25))
    sketch.part("petal", 0, -0.66)
    sketch.ellipse(0, -0.2, 0.25, 0.25, mix(colours.accent, (240, 200, 70), 0.4))
    for turn in range(6):
        sketch.ellipse(0.13 * math.cos(turn), -0.2 + 0.13 * math.sin(turn), 0.03, 0.03, INK, outlined=False)
    sketch.part("centre", 0, -0.2)


def mushroom(sketch: Sketch, dice: Dice, colours: Colours) -> None:
    """A mushroom: spotted cap, gills, stem with a ring, some grass."""
    thick, flat = dice.uniform(0.22, 0.34), dice.uniform(0.75, 0.95)
    pale = mix(colours.light, colours.second, 0.15)
    sketch.blob(
        [
            (-thick, 0.0),
            (thick, 0.0),
            (0.9 * thick, 0.5),
            (1.3 * thick, 0.95),
            (0, 1.05),
            (-1.3 * thick, 0.95),
            (-0.9 * thick, 0.5),
        ],
        pale,
    )
    sketch.part("stem", 0, 0.6)
    if dice.chance(0.6):
        sketch.blob(
            [
                (-thick - 0.05, 0.28),
                (0, 0.22),
                (thick + 0.05, 0.28),
                (thick + 0.1, 0.42),
                (0, 0.36),
                (-thick - 0.1, 0.42),
            ],
            mix(pale, colours.second, 0.3),
        )
    sketch.ellipse(0, 0.02, 0.92, 0.2, mix(pale, INK, 0.25))
    dome = [*arc(0, 0.0, 1.0, flat, math.pi, 2 * math.pi, 16), (0.6, 0.12), (0, 0.16), (-0.6, 0.12)]
    sketch.polygon(dome, colours.main)
    sketch.part("cap", 0, -0.45)
    for x, y, r in (
        (-0.55, -0.28, 0.13),
        (-0.12, -0.62, 0.14),
        (0.2, -0.2, 0.17),
        (0.62, -0.32, 0.11),
        (-0.2, -0.12, 0.08),
    ):
        sketch.ellipse(x, y * flat / 0.85, r, 0.85 * r, mix(colours.accent, WHITE, 0.75), outlined=False)


def tree(sketch: Sketch, dice: Dice, colours: Colours) -> None:
    """A tree: a trunk with a round crown and fruit, or a fir of three tiers."""
    bark = mix(colours.second, (95, 65, 45), 0.6)
    if dice.chance(0.4):
        sketch.polygon([(-0.12, 0.5), (0.12, 0.5), (0.15, 1.15), (-0.15, 1.15)], bark)
        for tier, (y, wide) in enumerate(((0.72, 0.8), (0.24, 0.64), (-0.22, 0.46))):
            points = [
                (0, y - 0.95 + 0.1 * tier),
                (wide, y),
                (0.5 * wide, y - 0.06),
                (0, y + 0.05),
                (-0.5 * wide, y - 0.06),
                (-wide, y),
            ]
            sketch.polygon(points, mix(colours.main, WHITE, 0.1 * tier))
        sketch.part("crown", 0, 0.0)
        sketch.part("trunk", 0, 1.0)
        return
    sketch.polygon([(-0.14, 0.1), (0.14, 0.1), (0.22, 1.15), (-0.22, 1.15)], bark)
    sketch.stroke([(0, 0.45), (0.4, 0.05)], 0.12, bark)
    lobes = ((-0.5, -0.1, 0.4), (0.5, -0.1, 0.4), (-0.28, -0.55, 0.42), (0.3, -0.55, 0.42), (0, -0.2, 0.5))
    for x, y, r in lobes:
        sketch.ellipse(x, y, r, r, colours.main)
    for x, y, r in lobes:
        sketch.ellipse(x, y, 0.92 * r, 0.92 * r, colours.main, outlined=False)
        sketch.ellipse(x - 0.1, y - 0.12, 0.5 * r, 0.5 * r, mix(colours.main, WHITE, 0.22), outlined=False)
    if dice.chance(0.6):
        for x, y in ((-0.5, -0.05), (0.1, -0.1), (0.5, -0.25), (-0.2, -0.6), (0.3, -0.65), (-0.15, 0.12)):
            sketch.ellipse(x, y, 0.09, 0.09, colours.accent)
    sketch.part("crown", 0, -0.3)
    sketch.part("trunk", 0, 0.9)
