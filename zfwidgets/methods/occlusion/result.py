"""What a sweep returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from zfwidgets.errors import NetworkError
from zfwidgets.methods.occlusion.order import coarsest, nearest, steps
from zfwidgets.methods.recording import channel_index, softmax

# A map is looked at where torch need not be.
if TYPE_CHECKING:
    from zfwidgets.methods.occlusion.plans import Job
    from zfwidgets.network import Network

__all__ = ["OcclusionMap", "Precision", "check_finite", "empty", "interpolated", "spread"]

Floats = NDArray[np.float32]
Precision = Literal["exact", "fast", "preview"]


@dataclass(frozen=True, eq=False)  # arrays have no single equality
class OcclusionMap:
    """What the network says while each of R x C squares is hidden.

    Attributes
    ----------
    rows, columns : ndarray
        (R,), (C,) top-left corners of the squares in input pixels; every square lies inside the picture.
    size, stride : int
        In input pixels.
    logits, clean_logits : ndarray
        (R, C, K) with a square hidden, (K,) of the whole picture.
    target : int
        The class of `probability`; by default the one predicted for the whole picture.
    layer, channel : str or None, int or None
        The layer of `activation` and its map that is strongest (by sum) on the whole picture.
    sums, clean_sums : ndarray or None
        (R, C, channels), (channels,): activation summed over the map, for every channel of the layer.
    known : ndarray
        (R, C) bool: computed. In a partial answer the other cells carry the value of the nearest known cell, in a
        preview the interpolated one.
    precision : {"exact", "fast", "preview"}
        What was done, which may be more than was asked for: where the machine has no fast arithmetic it is "exact".
    """

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    size: int
    stride: int
    logits: Floats
    clean_logits: Floats
    target: int
    layer: str | None
    channel: int | None
    sums: Floats | None
    clean_sums: Floats | None
    known: NDArray[np.bool_]
    net: Network
    precision: Precision = "exact"

    @property
    def complete(self) -> bool:
        """Whether every cell is known."""
        return bool(self.known.all())

    @property
    def top_label(self) -> NDArray[np.int64]:
        """(R, C): the most probable class (Fig. 7e)."""
        return np.asarray(self.logits.argmax(-1), np.int64)

    def probability(self, target: str | int | None = None) -> Floats:
        """(R, C): probability of a class, by default the target (Fig. 7d); never a new sweep."""
        index = self.target if target is None else self.net.class_index(target)
        return softmax(self.logits)[..., index]

    def clean_probability(self, target: str | int | None = None) -> float:
        """The same for the whole picture."""
        index = self.target if target is None else self.net.class_index(target)
        return float(softmax(self.clean_logits)[index])

    def activation(self, channel: int | None = None) -> Floats:
        """(R, C): summed activation of a channel of the layer, by default the strongest one (Fig. 7b)."""
        if self.sums is None or self.layer is None:
            raise NetworkError(self.net.trace_problem or "This sweep has no layer; ask for one with layer=.")
        chosen = self.channel if channel is None else channel_index(self.net, self.layer, channel)
        assert chosen is not None
        return np.asarray(self.sums[..., chosen])


def empty(
    job: Job, stride: int, target: str | int | None, whole: tuple[Floats, Floats | None], precision: Precision
) -> OcclusionMap:
    """A map of which only the picture without a square is known."""
    check_finite(job, *whole)
    logits, sums = whole[0][0], whole[1][0] if whole[1] is not None else None
    shape = (len(job.rows), len(job.columns))
    return OcclusionMap(
        job.rows,
        job.columns,
        int(job.size),
        int(stride),
        np.zeros((*shape, len(logits)), np.float32),
        logits,
        int(logits.argmax()) if target is None else job.net.class_index(target),
        job.layer,
        int(sums.argmax()) if sums is not None else None,
        np.zeros((*shape, len(sums)), np.float32) if sums is not None else None,
        sums,
        np.zeros(shape, bool),
        job.net,
        precision,
    )


def check_finite(job: Job, logits: Floats, sums: Floats | None) -> None:
    """Raise `NetworkError` where there is no most probable class or no sum; a class alone may be impossible."""
    if not np.isfinite(logits.max(-1)).all() or not (sums is None or np.isfinite(sums).all()):
        what = "its answers" if job.layer is None else f"its answers or its map of {job.layer}"
        raise NetworkError(
            f"{job.net.name} overflows: {what} are not finite, so where they fall cannot be said; check its weights "
            "and its preprocessing."
        )


def spread(result: OcclusionMap, step: int) -> OcclusionMap:
    """A partial answer: unknown cells get the value of the nearest cell of the finished grid of this step."""
    close = np.ix_(*(nearest(count, step) for count in result.known.shape))

    def filled(values: Floats) -> Floats:
        return np.where(result.known[..., None], values, values[close])

    return _with(result, filled)


def interpolated(result: OcclusionMap) -> OcclusionMap:
    """A preview: unknown cells get values in between, grid by grid from coarse to fine."""

    def filled(values: Floats) -> Floats:
        step = coarsest(result.known.shape)
        estimate = values
        while step >= 1:
            estimate = np.where(result.known[..., None], values, estimate)
            rows, columns = (_between(count, step) for count in result.known.shape)
            corners = np.ix_(*(steps(count, step) for count in result.known.shape))
            estimate = np.einsum("ri,cj,ijk->rck", rows, columns, estimate[corners], optimize=True)
            step //= 2
        return np.where(result.known[..., None], values, estimate).astype(np.float32)

    return _with(result, filled)


def _with(result: OcclusionMap, filled: Callable[[Floats], Floats]) -> OcclusionMap:
    return replace(
        result,
        logits=filled(result.logits),
        sums=filled(result.sums) if result.sums is not None else None,
        known=result.known.copy(),
    )


def _between(count: int, step: int) -> Floats:
    """(count, m): the weights of linear interpolation between the m `steps`."""
    known = steps(count, step)
    weights = [np.interp(np.arange(count), known, unit) for unit in np.eye(len(known))]
    return np.stack(weights, 1).astype(np.float32)
