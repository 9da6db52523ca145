"""Where the parts of pictures lie in the model's input, and the squares that hide them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zfwidgets.errors import ParameterError
from zfwidgets.imaging import as_image
from zfwidgets.methods.correspondence.result import RANDOM

if TYPE_CHECKING:
    import torch

    from zfwidgets.network import Network

__all__ = [
    "EYE_DISTANCES",
    "Placed",
    "aligned",
    "corner",
    "default_layers",
    "default_size",
    "place",
    "random_corners",
    "square_side",
    "telling_layer",
]

EYE_DISTANCES = 4
"""Side of the square that a picture is aligned to, in distances between the eyes: a whole face."""

Points = dict[str, tuple[float, float]]


@dataclass(frozen=True, eq=False)
class Placed:
    """A model input, and where its parts are: (x, y) in input pixels from the left and top edge."""

    clean: torch.Tensor
    parts: Points


def place(net: Network, image: Any, landmarks: Any, align: bool, number: int) -> Placed:
    """The model input of a picture, aligned or not, with its parts.

    Parameters
    ----------
    net : Network
    image : picture or tensor (3, H, W)
    landmarks : mapping
        Part to (x, y), in pixels of the picture.
    align : bool
        Whether the square around the parts is cut out of the picture first.
    number : int
        What messages call it.

    Raises
    ------
    ParameterError
        If a part lies outside, or the picture cannot be aligned.
    """
    from torch import Tensor

    parts = _checked(landmarks, number)
    if isinstance(image, Tensor):
        if align:
            raise ParameterError(
                f"Picture {number} is a model input, which is used as it is: give the picture, or align=False."
            )
        clean = net.input(image)
        size = (clean.shape[2], clean.shape[1])
        _inside(parts, size, number)
        return Placed(clean, parts)
    picture = as_image(image)
    _inside(parts, picture.size, number)
    if align:
        picture, parts = aligned(picture, parts, net.preprocess.short_side, net.preprocess.size, number)
    seen = {part: net.preprocess.to_input(*point, picture.size) for part, point in parts.items()}
    for part, (x, y) in seen.items():
        if not (0 <= x <= net.preprocess.size and 0 <= y <= net.preprocess.size):
            raise ParameterError(
                f"The part {part!r} of picture {number} lies outside of what the network sees of it (the centre, "
                f"{net.preprocess.size} x {net.preprocess.size}); cut the picture to its object, or pass align=True."
            )
    return Placed(net.input(picture), seen)


def telling_layer(net: Network) -> str:
    """A map a little beyond the middle: lower ones answer to colours, in higher ones a cell sees the whole face.

    Examples
    --------
    >>> from zfwidgets.models import load_network
    >>> telling_layer(load_network("zfnet-scenes", device="cpu"))
    'conv4'
    """
    maps = [name for name in net.menu if net.layers[name].spatial and not net.layers[name].kind.endswith("pool")]
    maps = [name for name in maps if name.count(".") < 2] or maps
    return maps[3 * len(maps) // 5] if maps else str(net.default_layer)


def default_layers(net: Network) -> tuple[str, ...]:
    """The paper's layers 5 and 7: the last one with places, and the last one below the class scores.

    Examples
    --------
    >>> from zfwidgets.models import load_network
    >>> default_layers(load_network("zfnet-scenes", device="cpu"))
    ('conv5', 'fc7')
    """
    below = [name for name in net.menu if net.layers[name].channels != len(net.classes)]
    return tuple(dict.fromkeys([net.default_layer, *below[-1:]]))


def default_size(net: Network) -> int:
    """40 pixels of 224, as a share of the network's input."""
    return max(round(min(net.input_size) * 40 / 224), 1)


def square_side(net: Network, parts: Points, picture_size: tuple[int, int], size: int, align: bool) -> float:
    """Side, in pixels of the picture itself, of a square of so many input pixels; 0 if it cannot be aligned yet."""
    if align:
        return size * EYE_DISTANCES * _eye_distance(parts) / net.preprocess.size
    return size * min(picture_size) / net.preprocess.short_side


