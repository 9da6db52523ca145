"""What `filter_report` returns; needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from zfwidgets.data.skipped import Skipped
from zfwidgets.methods.filters.spectra import BANDS

__all__ = ["RADIUS", "FilterReport", "Patterns", "Responses"]

RADIUS = 0.1
"""The paper's largest root mean square of a filter, for inputs in 8-bit steps, about -128 to 128 (section 3)."""

DUPLICATE = 0.9
"""Cosine from which two filters are near-duplicates."""
_STILL = 0.01
"""A filter whose answer varies less than this share of the median one's is as good as dead."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)  # arrays have no single equality
class Responses:
    """What the filters answered to pictures, after the relu.

    Attributes
    ----------
    pictures : int
        How many.
    peak, spread : ndarray
        (F,) largest answer, and standard deviation over all places of all pictures.
    active : ndarray
        (F,) share of places with an answer above 0.
    skipped : tuple of Skipped
        Pictures that could not be read, each with the reason.
    """

    pictures: int
    peak: Floats
    spread: Floats
    active: Floats
    skipped: tuple[Skipped, ...] = ()

    @property
    def dead(self) -> NDArray[np.bool_]:
        """(F,) whether a filter says nothing of any picture: never above 0, or nearly the same everywhere."""
        sound = np.nan_to_num(self.spread)
        return ~(self.peak > 0) | ~(sound > _STILL * np.median(sound))


@dataclass(frozen=True, eq=False)
class Patterns:
    """The second convolution, seen in pixels through the first one.

    Attributes
    ----------
    layer : str
        Its name, as lists of the network's layers have it (``"conv2"``), if they do.
    pixels : ndarray
        (G, 3, H, W) float32: each of its filters as the sum of the first layer's filters, at the distance at which
        it reads them; what lies between the two convolutions (relu, pooling, response norm) is left out.
    aliasing : ndarray
        (G,) see `aliased`, against the stride of the first convolution.
    """

    layer: str
    pixels: Floats
    aliasing: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FilterReport:
    """The filters of a network's first convolution, in figures (Fig. 6).

    Attributes
    ----------
    network, layer : str
        Whose they are, and the convolution's name, as lists of the network's layers have it, if they do.
    filters : ndarray
        (F, 3, h, w) float32, for inputs in 8-bit steps: comparable between networks, whatever their preprocessing.
    stride : (int, int)
        Of the convolution, down and across, in pixels.
    radius : float
        That of the clipping, for inputs in 8-bit steps.
    shares, frequency : ndarray
        (F, 3) and (F,), see `bands`.
    aliasing : ndarray
        (F,) see `aliased`.
    nearest, similarity : ndarray
        (F,) see `likeness`.
    responses : Responses or None
        None where no pictures were given.
    patterns : Patterns or None
        None where no second convolution reads this one.
    notes : tuple of str
        What a reader should know of these figures.
    """

    network: str
    layer: str
    filters: Floats
    stride: tuple[int, int]
    radius: float
    shares: NDArray[np.float64]
    frequency: NDArray[np.float64]
    aliasing: NDArray[np.float64]
    nearest: NDArray[np.int64]
    similarity: NDArray[np.float64]
    responses: Responses | None = None
    patterns: Patterns | None = None
    notes: tuple[str, ...] = ()

    @cached_property
    def rms(self) -> NDArray[np.float64]:
        """(F,) root mean square of each filter, for inputs in 8-bit steps."""
        squares: NDArray[np.float64] = np.square(self.filters, dtype=np.float64).mean((1, 2, 3))
        return np.sqrt(squares)

    @property
    def over(self) -> NDArray[np.bool_]:
        """(F,) whether the clipping would set a filter back."""
        return self.rms > self.radius * (1 + 1e-4)  # those that it has set back are at the radius but for rounding

    @property
    def broken(self) -> NDArray[np.bool_]:
        """(F,) whether a filter holds NaN or infinite values."""
        broken: NDArray[np.bool_] = np.isnan(self.rms) | np.isinf(self.rms)
        return broken

    @property
    def duplicate(self) -> NDArray[np.bool_]:
        """(F,) whether another filter is nearly the same."""
        return self.similarity > DUPLICATE

    @property
    def dominance(self) -> float:
        """How many times the median filter's root mean square the largest one's is; 1: all alike."""
        sound = self.rms[~self.broken]
        return float(sound.max() / np.median(sound)) if sound.size and np.median(sound) > 0 else float("nan")

    @property
    def coverage(self) -> tuple[float, float, float]:
        """Mean shares of low, mid and high frequencies, each filter counting alike."""
        low, mid, high = _mean(self.shares)
        return float(low), float(mid), float(high)

    def figures(self) -> dict[str, float]:
        """The whole report as numbers, to be stored or set beside another's.

        Returns
        -------
        dict
            ``filters``, ``over`` (the radius), ``dominance``, ``largest`` and ``median`` (root mean squares), ``low``,
            ``mid`` and ``high`` (shares), ``aliasing`` and ``pattern aliasing`` (means), ``duplicates``, and ``dead``
            where pictures were given.
        """
        sound = self.rms[~self.broken]
        found: dict[str, float] = {
            "filters": len(self.filters),
            "largest": float(sound.max(initial=0)),
            "median": float(np.median(sound)) if sound.size else float("nan"),
            "dominance": self.dominance,
            "over": int(self.over.sum()),
            **dict(zip(BANDS, self.coverage, strict=True)),
            "aliasing": float(_mean(self.aliasing[:, None])[0]),
            "duplicates": int(self.duplicate.sum()),
        }
        if self.patterns is not None:
            found["pattern aliasing"] = float(_mean(self.patterns.aliasing[:, None])[0])
        if self.responses is not None:
            found["dead"] = int(self.responses.dead.sum())
        return found

    @property
    def sentence(self) -> str:
        """The report in words."""
        count, figures = len(self.filters), self.figures()
        low, mid, high = (f"{share:.0%}" for share in self.coverage)
        parts = [
            f"The largest of {count} filters is {self.dominance:.1f} times the median one",
            f"{figures['over']} are above the radius {self.radius:g}",
            f"their frequencies are {low} low, {mid} mid and {high} high",
            f"{figures['duplicates']} are near-duplicates",
        ]
        if self.responses is not None:
            parts.append(f"{figures['dead']} are dead over {self.responses.pictures} pictures")
        return "; ".join(parts) + "."


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Over the filters that have a value; NaN where none has."""
    known = values[~np.isnan(values).any(1)]
    return known.mean(0) if len(known) else np.full(values.shape[1], np.nan)
