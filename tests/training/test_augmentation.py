"""The changes of photographs, and the rate of a one-cycle training."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from zfwidgets.errors import ParameterError
from zfwidgets.imaging import Preprocess
from zfwidgets.training import PHOTOGRAPHS, Augmentation, Recipe
from zfwidgets.training.augmentation import as_input, augmented
from zfwidgets.training.schedule import one_cycle

PLAIN = Preprocess(size=32, resize=32, mean=(0, 0, 0), std=(1, 1, 1))


def chance(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures() -> torch.Tensor:
    """Rows and columns count up, so that every pixel tells where it came from."""
    rows, columns = torch.meshgrid(torch.arange(32) * 4, torch.arange(32) * 4, indexing="ij")
    return torch.stack([rows, columns, torch.full((32, 32), 100)], 2).to(torch.uint8).repeat(40, 1, 1, 1)


def test_no_change_is_the_input() -> None:
    assert torch.equal(augmented(pictures(), PLAIN, chance(), Augmentation(mirror=False)), as_input(pictures(), PLAIN))


def test_inputs_are_those_of_the_preprocessing_bit_by_bit_and_the_pictures_stay() -> None:
    pixels = torch.randint(0, 256, (3, 20, 30, 3), dtype=torch.uint8, generator=chance())
    before, preprocess = pixels.clone(), Preprocess(size=32)
    found = as_input(pixels, preprocess)
    assert torch.equal(found, preprocess.normalise(pixels.permute(0, 3, 1, 2).to(torch.float32).div(255)))
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(pixels, before)


def test_a_zoomed_piece_is_a_straight_part_of_the_picture_of_the_stated_size() -> None:
    found = augmented(pictures(), PLAIN, chance(), Augmentation(mirror=False, zoom=0.4)) * 255 / 4
    inner = found[:, :, 4:-4, 4:-4]  # away from the border that is reflected
    down, right = inner[:, 0].diff(dim=1), inner[:, 1].diff(dim=2)
    for steps in (down, right):
        assert (steps.amax((1, 2)) - steps.amin((1, 2)) < 1e-3).all()
    area = down.mean((1, 2)) * right.mean((1, 2))
    assert float(area.min()) >= 0.4 - 1e-3
    assert float(area.max()) <= 1 + 1e-3
    assert float(area.max() - area.min()) > 0.3


def test_jitter_changes_brightness_contrast_and_saturation_within_its_bounds() -> None:
    grey = torch.full((64, 4, 4, 3), 100, dtype=torch.uint8)
    found = augmented(grey, PLAIN, chance(), Augmentation(mirror=False, jitter=0.2)) * 255
    assert torch.allclose(found, found.mean((1, 2, 3), keepdim=True).expand_as(found), atol=1e-3)
    assert 80 - 1e-3 <= float(found.min()) < 90
    assert 110 < float(found.max()) <= 120 + 1e-3
    coloured = augmented(pictures(), PLAIN, chance(), Augmentation(mirror=False, jitter=0.9))
    assert float(coloured.min()) >= 0
    assert float(coloured.max()) <= 1


def test_pictures_of_a_batch_are_changed_apart_and_repeatably() -> None:
    first, second = (augmented(pictures(), PLAIN, chance(4), PHOTOGRAPHS) for _ in range(2))
    assert torch.equal(first, second)
    assert len({round(float(picture.sum()), 2) for picture in first}) == len(first)


@pytest.mark.parametrize("options", [{"shift": -1}, {"zoom": 0.0}, {"zoom": 1.1}, {"jitter": 1.0}])
def test_changes_out_of_range_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ParameterError, match="zoom in"):
        Augmentation(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "options", [{"schedule": "cosine"}, {"precision": "float8"}, {"weight_decay": -1.0}, {"label_smoothing": 1.0}]
)
def test_recipes_out_of_range_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ParameterError, match=r"must be|is \""):
        Recipe(**options)  # type: ignore[arg-type]


def test_one_cycle_is_that_of_torch() -> None:
    steps, peak = 200, 0.3
    optimiser = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    twin = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, peak, total_steps=steps, pct_start=(0.15 * (steps - 1) + 1) / steps, div_factor=25,
        final_div_factor=1e5 / 25, cycle_momentum=False,
    )  # fmt: skip
    for step in range(steps):
        assert one_cycle(step, steps, peak) == pytest.approx(twin.get_last_lr()[0], rel=1e-6, abs=1e-9)
        optimiser.step()
        if step < steps - 1:
            twin.step()
