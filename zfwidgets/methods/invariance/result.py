"""What `invariance_curves` returns; needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from zfwidgets.errors import unknown_name
from zfwidgets.methods.recording import softmax

__all__ = ["InvarianceCurves"]

Floats = NDArray[np.float32]
_DIP = 0.25
"""A dip is a minimum that is lower than its surroundings by this share of the curve's range."""
_ROUNDING = 1e-5
"""Relative distances that vary by less are of features that do not move, as those of a picture of one colour."""


@dataclass(frozen=True, eq=False)  # arrays have no single equality
class InvarianceCurves:
    """How far features move, and what becomes of the answer, while N pictures are moved by A amounts.

    In a partial answer what is not known yet is NaN, see `known`.

    Attributes
    ----------
    transform : {"translate", "scale", "rotate"}
        What is done to the pictures.
    amounts : ndarray
        (A,), as they were given: pixels of the model input downwards, times as large, degrees counter-clockwise.
    border : str or (r, g, b)
        What is seen beyond the picture.
    distances : mapping
        Layer name to (N, A): Euclidean distance of the moved picture's features from those of the picture itself.
    relative : mapping
        Layer name to (N, A): the distance divided by the sum of the lengths of both feature vectors, from 0 (the same)
        to 1 (nothing in common); of one scale for all layers, so that a shallow one can be compared with a deep one.
    logits, clean_logits : ndarray
        (N, A, K) of the moved pictures, (N, K) of the pictures themselves.
    targets : tuple of int
        N classes; by default the one predicted for each picture as it is.
    known : ndarray
        (N, A) bool: computed.
    precision : {"exact", "fast"}
        In which numbers the network computed.
    """

    transform: str
    amounts: NDArray[np.float64]
    border: str | tuple[float, float, float]
    distances: Mapping[str, Floats]
    relative: Mapping[str, Floats]
    logits: Floats
    clean_logits: Floats
    targets: tuple[int, ...]
    known: NDArray[np.bool_]
    precision: str = "exact"

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers, in the order they were asked for."""
        return tuple(self.distances)

    @property
    def complete(self) -> bool:
        """Whether everything is known."""
        return bool(self.known.all())

    @property
    def probability(self) -> Floats:
        """(N, A): probability of each picture's target."""
        picked: Floats = np.stack([one[:, target] for one, target in zip(self._shares, self.targets, strict=True)])
        return picked

    @property
    def top_label(self) -> NDArray[np.int64]:
        """(N, A): the most probable class; -1 where it is not known yet."""
        return np.where(self.known, np.nan_to_num(self.logits).argmax(-1), -1)

    def towards(self, targets: tuple[int, ...]) -> InvarianceCurves:
        """The same curves for other classes, one for each picture; nothing is computed again."""
        return replace(self, targets=targets)

    def area(self, layer: str | None = None) -> NDArray[np.float64]:
        """(N,): area under each picture's curve divided by the range of the amounts, which is the curve's mean height.

        Parameters
        ----------
        layer : str, optional
            Of its `relative` distance: the smaller, the more invariant. Of the probability by default: the larger, the
            more invariant.

        Examples
        --------
        >>> shown = np.array([[0.0, 0.4, 0.8]], np.float32)
        >>> some = np.zeros((1, 3, 2), np.float32)
        >>> curves = InvarianceCurves("rotate", np.array([0.0, 10, 20]), "edge", {"conv1": shown}, {"conv1": shown},
        ...                           some, some[:, 0], (0,), np.ones((1, 3), bool))
        >>> curves.area("conv1").round(3), curves.area()
        (array([0.4]), array([0.5]))
        """
        heights = self.probability if layer is None else self._of(layer)
        areas = np.full(len(heights), np.nan)
        for place, (height, known) in enumerate(zip(heights, self.known, strict=True)):
            amounts, values = self._sorted(height, known)
            if len(amounts):
                span = amounts[-1] - amounts[0]
                between = (values[1:] + values[:-1]) / 2  # the trapezoidal rule
                areas[place] = between @ np.diff(amounts) / span if span else values.mean()
        return areas

    def dips(self, layer: str) -> tuple[NDArray[np.float64], ...]:
        """For each picture the amounts at which the layer's features come back, the neutral one left out.

        These are the minima of the relative distance that lie a quarter of the curve's range below the maxima on both
        sides. A picture that is turned onto itself has one at every angle of its symmetry.
        """
        found = []
        for height, known in zip(self._of(layer), self.known, strict=True):
            amounts, values = self._sorted(height, known)
            found.append(amounts[_minima(values)])
        return tuple(found)

    @property
    def _shares(self) -> Floats:
        # A logit that is not known yet is NaN, and so is its share.
        return softmax(self.logits)

    def _of(self, layer: str) -> Floats:
        if layer not in self.relative:
            raise unknown_name("layer among these curves", layer, self.relative)
        return self.relative[layer]

    def _sorted(self, values: Floats, known: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What is known of one curve, by amount."""
        order = np.argsort(self.amounts, kind="stable")
        order = order[known[order]]
        return self.amounts[order], values[order].astype(float)


def _minima(values: NDArray[np.float64]) -> list[int]:
    """Places of dips, the ends and what is zero (the picture itself) left out."""
    if not len(values) or np.ptp(values) < _ROUNDING:
        return []
    depth = _DIP * float(np.ptp(values))
    found = []
    for place in range(1, len(values) - 1):
        # How far up it goes on each side before it goes down below this place again.
        rises = []
        for side in (values[place - 1 :: -1], values[place + 1 :]):
            lower = np.flatnonzero(side < values[place])
            rises.append(float(side[: lower[0] if len(lower) else None].max(initial=-np.inf)))
        if values[place] > 0 and min(rises) - values[place] > depth and values[place] < values[place - 1]:
            found.append(place)
    return found
