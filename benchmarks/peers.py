"""Occlusion as others do it: Captum's `Occlusion`, and the loop over batches that everybody writes first.

Both run the whole network at every position, so their cost is the same at each of them (the section ``whole`` checks
it), and a part of the positions tells the time of all.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from types import ModuleType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import zfwidgets as zf
from benchmarks.measure import Action, UnavailableError, timed

__all__ = ["Everywhere", "Question", "batch_costs", "best_batches", "captum_module", "everywhere"]

BATCHES = {"cpu": (1, 8, 16, 32, 64), "cuda": (1, 16, 64, 256), "mps": (1, 16, 64)}
FEW, MANY = 16, 32


def captum_module() -> ModuleType:
    """``captum.attr``, or one sentence that says how to get it."""
    try:
        import captum.attr
    except ImportError as error:
        raise UnavailableError(
            'This comparison needs Captum, which is not installed; try pip install -e ".[bench]".'
        ) from error
    module: ModuleType = captum.attr
    return module


@dataclass(frozen=True, eq=False)  # tensors have no single equality
class Question:
    """One sweep, as every contestant gets it.

    Attributes
    ----------
    net : Network
        Captum and the loop get its module as it is.
    clean : Tensor
        (3, H, W) model input.
    size, stride : int
        Of the square, in input pixels.
    """

    net: zf.Network
    clean: Tensor
    size: int
    stride: int

    @cached_property
    def places(self) -> NDArray[np.int64]:
        """(N, 2): corners of all squares, the last ones at the border."""
        axes = [_starts(extent, self.size, self.stride) for extent in self.clean.shape[1:]]
        return np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 2)

    @cached_property
    def grey(self) -> Tensor:
        """(3, H, W): what the square shows."""
        return self.net.preprocess.colour((0.5, 0.5, 0.5)).to(self.clean).expand_as(self.clean)

    def part(self, count: int) -> NDArray[np.int64]:
        """(count, 2): that many of the places, spread evenly."""
        some: NDArray[np.int64] = self.places[np.linspace(0, len(self.places) - 1, count).round().astype(int)]
        return some

    def ours(self, **options: Any) -> zf.OcclusionMap:
        """The package's answer."""
        return zf.occlusion_map(self.net, self.clean, self.size, self.stride, **options)

    @torch.inference_mode()
    def loop(self, places: NDArray[np.int64], batch: int) -> Tensor:
        """(N, K) logits: paint a batch of squares, run the module."""
        logits = []
        for start in range(0, len(places), batch):
            corners = places[start : start + batch].tolist()
            pictures = self.clean.repeat(len(corners), 1, 1, 1)
            for picture, (row, column) in zip(pictures, corners, strict=True):
                square = (slice(None), slice(row, row + self.size), slice(column, column + self.size))
                picture[square] = self.grey[square]
            logits.append(self.net.module(pictures))
        return torch.cat(logits)

    def captum(self, batch: int, count: int | None = None) -> None:
        """Captum's attribution of class 0, over all positions or until it has asked for so many of them."""
        done = 0

        def forward(pictures: Tensor) -> Tensor:
            nonlocal done
            if count is not None and done > count:  # the first picture that Captum asks for is the clean one
                raise _EnoughError
            done += len(pictures)
            logits: Tensor = self.net.module(pictures)
            return logits

        with suppress(_EnoughError), torch.no_grad():
            captum_module().Occlusion(forward).attribute(
                self.clean[None],
                sliding_window_shapes=(3, self.size, self.size),
                strides=(3, self.stride, self.stride),
                baselines=self.grey[None],
                target=0,
                perturbations_per_eval=batch,
            )


class _EnoughError(Exception):
    """Enough positions have been timed."""


def _starts(extent: int, size: int, stride: int) -> NDArray[np.int64]:
    starts = np.arange(0, extent - size + 1, stride)
    return starts if starts[-1] == extent - size else np.append(starts, extent - size)


@dataclass(frozen=True)
class Everywhere:
    """Contestants that run the whole network at every position.

    Attributes
    ----------
    actions : dict
        Part of a sweep, by ``captum``, ``captum best``, ``loop``, ``dense`` (the package without its tricks).
    counts : dict
        How many pictures go through the network in each.
    """

    actions: dict[str, Action]
    counts: dict[str, int]


def everywhere(question: Question, best: Mapping[str, int]) -> Everywhere:
    """Pieces of one sweep, large enough for the batch size that is best for each."""
    some = _some(question.net)
    captum_count, loop_count = max(best["captum"], some), max(best["loop"], some)
    coarse = replace(question, stride=34 if some == MANY else 58)
    places = question.part(loop_count)
    return Everywhere(
        {
            "captum": lambda: question.captum(1, some),
            "captum best": lambda: question.captum(best["captum"], captum_count),
            "loop": lambda: question.loop(places, best["loop"]),
            "dense": lambda: coarse.ours(plan="dense"),
        },
        # Captum and the package begin with the whole picture.
        {
            "captum": some + 1,
            "captum best": captum_count + 1,
            "loop": loop_count,
            "dense": len(coarse.places) + 1,
        },
    )


def batch_costs(question: Question) -> dict[str, dict[str, float]]:
    """Seconds per position of Captum and of the loop for each batch size, the better of two tries."""
    costs: dict[str, dict[str, float]] = {"captum": {}, "loop": {}}
    device = question.net.device
    for batch in (*BATCHES[device.type], *BATCHES[device.type]):
        pieces = everywhere(question, {"captum": batch, "loop": batch})
        for peer, kind in (("captum", "captum best"), ("loop", "loop")):
            cost = timed(pieces.actions[kind], device) / pieces.counts[kind]
            costs[peer][str(batch)] = float(f"{min(cost, costs[peer].get(str(batch), cost)):.4g}")
    return costs


def best_batches(costs: Mapping[str, Mapping[str, float]]) -> dict[str, int]:
    """The cheapest batch size of each peer."""
    return {peer: int(min(known, key=lambda batch: known[batch])) for peer, known in costs.items()}


def _some(net: zf.Network) -> int:
    """Positions that tell the cost of one: few where one takes a quarter of a second."""
    return FEW if (net.multiply_adds or 0) > 3e9 and net.device.type == "cpu" else MANY
