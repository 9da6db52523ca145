"""The maxima of maps, and which of their cells need to be read to find the place of one."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from zfwidgets.network.geometry import Shape
from zfwidgets.network.operations.pooling import MaxPool

__all__ = ["Peaks", "Window", "window_over"]


class Window(NamedTuple):
    """Which columns of a map its column of maxima tells of: ``width`` of them, from ``first + step * column``."""

    first: int = 0
    step: int = 1
    width: int = 1


class Peaks(NamedTuple):
    """Maps of a batch and their maxima.

    Attributes
    ----------
    maps : Tensor
        (B, C, H, W).
    columns : Tensor
        (B, w, C) maxima over all rows: of each column, or of windows of columns.
    strongest : Tensor
        (B, C) maxima over all cells.
    window : Window
        Of ``columns``.
    """

    maps: Tensor
    columns: Tensor
    strongest: Tensor
    window: Window = Window()

    @classmethod
    def of(cls, maps: Tensor) -> Peaks:
        """Of maps (B, C, H, W), or vectors (B, C), which come as maps of one cell.

        Examples
        --------
        >>> import torch
        >>> Peaks.of(torch.arange(12.0).reshape(1, 2, 2, 3)).strongest
        tensor([[ 5., 11.]])
        """
        maps = maps if maps.dim() == 4 else maps[:, :, None, None]
        # Channels vary fastest in memory. One axis after the other, and channels last in what is made of them, is up
        # to ten times as fast as `maps.amax((2, 3))`.
        columns = maps.permute(0, 2, 3, 1).amax(1)
        return cls(maps, columns, columns.amax(1))

    def under(self, maps: Tensor, first: int, window: Window) -> Peaks:
        """Of maps that these are pooled from: the same maxima, of the channels from ``first``."""
        channels = slice(first, first + maps.shape[1])
        return Peaks(maps, self.columns[:, :, channels], self.strongest[:, channels], window)


def window_over(pool: MaxPool, source: Shape, pooled: Shape) -> Window | None:
    """What a column of a pooled map tells of, if its windows leave no cell of the map out and it is smaller.

    Examples
    --------
    >>> from types import SimpleNamespace as Pool
    >>> pool = Pool(kernel=(3, 3), stride=(2, 2), padding=(0, 0), dilation=(1, 1))
    >>> window_over(pool, (8, 11, 11), (8, 5, 5)), window_over(pool, (8, 12, 12), (8, 5, 5))
    (Window(first=0, step=2, width=3), None)
    """
    for kernel, stride, padding, extent, count in zip(
        pool.kernel, pool.stride, pool.padding, source[1:], pooled[1:], strict=True
    ):
        if not 1 < stride <= kernel or (count - 1) * stride - padding + kernel < extent:
            return None
    return Window(-pool.padding[1], pool.stride[1], pool.kernel[1]) if pool.dilation == (1, 1) else None
