"""The recipe: it learns, it repeats itself bit by bit, and an interruption changes nothing."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn
from twins.training import momentum_steps

from zfwidgets import models
from zfwidgets.errors import DataError, ParameterError, WeightsError
from zfwidgets.imaging import Preprocess
from zfwidgets.models.zfnet import ZFNet
from zfwidgets.training import Epoch, LabelledPictures, Recipe, draw_scenes, evaluate, load_checkpoint, train
from zfwidgets.training.studies import AblationRecipe, ChoiceRecipe
from zfwidgets.training.train import _batches

PREPROCESS = Preprocess(size=96, resize=96, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))


@pytest.fixture(scope="module")
def pictures() -> LabelledPictures:
    return draw_scenes(48, seed=6)


def network() -> ZFNet:
    torch.manual_seed(0)
    return ZFNet(16, channels=(4, 4, 4, 4, 4), hidden=(16, 16), input_size=96, conv2_stride=2, normalisation="batch")


class Stopped(Exception):
    """Stands for a kill between two epochs."""


def test_kill_and_resume_give_the_same_bytes(tmp_path: Path, pictures: LabelledPictures) -> None:
    recipe = Recipe(epochs=4, batch_size=16, rate=0.05, patience=1, seed=3)
    straight, broken = tmp_path / "straight", tmp_path / "broken"
    through = network()
    history = train(through, pictures, pictures, recipe, preprocess=PREPROCESS, checkpoint=straight, progress=False)

    def stop(epoch: Epoch) -> None:
        if epoch.epoch == 2:
            raise Stopped

    options = {"preprocess": PREPROCESS, "checkpoint": broken, "progress": False}
    with pytest.raises(Stopped):
        train(network(), pictures, pictures, recipe, on_epoch=stop, **options)  # type: ignore[arg-type]
    torch.manual_seed(99)  # whatever happened to the global generator meanwhile
    resumed = network()
    again = train(resumed, pictures, pictures, recipe, resume=True, **options)  # type: ignore[arg-type]
    assert broken.read_bytes() == straight.read_bytes()
    assert again == history
    assert all(torch.equal(a, b) for a, b in zip(through.parameters(), resumed.parameters(), strict=True))


class Odd(nn.Module):
    """Has a weight that nobody uses, one that is frozen, and one that two layers share."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.first = nn.Conv2d(3, 3, 3, stride=2)
        self.second = self.first
        self.frozen, self.unused = nn.Linear(3, 16), nn.Linear(2, 2)
        self.frozen.weight.requires_grad_(False)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        maps: torch.Tensor = self.second(self.first(inputs).relu())
        answers: torch.Tensor = self.frozen(maps.mean((2, 3)))
        return answers


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_weights_without_momentum_and_shared_ones_are_resumed_too(
    momentum: float, tmp_path: Path, pictures: LabelledPictures
) -> None:
    recipe = Recipe(epochs=2, batch_size=16, momentum=momentum)
    options = {"preprocess": PREPROCESS, "progress": False}
    through, resumed = Odd(), Odd()
    train(through, pictures, pictures, recipe, checkpoint=tmp_path / "straight", **options)  # type: ignore[arg-type]
    broken = tmp_path / "broken"
    train(Odd(), pictures, pictures, replace(recipe, epochs=1), checkpoint=broken, **options)  # type: ignore[arg-type]
    train(resumed, pictures, pictures, recipe, checkpoint=broken, resume=True, **options)  # type: ignore[arg-type]
    assert (tmp_path / "straight").read_bytes() == broken.read_bytes()
    assert all(torch.equal(a, b) for a, b in zip(through.parameters(), resumed.parameters(), strict=True))
    assert torch.equal(resumed.frozen.weight, Odd().frozen.weight)
    assert not torch.equal(resumed.first.weight, Odd().first.weight)


def test_training_leaves_the_callers_chance_alone(pictures: LabelledPictures) -> None:
    net = network()
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    train(net, pictures, pictures, Recipe(epochs=1), preprocess=PREPROCESS, progress=False)
    assert torch.equal(torch.rand(1), expected)
    assert not any(module.training for module in net.modules())


