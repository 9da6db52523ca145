"""The small pieces that the result of mining is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from zfwidgets.network import Layer

__all__ = ["Field", "Progress", "TopEntry", "TopLayer"]


class Progress(NamedTuple):
    """How far a run is: pictures done and in all, pictures a second lately, seconds that are left."""

    done: int
    total: int
    rate: float
    seconds_left: float

    @classmethod
    def of(cls, done: int, total: int, resumed: int, seconds: float) -> Progress:
        """After so many seconds, in which all that is done was done but what was resumed."""
        rate = (done - resumed) / max(seconds, 1e-9)
        return cls(done, total, rate, (total - done) / max(rate, 1e-9))


@dataclass(frozen=True)
class TopEntry:
    """One of the strongest activations of a feature map.

    Attributes
    ----------
    value : float
        The activation.
    image : str
        Key of the picture.
    position : (row, column)
        The unit's place in its map.
    box : (top, left, height, width)
        Its receptive field in pixels of the model input; it may stick out.
    """

    value: float
    image: str
    position: tuple[int, int]
    box: tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)  # arrays have no single equality
class TopLayer:
    """The strongest activations of all maps of one layer, the strongest first.

    Attributes
    ----------
    values : ndarray
        (C, k) float32, nan where there are fewer.
    images : ndarray
        (C, k) object: keys of pictures, "" where there are fewer.
    positions : ndarray
        (C, k, 2) int64: row and column in the map, -1 where there are fewer.
    """

    values: NDArray[np.float32]
    images: NDArray[np.object_]
    positions: NDArray[np.int64]


@dataclass(frozen=True)
class Field:
    """A layer's shape and what its units see: enough to place a patch without the network.

    Attributes
    ----------
    channels, height, width : int
        Of its map.
    sizes, strides, offsets : (int, int)
        Receptive field by rows and columns, in pixels of the model input; see `zfwidgets.network.Layer`.
    """

    channels: int
    height: int
    width: int
    sizes: tuple[int, int]
    strides: tuple[int, int]
    offsets: tuple[int, int]

    @classmethod
    def of(cls, layer: Layer, input_size: tuple[int, int]) -> Field:
        """A layer's; one without places sees the whole input."""
        whole = [0 if stride else 1 for stride in layer.stride]
        sizes = [
            extent if all_ else size
            for all_, size, extent in zip(whole, layer.receptive_field, input_size, strict=True)
        ]
        offsets = [0 if all_ else offset for all_, offset in zip(whole, layer.offset, strict=True)]
        shape = (layer.channels, layer.height, layer.width)
        return cls(*shape, (sizes[0], sizes[1]), layer.stride, (offsets[0], offsets[1]))

    def box(self, position: tuple[int, int]) -> tuple[int, int, int, int]:
        """(top, left, height, width) of the unit at a position.

        Examples
        --------
        >>> Field(8, 10, 10, (7, 7), (2, 2), (-3, -3)).box((0, 4))
        (-3, 5, 7, 7)
        """
        top, left = (
            offset + stride * place for offset, stride, place in zip(self.offsets, self.strides, position, strict=True)
        )
        return top, left, *self.sizes

    def stored(self) -> list[Any]:
        """As JSON."""
        return [self.channels, self.height, self.width, *map(list, (self.sizes, self.strides, self.offsets))]

    @classmethod
    def from_stored(cls, stored: list[Any]) -> Field:
        """What `stored` gave."""
        channels, height, width, sizes, strides, offsets = stored
        return cls(channels, height, width, tuple(sizes), tuple(strides), tuple(offsets))
