"""Questions of the rule lab, frozen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from zfwidgets.backend.requests import Cancelled, Partial, RecordRequest, strongest_channel

# Who asks needs no torch: it is loaded where a request runs.
if TYPE_CHECKING:
    from zfwidgets.backend.backend import Backend
    from zfwidgets.methods.rules import RuleComparison, WeightRandomisation
    from zfwidgets.network.passage import Rule

__all__ = ["RandomisationRequest", "RuleComparisonRequest"]


@dataclass(frozen=True)
class RuleComparisonRequest:
    """One unit by all ways down that differ in this network; channel None: the strongest map, at the position if any.

    Answered by `RuleComparison`.
    """

    image: str
    layer: str
    channel: int | None = None
    position: tuple[int, int] | None = None
    quick: ClassVar[bool] = True

    def run(self, backend: Backend, on_partial: Partial = None, cancelled: Cancelled = None) -> RuleComparison:
        from zfwidgets.methods.rules import compare_rules

        recording = backend.compute(RecordRequest(self.image, (self.layer,)))
        maps = recording.activations[self.layer][0]
        channel = strongest_channel(maps, self.position) if self.channel is None else self.channel
        return compare_rules(backend.network, recording, self.layer, channel, self.position)


@dataclass(frozen=True)
class RandomisationRequest:
    """The same unit while the layers below it lose their weights. Answered by `WeightRandomisation`."""

    image: str
    layer: str
    channel: int | None = None
    position: tuple[int, int] | None = None
    rules: tuple[Rule, ...] = ("deconvnet", "guided", "gradient")
    seed: int = 0
    quick: ClassVar[bool] = False

    def run(self, backend: Backend, on_partial: Partial = None, cancelled: Cancelled = None) -> WeightRandomisation:
        from zfwidgets.methods.rules import weight_randomisation

        recording = backend.compute(RecordRequest(self.image, (self.layer,)))
        maps = recording.activations[self.layer][0]
        channel = strongest_channel(maps, self.position) if self.channel is None else self.channel
        return weight_randomisation(
            backend.network,
            recording,
            self.layer,
            channel,
            self.position,
            self.rules,
            self.seed,
            on_partial=on_partial,
            cancelled=cancelled or (lambda: False),
        )
