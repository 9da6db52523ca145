"""Questions about Fig. 4: a series of checkpoints, mined, and what its exemplars look like at one epoch."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from zfwidgets.backend.evolution_drawing import EvolutionBlock, drawn_block
from zfwidgets.errors import ParameterError, StaleIndexError
from zfwidgets.methods.evolution.result import Exemplar, FeatureEvolution

if TYPE_CHECKING:
    from zfwidgets.backend.backend import Backend
    from zfwidgets.data import ImageSet
    from zfwidgets.methods.evolution import Snapshot
    from zfwidgets.methods.top_activations import Progress
    from zfwidgets.models.series import CheckpointSeries
    from zfwidgets.network import Network

__all__ = [
    "EmbeddedSeriesRequest",
    "EpochNetworkRequest",
    "EpochRequest",
    "EvolutionAheadRequest",
    "EvolutionBlockRequest",
    "EvolutionRequest",
    "Evolved",
    "SeriesSource",
    "ShippedEvolutionRequest",
    "SnapshotRequest",
]

Partial = Callable[[Any], None] | None
Cancelled = Callable[[], bool] | None


@dataclass(frozen=True)
class SeriesSource:
    """Which series is meant: an embedded one by its name, a folder, or one that is open already.

    Attributes
    ----------
    place : str
        Name or folder.
    stamp : tuple
        Names, sizes and times of the folder's files: with a checkpoint more it is another question.
    series : CheckpointSeries, optional
        The open one.
    reading : tuple, optional
        Of the open one, how it reads its pictures (a `Preprocess`) and what its weights become: with others the same
        weights answer otherwise.
    """

    place: str
    stamp: tuple[tuple[str, int, int], ...] = ()
    series: Any = field(default=None, compare=False)
    reading: Any = None

    @classmethod
    def of(cls, series: Any) -> SeriesSource:
        """The series as it is now.

        Raises
        ------
        ParameterError
            If it is neither a name, a path nor a series.
        """
        if isinstance(series, str | os.PathLike):
            place = os.fspath(series)
            return cls(place, _stamp(Path(place)))
        folder = getattr(series, "folder", None)  # its type would cost an import of torch
        if not isinstance(folder, Path):
            raise ParameterError(
                f"A series is a CheckpointSeries, its folder, or the name of an embedded one; found {series!r}."
            )
        return cls(str(folder), _stamp(folder), series, (series.preprocess, series.kind))

    def open(self, backend: Backend) -> CheckpointSeries:
        """The series, with what its folder holds by now."""
        series: CheckpointSeries = self.series or backend.compute(_OpenRequest(self.place)).series
        series.refresh()
        if self.series is None and series.architecture is None:
            series = backend.compute(_OpenRequest(self.place, own=True)).series
            series.refresh()
        return series

    def at(self, backend: Backend, epoch: int, digest: str) -> CheckpointSeries:
        """The series, as long as the checkpoint of an epoch is still the one that was asked about.

        Raises
        ------
        StaleIndexError
            If it was written anew: an answer would be kept as that of the old one.
        """
        series = self.open(backend)
        if series.digest(epoch) != digest:
            raise StaleIndexError(f"The checkpoint of epoch {epoch} was written anew meanwhile; look at it again.")
        return series


def _stamp(folder: Path) -> tuple[tuple[str, int, int], ...]:
    try:
        with os.scandir(folder) as files:
            found = [(file.name, file.stat()) for file in files if not file.name.startswith(".")]
    except OSError:  # an embedded name, or what `CheckpointSeries` will say is no folder
        return ()
    return tuple(sorted((name, facts.st_size, facts.st_mtime_ns) for name, facts in found))


class _Opened(NamedTuple):
    series: CheckpointSeries


@dataclass(frozen=True)
class _OpenRequest:
    """A series by its name or folder; `own`: it does not say of which network, so it is the backend's. Answered by
    `_Opened`.
    """

    place: str
    own: bool = False
    quick: ClassVar[bool] = True

    def run(self, backend: Backend, on_partial: Partial = None, cancelled: Cancelled = None) -> _Opened:
        from zfwidgets.errors import UnknownNameError
        from zfwidgets.models.series import CheckpointSeries

        try:  # first, so that a folder of that name here, say of a training, does not take its place
            return _Opened(CheckpointSeries.embedded(self.place))
        except UnknownNameError:
            if os.path.basename(self.place) == self.place and not os.path.isdir(self.place):
                raise
            series = CheckpointSeries(self.place)
            if not self.own:
                return _Opened(series)
            net = backend.network
            return _Opened(
                CheckpointSeries(
                    self.place,
                    module=net.module,
                    preprocess=series.preprocess if series.says_preprocess else net.preprocess,
                    classes=series.classes or net.classes,
                )
            )


@dataclass(frozen=True)
class EmbeddedSeriesRequest:
    """Does a series of this name ship? Answered by bool."""

    name: str
    quick: ClassVar[bool] = True

    def run(self, backend: Backend, on_partial: Partial = None, cancelled: Cancelled = None) -> bool:
        from zfwidgets.errors import UnknownNameError
        from zfwidgets.models.series import CheckpointSeries

        try:
            return bool(CheckpointSeries.embedded(self.name).epochs)
        except UnknownNameError:
            return False


class Evolved(NamedTuple):
    """An evolution, as far as it is known.

    Attributes
    ----------
    evolution : FeatureEvolution
        Without the series and the pictures themselves.
    words : str
        Which pictures were looked through.
    shipped : bool
        Whether those are the package's own and not the backend's.
    progress : Progress or None
        Of the mining that is under way.
    """

    evolution: FeatureEvolution
    words: str
    shipped: bool = False
    progress: Progress | None = None


@dataclass(frozen=True)
class ShippedEvolutionRequest:
    """The evolution that ships with an embedded series. Answered by `Evolved`; None where there is none."""

    source: SeriesSource
    quick: ClassVar[bool] = True

    def run(self, backend: Backend, on_partial: Partial = None, cancelled: Cancelled = None) -> Evolved | None:
        from zfwidgets.methods.evolution.embedded import embedded_evolution, pictures_in_words

        found = embedded_evolution(self.source.open(backend))
        return None if found is None else Evolved(_bare(found), pictures_in_words(found.name), shipped=True)


@dataclass(frozen=True)
class EvolutionRequest:
    """A series mined over the backend's own pictures. Answered by `Evolved`, with partial answers meanwhile.

    Attributes
    ----------
    source : SeriesSource
    layers : tuple of str or None
        Which; None: as `feature_evolution` chooses.
    folder : str or None
        Keeps what was mined.
    """

    source: SeriesSource
    layers: tuple[str, ...] | None = None
    folder: str | None = None
    quick: ClassVar[bool] = False

    def run(self, backend: Backend, on_partial: Partial = None, cancelled: Cancelled = None) -> Evolved:
        from zfwidgets.methods.evolution import assembled
        from zfwidgets.methods.top_activations import Progress

        series = self.source.open(backend)
        pictures = backend.image_set
        words = f"{len(pictures):,} pictures of this page"
        total = len(series.epochs) * len(pictures)
        found: list[Snapshot] = []

        def tell(progress: Progress | None) -> None:
            if on_partial is not None:
                done = len(found) * len(pictures) + (0 if progress is None else progress.done)
                rate = 0.0 if progress is None else progress.rate
                far = Progress(done, total, rate, (total - done) / max(rate, 1e-9))
                on_partial(Evolved(_bare(assembled(series, found)), words, progress=far))

        tell(None)
        for epoch in series.epochs:
            request = SnapshotRequest(self.source, epoch, series.digest(epoch), self.layers, self.folder)
            found.append(backend.compute(request, tell, cancelled))
            tell(None)
        return Evolved(_bare(assembled(series, found)), words)


def _bare(evolution: FeatureEvolution) -> FeatureEvolution:
    """What a page needs to know, and can be sent to it: the worker keeps checkpoints and pictures."""
    return replace(evolution, series=None, images=None)


@dataclass(frozen=True)
class EpochRequest:
    """What all questions about one checkpoint have in common; the folder may grow and the answer stays the same.

    Attributes
    ----------
    source : SeriesSource
    epoch : int
    digest : str
        Of the weights.
    """

    source: SeriesSource = field(compare=False)
    epoch: int
    digest: str
    reading: Any = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "reading", (self.source.place, self.source.reading))


@dataclass(frozen=True)
class SnapshotRequest(EpochRequest):
    """One checkpoint mined over the backend's own pictures. Answered by `Snapshot`, with `Progress` meanwhile."""

    layers: tuple[str, ...] | None = None
    folder: str | None = None
    quick: ClassVar[bool] = False

    def run(self, backend: Backend, on_partial: Partial = None, cancelled: Cancelled = None) -> Snapshot:
        from zfwidgets.methods.evolution import snapshot

        return snapshot(
            self.source.at(backend, self.epoch, self.digest),
            self.epoch,
            backend.image_set,
            self.layers,
            folder=self.folder,
            device=backend.network.device.type,
            on_progress=on_partial,
            cancelled=cancelled,
        )


