"""Pictures as bytes, fast enough for every move of a slider.

Photographs go as JPEG; exact maps as palette PNG, a third of the bytes of RGB. zlib's level 1 is chosen
because level 9 costs a hundred times the time for a few per cent of the bytes.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..errors import ParameterError
from .checks import whole_number

__all__ = ["to_jpeg", "to_palette_png", "to_png"]


def to_png(picture: npt.NDArray[np.uint8] | Image.Image, level: int = 1) -> bytes:
    """A picture as PNG, exact.

    Parameters
    ----------
    picture : numpy.ndarray or PIL.Image.Image
        uint8 (H, W), (H, W, 3) or, with alpha, (H, W, 4).
    level : int
        Of compression, 1 for a screen; 9 takes long, for files that are kept.

    Examples
    --------
    >>> import numpy as np
    >>> to_png(np.zeros((8, 8, 3), np.uint8))[:4]
    b'\\x89PNG'
    """
    if whole_number(level, "level") > 9:
        raise ParameterError(f"level must be from 1 to 9, not {level}.")
    return _saved(_pil(picture), "PNG", compress_level=level)


def to_jpeg(picture: npt.NDArray[np.uint8] | Image.Image, quality: int = 90) -> bytes:
    """A picture as JPEG, for photographs and large mosaics.

    Parameters
    ----------
    picture : numpy.ndarray or PIL.Image.Image
        uint8 (H, W) or (H, W, 3).
    quality : int
        1 to 95.

    Examples
    --------
    >>> import numpy as np
    >>> to_jpeg(np.zeros((8, 8, 3), np.uint8))[:2]
    b'\\xff\\xd8'
    """
    if whole_number(quality, "quality") > 95:
        raise ParameterError(f"quality must be from 1 to 95, not {quality}.")
    image = _pil(picture)
    if image.mode not in ("L", "RGB"):
        raise ParameterError(f"A JPEG is grey or RGB, not {image.mode}; use to_png.")
    return _saved(image, "JPEG", quality=quality)


def to_palette_png(
    indices: npt.NDArray[np.uint8], palette: npt.NDArray[np.uint8], alpha: npt.NDArray[np.uint8] | None = None
) -> bytes:
    """A map of palette indices as PNG, exact and small.

    Parameters
    ----------
    indices : numpy.ndarray
        uint8 (H, W).
    palette : numpy.ndarray
        uint8 (n, 3), at most 256 colours.
    alpha : numpy.ndarray, optional
        uint8 (n,): how opaque each colour is, 255 wholly; for overlays.

    Examples
    --------
    >>> import numpy as np
    >>> from zfwidgets.imaging.render import UNKNOWN, heat_indices, heat_palette
    >>> opaque = np.full(256, 255, np.uint8)
    >>> opaque[UNKNOWN] = 0
    >>> to_palette_png(heat_indices([[0.0, float("nan")]]), heat_palette(), opaque)[:4]
    b'\\x89PNG'
    """
    colours = np.asarray(palette)
    if colours.dtype != np.uint8 or colours.ndim != 2 or colours.shape[1] != 3 or not 1 <= len(colours) <= 256:
        raise ParameterError(f"palette must be uint8 (n, 3), n from 1 to 256, not {colours.dtype} {colours.shape}.")
    image = _pil(indices)
    if image.mode != "L" or indices.max() >= len(colours):
        raise ParameterError(f"indices must be uint8 (H, W), each below {len(colours)}, the number of colours.")
    image.putpalette(colours.tobytes())
    options: dict[str, Any] = {}
    if alpha is not None:
        if alpha.dtype != np.uint8 or alpha.shape != (len(colours),):
            raise ParameterError(f"alpha must be uint8 ({len(colours)},), not {alpha.dtype} {alpha.shape}.")
        options["transparency"] = alpha.tobytes()
    return _saved(image, "PNG", compress_level=1, **options)


def _pil(picture: npt.NDArray[np.uint8] | Image.Image) -> Image.Image:
    if isinstance(picture, Image.Image):
        return picture
    pixels = np.asarray(picture)
    shaped = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (3, 4))
    if pixels.dtype != np.uint8 or not shaped or pixels.size == 0:
        raise ParameterError(
            f"A picture to encode must be uint8 (H, W) or (H, W, 3), not {pixels.dtype} {pixels.shape}."
        )
    return Image.fromarray(np.ascontiguousarray(pixels))


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
