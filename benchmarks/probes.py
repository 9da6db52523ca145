"""Features for probes, against the forward pass alone over the same batches."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

import zfwidgets as zf
from benchmarks.measure import interleaved
from benchmarks.networks import load
from benchmarks.tables import Table, number, seconds
from zfwidgets.methods.probing.features import InMemory, extract
from zfwidgets.methods.probing.labelled import Labelled
from zfwidgets.methods.probing.layers import default_layers

__all__ = ["measure", "tables"]

PICTURES, BATCH = 64, 16


def measure(device: str = "cpu", repeats: int = 5) -> dict[str, Any]:
    """Seconds by network: the forward pass, features of all of the paper's layers, and the same ones known already."""
    zf.tune_allocator()
    return {name: one(load(name, device), repeats) for name in ("alexnet", "zfnet")}


def one(net: zf.Network, repeats: int) -> dict[str, Any]:
    """Of one network."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(PICTURES, 3, *net.input_size, generator=generator).to(net.device)
    pictures, layers = Labelled(inputs, range(PICTURES), ("any",) * PICTURES), default_layers(net)
    kept = InMemory({})
    extract(net, pictures, layers, kept=kept)
    actions = {
        "forward": partial(forward, net, inputs),
        "features": partial(extract, net, pictures, layers, batch_size=BATCH),
        "known": partial(extract, net, pictures, layers, kept=kept),
    }
    times = interleaved(actions, repeats, device=net.device)
    return {"layers": len(layers), "seconds": {name: timing.stored() for name, timing in times.items()}}


def forward(net: zf.Network, inputs: Tensor) -> None:
    """Class scores of all pictures, in the layout in which the network is fastest."""
    for batch in torch.split(inputs, BATCH):
        net(batch.contiguous(memory_format=torch.channels_last))


def tables(results: dict[str, Any]) -> list[Table]:
    """All three, and the share of the forward pass's speed that features come at."""
    rows = []
    for name, found in results.items():
        spent = {what: timing["median"] for what, timing in found["seconds"].items()}
        share = number(100 * spent["forward"] / spent["features"], " %")
        rows.append((name, seconds(spent["forward"]), seconds(spent["features"]), share, seconds(spent["known"])))
    head = ("network", "forward pass", "features", "speed kept", "features known already")
    return [Table("Features for probes", head, rows, f"{PICTURES} pictures, every layer of Table 7, every cell.")]
