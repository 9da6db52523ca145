"""Whoever trains in mixed precision and looks into the network meanwhile gets the same answers, in 32-bit numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from twins.networks import lively

from zfwidgets import ImageSet, Network, Preprocess, invariance_curves, occlusion_map, project, record, top_activations


class Swish(nn.Module):
    """Not of the table."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(x) * x


ASKED: dict[str, Callable[[Network, torch.Tensor], Any]] = {
    "logits": lambda net, x: net(x[None]).numpy(),
    "record": lambda net, x: record(net, x, ["0"]).activations["0"],
    "project": lambda net, x: project(net, record(net, x, ["0"]), "0", 1).pixels,
    "dense": lambda net, x: occlusion_map(net, x, 6, 5, plan="dense").logits,
    "incremental": lambda net, x: occlusion_map(net, x, 6, 5, plan="incremental").logits,
    "invariance": lambda net, x: invariance_curves(net, x, "rotate", [0, 30], layers=["0"]).distances["0"],
    "mining": lambda net, x: top_activations(net, _set(x), ["0"], k=1)["0"].values,
}


def _set(x: torch.Tensor) -> ImageSet:
    return ImageSet.from_arrays((x.permute(1, 2, 0)[None] * 255).to(torch.uint8).numpy())


@pytest.mark.parametrize("kind", [nn.ReLU, Swish])
@pytest.mark.parametrize("asked", ASKED)
def test_autocast_changes_nothing(asked: str, kind: type[nn.Module]) -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), kind(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4 * 49, 3))
    module = lively(module, 3)
    x = torch.rand(3, 16, 16, generator=torch.Generator().manual_seed(0))
    ask = ASKED[asked]
    expected = ask(Network(module, preprocess=Preprocess(size=16), device="cpu"), x)
    with torch.autocast("cpu", torch.bfloat16):
        found = ask(Network(module, preprocess=Preprocess(size=16), device="cpu"), x)
        assert torch.is_autocast_enabled("cpu")
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
