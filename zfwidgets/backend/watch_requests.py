"""Questions about a training that runs: how far it is, and the filters of its first layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from zfwidgets.backend.evolution_requests import EpochNetworkRequest, EpochRequest, SeriesSource
from zfwidgets.errors import DataError

if TYPE_CHECKING:
    from zfwidgets.backend.backend import Backend
    from zfwidgets.methods.evolution.result import SeriesFacts

__all__ = ["STOP", "FirstFiltersRequest", "SeriesFactsRequest", "ask_to_stop", "asked_to_stop"]

Partial = Callable[[Any], None] | None
Cancelled = Callable[[], bool] | None

STOP = "stop"
"""The file by which a training is asked to end; see `record_training`."""


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


def ask_to_stop(folder: Path) -> None:
    """Ask a training that records into this folder to end after its epoch, whichever process runs it.

    Raises
    ------
    DataError
        If the folder cannot be written to.
    """
    try:
        (folder / STOP).touch()
    except OSError as cause:
        raise DataError(
            f"{folder / STOP} cannot be written ({cause.strerror}), so the training cannot be told to stop; end its "
            "process."
        ) from cause


def asked_to_stop(folder: Path) -> bool:
    """Whether it was asked to end."""
    return (folder / STOP).exists()
