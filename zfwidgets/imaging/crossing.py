"""From the input of one network to that of another one that looks at the same picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from .preprocess import Preprocess

__all__ = ["Crossing"]

Number = TypeVar("Number", float, npt.NDArray[np.float64])


@dataclass(frozen=True)
class Crossing:
    """Two networks may resize and crop a picture differently: where does a place of one input lie in the other?

    Parameters
    ----------
    mine, theirs : Preprocess
        Of the two networks.
    picture_size : tuple of two int
        Width and height of the picture, as PIL gives them.

    Examples
    --------
    >>> crossing = Crossing(Preprocess(size=96, resize=96), Preprocess(size=224, resize=256), (96, 96))
    >>> crossing.there(48.0, 0.0), crossing.back(112.0, 112.0), crossing.length(24)
    ((112.0, -16.0), (48.0, 48.0), 64)
    """

    mine: Preprocess
    theirs: Preprocess
    picture_size: tuple[int, int]

    @property
    def same(self) -> bool:
        """Whether both see the same pixels at the same places."""
        one, other = self.mine, self.theirs
        return (one.size, one.short_side) == (other.size, other.short_side)

    @property
    def reverse(self) -> Crossing:
        """From the second input to the first."""
        return Crossing(self.theirs, self.mine, self.picture_size)

    @property
    def scale(self) -> float:
        """Pixels of the second input for each of the first."""
        return self.theirs.short_side / self.mine.short_side

    def length(self, pixels: int) -> int:
        """A side in whole pixels of the second input, at least 1 and at most all of it."""
        return min(max(round(pixels * self.scale), 1), self.theirs.size)

    def there(self, x: Number, y: Number) -> tuple[Number, Number]:
        """Where a point (or points) of the first input lies in the second; it may lie outside of its crop."""
        return self._between(self.mine, self.theirs, x, y)

    def back(self, x: Number, y: Number) -> tuple[Number, Number]:
        """Where a point (or points) of the second input lies in the first."""
        return self._between(self.theirs, self.mine, x, y)

    def _between(self, source: Preprocess, goal: Preprocess, x: Number, y: Number) -> tuple[Number, Number]:
        if self.same:
            return x, y
        # Both steps are a factor and a shift along each axis, so that arrays pass through them as numbers do.
        picture = source.to_picture(x, y, self.picture_size)  # type: ignore[arg-type]
        return goal.to_input(*picture, self.picture_size)  # type: ignore[return-value]
