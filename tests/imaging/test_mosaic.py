"""Mosaics: every tile is where the mosaic says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zfwidgets.errors import ParameterError
from zfwidgets.imaging import heat_picture, mosaic, square
from zfwidgets.imaging.growth import CELL, rows_picture


@given(
    count=st.integers(1, 12),
    height=st.integers(1, 5),
    width=st.integers(1, 5),
    columns=st.none() | st.integers(1, 15),
    gap=st.integers(0, 3),
    tiles=st.booleans(),
)
def test_every_tile_is_where_it_says(
    count: int, height: int, width: int, columns: int | None, gap: int, tiles: bool
) -> None:
    maps = np.random.default_rng(count).random((count, height, width))
    drawn = heat_picture(maps)
    grid = mosaic(drawn if tiles else maps, columns, gap)
    assert grid.pixels.flags.c_contiguous
    assert grid.rows * grid.columns >= count > (grid.rows - 1) * grid.columns
    seen = np.full(grid.pixels.shape[:2], -1)
    for index in range(count):
        top, left, tall, wide = grid.box(index)
        assert (tall, wide) == (height, width)
        np.testing.assert_array_equal(grid.pixels[top : top + tall, left : left + wide], drawn[index])
        seen[top : top + tall, left : left + wide] = index
    for y, x in np.ndindex(seen.shape):
        assert grid.at(x + 0.5, y + 0.5) == (None if seen[y, x] < 0 else seen[y, x])
    assert len(np.unique(grid.pixels[seen < 0], axis=0)) <= 1


def test_points_outside_hit_nothing() -> None:
    grid = mosaic(np.zeros((5, 4, 4)), columns=3)
    for x, y in ((-0.1, 0), (0, -0.1), (14, 0), (0, 9), (9, 100), (1e9, 1e9)):
        assert grid.at(x, y) is None
    assert grid.at(10, 5) is None  # the place of a sixth tile
    assert grid.at(5, 5) == 4


@pytest.mark.parametrize(("count", "columns"), [(1, 3), (3, 2), (4, 3), (7, 3)])
def test_places_left_over_are_clear(count: int, columns: int) -> None:
    grid = mosaic(np.zeros((count, 4, 5)), columns=columns, gap=2)
    opaque = grid.clear[..., 3] == 255
    np.testing.assert_array_equal(grid.clear[..., :3], grid.pixels)
    places = [(row, column) for row in range(grid.rows) for column in range(columns)]
    for place, (row, column) in enumerate(places):
        tile = opaque[6 * row : 6 * row + 4, 7 * column : 7 * column + 5]
        assert tile.all() if place < count else not tile.any()


def test_nothing_is_clear_where_nothing_is_left_over() -> None:
    grid = mosaic(np.zeros((6, 4, 5)), columns=3)
    assert grid.clear is grid.pixels
    few = square([np.zeros((7, 7, 3), np.uint8)] * 2, 9)
    assert (few.count, few.pixels.shape, few.at(17, 0)) == (2, (23, 23, 3), None)
    assert not few.clear[8:, :, 3].any() and few.clear[:7, :15, 3].all() and not few.clear[:, 15:, 3].any()


def test_the_shape_is_nearly_square() -> None:
    for count, height, width in ((96, 13, 13), (256, 6, 6), (64, 55, 55), (9, 20, 40)):
        tall, wide, _ = mosaic(np.zeros((count, height, width))).pixels.shape
        assert 0.6 < tall / wide < 1.7


def test_a_shared_range_compares_and_an_own_range_shows() -> None:
    maps = np.stack([np.linspace(0, 1, 4).reshape(2, 2), np.linspace(0, 10, 4).reshape(2, 2)])
    shared, own = mosaic(maps, 1, 0), mosaic(maps, 1, 0, shared=False)
    np.testing.assert_array_equal(shared.pixels[:2], heat_picture(maps[0], 0, 10))
    np.testing.assert_array_equal(own.pixels[:2], own.pixels[2:])
    np.testing.assert_array_equal(mosaic(maps, 1, 0, low=0, high=20).pixels[2:], heat_picture(maps[1], 0, 20))


def test_dead_and_broken_maps_are_drawn() -> None:
    maps = np.zeros((3, 2, 2))
    maps[1] = np.nan
    for shared in (True, False):
        assert mosaic(maps, shared=shared).pixels.dtype == np.uint8


@pytest.mark.parametrize(
    ("maps", "options", "words"),
    [
        (np.zeros((0, 4, 4)), {}, "at least one map"),
        (np.zeros((4, 4)), {}, r"must be \(N, h, w\)"),
        (np.zeros((2, 4, 4, 3)), {}, "uint8"),
        (np.zeros((2, 4, 4)), {"columns": 0}, "columns must be"),
        (np.zeros((2, 4, 4)), {"gap": -1}, "gap must be"),
        (np.zeros((2, 4, 4)), {"shared": False, "low": 0.0}, "no room for low and high"),
    ],
)
def test_parameters_are_checked(maps: np.ndarray, options: dict[str, object], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        mosaic(maps, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("index", [5, -1, 1.5])
def test_a_tile_that_does_not_exist(index: int) -> None:
    with pytest.raises(ParameterError, match="index must be"):
        mosaic(np.zeros((5, 4, 4))).box(index)


def test_cells_that_are_not_known_are_clear() -> None:
    known = np.full((CELL, CELL, 3), 7, np.uint8)
    rows = rows_picture([[known, None], [None, known]])
    assert rows.shape == (2 * CELL + 2, 2 * CELL + 2, 4)
    cells = [[rows[top : top + CELL, left : left + CELL] for left in (0, CELL + 2)] for top in (0, CELL + 2)]
    assert [[int(cell[..., 3].min()) for cell in row] for row in cells] == [[255, 0], [0, 255]]
    assert (cells[0][0][..., :3] == 7).all() and not cells[0][1][..., 3].any()
    assert rows_picture([[known], [known]]).shape == (2 * CELL + 2, CELL, 3)
