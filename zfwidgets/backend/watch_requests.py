"""Questions about a training that runs: how far it is, and the filters of its first layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from zfwidgets.backend.evolution_requests import EpochNetworkRequest, EpochRequest, SeriesSource

if TYPE_CHECKING:
    from zfwidgets.backend.backend import Backend
    from zfwidgets.methods.evolution.result import SeriesFacts

__all__ = ["FirstFiltersRequest", "SeriesFactsRequest"]

Partial = Callable[[Any], None] | None
Cancelled = Callable[[], bool] | None


@dataclass(frozen=True)
class SeriesFactsRequest:
    """A series as it is now. Answered by `SeriesFacts`."""

    source: SeriesSource
    quick: ClassVar[bool] = True

    def run(self, backend: Backend, on_partial: Partial = None, cancelled: Cancelled = None) -> SeriesFacts:
        from zfwidgets.methods.evolution import facts_of

        return facts_of(self.source.open(backend))


@dataclass(frozen=True)
class FirstFiltersRequest(EpochRequest):
    """The filters that look at the picture itself. Answered by (N, 3, h, w) float32, empty if none do."""

    quick: ClassVar[bool] = True

    def run(self, backend: Backend, on_partial: Partial = None, cancelled: Cancelled = None) -> NDArray[np.float32]:
        net = backend.compute(EpochNetworkRequest(self.source, self.epoch, self.digest)).network
        for node in net.traced().nodes:
            weight = getattr(getattr(node.operation, "module", None), "weight", None)
            if weight is not None and weight.ndim == 4 and weight.shape[1] == 3:
                found: NDArray[np.float32] = weight.detach().cpu().float().numpy().copy()
                return found
        return np.empty((0, 3, 1, 1), np.float32)
