"""Table 1 of five pictures: parts hidden in all of them at once, against one picture after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

import zfwidgets as zf
from benchmarks.measure import interleaved
from benchmarks.networks import load
from benchmarks.occlusion import WrongAnswerError
from benchmarks.tables import Table, number, seconds
from zfwidgets.methods.fill import fill_picture

__all__ = ["measure", "tables"]

NETWORK, LAYERS = "alexnet", ("conv5", "fc7")
"""The paper's layers 5 and 7."""
PICTURES, SIZE = 5, 40
PARTS = {"right eye": (100.0, 90.0), "left eye": (140.0, 90.0), "nose": (120.0, 120.0)}
"""Where the parts are in every picture: their places say nothing about time."""
TOLERANCE = 2e-3
"""Signs of changes that are as small as rounding may differ between a batch and one picture."""

Marks = list[Mapping[str, tuple[float, float]]]


def measure(device: str = "cpu", repeats: int = 5) -> dict[str, Any]:
    """Seconds of both."""
    net = load(NETWORK, device)
    zf.tune_allocator()
    samples = zf.samples()
    pictures = [net.input(samples[name]) for name in list(samples)[:PICTURES]]
    marks: Marks = [PARTS] * PICTURES
    ours = partial(zf.correspondence, net, pictures, marks, SIZE, LAYERS, align=False, places=1)
    found = ours()
    loop = partial(one_by_one, net, pictures, found.squares)
    for layer, wanted in loop().items():
        off = float(np.nanmax(np.abs(found.distances[layer] - wanted)))
        if not off < TOLERANCE:
            raise WrongAnswerError(f"{layer}: the shares of one picture after the other differ by {off:.2g}.")
    times = interleaved({"ours": ours, "loop": loop}, repeats, device=device)
    return {"network": NETWORK, "seconds": {name: timing.stored() for name, timing in times.items()}}


def one_by_one(net: zf.Network, pictures: Sequence[Tensor], squares: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Layer to (R, N, N): the same by a forward pass of the module for each square."""
    signs: dict[str, list[Tensor]] = {layer: [] for layer in LAYERS}
    with torch.inference_mode():
        for picture, corners in zip(pictures, squares.tolist(), strict=True):
            cover, clean = fill_picture(net, picture, "grey"), _features(net, picture)
            changes: dict[str, list[Tensor]] = {layer: [] for layer in LAYERS}
            for top, left in corners:
                hidden = picture.clone()
                square = (slice(None), slice(top, top + SIZE), slice(left, left + SIZE))
                hidden[square] = cover[square]
                for layer, features in _features(net, hidden).items():
                    change = clean[layer] - features
                    change[change.abs() <= 1e-5 * clean[layer].abs().max()] = 0
                    changes[layer].append(change.sign())
            for layer, rows in changes.items():
                signs[layer].append(torch.stack(rows))
    return {layer: _shares(torch.stack(found, 1)) for layer, found in signs.items()}


def _features(net: zf.Network, picture: Tensor) -> dict[str, Tensor]:
    module: Any = net.module
    low = module.features[:12](picture[None])
    high = module.classifier[:6](torch.flatten(module.avgpool(module.features[12:](low)), 1))
    return {"conv5": low.flatten(), "fc7": high.flatten()}


def _shares(signs: Tensor) -> Any:
    """(R, N, N) of signs (R, N, cells)."""
    found = torch.stack([(signs[:, [one]] != signs).float().mean(2) for one in range(signs.shape[1])], 1)
    found[:, range(signs.shape[1]), range(signs.shape[1])] = torch.nan
    return found.cpu().numpy()


def tables(results: dict[str, Any]) -> list[Table]:
    """Both beside each other."""
    spent = {name: one["median"] for name, one in results["seconds"].items()}
    row = (
        results["network"],
        seconds(spent["loop"]),
        seconds(spent["ours"]),
        number(spent["loop"] / spent["ours"], "x"),
    )
    note = f"{PICTURES} pictures, {len(PARTS)} parts and one random place in each; layers 5 and 7."
    return [Table("Correspondence (Table 1)", ("network", "one by one", "zfwidgets", "ratio"), [row], note)]
