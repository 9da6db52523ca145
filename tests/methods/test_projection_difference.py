"""Two projections compared, against the same pixel by pixel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twins.projections import slow_projection_difference

from zfwidgets.errors import ParameterError
from zfwidgets.methods import Projection, projection_difference


def projected(data: Any, side: int) -> Projection:
    height, width = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 5))
    top, left = data.draw(st.integers(1 - height, side - 1)), data.draw(st.integers(1 - width, side - 1))
    random = np.random.default_rng(data.draw(st.integers(0, 99)))
    pixels = random.normal(size=(3, height, width)).astype(np.float32) * data.draw(st.sampled_from([0.0, 0.01, 70.0]))
    return Projection(pixels, (top, left, height, width), 1.0, (0, 0), "conv1", 0, "deconvnet", "sum", (side, side))


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 6), st.data())
def test_it_is_what_its_definition_says(side: int, data: Any) -> None:
    mine, theirs = projected(data, side), projected(data, side)
    found = projection_difference(mine, theirs)
    pixels, cosine = slow_projection_difference(mine, theirs)
    np.testing.assert_allclose(found.pixels, pixels, rtol=0, atol=1e-6)
    np.testing.assert_allclose(found.cosine, cosine, rtol=0, atol=1e-5)


def test_inputs_of_two_sizes_are_refused() -> None:
    pixels = np.ones((3, 2, 2), np.float32)
    one, other = (
        Projection(pixels, (0, 0, 2, 2), 1.0, (0, 0), "conv1", 0, "deconvnet", "sum", (side, side)) for side in (4, 6)
    )
    with pytest.raises(ParameterError, match="inputs of 4 x 4 and 6 x 6 pixels"):
        projection_difference(one, other)
