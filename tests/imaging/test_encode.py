"""Bytes: what a browser decodes is what was encoded."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from zfwidgets.errors import ParameterError
from zfwidgets.imaging import UNKNOWN, heat_indices, heat_palette, to_jpeg, to_palette_png, to_png


def decoded(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3), (5, 7, 4), (1, 1, 3)])
def test_png_is_exact(shape: tuple[int, ...]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    image = decoded(to_png(picture))
    assert image.format == "PNG"
    np.testing.assert_array_equal(np.asarray(image), picture)
    turned = picture.swapaxes(0, 1)  # not contiguous
    np.testing.assert_array_equal(np.asarray(decoded(to_png(turned))), turned)
    assert to_png(Image.fromarray(picture)) == to_png(picture)


def test_png_of_a_higher_level_is_smaller_and_as_exact() -> None:
    picture = np.add.outer(np.arange(200), np.arange(200)).astype(np.uint8)
    assert len(to_png(picture, level=9)) < len(to_png(picture))
    np.testing.assert_array_equal(np.asarray(decoded(to_png(picture, level=9))), picture)


@pytest.mark.parametrize("shape", [(64, 48), (64, 48, 3)])
def test_jpeg_is_close(shape: tuple[int, ...]) -> None:
    smooth = np.broadcast_to(np.linspace(0, 255, 48).reshape((1, 48, 1)[: len(shape)]), shape).astype(np.uint8)
    image = decoded(to_jpeg(smooth))
    assert image.format == "JPEG"
    assert np.abs(np.asarray(image).astype(int) - smooth).mean() < 2
    assert len(to_jpeg(smooth, quality=10)) < len(to_jpeg(smooth, quality=95))


def test_a_palette_png_is_exact_and_small() -> None:
    values = np.add.outer(np.arange(224.0), np.arange(224.0))
    indices = heat_indices(values)
    content = to_palette_png(indices, heat_palette())
    image = decoded(content)
    assert image.mode == "P"
    np.testing.assert_array_equal(np.asarray(image.convert("RGB")), heat_palette()[indices])
    assert len(content) < len(to_png(heat_palette()[indices]))


def test_a_palette_png_with_alpha() -> None:
    indices = heat_indices([[0.0, 1.0, np.nan]])
    alpha = np.full(256, 140, np.uint8)
    alpha[UNKNOWN] = 0
    seen = np.asarray(decoded(to_palette_png(indices, heat_palette(), alpha)).convert("RGBA"))
    assert seen[0, :, 3].tolist() == [140, 140, 0]
    np.testing.assert_array_equal(seen[0, :2, :3], heat_palette()[[0, 254]])


def test_a_short_palette() -> None:
    palette = np.array([[1, 2, 3], [200, 100, 0]], np.uint8)
    content = to_palette_png(np.array([[0, 1]], np.uint8), palette, np.array([255, 9], np.uint8))
    assert np.asarray(decoded(content).convert("RGBA")).tolist() == [[[1, 2, 3, 255], [200, 100, 0, 9]]]


@pytest.mark.parametrize(
    "picture",
    [np.zeros((4, 4, 3)), np.zeros((4, 4, 2), np.uint8), np.zeros((0, 4, 3), np.uint8), np.zeros(4, np.uint8)],
)
def test_what_is_no_picture_is_refused(picture: np.ndarray) -> None:
    for encode in (to_png, to_jpeg, lambda wrong: to_palette_png(wrong, heat_palette())):
        with pytest.raises(ParameterError, match="must be uint8"):
            encode(picture)


def test_parameters_are_checked() -> None:
    with pytest.raises(ParameterError, match="level must be from 1 to 9, not 10"):
        to_png(np.zeros((2, 2), np.uint8), level=10)
    indices, palette = np.array([[0, 2]], np.uint8), np.zeros((2, 3), np.uint8)
    with pytest.raises(ParameterError, match="each below 2, the number of colours"):
        to_palette_png(indices, palette)
    with pytest.raises(ParameterError, match="indices must be"):
        to_palette_png(np.zeros((2, 2, 3), np.uint8), palette)
    for wrong in (palette.astype(float), palette[:0], np.zeros((257, 3), np.uint8), palette[0]):
        with pytest.raises(ParameterError, match="palette must be"):
            to_palette_png(indices, wrong)
    with pytest.raises(ParameterError, match=r"alpha must be uint8 \(2,\)"):
        to_palette_png(np.zeros((1, 1), np.uint8), palette, np.zeros(3, np.uint8))
    with pytest.raises(ParameterError, match="grey or RGB, not RGBA"):
        to_jpeg(np.zeros((2, 2, 4), np.uint8))
    for quality in (0, 96, "best"):
        with pytest.raises(ParameterError, match="quality must be"):
            to_jpeg(np.zeros((2, 2), np.uint8), quality)  # type: ignore[arg-type]
