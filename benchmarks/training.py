"""Training of the embedded networks against their forward and backward pass alone, in pictures per second."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from benchmarks.measure import interleaved
from benchmarks.tables import Table, number
from zfwidgets.models.zfnet import ZFNet
from zfwidgets.training import LabelledPictures, train
from zfwidgets.training.augmentation import as_input
from zfwidgets.training.embedded import EMBEDDED, Plan

__all__ = ["measure", "readme", "tables"]

_BATCHES = 20
_CLASSES = 16


def measure(repeats: int = 5) -> dict[str, Any]:
    """Pictures per second of each embedded network: a whole epoch of `train`, and the bare passes of its batches.

    The epoch holds what is done to the pictures (moved, cropped, recoloured, scaled), the step of the optimiser and the
    clipping of the filters; the bare passes none of these. Both use the precision of the plan.
    """
    return {name: _of(plan, repeats) for name, plan in EMBEDDED.items()}


def _of(plan: Plan, repeats: int) -> dict[str, float]:
    batch = plan.recipe.batch_size
    pictures = _noise(batch * _BATCHES, plan.preprocess.size)
    one = LabelledPictures(pictures.pixels[:1], pictures.labels[:1])
    actions = {
        "training": lambda: _epoch(plan, pictures, one),
        "passes": _bare(plan, pictures),
    }
    found = interleaved(actions, repeats)
    rates = {name: batch * _BATCHES / timing.median for name, timing in found.items()}
    return {**rates, "share": rates["training"] / rates["passes"]}


def _noise(count: int, side: int) -> LabelledPictures:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (count, side, side, 3), dtype=torch.uint8, generator=generator)
    return LabelledPictures(pixels, torch.arange(count) % _CLASSES)


def _network(plan: Plan) -> ZFNet:
    torch.manual_seed(0)
    return ZFNet(_CLASSES, normalisation="batch", **plan.architecture).to(memory_format=torch.channels_last)


def _epoch(plan: Plan, pictures: LabelledPictures, validation: LabelledPictures) -> None:
    # The norms are measured once in a training, not in each epoch.
    recipe = replace(plan.recipe, epochs=1, measure_norms=False)
    train(_network(plan), pictures, validation, recipe, preprocess=plan.preprocess, progress=False)


def _bare(plan: Plan, pictures: LabelledPictures) -> Callable[[], None]:
    network: nn.Module = _network(plan)
    size = plan.recipe.batch_size
    inputs = [as_input(pixels, plan.preprocess) for pixels in pictures.pixels.split(size)]

    def passes() -> None:
        for batch, labels in zip(inputs, pictures.labels.split(size), strict=True):
            with torch.autocast("cpu", torch.bfloat16, enabled=plan.recipe.precision == "bfloat16"):
                logits = network(batch)
            network.zero_grad(set_to_none=True)
            F.cross_entropy(logits.float(), labels).backward()

    return passes


def tables(results: dict[str, Any]) -> list[Table]:
    """Rates and their ratio."""
    rows = [
        (name, number(found["training"]), number(found["passes"]), f"{found['share']:.0%}")
        for name, found in results.items()
    ]
    head = ("training", "pictures/s", "forward and backward alone", "share")
    return [Table("Training an embedded network, pictures in memory", head, rows)]


def readme(results: dict[str, Any], beside: dict[str, Any] | None) -> list[Table]:
    """The same."""
    return tables(results)
