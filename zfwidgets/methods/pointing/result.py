"""What `pointing_game` returns; needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zfwidgets.methods.intervals import UNKNOWN, Estimate, gain_of, mean_of, share_of

__all__ = ["PANELS", "Panel", "PointingGame", "Rise"]

Panel = Literal["map", "class"]
PANELS: tuple[Panel, ...] = ("map", "class")
"""What may fall: the activation of the strongest map (Fig. 7b), the probability of the class (Fig. 7d)."""


class Rise(NamedTuple):
    """A picture in which hiding something raises the probability of its own class, as in the paper's third picture.

    Attributes
    ----------
    key : str
        Of the picture.
    place : (float, float)
        (x, y) of the middle of the square, in input pixels.
    clean, hidden : float
        Probability of the class for the whole picture, and with the square there.
    lost : float
        Share of the strongest map's activation that is lost with the square there: near 1 where the map is about what
        is hidden.
    on_object : bool
        Whether the middle of the square lies in the box of the object.
    """

    key: str
    place: tuple[float, float]
    clean: float
    hidden: float
    lost: float
    on_object: bool


@dataclass(frozen=True, eq=False)  # arrays have no single equality
class PointingGame:
    """Where a square must lie to do most harm, in N pictures whose object is known.

    Attributes
    ----------
    keys : tuple of str
        Names of the pictures.
    boxes : ndarray
        (N, 4) float64: left, top, right, bottom of the object in input pixels, cut to what the network sees.
    targets : ndarray
        (N,) int64: the class of each picture.
    size, stride : int
        Of the square, in input pixels.
    input_size : (int, int)
        Height and width of the input.
    layer : str
        Whose strongest map was watched.
    places : mapping
        Panel to (N, 2) float64: x and y of the middle of the square where its strongest drop is.
    drops : mapping
        Panel to (N,) float64: that drop; of the map as a share of its activation, of the class in probability.
    squares : ndarray
        (N,) float64: share of all squares of the sweep whose middle lies in the box.
    correlation : ndarray
        (N,) float64: over the squares, of the activation of the map and the probability of the class; NaN where one of
        them does not change.
    clean : ndarray
        (N,) float64: probability of the class for the whole picture.
    risen, risen_lost : ndarray
        (N,) float64: probability of the class at the square that raises it most, and the share of the strongest map's
        activation that is lost there.
    risen_places : ndarray
        (N, 2) float64: x and y of the middle of that square.
    """

    keys: tuple[str, ...]
    boxes: NDArray[np.float64]
    targets: NDArray[np.int64]
    size: int
    stride: int
    input_size: tuple[int, int]
    layer: str
    places: Mapping[Panel, NDArray[np.float64]]
    drops: Mapping[Panel, NDArray[np.float64]]
    squares: NDArray[np.float64]
    correlation: NDArray[np.float64]
    clean: NDArray[np.float64]
    risen: NDArray[np.float64]
    risen_lost: NDArray[np.float64]
    risen_places: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.keys)

    def hits(self, panel: Panel) -> NDArray[np.bool_]:
        """(N,): whether the strongest drop lies in the object's box, edges included, without any tolerance."""
        return inside(self.places[panel], self.boxes)

    @property
    def centre(self) -> NDArray[np.bool_]:
        """(N,): whether the middle of the picture lies in the box: what pointing there without looking gives."""
        height, width = self.input_size
        return inside(np.tile([width / 2, height / 2], (len(self), 1)), self.boxes)

    @property
    def area(self) -> NDArray[np.float64]:
        """(N,): share of the picture that the box covers: what pointing anywhere gives."""
        left, top, right, bottom = self.boxes.T
        return np.asarray((right - left) * (bottom - top) / (self.input_size[0] * self.input_size[1]))

    def share(self, panel: Panel) -> Estimate:
        """Share of the pictures in which the strongest drop lies on the object."""
        return share_of(self.hits(panel))

    def gain(self, panel: Panel) -> Estimate:
        """By how much that is more than the middle of the picture gives, picture by picture."""
        return gain_of(self.hits(panel), self.centre)

    @property
    def agreement(self) -> Estimate:
        """Mean correlation over the pictures that have one; NaN where none has."""
        found = self.correlation[~np.isnan(self.correlation)]
        return mean_of(found).within(-1.0, 1.0) if len(found) else UNKNOWN

    def rises(self, least: float = 0.1) -> list[Rise]:
        """The pictures in which some square raises the class by at least so much, the largest rise first.

        Parameters
        ----------
        least : float
            In probability.
        """
        up = self.risen - self.clean
        on = inside(self.risen_places, self.boxes)
        return [
            Rise(
                self.keys[n],
                (float(self.risen_places[n, 0]), float(self.risen_places[n, 1])),
                float(self.clean[n]),
                float(self.risen[n]),
                float(self.risen_lost[n]),
                bool(on[n]),
            )
            for n in np.argsort(-up, kind="stable")
            if up[n] >= least
        ]

    def table(self) -> str:
        """Shares and their 95 % intervals, as text."""
        rows = {
            f"strongest drop of the map of {self.layer}": self.share("map"),
            "strongest drop of the class": self.share("class"),
            "middle of the picture": share_of(self.centre),
            "any square of the sweep": mean_of(self.squares).within(0.0, 1.0),
            "any place of the picture": mean_of(self.area).within(0.0, 1.0),
            "map beyond the middle": self.gain("map"),
            "class beyond the middle": self.gain("class"),
            "correlation of map and class": self.agreement,
        }
        width = max(map(len, rows))
        return "\n".join(f"{name.ljust(width)}  {found}" for name, found in rows.items())


def inside(places: NDArray[np.float64], boxes: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(N,): whether places (N, 2) lie in boxes (N, 4), edges included.

    Examples
    --------
    >>> inside(np.array([[2.0, 3.0], [2.0, 3.1]]), np.array([[1.0, 1.0, 2.0, 3.0]] * 2)).tolist()
    [True, False]
    """
    x, y = places.T
    left, top, right, bottom = boxes.T
    found: NDArray[np.bool_] = (left <= x) & (x <= right) & (top <= y) & (y <= bottom)
    return found
