"""Transforms of batches against a loop over pixels, and amounts that make no sense."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from twins.moving import slow_transform

from zfwidgets.errors import ParameterError, UnknownNameError
from zfwidgets.imaging import NEUTRAL, REPEATS, TRANSFORMS, checked_amounts, default_amounts, transformed

RANGES = {"translate": (-8, 8), "scale": (0.3, 3), "rotate": (-400, 400)}


@given(data=st.data(), height=st.integers(3, 9), width=st.integers(3, 9), border=st.sampled_from([*REPEATS, "colour"]))
@settings(max_examples=60)
def test_equals_the_loop_over_pixels(data: st.DataObject, height: int, width: int, border: str) -> None:
    transform = data.draw(st.sampled_from(TRANSFORMS))
    low, high = RANGES[transform]
    amounts = np.array(data.draw(st.lists(st.floats(low, high), min_size=1, max_size=3)))
    generator = torch.Generator().manual_seed(height * width)
    batch = torch.randn(len(amounts), 3, height, width, generator=generator)
    beyond = torch.randn(3, height, width, generator=generator)
    found = transformed(batch, transform, amounts, beyond if border == "colour" else border)
    for picture, amount, result in zip(batch, amounts, found, strict=True):
        kind = beyond.double().numpy() if border == "colour" else border
        expected = slow_transform(picture.double().numpy(), transform, float(amount), kind)
        # A hair's breadth beside a pixel's middle is the next four pixels: bilinear means are continuous there.
        np.testing.assert_allclose(result, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("border", [*REPEATS, torch.tensor(5.0)])
def test_the_neutral_amount_is_the_picture_to_the_bit(transform: str, border: str | torch.Tensor) -> None:
    batch = torch.randn(2, 3, 31, 17)
    before = batch.clone()
    found = transformed(batch, transform, np.full(2, NEUTRAL[transform]), border)
    assert torch.equal(found, batch) and torch.equal(batch, before)
    found.zero_()
    assert torch.equal(batch, before)


def test_directions() -> None:
    """Downwards, larger, counter-clockwise."""
    dot = torch.zeros(1, 1, 9, 9)
    dot[0, 0, 2, 4] = 1  # above the centre
    beyond = torch.tensor(0.0)
    down = transformed(dot, "translate", np.array([3.0]), beyond)[0, 0]
    assert down[5, 4] == pytest.approx(1, abs=1e-5)
    assert transformed(dot, "rotate", np.array([90.0]), beyond)[0, 0, 4, 2] == pytest.approx(1, abs=1e-5)
    assert transformed(dot, "scale", np.array([2.0]), beyond)[0, 0, 0, 4] == pytest.approx(1, abs=1e-5)
    torch.testing.assert_close(transformed(dot, "rotate", np.array([-270.0]), "edge"), dot.rot90(1, (2, 3)))


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("side", [1, 8, 96, 224])
def test_default_amounts_hold_the_picture_itself_and_are_allowed(transform: str, side: int) -> None:
    amounts = default_amounts(transform, side)
    assert NEUTRAL[transform] in amounts
    if side > 1:
        np.testing.assert_array_equal(checked_amounts(transform, amounts, (side, side)), amounts)


BAD = [
    ("translate", [3, 24], "shift by 24 leaves nothing.*between -23 and 23"),
    ("translate", [-24.5], "shift by -24.5"),
    ("scale", [1, 0], "24 x 24 pixels 0 times as large shows nothing.*from 0.042 to 24"),
    ("scale", [-1], "-1 times"),
    ("scale", [1e-9], "1e-09 times"),
    ("scale", [1e9], r"1e\+09 times"),
    ("rotate", [math.nan], "finite"),
    ("rotate", [math.inf], "finite"),
    ("rotate", [10**400], "finite"),
    ("rotate", [], "at least one"),
    ("rotate", [[1, 2]], "a row"),
    ("rotate", ["a"], "finite numbers"),
    ("rotate", 3, "a row of finite numbers"),
]


@pytest.mark.parametrize(("transform", "amounts", "words"), BAD)
def test_amounts_that_make_no_sense(transform: str, amounts: object, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        checked_amounts(transform, amounts, (24, 24))


def test_unknown_transforms() -> None:
    with pytest.raises(UnknownNameError, match="'rotate'"):
        checked_amounts("rotated", [1], (24, 24))