def aligned(picture: Image.Image, parts: Points, side: int, shown: int, number: int = 0) -> tuple[Image.Image, Points]:
    """The square of four eye distances about the centroid of the parts, not turned.

    The eyes are the two parts whose names contain "eye"; where there are no such two, the two parts that are
    farthest apart take their place. What lies beyond the picture repeats its edge.

    Parameters
    ----------
    picture : PIL.Image.Image
    parts : dict of str to (float, float)
        In its pixels.
    side : int
        Of the picture that is made, in pixels.
    shown : int
        The square fills this many of them, in the middle; a margin is for a centre crop.
    number : int
        What messages call the picture.

    Returns
    -------
    (PIL.Image.Image, dict)
        RGB, side x side, and its parts.

    Raises
    ------
    ParameterError
        If there are no two parts apart from each other.

    Examples
    --------
    >>> eyes = {"left eye": (40.0, 50.0), "right eye": (60.0, 50.0)}
    >>> face, found = aligned(Image.new("RGB", (100, 100)), eyes, side=80, shown=80)
    >>> face.size, found
    ((80, 80), {'left eye': (30.0, 40.0), 'right eye': (50.0, 40.0)})
    """
    apart = _eye_distance(parts)
    if apart <= 0:
        raise ParameterError(
            f"Picture {number} cannot be aligned: that needs two eyes, or two other parts, at different places, and "
            f"there are {', '.join(map(repr, parts)) or 'none'}; mark more parts, or do not align (align=False)."
        )
    scale = shown / (EYE_DISTANCES * apart)
    x, y = (sum(axis) / len(parts) for axis in zip(*parts.values(), strict=True))
    left, top = x - side / 2 / scale, y - side / 2 / scale
    columns = _visible(left, picture.width, scale, side)
    rows = _visible(top, picture.height, scale, side)
    box = (left + columns[0] / scale, top + rows[0] / scale, left + columns[1] / scale, top + rows[1] / scale)
    size = (columns[1] - columns[0], rows[1] - rows[0])
    if min(size) < 1:
        raise ParameterError(f"Picture {number} is too narrow to be aligned; cut it to its object.")
    part = np.asarray(picture.resize(size, Image.Resampling.BILINEAR, box=_within(box, picture.size)))
    beyond = ((rows[0], side - rows[1]), (columns[0], side - columns[1]), (0, 0))
    moved = {name: ((px - left) * scale, (py - top) * scale) for name, (px, py) in parts.items()}
    return Image.fromarray(np.pad(part, beyond, mode="edge")), moved


def corner(point: tuple[float, float], size: int, height: int, width: int) -> tuple[int, int]:
    """Row and column of the square about a point, moved as far as it takes to lie inside the picture.

    Examples
    --------
    >>> corner((10.0, 3.0), 8, 32, 32)
    (0, 6)
    """
    x, y = point
    return tuple(  # type: ignore[return-value]
        min(max(math.floor(middle - size / 2 + 0.5), 0), extent - size) for middle, extent in ((y, height), (x, width))
    )


def random_corners(count: int, places: int, size: int, height: int, width: int, seed: int) -> NDArray[np.int64]:
    """(count, places, 2): rows and columns of squares anywhere inside the picture."""
    return np.random.default_rng(seed).integers(0, (height - size + 1, width - size + 1), (count, places, 2))


def _checked(landmarks: Any, number: int) -> Points:
    if not isinstance(landmarks, Mapping):
        raise ParameterError(
            f"Landmarks of picture {number} are a mapping such as {{'nose': (x, y)}}; found {landmarks!r}."
        )
    parts: Points = {}
    for part, point in landmarks.items():
        if not isinstance(part, str) or not part or part == RANDOM:
            raise ParameterError(
                f"A part is named by a word other than {RANDOM!r}, for example 'nose'; found {part!r}."
            )
        numbers = np.asarray(point, float) if _numeric(point) else np.empty(0)
        if numbers.shape != (2,) or not np.isfinite(numbers).all():
            raise ParameterError(f"The place of {part!r} in picture {number} is (x, y) in its pixels; found {point!r}.")
        parts[part] = (float(numbers[0]), float(numbers[1]))
    return parts


def _numeric(point: Any) -> bool:
    try:
        return np.asarray(point).dtype.kind in "iuf"
    except ValueError:
        return False


def _inside(parts: Points, size: Sequence[int], number: int) -> None:
    for part, (x, y) in parts.items():
        if not (0 <= x <= size[0] and 0 <= y <= size[1]):
            raise ParameterError(
                f"The part {part!r} of picture {number} is at ({x:g}, {y:g}), outside of its {size[0]} x {size[1]} "
                "pixels; x counts from the left edge, y from the top."
            )


def _eye_distance(parts: Points) -> float:
    eyes = [point for name, point in parts.items() if "eye" in name.lower()]
    if len(eyes) == 2:
        return math.dist(*eyes)
    points = list(parts.values())
    return max((math.dist(one, other) for one in points for other in points), default=0.0)


def _visible(start: float, extent: int, scale: float, side: int) -> tuple[int, int]:
    """First pixel of the square that lies wholly in the picture, and the one after the last."""
    slack = 1e-6  # a pixel that ends at the edge is inside, whatever rounding says
    first = max(math.ceil(-start * scale - slack), 0)
    return first, min(math.floor((extent - start) * scale + slack), side)


def _within(box: tuple[float, float, float, float], size: tuple[int, int]) -> tuple[float, float, float, float]:
    """The box without what rounding lets stick out of the picture."""
    left, top, right, bottom = box
    return max(left, 0.0), max(top, 0.0), min(right, float(size[0])), min(bottom, float(size[1]))
