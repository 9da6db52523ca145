"""The one front door for pictures: a path, bytes, a PIL picture or an array becomes an RGB picture.

Pillow decodes, behind checks. What Pillow alone gets wrong is put right here: 16-bit grey keeps its greys,
transparency falls on a stated background, EXIF rotation is applied, a picture of absurd size is refused from
its header, and whatever goes wrong ends in one :class:`~zfwidgets.errors.ImageError` that a person can act
on.
"""

from __future__ import annotations

import functools
import io
import os
import re
import stat
import sys
import warnings
from collections.abc import Callable
from threading import Lock
from typing import Any, TypeAlias

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from ..errors import ImageError, ParameterError
from .arrays import picture_from_array
from .checks import whole_number
from .flatten import flatten

__all__ = ["FORMATS", "MAX_BYTES", "MAX_PIXELS", "Picture", "as_image"]

Picture: TypeAlias = "str | os.PathLike[str] | bytes | bytearray | memoryview | Image.Image | np.ndarray[Any, Any]"

# Formats that a browser or a camera writes and that Pillow decodes by itself. EPS would start Ghostscript; a
# JPEG with several pictures inside (MPO) is opened by the JPEG reader, as its first picture.
FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP", "PPM")
MAX_BYTES = 64 * 2**20
MAX_PIXELS = 64 * 2**20

# What people take for a picture, by its first bytes: they get a better sentence than "cannot identify".
_LOOKALIKES = (
    (rb"\s*<(!doctype html|html|head|body)", "a web page; save the picture itself, not the page"),
    (rb"\s*(<\?xml[^>]*>\s*)?(<!doctype svg|<svg)", "an SVG drawing; export it as PNG"),
    (rb"....ftyp", "an HEIC, AVIF or video file; export the picture as JPEG or PNG"),
    (rb"%(PDF|!PS)", "a PDF or PostScript document; export the page as PNG"),
    (rb"version https://git-lfs", "a Git LFS pointer, not the picture itself; run 'git lfs pull'"),
)
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://|data:", re.IGNORECASE)
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# Python's warning filters belong to the whole process: two threads that change and restore them must not
# interleave.
_warning_filters = Lock()


def as_image(
    source: Picture,
    *,
    background: tuple[int, int, int] = (255, 255, 255),
    name: str | None = None,
    max_bytes: int = MAX_BYTES,
    max_pixels: int = MAX_PIXELS,
) -> Image.Image:
    """Any picture as an RGB picture: upright, opaque, 8 bits per channel.

    Parameters
    ----------
    source : path, bytes, PIL.Image.Image or numpy.ndarray
        A path names a file; bytes are a file's content. Arrays are (H, W), (H, W, 1 | 3 | 4) or, where no
        other reading is possible, (1 | 3 | 4, H, W), of uint8, uint16, bool, or float in [0, 1]. The source
        is never changed.
    background : tuple of three int
        The colour, 0 to 255, behind transparent parts.
    name : str, optional
        What messages call the picture. It is text only and never opened as a file.
    max_bytes, max_pixels : int
        Larger files and pictures are refused, pictures from their header before anything is decoded.

    Returns
    -------
    PIL.Image.Image
        Mode RGB, newly made. ``info["notes"]`` is a tuple of sentences on what had to be chosen, such as
        ``"animation: first of 12 frames"``.

    Raises
    ------
    ImageError
        The source is not a picture that can be read; the message names it, the cause and a remedy.
    ParameterError
        A background or a limit that makes no sense.

    Examples
    --------
    >>> import numpy as np
    >>> grey = as_image(np.full((40, 60), 0.5))
    >>> grey.mode, grey.size, grey.getpixel((0, 0))
    ('RGB', (60, 40), (128, 128, 128))
    >>> as_image(b"<html>not found</html>", name="cat.jpg")
    Traceback (most recent call last):
        ...
    zfwidgets.errors.ImageError: 'cat.jpg' is a web page; save the picture itself, not the page.
    """
    colour = _colour(background)
    max_bytes = whole_number(max_bytes, "max_bytes")
    max_pixels = whole_number(max_pixels, "max_pixels")
    opener: Callable[[], Image.Image]
    if isinstance(source, np.ndarray):
        who = _called(name, "The array")
        opener = functools.partial(picture_from_array, source, who)
    elif isinstance(source, Image.Image):
        who = _called(name or getattr(source, "filename", None), "The picture")
        opener = functools.partial(_itself, source)
    elif isinstance(source, bytes | bytearray | memoryview):
        who = _called(name, "The picture")
        opener = functools.partial(_open, bytes(source), who, max_bytes)
    elif isinstance(source, str | os.PathLike):
        path = os.fsdecode(source)
        who = _called(name or path, "The path")
        opener = functools.partial(_open, _read(path, who, max_bytes), who, max_bytes)
    else:
        raise _not_a_picture(source, _called(name, "This"))
    return _decoded(opener, who, colour, max_pixels)


def _read(path: str, who: str, max_bytes: int) -> bytes:
    """The content of a regular file, at most one byte more than allowed; nothing else is waited for."""
    if _ADDRESS.match(path):
        raise ImageError(f"{who} is an address, and nothing is downloaded; save the picture and pass its path.")
    try:
        # A pipe that nobody writes to would block here for ever without O_NONBLOCK (Windows has neither).
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        try:
            content = _regular_content(handle, max_bytes + 1)
        finally:
            os.close(handle)
    except FileNotFoundError:
        raise ImageError(f"{who} does not exist; check the path and the folder that it starts from.") from None
    except (OSError, ValueError) as error:
        raise ImageError(f"{who} cannot be read: {_reason(error)}; check path and permissions.") from error
    if content is None:
        raise ImageError(f"{who} is a folder, pipe or device, not a file; pass the path of one picture.")
    return content


