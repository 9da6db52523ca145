"""Numbers as pictures: signed projections, heat maps, overlays; uint8 arrays of shape (H, W, 3) come out.

Probability and activation are drawn in viridis, which colour-blind people and a grey print read alike; signed
values are symmetric about mid-grey. A range can always be given, because a map whose colours rescale while a
slider moves misleads.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ParameterError
from .checks import unit_number, whole_number

__all__ = [
    "UNKNOWN",
    "enlarge",
    "heat_indices",
    "heat_palette",
    "heat_picture",
    "overlay",
    "place_cells",
    "signed_picture",
]

Pixels = npt.NDArray[np.uint8]

UNKNOWN = 255
"""The palette index of a cell without a value; 0 to 254 are the colours from low to high."""

_UNKNOWN_COLOUR = (160, 160, 160)
_LEVELS = 255
_LARGEST = float(np.finfo(np.float64).max) / 2  # the difference of two such numbers is still finite


@functools.lru_cache(maxsize=1)
def heat_palette() -> Pixels:
    """The colours that :func:`heat_indices` point into.

    Returns
    -------
    numpy.ndarray
        uint8 (256, 3), read-only: 255 colours of viridis, dark to bright, then the grey of ``UNKNOWN``.

    Examples
    --------
    >>> heat_palette()[[0, 254, UNKNOWN]].tolist()
    [[68, 1, 84], [253, 231, 37], [160, 160, 160]]
    """
    from matplotlib import colormaps  # a quarter of a second that reading pictures need not wait for

    colours = colormaps["viridis"](np.linspace(0, 1, _LEVELS))[:, :3]
    palette = np.vstack([np.rint(colours * 255), _UNKNOWN_COLOUR]).astype(np.uint8)
    palette.flags.writeable = False
    return palette


def heat_indices(values: npt.ArrayLike, low: float | None = None, high: float | None = None) -> Pixels:
    """A map as indices into :func:`heat_palette`, for a palette PNG.

    Parameters
    ----------
    values : array_like
        Numbers of shape (R, C); NaN marks a cell without a value.
    low, high : float, optional
        What the first and the last colour stand for, values beyond are drawn as these; the smallest and the
        largest finite value unless given. A map of one value gets the middle colour.

    Returns
    -------
    numpy.ndarray
        uint8 of the shape of ``values``; 0 to 254, and ``UNKNOWN`` for NaN.

    Raises
    ------
    ParameterError
        A bound is not finite, or ``low`` lies above ``high``.

    Examples
    --------
    >>> heat_indices([[0.0, 0.5, 1.0, float("nan")]]).tolist()
    [[0, 127, 254, 255]]
    """
    numbers = np.asarray(values, dtype=np.float64)
    low, high = _range(numbers, low, high)
    steps = np.clip(numbers, low, high, out=np.empty_like(numbers))
    if low < high:
        steps -= low
        steps /= high - low
        steps *= _LEVELS - 1
    else:
        steps[...] = (_LEVELS - 1) / 2
    steps[np.isnan(numbers)] = UNKNOWN
    return np.rint(steps, out=steps).astype(np.uint8)


def heat_picture(values: npt.ArrayLike, low: float | None = None, high: float | None = None) -> Pixels:
    """A map in viridis, one pixel per cell.

    Parameters and errors are those of :func:`heat_indices`.

    Returns
    -------
    numpy.ndarray
        uint8 (R, C, 3); a cell without a value is light grey, which viridis does not contain.

    Examples
    --------
    >>> heat_picture([[0.0, 1.0]]).tolist()
    [[[68, 1, 84], [253, 231, 37]]]
    """
    return heat_palette().take(heat_indices(values, low, high), axis=0)


def signed_picture(pixels: npt.ArrayLike, limit: float | None = None) -> Pixels:
    """Signed pixels, such as a projection, about mid-grey: zero is 128, and x and -x lie equally far from it.

    Parameters
    ----------
    pixels : array_like
        Numbers of shape (3, h, w), in any unit; NaN is drawn as zero.
    limit : float, optional
        The magnitude of full colour, values beyond are drawn as this; the largest finite magnitude unless
        given.

    Returns
    -------
    numpy.ndarray
        uint8 (h, w, 3), from 1 to 255.

    Raises
    ------
    ParameterError
        Another shape, or a limit that is not positive.

    Examples
    --------
    >>> signed_picture([[[-2.0, 0.0, 1.0]]] * 3)[..., 0].tolist()
    [[1, 128, 192]]
    """
    numbers = np.asarray(pixels, dtype=np.float64)
    if numbers.ndim != 3 or numbers.shape[0] != 3:
        raise ParameterError(f"Signed pixels must have the shape (3, h, w), not {numbers.shape}.")
    if limit is None:
        limit = float(np.abs(numbers, where=np.isfinite(numbers), out=np.zeros_like(numbers)).max(initial=0.0)) or 1.0
    elif not (np.isfinite(limit) and limit > 0):
        raise ParameterError(f"limit must be a positive number, not {limit!r}.")
    steps = np.nan_to_num(np.clip(numbers, -limit, limit) / limit * 127.0)
    # Rounded before the grey is added, so that halves round alike on both sides.
    return np.ascontiguousarray((128 + np.rint(steps)).astype(np.uint8).transpose(1, 2, 0))


def overlay(base: Pixels, top: Pixels, opacity: float | npt.NDArray[np.floating[Any]]) -> Pixels:
    """One picture over another of the same size.

    Parameters
    ----------
    base, top : numpy.ndarray
        uint8 (H, W, 3).
    opacity : float or numpy.ndarray
        Of ``top``: 0 shows only ``base``, 1 only ``top``; one number, or (H, W) for each pixel its own.

    Returns
    -------
    numpy.ndarray
        uint8 (H, W, 3).

    Examples
    --------
    >>> import numpy as np
    >>> black, white = np.zeros((1, 2, 3), np.uint8), np.full((1, 2, 3), 255, np.uint8)
    >>> overlay(black, white, np.array([[0.0, 0.2]]))[..., 0].tolist()
    [[0, 51]]
    """
    if base.shape != top.shape or base.ndim != 3:
        raise ParameterError(f"Both pictures must be (H, W, 3) of one size, not {base.shape} and {top.shape}.")
    share: npt.NDArray[np.floating[Any]]
    if isinstance(opacity, np.ndarray):
        if opacity.shape != base.shape[:2] or not (opacity.min() >= 0 and opacity.max() <= 1):
            raise ParameterError(f"opacity must be numbers from 0 to 1 of the shape {base.shape[:2]}.")
        share = opacity[..., None]
    else:
        share = np.array(unit_number(opacity, "opacity"))
    return np.rint(base + share * (top.astype(np.float64) - base)).astype(np.uint8)


def enlarge(picture: Pixels, target: int) -> Pixels:
    """A small picture enlarged by the largest whole factor that fits, each pixel a crisp square.

    Parameters
    ----------
    picture : numpy.ndarray
        (H, W) or (H, W, 3).
    target : int
        What the longer side may become, in pixels; a picture that is larger already stays as it is.

    Examples
    --------
    >>> import numpy as np
    >>> enlarge(np.zeros((96, 64, 3), np.uint8), 320).shape
    (288, 192, 3)
    """
    factor = max(1, whole_number(target, "target") // max(1, *picture.shape[:2]))
    return picture.repeat(factor, axis=0).repeat(factor, axis=1)


def place_cells(
    values: npt.ArrayLike,
    rows: npt.ArrayLike,
    columns: npt.ArrayLike,
    size: float,
    picture_shape: tuple[int, int],
) -> npt.NDArray[np.float64]:
    """An occlusion map laid over its picture: a cell's value sits at the occluder's centre (Fig. 7).

    Each pixel takes the cell whose centre is nearest, of two equally near ones the upper left. Beyond half a
    step outside the outermost centres nothing was measured.

    Parameters
    ----------
    values : array_like
        Numbers of shape (R, C).
    rows, columns : array_like
        Top of each row's and left of each column's occluder, in the picture's pixels, ascending; shapes (R,)
        and (C,).
    size : float
        Side of the occluder, in pixels.
    picture_shape : tuple of two int
        Height and width of the picture.

    Returns
    -------
    numpy.ndarray
        float64 (H, W), NaN where nothing was measured.

    Raises
    ------
    ParameterError
        The shapes do not agree, or the positions do not ascend.

    Examples
    --------
    >>> place_cells([[1, 2]], rows=[0], columns=[0, 3], size=2, picture_shape=(2, 6)).tolist()
    [[1.0, 1.0, 1.0, 2.0, 2.0, 2.0], [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]]
    """
    numbers = np.asarray(values, dtype=np.float64)
    tops, lefts = np.asarray(rows, dtype=np.float64), np.asarray(columns, dtype=np.float64)
    if numbers.shape != (tops.size, lefts.size) or numbers.size == 0:
        raise ParameterError(
            f"values of shape {numbers.shape} do not belong to {tops.size} rows and {lefts.size} columns."
        )
    down, right = _nearest(tops, size, picture_shape[0]), _nearest(lefts, size, picture_shape[1])
    placed = numbers[np.ix_(down, right)]
    placed[down < 0, :] = np.nan
    placed[:, right < 0] = np.nan
    return placed


def _nearest(starts: npt.NDArray[np.float64], size: float, length: int) -> npt.NDArray[np.int64]:
    """For each pixel of one axis the position whose centre is nearest, -1 outside of them all."""
    if np.any(np.diff(starts) <= 0):
        raise ParameterError("rows and columns must ascend.")
    centres = starts + size / 2
    steps = np.diff(centres) if centres.size > 1 else np.array([size])
    edges = np.concatenate(
        [[centres[0] - steps[0] / 2], centres[:-1] + np.diff(centres) / 2, [centres[-1] + steps[-1] / 2]]
    )
    nearest = np.searchsorted(edges, np.arange(length) + 0.5, side="left") - 1
    return np.where(nearest < centres.size, nearest, -1)


def _range(numbers: npt.NDArray[np.float64], low: float | None, high: float | None) -> tuple[float, float]:
    """The bounds as given, and for those that are not the finite extremes."""
    if (low is not None and not np.isfinite(low)) or (high is not None and not np.isfinite(high)):
        raise ParameterError(f"The range of a map must be finite, not {low!r} to {high!r}.")
    known = numbers[np.isfinite(numbers)]
    smallest, largest = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    if low is not None and high is not None and low > high:
        raise ParameterError(f"The range of a map must ascend, not fall from {low!r} to {high!r}.")
    # A bound that was given wins over the map's own extreme on its far side.
    bottom = low if low is not None else min(smallest, high) if high is not None else smallest
    top = high if high is not None else max(largest, bottom)
    return max(bottom, -_LARGEST), min(top, _LARGEST)
