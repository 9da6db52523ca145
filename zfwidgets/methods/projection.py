"""What `project` and `units_at` take and return; needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from zfwidgets.network.passage import Overlap, Rule

__all__ = ["RULES", "Projection", "Unit", "UnitsAt"]

RULES: tuple[Rule, ...] = ("deconvnet", "desalinet", "guided", "gradient")
"""The values of `Rule`: what may happen at a relu on the way down."""


@dataclass(frozen=True)
class Unit:
    """One activation: picture of the list, layer, channel, row and column (0, 0 in layers without places)."""

    image: int
    layer: str
    channel: int
    row: int = 0
    column: int = 0


@dataclass(frozen=True, eq=False)  # arrays have no single equality
class Projection:
    """What one unit's activation looks like in pixels.

    Attributes
    ----------
    pixels : ndarray
        (3, h, w) float32, signed, in the scale of the model input.
    box : (top, left, height, width)
        Where it lies in the input; it may stick out, and is zero there.
    value : float
        The activation. The whole projection is proportional to it (all rules start from it).
    position : (row, column)
        The unit's place in its map.
    input_size : (H, W)
        Size of the model input.
    """

    pixels: NDArray[np.float32]
    box: tuple[int, int, int, int]
    value: float
    position: tuple[int, int]
    layer: str
    channel: int
    rule: Rule
    overlap: Overlap
    input_size: tuple[int, int]

    def canvas(self) -> NDArray[np.float32]:
        """(3, H, W): the projection in its place in the whole input, zero elsewhere."""
        canvas = np.zeros((3, *self.input_size), np.float32)
        top, left, height, width = self.box
        rows = slice(max(top, 0), min(top + height, self.input_size[0]))
        columns = slice(max(left, 0), min(left + width, self.input_size[1]))
        inside = self.pixels[:, rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        canvas[:, rows, columns] = inside
        return canvas


@dataclass(frozen=True, eq=False)  # arrays have no single equality
class UnitsAt:
    """The strongest units of a layer that look straight at one pixel.

    Attributes
    ----------
    layer : str
    pixel : (row, column)
        Of the model input.
    position : (row, column)
        The cell of the layer's maps whose receptive field is centred nearest to the pixel; all of the units sit there.
    box : (top, left, height, width)
        Their receptive field in the model input; it may stick out.
    channels : ndarray
        (k,) int, strongest first; only those with an activation above 0, so there may be none.
    values : ndarray
        (k,) float32, their activations.
    """

    layer: str
    pixel: tuple[int, int]
    position: tuple[int, int]
    box: tuple[int, int, int, int]
    channels: NDArray[np.int64]
    values: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.channels)
