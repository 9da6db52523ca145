"""Arrays as pictures: every layout and type is either understood in one way or refused in one sentence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zfwidgets.errors import ImageError
from zfwidgets.imaging import as_image

LEVELS = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3) * 2


def pixels(array: np.ndarray) -> np.ndarray:
    return np.asarray(as_image(array))


@pytest.mark.parametrize(
    "array",
    [LEVELS[..., 0], LEVELS[..., :1], LEVELS[..., 0][None], np.asfortranarray(LEVELS[..., 0]), LEVELS[::-1, ::-1, 0]],
    ids=["HxW", "HxWx1", "1xHxW", "fortran", "reversed"],
)
def test_grey_layouts(array: np.ndarray) -> None:
    plain = array.reshape(5, 7)
    np.testing.assert_array_equal(pixels(array), plain[..., None].repeat(3, axis=2))


def test_colour_layouts() -> None:
    np.testing.assert_array_equal(pixels(LEVELS), LEVELS)
    np.testing.assert_array_equal(pixels(LEVELS.transpose(2, 0, 1)), LEVELS)
    opaque = np.concatenate([LEVELS, np.full((5, 7, 1), 255, np.uint8)], axis=2)
    np.testing.assert_array_equal(pixels(opaque), LEVELS)
    np.testing.assert_array_equal(pixels(opaque.transpose(2, 0, 1)), LEVELS)
    assert as_image(np.where([True, True, True, False], opaque, 0).astype(np.uint8)).getpixel((0, 0)) == (255,) * 3


@pytest.mark.parametrize("shape", [(3, 8, 3), (1, 8, 3), (4, 5, 3), (3, 3, 3), (1, 1, 1), (3, 9, 1)])
def test_ambiguous_layouts_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ImageError, match=r"as \(H, W, C\) and as \(C, H, W\); pass PIL"):
        as_image(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("shape", [(5,), (), (2, 5, 7, 3), (1, 3, 8, 8)])
def test_another_number_of_axes_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ImageError, match=r"pass one picture, \(H, W\) or \(H, W, 3\)"):
        as_image(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("shape", [(5, 7, 2), (2, 7, 5), (5, 7, 8)])
def test_another_number_of_channels_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ImageError, match="no axis of 1, 3 or 4 channels"):
        as_image(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("shape", [(0,), (0, 5), (5, 0, 3), (5, 7, 0)])
def test_an_empty_array_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ImageError, match="is empty, shape"):
        as_image(np.zeros(shape))


@pytest.mark.parametrize(
    ("values", "levels"),
    [
        (np.array([[0, 127, 255]], np.uint8), [0, 127, 255]),
        (np.array([[0, 257, 32768, 65535]], np.uint16), [0, 1, 128, 255]),
        (np.array([[0, 257, 32768, 65535]], ">u2"), [0, 1, 128, 255]),
        (np.array([[False, True]]), [0, 255]),
        (np.array([[0, 0.5, 1]], np.float16), [0, 128, 255]),
        (np.array([[0, 0.5, 1]], np.float32), [0, 128, 255]),
        (np.array([[0, 0.5, 1]], ">f8"), [0, 128, 255]),
        (np.array([[0, 0.5, 1]], np.longdouble), [0, 128, 255]),
        (np.array([[0, 1 + 1e-6, -1e-6]], np.float32), [0, 255, 0]),
    ],
)
def test_types_with_a_known_white(values: np.ndarray, levels: list[int]) -> None:
    assert pixels(values)[0, :, 0].tolist() == levels


@pytest.mark.parametrize(
    "kind", ["int8", "int16", "int32", "int64", "uint32", "uint64", "complex64", "O", "U3", "M8[s]"]
)
def test_types_without_a_known_white_are_refused(kind: str) -> None:
    with pytest.raises(ImageError, match=r"numbers of type .*; pass uint8, uint16, bool or float in \[0, 1\]"):
        as_image(np.zeros((4, 5), dtype=kind))


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_not_a_number_is_refused(wrong: float, kind: type) -> None:
    array = np.full((6, 5, 3), 0.5, kind)
    array[2, 3, 1] = wrong
    with pytest.raises(ImageError, match="NaN or infinite"):
        as_image(array)


@pytest.mark.parametrize(("low", "high"), [(0, 255), (-1, 1), (0, 1.01), (-0.1, 0.5)])
def test_floats_of_another_range_are_refused(low: float, high: float) -> None:
    with pytest.raises(ImageError, match=rf"floats from {low:g} to {high:g}; scale them to \[0, 1\] or pass uint8"):
        as_image(np.linspace(low, high, 12).reshape(3, 4))


def test_the_name_and_the_limit_hold_for_arrays_too() -> None:
    with pytest.raises(ImageError, match=r"'frame 7' is empty"):
        as_image(np.zeros((0, 5)), name="frame 7")
    with pytest.raises(ImageError, match="more than the 20 read here"):
        as_image(np.zeros((5, 7), np.uint8), max_pixels=20)


@given(
    height=st.integers(5, 12),
    width=st.integers(5, 12),
    kind=st.sampled_from([np.uint8, np.uint16, np.bool_, np.float32]),
    layout=st.sampled_from(["HW", "HWC", "CHW"]),
    seed=st.integers(0, 99),
)
def test_all_layouts_of_the_same_numbers_are_one_picture(
    height: int, width: int, kind: type, layout: str, seed: int
) -> None:
    shares = np.random.default_rng(seed).random((height, width, 3))
    if layout == "HW":
        shares = shares[..., :1].repeat(3, axis=2)
    white = {np.uint8: 255, np.uint16: 65535, np.bool_: 1, np.float32: 1}[kind]
    array = (shares * white).astype(kind) if kind is not np.bool_ else shares > 0.5
    given_array = {"HW": array[..., 0], "HWC": array, "CHW": array.transpose(2, 0, 1)}[layout]
    kept = given_array.copy()
    image = as_image(given_array)
    assert image.size == (width, height)
    expected = np.rint(array.astype(np.float64) * (255 / white))
    assert np.abs(np.asarray(image) - expected).max() <= (1 if kind is np.float32 else 0)
    image.paste((1, 2, 3), (0, 0, 3, 3))
    np.testing.assert_array_equal(given_array, kept)
