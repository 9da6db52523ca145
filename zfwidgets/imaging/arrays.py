"""NumPy arrays as pictures: which axis is which, and what the numbers mean."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from ..errors import ImageError

__all__ = ["picture_from_array"]

_CHANNELS = (1, 3, 4)
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
# Interpolation in float32 leaves a white pixel at 1.0000001; more than this is another scale.
_ROUNDING = 1e-5


def picture_from_array(array: np.ndarray[Any, Any], who: str) -> Image.Image:
    """The array as a PIL picture of mode L, RGB or RGBA; a copy.

    Parameters
    ----------
    array : numpy.ndarray
        (H, W), (H, W, C) or (C, H, W) with C = 1, 3 or 4; uint8, uint16, bool, or float in [0, 1].
    who : str
        What messages call the array.

    Returns
    -------
    PIL.Image.Image
        8 bits per channel.

    Raises
    ------
    ImageError
        The array is empty, its layout is ambiguous, or its numbers have no known scale.

    Examples
    --------
    >>> import numpy as np
    >>> picture_from_array(np.zeros((3, 20, 30), np.uint8), "The array").size
    (30, 20)
    """
    if array.size == 0:
        raise ImageError(f"{who} is empty, shape {array.shape}; pass at least one pixel.")
    pixels = _bytes(_height_width_channels(array, who), who)
    mode = _MODES[pixels.shape[2]]
    return Image.fromarray(np.ascontiguousarray(pixels[..., 0] if mode == "L" else pixels)).copy()


def _height_width_channels(array: np.ndarray[Any, Any], who: str) -> np.ndarray[Any, Any]:
    """A view of shape (H, W, C)."""
    if array.ndim == 2:
        return array[..., None]
    if array.ndim != 3:
        raise ImageError(f"{who} has shape {array.shape}; pass one picture, (H, W) or (H, W, 3).")
    first, last = array.shape[0] in _CHANNELS, array.shape[2] in _CHANNELS
    if first and last:
        raise ImageError(
            f"{who} of shape {array.shape} can be read as (H, W, C) and as (C, H, W); "
            "pass PIL.Image.fromarray of a uint8 array (H, W, 3) to say which."
        )
    if not first and not last:
        raise ImageError(f"{who} of shape {array.shape} has no axis of 1, 3 or 4 channels; pass (H, W) or (H, W, 3).")
    return array if last else array.transpose(1, 2, 0)


def _bytes(pixels: np.ndarray[Any, Any], who: str) -> np.ndarray[Any, Any]:
    """The numbers as uint8, by what their type means; a type without a known white is refused."""
    kind = pixels.dtype
    if kind == np.uint8:
        return pixels
    if kind == np.bool_:
        return np.where(pixels, np.uint8(255), np.uint8(0))
    if kind.kind == "u" and kind.itemsize == 2:
        return np.rint(pixels / 257.0).astype(np.uint8)
    if kind.kind != "f":
        raise ImageError(
            f"{who} holds numbers of type {kind}, whose white is unknown; pass uint8, uint16, bool or float in [0, 1]."
        )
    low, high = float(pixels.min()), float(pixels.max())
    if not np.isfinite([low, high]).all():  # a NaN anywhere makes both NaN
        raise ImageError(f"{who} contains NaN or infinite numbers; replace them, for example with numpy.nan_to_num.")
    if low < -_ROUNDING or high > 1 + _ROUNDING:
        raise ImageError(f"{who} holds floats from {low:.6g} to {high:.6g}; scale them to [0, 1] or pass uint8.")
    levels: np.ndarray[Any, Any] = np.rint(np.clip(pixels, 0, 1) * 255.0).astype(np.uint8)
    return levels
