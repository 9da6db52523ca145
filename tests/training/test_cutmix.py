"""CutMix: what is pasted, how much of it, and what the loss makes of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from twins.training import mixed_loss as twin_loss

from zfwidgets.errors import ParameterError
from zfwidgets.imaging import Preprocess
from zfwidgets.training import LabelledPictures, Recipe, train
from zfwidgets.training.cutmix import Mixed, cut_and_mixed, mixed_loss

SIDE = 8


@given(seed=st.integers(0, 10_000), count=st.integers(1, 6), height=st.integers(1, 9), width=st.integers(1, 9))
def test_every_picture_gets_the_same_rectangle_of_its_partner(seed: int, count: int, height: int, width: int) -> None:
    names = torch.arange(count, dtype=torch.float32)
    inputs = names[:, None, None, None].expand(count, 3, height, width).clone()
    mixed = cut_and_mixed(inputs, names.long(), torch.Generator().manual_seed(seed))
    assert torch.equal(mixed.labels, names.long())
    assert sorted(mixed.pasted.tolist()) == list(range(count))
    strangers = [one for one in range(count) if int(mixed.pasted[one]) != one]
    for one in strangers:
        there = mixed.inputs[one] == mixed.pasted[one]
        assert torch.equal(there, mixed.inputs[one] != one)
        assert torch.equal(there[0], mixed.inputs[strangers[0], 0] == mixed.pasted[strangers[0]])
        rows, columns = there[0].any(1), there[0].any(0)
        assert torch.equal(there, (rows[:, None] & columns).expand(3, -1, -1))
        assert all(int(line.int().diff().abs().sum()) <= 2 for line in (rows, columns))  # one run
        assert mixed.share == pytest.approx(1 - float(there[0].float().mean()))


@settings(max_examples=30)
@given(
    seed=st.integers(0, 10_000),
    count=st.integers(1, 5),
    share=st.floats(0, 1),
    smoothing=st.sampled_from([0.0, 0.1, 0.5]),
)
def test_the_loss_is_that_of_shared_labels(seed: int, count: int, share: float, smoothing: float) -> None:
    dice = np.random.default_rng(seed)
    logits = dice.normal(0, 3, (count, 4))
    own, pasted = dice.integers(0, 4, (2, count)).tolist()
    batch = Mixed(torch.empty(0), torch.tensor(own), torch.tensor(pasted), share)
    found = float(mixed_loss(torch.from_numpy(logits), batch, smoothing))
    assert found == pytest.approx(twin_loss(logits, own, pasted, share, smoothing), abs=1e-9)


def trained(recipe: Recipe) -> list[float]:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * SIDE * SIDE, 4))
    pixels = torch.randint(0, 256, (40, SIDE, SIDE, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    pictures = LabelledPictures(pixels, torch.arange(40) % 4)
    preprocess = Preprocess(size=SIDE, resize=SIDE)
    return [epoch.loss for epoch in train(network, pictures, pictures, recipe, preprocess=preprocess, progress=False)]


def test_the_last_eighth_of_the_epochs_is_whole() -> None:
    plain, always = (Recipe(epochs=8, batch_size=20, rate=1e-12, cutmix=share, seed=3) for share in (0.0, 1.0))
    without, mixed = trained(plain), trained(always)
    assert mixed[7] == pytest.approx(without[7], rel=1e-6)
    assert all(abs(one - other) > 1e-4 for one, other in zip(mixed[:7], without[:7], strict=True))
    assert trained(always) == mixed


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_out_of_range_is_refused(share: float) -> None:
    with pytest.raises(ParameterError, match=r"cutmix in \[0, 1\]"):
        replace(Recipe(), cutmix=share)
