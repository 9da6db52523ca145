"""Questions, frozen: each is hashable, says which picture it is about and knows how to answer itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from zfwidgets.data.skipped import Skipped

# Who asks needs no torch: it is loaded where a request runs.
if TYPE_CHECKING:
    import torch

    from zfwidgets.backend.backend import Backend
    from zfwidgets.methods import OcclusionMap, Projection, Recording
    from zfwidgets.network.passage import Overlap, Rule

__all__ = [
    "OccludedRequest",
    "OcclusionRequest",
    "ProjectionRequest",
    "RecordRequest",
    "RefinedRequest",
    "Request",
    "Scores",
    "ScoresRequest",
    "SpeedRequest",
    "UnreadableRequest",
    "scores_of",
    "strongest_channel",
]

Partial = Callable[[Any], None] | None
Cancelled = Callable[[], bool] | None
Fill = str | tuple[float, float, float]
_WORTH_COUNTING = 2.0
"""Seconds of a sweep from which its time left is told by its exact work."""


class Request(Protocol):
    """What a worker needs to know of a question.

    One whose answer is not the same next time - it writes, or looks at a file - says so by ``kept = False``.
    """

    quick: ClassVar[bool]
    """Whether it is answered between two batches of a long run, because a hand is waiting for it."""

    def run(self, backend: Backend, on_partial: Partial, cancelled: Cancelled) -> Any:
        """The answer."""

    def __hash__(self) -> int:
        """Equal questions have equal answers: the cache relies on it."""


@dataclass(frozen=True)
class Scores:
    """Probabilities of all classes.

    Attributes
    ----------
    probabilities : ndarray
        (K,), they sum to 1.
    classes : tuple of str
        Their names.
    seen : ndarray or None
        uint8 (H, W, 3), what the network saw.
    """

    probabilities: NDArray[np.float32]
    classes: tuple[str, ...]
    seen: NDArray[np.uint8] | None = None

    def top(self, count: int = 5) -> tuple[tuple[str, float], ...]:
        """The most probable classes with their probabilities, best first.

        Examples
        --------
        >>> Scores(np.array([0.25, 0.75], np.float32), ("cat", "dog")).top(1)
        (('dog', 0.75),)
        """
        best = np.argsort(-self.probabilities, kind="stable")[:count]
        return tuple((self.classes[i], float(self.probabilities[i])) for i in best)


@dataclass(frozen=True)
class ScoresRequest:
    """What is in a picture? Answered by `Scores`."""

    image: str
    quick: ClassVar[bool] = True

    def run(self, backend: Backend, on_partial: Partial = None, cancelled: Cancelled = None) -> Scores:
        return scores_of(backend, backend.input(self.image))


@dataclass(frozen=True)
class UnreadableRequest:
    """Which of these pictures cannot be read? Answered by a dict, the key of each to the reason.

    The others are read by then: what is asked of them next need not.
    """

    images: tuple[str, ...]
    quick: ClassVar[bool] = True
    kept: ClassVar[bool] = False

    def run(self, backend: Backend, on_partial: Partial = None, cancelled: Cancelled = None) -> dict[str, str]:
        found = []
        for key in self.images:
            try:
                backend.input(key)
            except Exception as error:  # a set's own code reads the picture
                found.append(Skipped.of(key, error))
        return dict(found)


@dataclass(frozen=True)
class OccludedRequest:
    """What is in a picture with one square hidden? Answered by `Scores`."""

    image: str
    row: int
    column: int
    size: int
    fill: Fill = "grey"
    quick: ClassVar[bool] = True

    def run(self, backend: Backend, on_partial: Partial = None, cancelled: Cancelled = None) -> Scores:
        from zfwidgets.methods import occluded_input

        clean = backend.input(self.image)
        return scores_of(backend, occluded_input(backend.network, clean, self.row, self.column, self.size, self.fill))


@dataclass(frozen=True)
class OcclusionRequest:
    """A whole sweep; class, channel and colours are no part of it. Answered by `OcclusionMap`."""

    image: str
    size: int
    stride: int
    fill: Fill = "grey"
    layer: str | None = None
    precision: str = "exact"
    quick: ClassVar[bool] = False

    def run(self, backend: Backend, on_partial: Partial = None, cancelled: Cancelled = None) -> OcclusionMap:
        from zfwidgets.backend.batching import fitting
        from zfwidgets.methods import occlusion_map

        clean = backend.input(self.image)
        started = time.perf_counter()
        tell = None if on_partial is None else self._counting(backend, on_partial, cancelled or (lambda: False))

        def sweep(batch: int) -> OcclusionMap:
            return occlusion_map(
                backend.network,
                clean,
                size=self.size,
                stride=self.stride,
                fill=self.fill,
                layer=self.layer,
                precision=self.precision,
                on_partial=tell,
                cancelled=cancelled,
                batch_size=batch,
            )

        answer = fitting(backend.network, sweep)
        work = backend.work.counted(self.size, self.stride)
        if work is not None:
            backend.speed.learn(work, time.perf_counter() - started, self.precision)
        return answer

    def _counting(self, backend: Backend, on_partial: Callable[[Any], None], cancelled: Callable[[], bool]) -> Any:
        """Deliver partial answers; count the work of a long sweep, for its time left, when the first one is out."""

        def tell(partial: OcclusionMap) -> None:
            on_partial(partial)
            if (self.seconds(backend, backend.work.at_most) or 0.0) > _WORTH_COUNTING and not cancelled():
                backend.work.exact(self.size, self.stride)

        return tell

    def seconds(self, backend: Backend, work: Callable[[int, int], int | None]) -> float | None:
        """How long it will take by this count of its work; None where nobody can say."""
        adds = work(self.size, self.stride)
        return None if adds is None else backend.speed.seconds(adds, self.precision)


@dataclass(frozen=True)
class RefinedRequest:
    """A quick sweep, shown as a partial answer, and then the exact one. Answered by `OcclusionMap`."""

    first: OcclusionRequest
    quick: ClassVar[bool] = False

    @property
    def image(self) -> str:
        """Key of the picture."""
        return self.first.image

    @property
    def exact(self) -> OcclusionRequest:
        """The question whose answer it ends with."""
        return replace(self.first, precision="exact")

    def run(self, backend: Backend, on_partial: Partial = None, cancelled: Cancelled = None) -> OcclusionMap:
        if on_partial is None:  # nobody would see the first one
            return cast("OcclusionMap", backend.compute(self.exact, cancelled=cancelled))
        tell = on_partial
        first = backend.compute(self.first, lambda coarse: tell(_none_exact(coarse)), cancelled)
        if first.precision == "exact":  # nothing quicker was possible
            return cast("OcclusionMap", first)
        tell(_none_exact(first))
        return cast(
            "OcclusionMap", backend.compute(self.exact, lambda exact: tell(_laid_over(first, exact)), cancelled)
        )

    def seconds(self, backend: Backend, work: Callable[[int, int], int | None]) -> float | None:
        """How long both take together; None where nobody can say."""
        both = self.first.seconds(backend, work), self.exact.seconds(backend, work)
        return None if None in both else sum(part for part in both if part is not None)


def _none_exact(first: OcclusionMap) -> OcclusionMap:
    """The first map as a partial answer: known are the cells that are exact, and those are still to come."""
    return first if first.precision == "exact" else replace(first, known=np.zeros_like(first.known))


def _laid_over(first: OcclusionMap, exact: OcclusionMap) -> OcclusionMap:
    """The cells that are exact by now among those of the first map, which say more than a coarse guess."""
    known = exact.known[..., None]
    sums = None
    if exact.sums is not None and first.sums is not None:
        sums = np.where(known, exact.sums, first.sums)
    logits = np.where(known, exact.logits, first.logits)
    return replace(exact, logits=logits, sums=sums, precision=first.precision)


@dataclass(frozen=True)
class SpeedRequest:
    """How fast is this network here? Answered by None; the backend's `speed` knows it then."""

    quick: ClassVar[bool] = True

    def run(self, backend: Backend, on_partial: Partial = None, cancelled: Cancelled = None) -> None:
        from zfwidgets.backend.warming import forward_seconds

        network = backend.network
        with network.lock:  # two threads that want to know measure once
            if network.multiply_adds is not None and not backend.speed.known:
                backend.speed.start(network.multiply_adds / max(forward_seconds(network), 1e-6))


