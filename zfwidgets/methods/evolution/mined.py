"""One checkpoint as Fig. 4 sees it: the strongest activation of every map over all pictures, and the filters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zfwidgets.data import ImageSet
from zfwidgets.errors import NetworkError, WeightsError
from zfwidgets.methods.evolution.filters import layer_filters
from zfwidgets.methods.top_activations import Progress, TopLayer, shards, top_activations
from zfwidgets.methods.top_activations.plan import finished

if TYPE_CHECKING:
    from zfwidgets.models.series import CheckpointSeries
    from zfwidgets.network import Network

__all__ = ["Snapshot", "default_layers", "index_path", "snapshot"]


@dataclass(frozen=True, eq=False)  # arrays have no single equality
class Snapshot:
    """A checkpoint, mined.

    Attributes
    ----------
    epoch : int
    digest : str
        Of its weights.
    count : int
        Pictures that were looked through.
    peaks : mapping
        Layer to its `TopLayer` with k = 1; empty where the weights are no numbers.
    filters : mapping
        Layer to its filters, (C, D), where it has any.
    notes : tuple of str
        What a person should know of it.
    """

    epoch: int
    digest: str
    count: int
    peaks: Mapping[str, TopLayer]
    filters: Mapping[str, NDArray[np.float32]]
    notes: tuple[str, ...] = ()


def default_layers(net: Network) -> tuple[str, ...]:
    """The layers of the menu that have places and filters of their own: conv1 to conv5 of a ZFNet.

    Raises
    ------
    NetworkError
        If the network cannot be traced or has no such layer.
    """
    found = tuple(name for name in net.menu if net.layers[name].spatial and layer_filters(net, name) is not None)
    if not found:
        raise NetworkError(net.trace_problem or f"{net.name} has no layer with filters and places to follow.")
    return found


def snapshot(
    series: CheckpointSeries,
    epoch: int,
    images: ImageSet,
    layers: Sequence[str] | None = None,
    *,
    folder: str | Path | None = None,
    device: str = "auto",
    on_progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Snapshot:
    """Mine one checkpoint.

    Parameters
    ----------
    series : CheckpointSeries
        Whose.
    epoch : int
        Which of its epochs.
    images, layers, folder, device, on_progress, cancelled
        As in `feature_evolution`.

    Returns
    -------
    Snapshot
        A checkpoint whose weights are no finite numbers has no peaks, and a note that says so.
    """
    digest, notes = series.digest(epoch), series.notes(epoch)
    try:
        net = series.network(epoch, device=device)
    except (NetworkError, WeightsError) as error:
        if not notes:
            raise
        # Weights that are no numbers: the other epochs are worth seeing all the same.
        return Snapshot(epoch, digest, len(images), {}, {}, (*notes, f"Epoch {epoch} shows nothing: {error}"))
    names = default_layers(net) if layers is None else tuple(net.layers[name].name for name in layers)
    top = top_activations(
        net,
        images,
        names,
        k=1,
        index=None if folder is None else index_path(net, images, names, Path(folder)),
        on_progress=on_progress,
        cancelled=cancelled,
    )
    filters = {name: layer_filters(net, name) for name in names}
    return Snapshot(
        epoch,
        digest,
        top.count,
        {name: top[name] for name in names},
        {name: found for name, found in filters.items() if found is not None},
        notes,
    )


def index_path(net: Network, images: ImageSet, layers: Sequence[str], folder: Path) -> Path:
    """The file that keeps what was mined of one checkpoint: named by weights, preprocessing, layers and pictures.

    A file of that name that is damaged or of other pictures is taken away, so that it is mined anew.
    """
    (spec,) = shards(net, images, layers, k=1, size=max(len(images), 1))
    path = folder / spec.name
    if path.exists() and finished(path, images) is None:
        path.unlink()
    return path
