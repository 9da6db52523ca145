"""`feature_evolution`: Fig. 4 as numbers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zfwidgets.data import ImageSet
from zfwidgets.errors import DataError, ParameterError
from zfwidgets.methods.evolution.filters import mean_cosine
from zfwidgets.methods.evolution.mined import Snapshot, snapshot
from zfwidgets.methods.evolution.result import FeatureEvolution, LayerEvolution, SeriesFacts
from zfwidgets.methods.top_activations import Progress
from zfwidgets.models.series import CheckpointSeries

__all__ = ["assembled", "facts_of", "feature_evolution", "followed", "history_of"]

_FIGURES = ("epoch", "loss", "validation_loss", "validation_error", "seconds")

Channels = Sequence[int] | Mapping[str, Sequence[int]] | None


def feature_evolution(
    series: CheckpointSeries,
    images: ImageSet | str | Path,
    layers: Sequence[str] | None = None,
    channels: Channels = None,
    *,
    folder: str | Path | None = None,
    device: str = "auto",
    on_progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> FeatureEvolution:
    """Follow the strongest activation of each map, and the filters, through the checkpoints of a training (Fig. 4).

    At each checkpoint every picture is looked at once, as in `top_activations` with ``k=1``. A checkpoint whose
    weights are NaN stays in the result without exemplars, and is named in its notes.

    Parameters
    ----------
    series : CheckpointSeries
        The checkpoints.
    images : ImageSet or path
        The pictures, those of the training in the paper; or a folder of them.
    layers : sequence of str, optional
        By default those with places and filters of their own: conv1 to conv5.
    channels : sequence of int, or mapping of layer to such, optional
        Maps to keep; all by default. Similarities are of all filters in any case.
    folder : path, optional
        Keeps what was mined, one file for each checkpoint, named by its content: the same question is answered from
        there, and a run that was cancelled or killed goes on there.
    device : str
        As in `Network`.
    on_progress : callable, optional
        Is given a `Progress` over all checkpoints now and then.
    cancelled : callable, optional
        Asked between batches; True raises `Cancelled`.

    Returns
    -------
    FeatureEvolution

    Raises
    ------
    DataError
        If there is no checkpoint or no picture.
    UnknownNameError, ParameterError
        For a layer or channel that does not exist.
    NetworkError
        If the network cannot be traced.

    Examples
    --------
    >>> import tempfile
    >>> import torch
    >>> from torch import nn
    >>> from zfwidgets.imaging import Preprocess
    >>> from zfwidgets.models.series import CheckpointSeries
    >>> module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 14 * 14, 2))
    >>> where = Path(tempfile.mkdtemp())
    >>> for epoch in (1, 2):
    ...     torch.save(module.state_dict(), where / f"epoch_{epoch}.pt")
    >>> series = CheckpointSeries(where, module=module, preprocess=Preprocess(size=16))
    >>> pictures = ImageSet.from_arrays(np.random.default_rng(0).integers(0, 255, (5, 16, 16, 3), np.uint8))
    >>> evolution = feature_evolution(series, pictures)
    >>> evolution["conv1"].values.shape, evolution.settled, evolution.projection(2, "conv1", 3).box[2:]
    ((2, 4), {'conv1': 1}, (3, 3))
    """
    if images is None:
        raise DataError("Fig. 4 looks through pictures; give an ImageSet or a folder, best that of the training.")
    if not isinstance(series, CheckpointSeries):
        raise DataError(
            f"What evolves is a CheckpointSeries, not {series!r:.60}; CheckpointSeries(folder) opens one, and "
            "CheckpointSeries.embedded(name) one that ships."
        )
    pictures = images if isinstance(images, ImageSet) else ImageSet.from_folder(images)
    if not series.epochs:
        raise DataError(f"The series {series.name!r} holds no checkpoint yet{_reason(series.problems)}.")
    clock = _Clock(len(series.epochs) * len(pictures), on_progress)
    found = []
    for epoch in series.epochs:
        found.append(
            snapshot(
                series,
                epoch,
                pictures,
                layers,
                folder=folder,
                device=device,
                on_progress=clock.tick,
                cancelled=cancelled,
            )
        )
        clock.done += len(pictures)
    return assembled(series, found, channels, pictures)


def _reason(problems: Mapping[str, str]) -> str:
    return f" ({next(iter(problems.values()))})" if problems else ""


class _Clock:
    """Progress of all checkpoints from that of each."""

    def __init__(self, total: int, tell: Callable[[Progress], None] | None) -> None:
        self.total, self.tell = total, tell
        self.done, self.started = 0, time.monotonic()

    def tick(self, progress: Progress) -> None:
        if self.tell is not None:
            self.tell(Progress.of(self.done + progress.done, self.total, 0, time.monotonic() - self.started))


def assembled(
    series: CheckpointSeries | SeriesFacts,
    snapshots: Sequence[Snapshot],
    channels: Channels = None,
    images: ImageSet | None = None,
) -> FeatureEvolution:
    """Checkpoints that were mined one by one, put together; all of the same layers and pictures."""
    from zfwidgets.models.series import CheckpointSeries as Whole

    ordered = sorted(snapshots, key=lambda one: one.epoch)
    layers = next((tuple(one.peaks) for one in ordered if one.peaks), ())
    return FeatureEvolution(
        series.name,
        tuple(one.epoch for one in ordered),
        series.missing,
        tuple(one.digest for one in ordered),
        {name: _layer(ordered, name, channels) for name in layers},
        series.figures if isinstance(series, SeriesFacts) else history_of(series),
        max((one.count for one in ordered), default=0),
        tuple(dict.fromkeys(note for one in ordered for note in one.notes)),
        dict(series.problems),
        series if isinstance(series, Whole) else None,
        images,
    )


def _layer(snapshots: Sequence[Snapshot], name: str, channels: Channels) -> LayerEvolution:
    known = [one.peaks.get(name) for one in snapshots]
    count = next(len(peaks.values) for peaks in known if peaks is not None)
    wanted = followed(channels, name, count)
    values = np.full((len(known), count), np.nan, np.float32)
    images = np.full((len(known), count), "", object)
    positions = np.full((len(known), count, 2), -1, np.int64)
    for place, peaks in enumerate(known):
        if peaks is not None:
            values[place], images[place] = peaks.values[:, 0], peaks.images[:, 0]
            positions[place] = peaks.positions[:, 0]
    return LayerEvolution(
        wanted, values[:, wanted], images[:, wanted], positions[:, wanted], _similarity(snapshots, name)
    )


def _similarity(snapshots: Sequence[Snapshot], name: str) -> NDArray[np.float64]:
    final = snapshots[-1].filters.get(name)
    similarity = np.full(len(snapshots), np.nan)
    for place, one in enumerate(snapshots):
        then = one.filters.get(name)
        if then is not None and final is not None:
            similarity[place] = mean_cosine(then, final)
    return similarity


def followed(channels: Channels, layer: str, count: int) -> NDArray[np.int64]:
    """The channels to keep of a layer with so many.

    Examples
    --------
    >>> followed({"conv1": [3, 1]}, "conv1", 4).tolist(), followed(None, "conv1", 3).tolist()
    ([3, 1], [0, 1, 2])
    """
    wanted = channels.get(layer) if isinstance(channels, Mapping) else channels
    if wanted is None:
        return np.arange(count)
    for channel in wanted:
        whole = isinstance(channel, int | np.integer) and not isinstance(channel, bool)
        if not whole or not 0 <= channel < count:
            raise ParameterError(f"Layer {layer!r} has channels 0 to {count - 1}; found {channel!r}.")
    return np.array(list(wanted), np.int64)


def history_of(series: CheckpointSeries) -> dict[str, NDArray[np.float64]]:
    """The figures of every finished epoch, as `FeatureEvolution.history`."""
    return {
        name: np.array(
            [np.nan if getattr(one, name) is None else getattr(one, name) for one in series.history], np.float64
        )
        for name in _FIGURES
    }


def facts_of(series: CheckpointSeries) -> SeriesFacts:
    """What is known of a series as it is now, without its weights."""
    return SeriesFacts(
        series.name,
        series.planned,
        series.epochs,
        tuple(series.digest(epoch) for epoch in series.epochs),
        history_of(series),
        dict(series.problems),
        tuple(note for epoch in series.epochs for note in series.notes(epoch)),
    )