def test_it_learns_and_ends_with_the_best_epoch() -> None:
    # Black or white pictures: anything that works gets them all right.
    pixels = torch.zeros(64, 8, 8, 3, dtype=torch.uint8)
    pixels[::2] = 255
    simple = LabelledPictures(pixels, torch.arange(64) % 2)
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 2))
    history = train(net, simple, simple, Recipe(epochs=5, batch_size=8), preprocess=PREPROCESS, progress=False)
    loss, accuracy = evaluate(net, simple, PREPROCESS)
    assert accuracy == 1.0
    assert loss == pytest.approx(min(epoch.validation_loss for epoch in history))


def test_the_rate_drops_after_patience_epochs_without_progress() -> None:
    # Both labels on the same picture: the loss cannot fall below log 2, so the plateau comes at once.
    hopeless = LabelledPictures(torch.full((16, 4, 4, 3), 128, dtype=torch.uint8), torch.arange(16) % 2)
    net = nn.Sequential(nn.Flatten(), nn.Linear(48, 2))
    nn.init.zeros_(net[1].weight)
    nn.init.zeros_(net[1].bias)
    recipe = Recipe(epochs=7, batch_size=16, rate=0.1, rate_factor=0.5, patience=2)
    history = train(net, hopeless, hopeless, recipe, preprocess=PREPROCESS, progress=False)
    assert history[0].validation_loss == pytest.approx(math.log(2), abs=1e-6)
    assert [epoch.rate for epoch in history] == pytest.approx([0.1, 0.1, 0.1, 0.05, 0.05, 0.025, 0.025])


def test_the_step_is_gradient_descent_with_momentum() -> None:
    # One weight, one picture: the gradient of the cross entropy of logits (0, w x) is p - 1 times x.
    class OneWeight(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.tensor(0.3))

        def forward(self, batch: torch.Tensor) -> torch.Tensor:
            value = self.weight * batch.mean((1, 2, 3))
            return torch.stack([torch.zeros_like(value), value], 1)

    white = LabelledPictures(torch.full((1, 4, 4, 3), 255, dtype=torch.uint8), torch.tensor([1]))
    x, weight, slopes = 2.0, 0.3, []  # (1 - 0.5) / 0.25
    net = OneWeight()
    recipe = Recipe(epochs=4, batch_size=1, rate=0.1, momentum=0.9)
    train(net, white, white, recipe, preprocess=PREPROCESS, progress=False)
    for _ in range(4):
        slopes.append((1 / (1 + math.exp(-weight * x)) - 1) * x)
        weight = momentum_steps(0.3, slopes, 0.1, 0.9)[-1]
    assert float(net.weight.detach()) == pytest.approx(weight, rel=1e-5)


def with_norm() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.BatchNorm1d(12), nn.Linear(12, 16))


def test_a_picture_that_is_left_over_joins_the_batch_before(pictures: LabelledPictures) -> None:
    """Batch norm has no spread of one; each epoch still sees every picture once."""
    some, net, sizes = LabelledPictures(*(part[:17] for part in pictures)), with_norm(), list[int]()
    net.register_forward_pre_hook(lambda module, inputs: sizes.append(len(inputs[0])) if module.training else None)
    train(net, some, some, Recipe(epochs=2, batch_size=8), preprocess=PREPROCESS, progress=False)
    assert sizes == [8, 9] * 2
    for count, size in ((17, 8), (9, 8), (8, 8), (10, 4), (3, 1), (1, 8)):
        order = torch.cat(_batches(count, size, torch.Generator().manual_seed(1)))
        assert torch.equal(order, torch.randperm(count, generator=torch.Generator().manual_seed(1)))


