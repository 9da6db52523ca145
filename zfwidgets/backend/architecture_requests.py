"""Questions about a network's layers, and about a projection step by step; frozen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from zfwidgets.backend.requests import Cancelled, Partial, RecordRequest, strongest_channel

# Who asks needs no torch: it is loaded where a request runs.
if TYPE_CHECKING:
    from zfwidgets.backend.backend import Backend
    from zfwidgets.methods.architecture import Architecture, ProjectionStages

__all__ = ["ArchitectureRequest", "StagesRequest"]


@dataclass(frozen=True)
class ArchitectureRequest:
    """Which layers are there? Answered by `Architecture`."""

    quick: ClassVar[bool] = True

    def run(self, backend: Backend, on_partial: Partial = None, cancelled: Cancelled = None) -> Architecture:
        from zfwidgets.methods.architecture import architecture

        return architecture(backend.network)


@dataclass(frozen=True)
class StagesRequest:
    """One unit sent down, every step kept; channel None: the strongest map, at that position if there is one.

    Answered by `ProjectionStages`.
    """

    image: str
    layer: str
    channel: int | None = None
    position: tuple[int, int] | None = None
    quick: ClassVar[bool] = True

    def run(self, backend: Backend, on_partial: Partial = None, cancelled: Cancelled = None) -> ProjectionStages:
        from zfwidgets.methods.architecture import projection_stages

        recording = backend.compute(RecordRequest(self.image, (self.layer,)))
        maps = recording.activations[self.layer][0]
        channel = strongest_channel(maps, self.position) if self.channel is None else self.channel
        return projection_stages(backend.network, recording, self.layer, channel, self.position)
