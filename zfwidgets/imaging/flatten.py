"""Any mode that Pillow decodes to, as 8-bit RGB: bit depth, palette, colour model and transparency."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from ..errors import ImageError

__all__ = ["flatten"]

_BITS_PER_SAMPLE, _PHOTOMETRIC = 258, 262  # TIFF tags


def flatten(image: Image.Image, who: str, background: tuple[int, int, int]) -> Image.Image:
    """The decoded picture as a new one of mode RGB.

    Parameters
    ----------
    image : PIL.Image.Image
        Any mode; not changed.
    who : str
        What messages call it.
    background : tuple of three int
        The colour, 0 to 255, that shows through transparent parts.

    Raises
    ------
    ImageError
        The numbers have no known scale: 32-bit integers, or floats outside [0, 1].

    Examples
    --------
    >>> clear = Image.new("LA", (2, 2), (0, 0))
    >>> flatten(clear, "The picture", (255, 255, 255)).getpixel((0, 0))
    (255, 255, 255)
    """
    if image.mode == "F" or image.mode.startswith("I"):
        image = _eight_bits(image, who)
    if image.has_transparency_data:
        layer = (image.convert("LA") if image.mode == "La" else image).convert("RGBA")
        flat = Image.new("RGB", image.size, background)
        flat.paste(layer, mask=layer.getchannel("A"))
        return flat
    return image.copy() if image.mode == "RGB" else image.convert("RGB")


def _eight_bits(image: Image.Image, who: str) -> Image.Image:
    """Deep grey scaled to its white; Pillow's own conversion cuts everything above 255 to white."""
    values = np.asarray(image)
    white = 1 if image.mode == "F" else _white(image)
    low, high = float(values.min()), float(values.max())
    if white is None or not (low >= 0 and high <= white):
        kind = "floats" if image.mode == "F" else "32-bit integers"
        raise ImageError(
            f"{who} holds {kind} from {low:.6g} to {high:.6g}, "
            "whose white is unknown; save it with 8 or 16 bits, or as floats in [0, 1]."
        )
    if image.mode == "F":
        shades = np.rint(values * np.float32(255)).astype(np.uint8)
    else:  # a table instead of arithmetic: no floats, which would take eight times the memory
        shades = np.rint(np.arange(white + 1) * (255 / white)).astype(np.uint8)[values]
    if _tiff_tag(image, _PHOTOMETRIC) == 0:  # white is zero: Pillow inverts 8 bits itself, but not 16
        shades = 255 - shades
    grey = Image.fromarray(shades)
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        grey.putalpha(Image.fromarray(np.where(values == clear, np.uint8(0), np.uint8(255))))
    return grey


def _white(image: Image.Image) -> int | None:
    """The number that means white in an integer mode, or None where the file does not say."""
    if image.mode.startswith("I;16"):
        bits = _tiff_tag(image, _BITS_PER_SAMPLE)
        return 4095 if bits == (12,) else 65535
    return 65535 if image.format in ("PNG", "PPM") else None


def _tiff_tag(image: Image.Image, tag: int) -> Any:
    return getattr(image, "tag_v2", {}).get(tag)