def test_batches_of_what_ships_are_as_they_were() -> None:
    recipes = json.loads((Path(models.__file__).parent / "embedded" / "manifest.json").read_text())
    trained = [(one["recipe"]["pictures"], one["recipe"]["batch_size"]) for one in recipes.values()]
    trained += [(study.pictures, study.batch_size) for study in (AblationRecipe(), ChoiceRecipe())]
    assert len(trained) == 4
    for count, size in trained:
        expected = map(len, torch.split(torch.empty(count), size))
        assert [*map(len, _batches(count, size, torch.Generator()))] == [*expected]


@pytest.mark.parametrize(("count", "size"), [(4, 1), (1, 8)])
def test_batch_norm_and_batches_of_one_picture_are_one_sentence(
    pictures: LabelledPictures, count: int, size: int
) -> None:
    some = LabelledPictures(*(part[:count] for part in pictures))
    with pytest.raises(ParameterError, match="batch norm cannot learn from a batch of one picture; take a batch_size"):
        train(with_norm(), some, some, Recipe(epochs=1, batch_size=size), preprocess=PREPROCESS, progress=False)


def test_filters_are_clipped_in_training(pictures: LabelledPictures) -> None:
    net = network()
    nn.init.constant_(net.features[4].weight, 3.0)  # type: ignore[arg-type]
    history = train(net, pictures, pictures, Recipe(epochs=1), preprocess=PREPROCESS, progress=False)
    assert history[0].clipped >= 4
    sizes = net.features[4].weight.detach().square().mean((1, 2, 3)).sqrt()  # type: ignore[operator, union-attr]
    assert float(sizes.max()) <= 0.1 + 1e-6


def test_evaluation_puts_the_mode_back(pictures: LabelledPictures) -> None:
    net = network().train()
    net.classifier.eval()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    evaluate(net, pictures, PREPROCESS)
    assert net.features[0].training
    assert not net.classifier[0].training
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path, pictures: LabelledPictures) -> None:
    path = tmp_path / "run"
    train(network(), pictures, pictures, Recipe(epochs=1), preprocess=PREPROCESS, checkpoint=path, progress=False)
    options = {"preprocess": PREPROCESS, "checkpoint": path, "resume": True, "progress": False}
    with pytest.raises(WeightsError, match="another rate, seed"):
        train(network(), pictures, pictures, Recipe(rate=0.5, seed=8), **options)  # type: ignore[arg-type]
    other = ZFNet(16, channels=(8, 4, 4, 4, 4), hidden=(16, 16), input_size=96, normalisation="batch")
    with pytest.raises(WeightsError, match="another architecture"):
        train(other, pictures, pictures, Recipe(epochs=1), **options)  # type: ignore[arg-type]
    assert len(load_checkpoint(path).state["history"]) == 1  # type: ignore[arg-type]
    cycle, path = Recipe(epochs=1, schedule="one-cycle"), tmp_path / "cycle"
    train(network(), pictures, pictures, cycle, preprocess=PREPROCESS, checkpoint=path, progress=False)
    with pytest.raises(WeightsError, match="another epochs"):  # its rates would have been others
        train(network(), pictures, pictures, replace(cycle, epochs=2), **options | {"checkpoint": path})  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="from which checkpoint"):
        train(network(), pictures, pictures, Recipe(epochs=1), preprocess=PREPROCESS, resume=True)


def test_pictures_of_another_size_are_refused() -> None:
    small = LabelledPictures(torch.zeros(2, 40, 40, 3, dtype=torch.uint8), torch.zeros(2, dtype=torch.int64))
    with pytest.raises(DataError, match="takes no pictures of shape"):
        train(network(), small, small, Recipe(epochs=1), preprocess=PREPROCESS, progress=False)


@pytest.mark.parametrize(
    "options", [{"epochs": 0}, {"batch_size": 0}, {"rate": -1.0}, {"momentum": 1.0}, {"rate": math.nan}, {"seed": -1}]
)
def test_an_impossible_recipe_is_refused(options: dict[str, float]) -> None:
    with pytest.raises(ParameterError, match="must be"):
        Recipe(**options)  # type: ignore[arg-type]
