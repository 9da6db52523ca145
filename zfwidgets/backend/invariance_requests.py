"""Questions about moved pictures, frozen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from zfwidgets.backend.requests import Cancelled, Partial, Scores, scores_of

# Who asks needs no torch: it is loaded where a request runs.
if TYPE_CHECKING:
    from zfwidgets.backend.backend import Backend
    from zfwidgets.methods import InvarianceCurves

__all__ = ["InvarianceRequest", "Moved", "MovedRequest"]

Border = str | tuple[float, float, float]


@dataclass(frozen=True)
class InvarianceRequest:
    """Some pictures moved by many amounts; classes are no part of it. Answered by `InvarianceCurves`."""

    images: tuple[str, ...]
    transform: str
    amounts: tuple[float, ...]
    layers: tuple[str, ...]
    border: Border = "edge"
    precision: str = "exact"
    quick: ClassVar[bool] = False

    def run(self, backend: Backend, on_partial: Partial = None, cancelled: Cancelled = None) -> InvarianceCurves:
        from zfwidgets.backend.batching import fitting
        from zfwidgets.methods import invariance_curves

        inputs = [backend.input(key) for key in self.images]

        def curves(batch: int) -> InvarianceCurves:
            return invariance_curves(
                backend.network,
                inputs,
                self.transform,
                self.amounts,
                self.layers,
                self.border,
                precision=self.precision,
                on_partial=on_partial,
                cancelled=cancelled,
                batch_size=batch,
            )

        return fitting(backend.network, curves)


@dataclass(frozen=True)
class Moved:
    """Pictures moved by one amount.

    Attributes
    ----------
    seen : ndarray
        uint8 (N, H, W, 3), what the network sees.
    scores : Scores
        Of the first.
    """

    seen: NDArray[np.uint8]
    scores: Scores


@dataclass(frozen=True)
class MovedRequest:
    """How do these pictures look, moved, and what is in the first? Answered by `Moved`."""

    images: tuple[str, ...]
    transform: str
    amount: float
    border: Border = "edge"
    quick: ClassVar[bool] = True

    def run(self, backend: Backend, on_partial: Partial = None, cancelled: Cancelled = None) -> Moved:
        from zfwidgets.methods import moved_inputs

        inputs = [backend.input(key) for key in self.images]
        moved = moved_inputs(backend.network, inputs, self.transform, self.amount, self.border)
        return Moved(backend.network.preprocess.inverse(moved), scores_of(backend, moved[0]))
