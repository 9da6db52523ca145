"""Seeded chance and colours: the only source of variation in the scenes world."""

from __future__ import annotations

import colorsys
import random
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

T = TypeVar("T")
Colour = tuple[int, int, int]

__all__ = ["Colour", "Colours", "Dice", "brightness", "colours_against", "mix", "vivid"]


class Dice:
    """Chance that depends on its key alone, not on order, process, platform or numpy's version.

    Everything is derived from ``random.Random.random`` and ``randbytes``, whose sequences Python promises
    to keep.

    Parameters
    ----------
    key : str
        Equal keys give equal sequences.

    Examples
    --------
    >>> Dice("a").uniform(0, 1) == Dice("a").uniform(0, 1)
    True
    """

    def __init__(self, key: str) -> None:
        self._random = random.Random(key)

    def uniform(self, low: float, high: float) -> float:
        """A number in ``[low, high)``."""
        return low + (high - low) * self._random.random()

    def integer(self, low: int, high: int) -> int:
        """A whole number in ``low .. high``, both included."""
        return low + int(self._random.random() * (high - low + 1))

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self._random.random() < probability

    def pick(self, items: Sequence[T]) -> T:
        """One of the items, each equally likely."""
        return items[self.integer(0, len(items) - 1)]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """The items in a random order."""
        return [item for _, item in sorted(((self._random.random(), item) for item in items), key=lambda p: p[0])]

    def numbers(self, count: int) -> list[float]:
        """``count`` numbers in ``[0, 1)``."""
        return [self._random.random() for _ in range(count)]

    def bytes(self, count: int) -> bytes:
        """``count`` random bytes."""
        return self._random.randbytes(count)


class Colours(NamedTuple):
    """The colours of one object, drawn without looking at its class."""

    main: Colour
    second: Colour
    accent: Colour
    dark: Colour
    light: Colour


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """Hue (wraps around), saturation and value in [0, 1] as 8-bit RGB."""
    red, green, blue = colorsys.hsv_to_rgb(hue % 1.0, saturation, value)
    return round(255 * red), round(255 * green), round(255 * blue)


def vivid(dice: Dice) -> Colour:
    """Any clear colour."""
    return hsv(dice.uniform(0, 1), dice.uniform(0.35, 0.9), dice.uniform(0.55, 1.0))


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """``share`` (0 to 1) of the way from the first colour to the second."""
    return (
        round(first[0] + share * (second[0] - first[0])),
        round(first[1] + share * (second[1] - first[1])),
        round(first[2] + share * (second[2] - first[2])),
    )


def brightness(colour: Colour) -> float:
    """Perceived brightness, 0 to 255 (Rec. 601 weights)."""
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]


def colours_against(dice: Dice, backdrop: Colour) -> Colours:
    """Colours for an object that can be told from the backdrop.

    Parameters
    ----------
    dice : Dice
        Where the variation comes from.
    backdrop : (r, g, b)
        Mean colour behind the object, 0 to 255.

    Returns
    -------
    Colours
        ``dark`` and ``light`` are a near-black and a near-white in the main colour's tint.
    """
    candidates = [vivid(dice) for _ in range(4)]
    main = max(candidates, key=lambda colour: _distance(colour, backdrop))
    second = max([vivid(dice) for _ in range(3)], key=lambda colour: _distance(colour, main))
    return Colours(
        main=main,
        second=second,
        accent=vivid(dice),
        dark=mix(main, (18, 16, 26), 0.8),
        light=mix(main, (255, 252, 245), 0.85),
    )


def _distance(first: Colour, second: Colour) -> float:
    apart = sum(abs(a - b) for a, b in zip(first, second, strict=True))
    return apart + 2 * abs(brightness(first) - brightness(second))
