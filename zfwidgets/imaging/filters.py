"""First-layer filters as pictures (Fig. 6): signed, symmetric about mid-grey."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..errors import ParameterError
from .mosaic import Mosaic, mosaic
from .render import signed_picture

__all__ = ["filter_mosaic"]


def filter_mosaic(filters: npt.ArrayLike, columns: int | None = None, gap: int = 1, shared: bool = False) -> Mosaic:
    """Filters side by side, one pixel for each weight.

    Parameters
    ----------
    filters : array_like
        Weights of shape (N, 3, h, w); NaN is drawn as zero. With one input channel, (N, 1, h, w), they are grey.
    columns, gap : int
        As in `mosaic`.
    shared : bool
        True: one scale for all, so that a filter that dominates the others is seen to (Fig. 6a); False: each filter
        from its own largest magnitude, so that its form is seen.

    Returns
    -------
    Mosaic

    Raises
    ------
    ParameterError
        For another shape.

    Examples
    --------
    >>> filter_mosaic(np.ones((8, 3, 7, 7)), columns=4).pixels.shape
    (15, 31, 3)
    """
    weights = np.asarray(filters, dtype=np.float64)
    if weights.ndim != 4 or weights.shape[1] not in (1, 3) or weights.size == 0:
        raise ParameterError(f"Filters that can be seen are (N, 3, h, w) or (N, 1, h, w), not {weights.shape}.")
    weights = np.broadcast_to(weights, (len(weights), 3, *weights.shape[2:]))
    sound = np.where(np.isfinite(weights), np.abs(weights), 0.0)
    limits = np.full(len(weights), sound.max()) if shared else sound.reshape(len(weights), -1).max(1)
    tiles = [signed_picture(one, float(limit) or None) for one, limit in zip(weights, limits, strict=True)]
    return mosaic(np.stack(tiles), columns, gap)