@dataclass(frozen=True)
class RecordRequest:
    """The maps of some layers. Answered by `Recording`."""

    image: str
    layers: tuple[str, ...]
    quick: ClassVar[bool] = True

    def run(self, backend: Backend, on_partial: Partial = None, cancelled: Cancelled = None) -> Recording:
        from zfwidgets.methods import record

        return record(backend.network, backend.input(self.image), list(self.layers))


@dataclass(frozen=True)
class ProjectionRequest:
    """One unit sent down to the pixels; position None: the maximum of the map. Answered by `Projection`."""

    image: str
    layer: str
    channel: int
    position: tuple[int, int] | None = None
    rule: Rule = "deconvnet"
    overlap: Overlap = "sum"
    quick: ClassVar[bool] = True

    def run(self, backend: Backend, on_partial: Partial = None, cancelled: Cancelled = None) -> Projection:
        from zfwidgets.methods import project

        recording = backend.compute(RecordRequest(self.image, (self.layer,)))
        return project(backend.network, recording, self.layer, self.channel, self.position, self.rule, self.overlap)


def strongest_channel(maps: NDArray[np.float32], position: tuple[int, int] | None = None) -> int:
    """Which of a layer's maps of one picture is strongest, anywhere or at one place: any other may well be empty."""
    if position is not None and maps.ndim == 3:
        return int(maps[:, position[0], position[1]].argmax())
    return int(maps.reshape(len(maps), -1).max(1).argmax())


def scores_of(backend: Backend, seen: torch.Tensor) -> Scores:
    """What is in a model input (3, H, W)?"""
    probabilities = backend.network(seen[None])[0].float().softmax(0)
    pixels = backend.network.preprocess.inverse(seen.cpu())
    return Scores(probabilities.cpu().numpy(), backend.network.classes, pixels)
