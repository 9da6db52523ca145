"""Differences as pictures: zero is white, more is red, less is blue, equally far from it."""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

from ..errors import ParameterError

__all__ = ["difference_palette", "difference_picture"]

Pixels = npt.NDArray[np.uint8]

_LEVELS = 255
_ZERO = _LEVELS // 2
_UNKNOWN_COLOUR = (160, 160, 160)


@functools.lru_cache(maxsize=1)
def difference_palette() -> Pixels:
    """The colours from the largest loss to the largest gain.

    Blue to red, which people with any of the common kinds of colour blindness tell apart.

    Returns
    -------
    numpy.ndarray
        uint8 (256, 3), read-only: 255 colours, the middle one for zero, then the grey of a cell without a value.
    """
    from matplotlib import colormaps  # a quarter of a second that reading pictures need not wait for

    colours = colormaps["RdBu_r"](np.linspace(0, 1, _LEVELS))[:, :3]
    palette = np.vstack([np.rint(colours * 255), _UNKNOWN_COLOUR]).astype(np.uint8)
    palette.flags.writeable = False
    return palette


def difference_picture(values: npt.ArrayLike, limit: float) -> Pixels:
    """Signed numbers in colours, one pixel per cell.

    Parameters
    ----------
    values : array_like
        Numbers of shape (R, C); NaN marks a cell without a value.
    limit : float
        The magnitude of full colour; larger ones are drawn as this.

    Returns
    -------
    numpy.ndarray
        uint8 (R, C, 3).

    Raises
    ------
    ParameterError
        A limit that is not a positive number.

    Examples
    --------
    >>> difference_picture([[0.0, -1.0, 1.0, float("nan")]], limit=1.0).tolist()
    [[[247, 246, 246], [5, 48, 97], [103, 0, 31], [160, 160, 160]]]
    """
    if not (np.isfinite(limit) and limit > 0):
        raise ParameterError(f"limit must be a positive number, not {limit!r}.")
    numbers = np.asarray(values, dtype=np.float64)
    steps = np.rint(np.clip(numbers / limit, -1, 1) * _ZERO) + _ZERO
    return difference_palette().take(np.where(np.isnan(numbers), _LEVELS, np.nan_to_num(steps)).astype(int), axis=0)
