"""Two occlusion maps of one picture compared, against the same cell by cell."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twins.difference import slow_difference

from zfwidgets.errors import ParameterError
from zfwidgets.imaging import Crossing, Preprocess
from zfwidgets.methods import OcclusionMap, map_difference

SIDES = st.tuples(st.integers(8, 40), st.integers(0, 12)).map(lambda two: Preprocess(size=two[0], resize=sum(two)))


def swept(side: int, size: int, stride: int) -> OcclusionMap:
    """What the difference reads of a map: where its squares are."""
    starts = np.arange(0, side - size + 1, stride)
    known = np.ones((len(starts), len(starts)), bool)
    return cast(OcclusionMap, SimpleNamespace(rows=starts, columns=starts, size=size, stride=stride, known=known))


@settings(max_examples=60, deadline=None)
@given(SIDES, SIDES, st.data())
def test_it_is_what_its_definition_says(mine: Preprocess, theirs: Preprocess, data: Any) -> None:
    picture = data.draw(st.tuples(st.integers(10, 90), st.integers(10, 90)), label="picture")
    crossing = Crossing(mine, theirs, picture)
    maps = []
    for preprocess in (mine, theirs):
        size = data.draw(st.integers(1, preprocess.size // 2), label="size")
        maps.append(swept(preprocess.size, size, data.draw(st.integers(1, 7), label="stride")))
    random = np.random.default_rng(data.draw(st.integers(0, 99), label="seed"))
    values = (random.normal(size=maps[0].known.shape), random.normal(size=maps[1].known.shape))
    found = map_difference(maps[0], maps[1], values, crossing)
    expected = slow_difference(maps[0], maps[1], values, crossing)
    np.testing.assert_array_equal(np.isnan(found.values), np.isnan(expected))
    np.testing.assert_allclose(found.values, expected, rtol=0, atol=1e-12)
    assert 0 <= found.apart <= maps[1].stride / 2 / crossing.scale + 1e-5
    if (place := found.largest) is None:
        assert np.isnan(expected).all()
    else:
        assert abs(found.values[place]) == np.nanmax(np.abs(expected))


def test_the_same_input_compares_the_same_squares() -> None:
    both = swept(24, 8, 4)
    values = np.arange(25.0).reshape(5, 5)
    crossing = Crossing(Preprocess(size=24, resize=24), Preprocess(size=24, resize=24), (300, 200))
    found = map_difference(both, both, (values, 2 * values), crossing)
    np.testing.assert_array_equal(found.values, values)
    assert found.apart == 0 and found.largest == (4, 4)


def test_values_of_other_maps_are_refused() -> None:
    both, crossing = swept(24, 8, 4), Crossing(Preprocess(size=24), Preprocess(size=24), (24, 24))
    with pytest.raises(ParameterError, match="pass values of these maps"):
        map_difference(both, both, (np.zeros((5, 5)), np.zeros((5, 4))), crossing)


@settings(max_examples=60, deadline=None)
@given(SIDES, SIDES, st.tuples(st.integers(10, 200), st.integers(10, 200)), st.floats(0, 40), st.floats(0, 40))
def test_a_place_crosses_over_and_back(
    mine: Preprocess, theirs: Preprocess, picture: tuple[int, int], x: float, y: float
) -> None:
    crossing = Crossing(mine, theirs, picture)
    np.testing.assert_allclose(crossing.back(*crossing.there(x, y)), (x, y), rtol=0, atol=1e-9)
    assert 1 <= crossing.length(5) <= theirs.size
