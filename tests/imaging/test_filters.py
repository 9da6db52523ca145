"""Filters as pictures: one pixel a weight, grey for zero, one scale for all or each its own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zfwidgets.errors import ParameterError
from zfwidgets.imaging import filter_mosaic


def slow_pixel(weights, number, row, column, shared):
    """One pixel from the formula."""
    some = weights if shared else weights[number]
    limit = float(np.abs(some).max()) or 1.0
    return [128 + round(float(weights[number, channel, row, column]) / limit * 127) for channel in range(3)]


@given(st.integers(0, 2**16), st.integers(1, 7), st.booleans())
def test_each_pixel_is_a_weight(seed, count, shared):
    weights = np.random.default_rng(seed).normal(size=(count, 3, 2, 4)) * np.arange(count)[:, None, None, None]
    found = filter_mosaic(weights, shared=shared)
    for number in range(count):
        top, left, height, width = found.box(number)
        assert (height, width) == (2, 4)
        assert found.pixels[top + 1, left + 2].tolist() == slow_pixel(weights, number, 1, 2, shared)


def test_nan_is_zero_and_one_channel_is_grey():
    weights = np.full((1, 1, 1, 2), np.nan)
    weights[0, 0, 0, 1] = -2
    assert filter_mosaic(weights).pixels.tolist() == [[[128] * 3, [1] * 3]]


@pytest.mark.parametrize("shape", [(4, 2, 3, 3), (3, 3, 3), (0, 3, 3, 3)])
def test_what_cannot_be_seen_is_refused(shape):
    with pytest.raises(ParameterError, match=r"\(N, 3, h, w\)"):
        filter_mosaic(np.zeros(shape))
