"""What a filter lets through: its frequencies, what of them a stride can hold, and who resembles whom."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["BANDS", "EDGES", "aliased", "bands", "likeness"]

BANDS = ("low", "mid", "high")
EDGES = (1 / 8, 1 / 4)
"""Cycles per pixel between the bands: waves longer than 8 pixels are low, shorter than 4 are high."""

_SIDE = 64
"""Frequencies per axis; a filter is far smaller, so its spectrum is smooth between them."""
_AT_ONCE = 16

Floats = NDArray[np.floating[Any]]


def bands(filters: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How a filter's energy is spread over frequencies.

    Parameters
    ----------
    filters : ndarray
        (F, 3, h, w); the energies of the colours add.

    Returns
    -------
    shares : ndarray
        (F, 3), the shares of `BANDS`, each row sums to 1; NaN for a filter of zeros.
    frequency : ndarray
        (F,) mean frequency, weighted by energy, in cycles per pixel, from 0 to 0.71.

    Examples
    --------
    >>> stripes = np.resize([1.0, -1.0], (1, 3, 8, 8))
    >>> bands(stripes)[0].round(1).tolist()
    [[0.0, 0.0, 1.0]]
    """
    side = _side(filters)
    distance = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side), indexing="ij"))
    band = np.digitize(distance, EDGES)
    weights = np.stack([*(band == which for which in range(len(BANDS))), distance]).astype(float)
    sums, total = _weighted(filters, weights)
    with np.errstate(invalid="ignore"):
        shares = sums / total[:, None]
    return shares[:, :-1], shares[:, -1]


def aliased(filters: Floats, stride: tuple[int, int]) -> NDArray[np.float64]:
    """The share of what a filter passes of a picture that places ``stride`` pixels apart cannot hold.

    A grid of that step holds frequencies up to 1 / (2 stride) on each axis; what is beyond them comes back as a wave
    that is not in the picture. The picture is taken to be a natural one, whose energy falls with the square of the
    frequency (Field 1987); its mean says nothing.

    Parameters
    ----------
    filters : ndarray
        (F, 3, h, w).
    stride : (int, int)
        Down and across, in pixels.

    Returns
    -------
    ndarray
        (F,) from 0 to 1; NaN for a filter that passes nothing.

    Examples
    --------
    >>> stripes = np.resize([1.0, -1.0], (1, 3, 8, 8))
    >>> [aliased(stripes, (step, step)).round(1).tolist() for step in (1, 2)]
    [[0.0], [0.5]]
    """
    side = _side(filters)
    down, across = np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side), indexing="ij")
    squared = down**2 + across**2
    picture = np.divide(1.0, squared, out=np.zeros_like(squared), where=squared > 0)
    beyond = (abs(down) > 1 / (2 * stride[0])) | (abs(across) > 1 / (2 * stride[1]))
    sums, _ = _weighted(filters, np.stack([picture * beyond, picture]))
    with np.errstate(invalid="ignore"):
        return sums[:, 0] / np.where(sums[:, 1] > 0, sums[:, 1], np.nan)


def likeness(filters: Floats) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """For each filter the other one that is most like it, and the cosine of the angle between them.

    Parameters
    ----------
    filters : ndarray
        (F, 3, h, w).

    Returns
    -------
    nearest : ndarray
        (F,) the number of the other one; -1 where there is none.
    cosine : ndarray
        (F,) from -1 to 1; NaN where there is none, and for a filter of zeros.

    Examples
    --------
    >>> three = np.array([[1.0, 0], [0, 1], [2, 0]]).reshape(3, 1, 1, 2)
    >>> likeness(three)
    (array([2, 0, 0]), array([1., 0., 1.]))
    """
    flat = filters.reshape(len(filters), -1).astype(float)
    size = np.linalg.norm(flat, axis=1, keepdims=True)
    sound = np.isfinite(size[:, 0]) & (size[:, 0] > 0)
    unit = np.where(sound[:, None], flat, 0) / np.where(sound[:, None], size, 1)
    cosines = np.clip(unit @ unit.T, -1, 1)
    cosines[:, ~sound] = -np.inf
    np.fill_diagonal(cosines, -np.inf)
    nearest, cosine = cosines.argmax(1), cosines.max(1)
    none = ~sound | ~np.isfinite(cosine)
    return np.where(none, -1, nearest).astype(np.int64), np.where(none, np.nan, cosine)


def _side(filters: Floats) -> int:
    longest = int(max(filters.shape[2:]))
    return max(_SIDE, 1 << (longest - 1).bit_length())


def _weighted(filters: Floats, weights: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sums of each filter's energy under each of the weights (K, side, side): (F, K); and of all of it: (F,)."""
    side = weights.shape[-1]
    sums, totals = [], []
    for start in range(0, len(filters), _AT_ONCE):
        # By its largest value first: the square of a tiny filter would be zero.
        some = filters[start : start + _AT_ONCE].astype(float)
        some[~np.isfinite(some).all((1, 2, 3))] = np.nan
        peak = abs(some).max((1, 2, 3), keepdims=True)
        some = some / np.where(peak > 0, peak, 1)
        energy = (abs(np.fft.fft2(some, (side, side))) ** 2).sum(1)
        sums.append(np.einsum("fyx,kyx->fk", energy, weights))
        totals.append(energy.sum((1, 2)))
    total = np.concatenate(totals)
    return np.concatenate(sums), np.where(total > 0, total, np.nan)