class _EpochNetwork:
    """A network of a series; counts in the cache for its weights, twice, because they are packed besides."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.nbytes = 2 * sum(tensor.nbytes for tensor in network.module.state_dict().values())


@dataclass(frozen=True)
class EpochNetworkRequest(EpochRequest):
    """The network of one epoch. Answered by `_EpochNetwork`."""

    quick: ClassVar[bool] = True

    def run(self, backend: Backend, on_partial: Partial = None, cancelled: Cancelled = None) -> _EpochNetwork:
        series = self.source.at(backend, self.epoch, self.digest)
        return _EpochNetwork(series.network(self.epoch, device=backend.network.device.type))


@dataclass(frozen=True)
class EvolutionBlockRequest(EpochRequest):
    """Some maps of one layer at one epoch, drawn. Answered by `EvolutionBlock`.

    The question carries the exemplars, so its answer belongs to them whatever becomes of the folder.

    Attributes
    ----------
    layer : str
    cells : tuple of (int, Exemplar or None)
        Channels with their strongest activations.
    shipped : bool
        Whether the pictures are those of the evolution that ships.
    """

    layer: str
    cells: tuple[tuple[int, Exemplar | None], ...]
    shipped: bool = False
    quick: ClassVar[bool] = True

    def run(self, backend: Backend, on_partial: Partial = None, cancelled: Cancelled = None) -> EvolutionBlock:
        net = backend.compute(EpochNetworkRequest(self.source, self.epoch, self.digest)).network
        pictures: ImageSet | None = None
        if self.shipped:
            from zfwidgets.methods.evolution.embedded import evolution_pictures

            pictures = evolution_pictures(self.source.open(backend).name)
        return drawn_block(backend, net, self.epoch, self.layer, self.cells, pictures, cancelled or (lambda: False))


@dataclass(frozen=True)
class EvolutionAheadRequest:
    """Blocks that will be wanted soon. Each is a partial answer; all of them are the last one.

    It is no quick question: whatever a hand waits for is answered between two blocks.
    """

    blocks: tuple[EvolutionBlockRequest, ...]
    quick: ClassVar[bool] = False

    def run(
        self, backend: Backend, on_partial: Partial = None, cancelled: Cancelled = None
    ) -> tuple[EvolutionBlock, ...]:
        from zfwidgets.errors import Cancelled as Stopped

        found = []
        for block in self.blocks:
            if cancelled is not None and cancelled():
                raise Stopped("Nobody waits for these blocks any more.")
            found.append(backend.compute(block, cancelled=cancelled))
            if on_partial is not None:
                on_partial(found[-1])
        return tuple(found)
