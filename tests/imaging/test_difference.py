"""Differences as pictures."""

from __future__ import annotations

import numpy as np
import pytest

from zfwidgets.errors import ParameterError
from zfwidgets.imaging import difference_picture


def test_zero_is_white_and_both_signs_lie_equally_far_from_it() -> None:
    values = np.linspace(-2, 2, 9)[None]
    drawn = difference_picture(values, limit=1.0)[0].astype(int)
    assert drawn[4].tolist() == [247, 246, 246]
    np.testing.assert_array_equal(drawn[0], drawn[2])  # beyond the limit: full colour
    assert (drawn[:4, 2] > drawn[:4, 0]).all() and (drawn[5:, 0] > drawn[5:, 2]).all()
    steps = np.abs(difference_picture(np.linspace(-1, 1, 255)[None], 1.0)[0].astype(int) - 247).sum(1)
    assert (np.diff(steps[:128]) <= 3).all() and (np.diff(steps[127:]) >= -3).all()


def test_a_place_without_a_value_is_grey() -> None:
    assert difference_picture([[np.nan]], 1.0).tolist() == [[[160, 160, 160]]]


@pytest.mark.parametrize("limit", [0.0, -1.0, float("nan"), float("inf")])
def test_impossible_limits(limit: float) -> None:
    with pytest.raises(ParameterError, match="limit must be a positive number"):
        difference_picture([[0.0]], limit)
