"""Batch norm's statistics, measured again: against the layers applied one by one, and within a training."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from zfwidgets.imaging import Preprocess
from zfwidgets.training import LabelledPictures, Recipe, train
from zfwidgets.training.norms import measure_norms

SIDE = 8


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5), nn.Conv2d(4, 2, 3), nn.BatchNorm2d(2)
    )


def moments(batches: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Mean over batches of each one's mean and unbiased variance."""
    means = [batch.mean((0, 2, 3)) for batch in batches]
    spreads = [batch.transpose(0, 1).flatten(1).var(1, correction=1) for batch in batches]
    return torch.stack(means).mean(0), torch.stack(spreads).mean(0)


@settings(max_examples=20)
@given(seed=st.integers(0, 1000), sizes=st.lists(st.integers(1, 5), min_size=1, max_size=4))
def test_the_statistics_are_the_mean_over_the_batches(seed: int, sizes: list[int]) -> None:
    net, chance = network(), torch.Generator().manual_seed(seed)
    batches = [torch.randn(size, 3, SIDE, SIDE, generator=chance) for size in sizes]
    measure_norms(net, iter(batches))
    with torch.no_grad():
        first = [F.conv2d(batch, net[0].weight, net[0].bias) for batch in batches]
        # Each batch goes on as its own statistics leave it; dropout is off.
        then = [((x - m[:, None, None]) / (v[:, None, None] + 1e-5).sqrt()).relu() for x in first for m, v in [own(x)]]
        second = [F.conv2d(batch, net[4].weight, net[4].bias) for batch in then]
    for norm, inputs in ((net[1], first), (net[5], second)):
        mean, spread = moments(inputs)
        assert torch.allclose(norm.running_mean, mean, atol=1e-5)
        assert torch.allclose(norm.running_var, spread, atol=1e-5, rtol=1e-4)
        assert norm.momentum == 0.1
    assert all(module.training for module in net.modules())


def own(batch: Tensor) -> tuple[Tensor, Tensor]:
    """What batch norm itself divides by in a training: the biased variance."""
    return batch.mean((0, 2, 3)), batch.transpose(0, 1).flatten(1).var(1, correction=0)


def test_a_failure_leaves_modes_and_momenta() -> None:
    net = network()
    with pytest.raises(RuntimeError):
        measure_norms(net, [torch.zeros(1, 5, SIDE, SIDE)])
    assert net[1].momentum == 0.1
    assert all(module.training for module in net.modules())


def test_a_training_measures_them_after_its_last_epoch_only() -> None:
    pixels = torch.randint(0, 256, (20, SIDE, SIDE, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    pictures = LabelledPictures(pixels, torch.arange(20) % 2)
    found = {}
    for epochs in (1, 2):
        for measured in (False, True):
            net = nn.Sequential(network(), nn.Flatten(), nn.Linear(32, 2))
            recipe = replace(Recipe(epochs=epochs, batch_size=10, rate=1e-12, seed=3), measure_norms=measured)
            history = train(
                net, pictures, pictures, recipe, preprocess=Preprocess(size=SIDE, resize=SIDE), progress=False
            )
            found[epochs, measured] = [epoch.validation_loss for epoch in history]
    assert found[1, True] != found[1, False]
    assert found[2, True][0] == found[2, False][0]
    assert found[2, True][1] != found[2, False][1]


def test_norms_of_features_are_measured_as_those_of_maps() -> None:
    batches = [torch.rand(4, 3, 2, 2), 5 + 2 * torch.rand(2, 3, 2, 2)]
    net = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(12))
    measure_norms(net, batches)
    mean, spread = moments([batch.flatten(1)[..., None, None] for batch in batches])
    assert torch.allclose(net[1].running_mean, mean) and torch.allclose(net[1].running_var, spread)
