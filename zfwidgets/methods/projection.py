"""What `project` and `units_at` take and return; needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zfwidgets.errors import ParameterError
from zfwidgets.methods.similarity import cosine

if TYPE_CHECKING:
    from zfwidgets.network.passage import Overlap, Rule

__all__ = ["RULES", "Projection", "ProjectionDifference", "Unit", "UnitsAt", "projection_difference"]

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


@dataclass(frozen=True, eq=False)  # arrays have no single equality
class ProjectionDifference:
    """One projection minus another, each with its strongest value as 1.

    Attributes
    ----------
    pixels : ndarray
        (3, H, W) float32 in [-2, 2], in the place of the whole input.
    cosine : float
        Of the two projections as vectors: 1 for the same picture, 0 for two that have nothing in common; nan where
        one of them is zero everywhere.
    """

    pixels: NDArray[np.float32]
    cosine: float


def projection_difference(mine: Projection, theirs: Projection) -> ProjectionDifference:
    """What the second projection shows and the first does not, for example of two networks.

    Activations of two networks have no common unit, and a projection is proportional to its activation: so each is
    divided by its largest magnitude.

    Raises
    ------
    ParameterError
        If they are of inputs of different sizes: their pixels are not at the same places.

    Examples
    --------
    >>> from zfwidgets import load_network, project, samples
    >>> net, picture = load_network("zfnet-scenes", device="cpu"), samples()["photo/chelsea"]
    >>> one, other = (project(net, picture, "conv5", 3, rule=rule) for rule in ("deconvnet", "guided"))
    >>> difference = projection_difference(one, other)
    >>> difference.pixels.shape, 0 < difference.cosine < 1
    ((3, 96, 96), True)
    """
    if mine.input_size != theirs.input_size:
        sizes = " and ".join(f"{height} x {width}" for height, width in (mine.input_size, theirs.input_size))
        raise ParameterError(f"The projections are of inputs of {sizes} pixels, which cannot be subtracted.")
    first, second = (_unit_peak(projection.canvas()) for projection in (mine, theirs))
    return ProjectionDifference(second - first, cosine(first, second))


def _unit_peak(canvas: NDArray[np.float32]) -> NDArray[np.float32]:
    peak = float(np.abs(canvas).max())
    return np.asarray(canvas / peak, np.float32) if peak > 0 else canvas