def _regular_content(handle: int, most: int) -> bytes | None:
    """At most ``most`` bytes of an open file; None where it is not a regular file."""
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        return None
    with open(handle, "rb", closefd=False) as file:
        return file.read(most)


def _open(content: bytes, who: str, max_bytes: int) -> Image.Image:
    """A file's content as a picture of which only the header is decoded yet."""
    if not content:
        raise ImageError(f"{who} is empty (0 bytes); get it again.")
    if len(content) > max_bytes:
        raise ImageError(f"{who} has more than {max_bytes:,} bytes; make it smaller or pass a larger max_bytes.")
    for pattern, what in _LOOKALIKES:
        if re.match(pattern, content[:1024], re.IGNORECASE | re.DOTALL):
            raise ImageError(f"{who} is {what}.")
    image = Image.open(io.BytesIO(content), formats=FORMATS)
    image.info["notes"] = _frame_note(image)
    return image


def _frame_note(image: Image.Image) -> tuple[str, ...]:
    """Says that a file holds more than the picture that is shown."""
    frames = getattr(image, "n_frames", 1)
    if frames == 1:
        return ()
    what = {"TIFF": "file: first of {} pages", "MPO": "file: first of {} pictures"}
    return (what.get(str(image.format), "animation: first of {} frames").format(frames),)


def _itself(picture: Image.Image) -> Image.Image:
    return picture


def _decoded(
    opener: Callable[[], Image.Image], who: str, background: tuple[int, int, int], max_pixels: int
) -> Image.Image:
    """Open, check the header, decode, flatten and turn upright; every failure becomes one ImageError."""
    try:
        # Pillow's warnings about slightly damaged files say nothing that a viewer could act on.
        with _warning_filters, warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"PIL(\.|$)")
            image = opener()
            _check_size(image, who, max_pixels)
            image.load()
            # Flattened before it is turned, because a turned picture has forgotten its format and tags.
            flat = _upright(flatten(image, who, background), image.getexif())
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageError(f"{who} is far too large ({_reason(error)}); make it smaller.") from error
    except UnidentifiedImageError as error:
        known = ", ".join(FORMATS)
        raise ImageError(f"{who} is no picture of a kind read here ({known}); save it as PNG or JPEG.") from error
    except MemoryError as error:
        raise ImageError(f"{who} needs more memory than there is; make it smaller.") from error
    except Exception as error:  # on damaged files decoders raise anything: struct.error, SyntaxError ...
        cause = _reason(error)
        raise ImageError(f"{who} is damaged or cut short ({cause}); get it again or save it anew.") from error
    notes = image.info.get("notes")
    flat.info = {"notes": notes if isinstance(notes, tuple) else ()}  # a PNG may carry a text of that name
    return flat


def _check_size(image: Image.Image, who: str, max_pixels: int) -> None:
    width, height = image.size
    if width < 1 or height < 1:
        raise ImageError(f"{who} has no pixels ({width} x {height}); pass a picture of at least 1 x 1.")
    if width * height > max_pixels:
        raise ImageError(
            f"{who} has {width} x {height} pixels, more than the {max_pixels:,} read here; "
            "make it smaller or pass a larger max_pixels."
        )


def _upright(image: Image.Image, exif: Image.Exif) -> Image.Image:
    """Turned as EXIF says; Pillow's own exif_transpose fails on EXIF data that it cannot write back."""
    turn = _TURNS.get(exif.get(ExifTags.Base.Orientation, 1))
    return image if turn is None else image.transpose(turn)


def _colour(background: tuple[int, int, int]) -> tuple[int, int, int]:
    """The background as three plain ints, or a ParameterError."""
    if isinstance(background, tuple | list) and len(background) == 3:
        red, green, blue = (whole_number(part, "each part of background", 0) for part in background)
        if max(red, green, blue) <= 255:
            return red, green, blue
    raise ParameterError(f"background must be three whole numbers from 0 to 255, not {background!r}.")


def _called(name: object, otherwise: str) -> str:
    """What a message calls the source: its name on one line, shortened in the middle, or what it is."""
    if not name:
        return otherwise
    text = repr(str(name))
    return text if len(text) <= 120 else f"{text[:60]}...{text[-50:]}"


def _reason(error: BaseException) -> str:
    """The decoder's own words, on one line."""
    words = " ".join(str(getattr(error, "strerror", None) or error).split())
    return words.rstrip(".")[:200] or type(error).__name__


def _not_a_picture(source: object, who: str) -> ImageError:
    # Where there is a tensor, torch has been imported; without one it need not be.
    if isinstance(source, getattr(sys.modules.get("torch"), "Tensor", ())):
        return ImageError(
            f"{who} is a torch.Tensor, which is a model input and no picture; "
            "pass it to the method as it is, or a NumPy array of shape (H, W, 3) (a dataset: without ToTensor)."
        )
    return ImageError(
        f"{who} is a {type(source).__name__}, not a picture; pass a path, bytes, a PIL picture or a NumPy array."
    )
