"""What `feature_evolution` returns; needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zfwidgets.errors import DataError, unknown_name

if TYPE_CHECKING:
    from zfwidgets.data import ImageSet
    from zfwidgets.methods.projection import Projection
    from zfwidgets.models.series import CheckpointSeries

__all__ = ["SETTLED", "Exemplar", "FeatureEvolution", "LayerEvolution", "SeriesFacts", "settled_at"]

SETTLED = 0.9
"""Share of its final similarity from which a layer counts as settled."""


class Exemplar(NamedTuple):
    """Where a map is strongest over all pictures: how strong, in which picture, at which row and column of the map."""

    value: float
    image: str
    row: int
    column: int


@dataclass(frozen=True, eq=False)  # arrays have no single equality
class LayerEvolution:
    """One layer at E epochs.

    Attributes
    ----------
    channels : ndarray
        (M,) int64: the maps that are followed.
    values : ndarray
        (E, M) float32: the strongest activation over all pictures; nan where there is none.
    images : ndarray
        (E, M) object: key of its picture, "" where there is none.
    positions : ndarray
        (E, M, 2) int64: its row and column in the map, -1 where there is none.
    similarity : ndarray
        (E,) float64 in [-1, 1]: how near the layer's filters are to those of the last epoch. For each filter the cosine
        between its weights then and at the end, biases left out; the mean over all filters of the layer. A cosine
        does not notice how long a filter is, so a batch norm that was folded into it makes no difference. nan where
        the weights are no numbers or the layer has no filters of its own.
    """

    channels: NDArray[np.int64]
    values: NDArray[np.float32]
    images: NDArray[np.object_]
    positions: NDArray[np.int64]
    similarity: NDArray[np.float64]

    @property
    def jumps(self) -> NDArray[np.bool_]:
        """(E, M): whether the exemplar is another picture than at the epoch before; False where either has none."""
        jumped = np.zeros(self.images.shape, bool)
        exciting = self._exciting
        before, now = exciting[:-1], exciting[1:]
        jumped[1:] = (before != now) & (before != "") & (now != "")
        return jumped

    @property
    def final(self) -> NDArray[np.float64]:
        """(E,): share of the maps alive at the end whose exemplar is already the picture that it is then."""
        exciting = self._exciting
        there = exciting[-1] != ""
        same = (exciting == exciting[-1])[:, there]
        share: NDArray[np.float64] = same.mean(1) if there.any() else np.full(len(self.images), np.nan)
        return share

    @property
    def _exciting(self) -> NDArray[np.object_]:
        """(E, M): the images, "" also where the strongest activation is 0: a dead map has some picture, by chance."""
        return np.where(self.values > 0, self.images, "").astype(object)

    def exemplar(self, epoch: int, place: int) -> Exemplar | None:
        """Of the epoch and the followed map of these places; None where no picture excites the map."""
        value = float(self.values[epoch, place])
        if not value > 0:
            return None
        row, column = self.positions[epoch, place].tolist()
        return Exemplar(value, str(self.images[epoch, place]), row, column)


@dataclass(frozen=True, eq=False)
class FeatureEvolution:
    """How the features of each layer grow (Fig. 4).

    Attributes
    ----------
    name : str
        Of the series.
    epochs : tuple of int
        Those with a checkpoint, ascending.
    missing : tuple of int
        Planned epochs without one.
    digests : tuple of str
        Of the weights at each epoch.
    layers : mapping
        Name to `LayerEvolution`, from the first layer to the last.
    history : mapping
        ``"epoch"``, ``"loss"``, ``"validation_loss"``, ``"validation_error"``, ``"seconds"`` to (H,) float64: every
        finished epoch, also those without a checkpoint; nan where nobody measured it.
    count : int
        Pictures that were looked through.
    notes : tuple of str
        What a person should know of a checkpoint, for example that its weights are NaN.
    problems : mapping
        File name to a sentence, for files that are no checkpoints of this series.
    series, images : optional
        What it was made from, for `projection`.
    """

    name: str
    epochs: tuple[int, ...]
    missing: tuple[int, ...]
    digests: tuple[str, ...]
    layers: Mapping[str, LayerEvolution]
    history: Mapping[str, NDArray[np.float64]]
    count: int
    notes: tuple[str, ...] = ()
    problems: Mapping[str, str] | None = None
    series: CheckpointSeries | None = None
    images: ImageSet | None = None

    def __getitem__(self, layer: str) -> LayerEvolution:
        if layer not in self.layers:
            raise unknown_name("layer", layer, self.layers)
        return self.layers[layer]

    @property
    def settled(self) -> dict[str, int | None]:
        """Layer to the epoch from which on it has 90 % of its final similarity (which is 1), None without filters."""
        return {name: settled_at(self.epochs, layer.similarity) for name, layer in self.layers.items()}

    @property
    def validation_error(self) -> NDArray[np.float64]:
        """(E,): share of the validation pictures that were named wrongly at each epoch, nan where unknown."""
        known = dict(zip(self.history["epoch"].tolist(), self.history["validation_error"].tolist(), strict=True))
        return np.array([known.get(float(epoch), np.nan) for epoch in self.epochs])

    def exemplar(self, epoch: int, layer: str, channel: int) -> Exemplar | None:
        """Where a map is strongest at an epoch; None where no picture excites it.

        Raises
        ------
        UnknownNameError
            For an epoch without a checkpoint, or a layer or channel that is not followed.
        """
        found = self[layer]
        if epoch not in self.epochs:
            raise unknown_name("checkpoint of epoch", epoch, self.epochs)
        if channel not in found.channels:
            raise unknown_name("followed channel", channel, found.channels.tolist())
        return found.exemplar(self.epochs.index(epoch), found.channels.tolist().index(channel))

    def projection(self, epoch: int, layer: str, channel: int) -> Projection | None:
        """A cell of Fig. 4: the strongest activation at an epoch sent down to the pixels; None for a dead map.

        Raises
        ------
        UnknownNameError
            As `exemplar`.
        DataError
            If the checkpoints or the pictures are not at hand.
        """
        from zfwidgets.methods.deconvnet import project

        found = self.exemplar(epoch, layer, channel)
        if self.series is None or self.images is None:
            raise DataError("The checkpoints and pictures are not at hand here; ask feature_evolution for them anew.")
        if found is None:
            return None
        net = self.series.network(epoch, device="cpu")
        return project(net, self.images[found.image], layer, channel, (found.row, found.column))


@dataclass(frozen=True, eq=False)
class SeriesFacts:
    """What is known of a series at one moment, without its weights.

    Attributes
    ----------
    name : str
    planned, epochs : tuple of int
        Epochs to be recorded, and those that are.
    digests : tuple of str
        Of the weights at `epochs`.
    figures : mapping
        As `FeatureEvolution.history`.
    problems : mapping
        File name to a sentence.
    notes : tuple of str
    """

    name: str
    planned: tuple[int, ...]
    epochs: tuple[int, ...]
    digests: tuple[str, ...]
    figures: Mapping[str, NDArray[np.float64]]
    problems: Mapping[str, str]
    notes: tuple[str, ...]

    @property
    def done(self) -> int:
        """The last finished epoch, 0 before the first."""
        return int(max((*self.figures["epoch"].tolist(), *self.epochs), default=0))

    @property
    def missing(self) -> tuple[int, ...]:
        """Planned epochs that are over and have no checkpoint."""
        return tuple(epoch for epoch in self.planned if epoch <= self.done and epoch not in self.epochs)

    @property
    def finished(self) -> bool:
        """Whether the last planned epoch is over."""
        return bool(self.planned) and self.done >= max(self.planned)


def settled_at(epochs: tuple[int, ...], similarity: NDArray[Any], share: float = SETTLED) -> int | None:
    """The first epoch from which on the similarity stays at `share` of the last one, or above.

    Examples
    --------
    >>> settled_at((1, 2, 5, 10), np.array([0.2, 0.95, 0.85, 1.0]))
    10
    >>> settled_at((1, 2), np.array([np.nan, np.nan])) is None
    True
    """
    if not len(similarity) or not np.isfinite(similarity[-1]):
        return None
    low = np.flatnonzero(~(similarity >= share * similarity[-1]))
    return epochs[int(low[-1]) + 1 if len(low) else 0]
