"""Numbers as pictures: against twins that draw one pixel at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from matplotlib import colormaps
from twins.imaging import index_of, placed, signed_level

from zfwidgets.errors import ParameterError
from zfwidgets.imaging import (
    UNKNOWN,
    enlarge,
    heat_indices,
    heat_palette,
    heat_picture,
    overlay,
    place_cells,
    signed_picture,
)

NUMBERS = st.floats(-1e6, 1e6, allow_subnormal=False)
MAPS = arrays.arrays(
    np.float64, arrays.array_shapes(min_dims=2, max_dims=2, max_side=6), elements=NUMBERS | st.just(np.nan)
)


def test_the_palette_is_viridis_and_a_grey() -> None:
    palette = heat_palette()
    assert (palette.shape, palette.dtype) == ((256, 3), np.uint8)
    viridis = colormaps["viridis"](np.linspace(0, 1, 255), bytes=True)[:, :3].astype(int)
    assert np.abs(palette[:255] - viridis).max() <= 1
    # Lightness never falls: the map reads the same in print.
    lightness = palette[:255] @ [0.2126, 0.7152, 0.0722]
    assert np.all(np.diff(lightness) > -0.5)
    assert np.ptp(palette[UNKNOWN]) == 0
    assert np.abs(palette[:255].astype(int) - palette[UNKNOWN]).sum(axis=1).min() > 60
    with pytest.raises(ValueError, match="read-only"):
        palette[0] = 0


@given(values=MAPS, low=st.none() | st.floats(-1e3, 0), high=st.none() | st.floats(0, 1e3))
def test_heat_indices_equal_the_twin(values: np.ndarray, low: float | None, high: float | None) -> None:
    kept = values.copy()
    indices = heat_indices(values, low, high)
    np.testing.assert_array_equal(values, kept)
    known = values[~np.isnan(values)]
    bottom = low if low is not None else known.min(initial=np.inf)
    top = high if high is not None else known.max(initial=-np.inf)
    # A bound that was given wins over the map's own extreme on its far side.
    bottom, top = (min(bottom, top), top) if low is None else (bottom, max(bottom, top))
    expected = np.array([[index_of(value, bottom, top) for value in row] for row in values])
    # One step of 255 where the two round a half differently.
    assert np.abs(indices.astype(int) - expected).max() <= 1
    np.testing.assert_array_equal(indices == UNKNOWN, np.isnan(values))
    np.testing.assert_array_equal(heat_picture(values, low, high), heat_palette()[indices])


@pytest.mark.parametrize("value", [0.0, -3.5, 1e300, 5e-324])
def test_a_constant_map_has_the_middle_colour(value: float) -> None:
    assert set(heat_indices(np.full((3, 4), value)).ravel()) == {127}
    assert heat_indices(value).tolist() == 127
    assert heat_picture([[value]]).shape == (1, 1, 3)


def test_a_given_range_is_kept() -> None:
    assert heat_indices([[0.5, 0.5]], 0, 1).tolist() == [[127, 127]]
    assert heat_indices([[-1, 0, 1, 2]], 0, 1).tolist() == [[0, 0, 254, 254]]
    assert heat_indices([[np.inf, -np.inf, np.nan, 3, 4]]).tolist() == [[254, 0, UNKNOWN, 0, 254]]
    assert heat_indices([[-1.7e308, 0, 1.7e308]]).tolist() == [[0, 127, 254]]
    assert heat_indices(np.full((2, 2), np.nan)).tolist() == [[UNKNOWN] * 2] * 2
    assert heat_indices(np.zeros((0, 3))).shape == (0, 3)


@pytest.mark.parametrize(("low", "high"), [(np.nan, 1), (0, np.inf), (2, 1)])
def test_a_range_that_is_none_is_refused(low: float, high: float) -> None:
    with pytest.raises(ParameterError, match="The range of a map must"):
        heat_indices([[0.5]], low, high)


@given(
    pixels=arrays.arrays(np.float32, (3, 2, 3), elements=st.floats(-100, 100, width=32) | st.just(np.nan)),
    limit=st.none() | st.floats(0.01, 1000),
)
def test_signed_pixels_equal_the_twin_and_are_symmetric(pixels: np.ndarray, limit: float | None) -> None:
    drawn = signed_picture(pixels, limit)
    most = limit or np.abs(np.nan_to_num(pixels)).max() or 1.0
    expected = [[[signed_level(float(pixels[c, y, x]), most) for c in range(3)] for x in range(3)] for y in range(2)]
    assert np.abs(drawn - np.array(expected)).max() <= 1
    np.testing.assert_array_equal(drawn.astype(int) - 128, 128 - signed_picture(-pixels, limit).astype(int))
    assert np.all(drawn[np.moveaxis(pixels, 0, -1) == 0] == 128)
    assert drawn.min() >= 1


def test_signed_pixels_at_their_bounds() -> None:
    assert np.all(signed_picture(np.zeros((3, 2, 2))) == 128)
    assert signed_picture(np.full((3, 1, 1), np.inf)).ravel().tolist() == [255] * 3
    assert signed_picture(np.full((3, 1, 1), -7)).ravel().tolist() == [1] * 3
    assert signed_picture(np.zeros((3, 0, 0))).shape == (0, 0, 3)
    for wrong in (0, -1, np.nan, np.inf):
        with pytest.raises(ParameterError, match="limit must be a positive number"):
            signed_picture(np.zeros((3, 2, 2)), wrong)
    with pytest.raises(ParameterError, match=r"shape \(3, h, w\), not \(2, 2, 3\)"):
        signed_picture(np.zeros((2, 2, 3)))


@given(opacity=st.floats(0, 1), seed=st.integers(0, 9))
def test_an_overlay_lies_between_its_pictures(opacity: float, seed: int) -> None:
    base, top = np.random.default_rng(seed).integers(0, 256, (2, 4, 5, 3), dtype=np.uint8)
    mixed = overlay(base, top, opacity)
    assert mixed.dtype == np.uint8
    assert np.abs(mixed - (base * (1 - opacity) + top * opacity)).max() <= 0.5 + 1e-9
    np.testing.assert_array_equal(overlay(base, top, 0), base)
    np.testing.assert_array_equal(overlay(base, top, 1), top)
    each = np.where(np.arange(5) < 2, 0.0, opacity) * np.ones((4, 1))
    np.testing.assert_array_equal(overlay(base, top, each)[:, :2], base[:, :2])
    np.testing.assert_array_equal(overlay(base, top, each)[:, 2:], mixed[:, 2:])


def test_an_overlay_checks_what_it_gets() -> None:
    base = np.zeros((4, 5, 3), np.uint8)
    with pytest.raises(ParameterError, match="of one size"):
        overlay(base, base[:3], 0.5)
    for wrong in (-0.1, 1.1, np.nan, "half", True):
        with pytest.raises(ParameterError, match="opacity must be a number from 0 to 1"):
            overlay(base, base, wrong)  # type: ignore[arg-type]
    for array in (np.zeros((5, 4)), np.full((4, 5), 2.0), np.full((4, 5), np.nan)):
        with pytest.raises(ParameterError, match="opacity must be numbers from 0 to 1"):
            overlay(base, base, array)


@pytest.mark.parametrize(
    ("side", "target", "factor"), [(96, 320, 3), (96, 96, 1), (96, 50, 1), (13, 320, 24), (1, 7, 7)]
)
def test_enlarging_by_whole_factors(side: int, target: int, factor: int) -> None:
    small = np.random.default_rng(0).integers(0, 256, (side, side - side // 3, 3), dtype=np.uint8)
    large = enlarge(small, target)
    assert large.shape == (side * factor, (side - side // 3) * factor, 3)
    for y, x in ((0, 0), (factor - 1, factor - 1)):
        np.testing.assert_array_equal(large[y::factor, x::factor], small)
    assert enlarge(small[..., 0], target).ndim == 2
    assert enlarge(small[:0, :0], target).shape == (0, 0, 3)
    with pytest.raises(ParameterError, match="target must be"):
        enlarge(small, 0)


@settings(max_examples=60)
@given(data=st.data(), height=st.integers(4, 24), width=st.integers(4, 24), stride=st.integers(1, 9))
def test_cells_lie_at_the_occluder_s_centre_to_the_pixel(
    data: st.DataObject, height: int, width: int, stride: int
) -> None:
    size = data.draw(st.integers(1, min(height, width)))
    # As a sweep places them: every step that fits, and one more at the border.
    rows = sorted({*range(0, height - size + 1, stride), height - size})
    columns = sorted({*range(0, width - size + 1, stride), width - size})
    values = np.arange(len(rows) * len(columns), dtype=float).reshape(len(rows), len(columns))
    field = place_cells(values, rows, columns, size, (height, width))
    np.testing.assert_array_equal(field, placed(values, rows, columns, size, height, width))
    for i, top in enumerate(rows):
        for j, left in enumerate(columns):
            assert field[top + size // 2, left + size // 2] == values[i, j]


def test_one_cell_covers_its_occluder() -> None:
    field = place_cells([[7.0]], [2], [3], 4, (10, 10))
    expected = np.full((10, 10), np.nan)
    expected[2:6, 3:7] = 7
    np.testing.assert_array_equal(field, expected)


def test_cells_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"shape \(2, 3\) do not belong to 2 rows and 2 columns"):
        place_cells(np.zeros((2, 3)), [0, 1], [0, 1], 2, (8, 8))
    with pytest.raises(ParameterError, match="do not belong"):
        place_cells(np.zeros((0, 0)), [], [], 2, (8, 8))
    with pytest.raises(ParameterError, match="must ascend"):
        place_cells(np.zeros((2, 1)), [4, 4], [0], 2, (8, 8))
