"""From a picture to a model's input: torchvision's pixels, an exact inverse, and points that stay on their spot."""

from __future__ import annotations

import dataclasses
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision import transforms
from torchvision.transforms import InterpolationMode

from zfwidgets.errors import ImageError, ParameterError
from zfwidgets.imaging import IMAGENET_MEAN, IMAGENET_STD, Preprocess

SIDES = st.integers(1, 300)


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    dice = np.random.default_rng(seed)
    return Image.fromarray(dice.integers(0, 256, (height, width, 3), dtype=np.uint8))


def twin(preprocess: Preprocess) -> transforms.Compose:
    """The same steps in torchvision."""
    return transforms.Compose(
        [
            transforms.Resize(preprocess.short_side, InterpolationMode(preprocess.interpolation), antialias=True),
            transforms.CenterCrop(preprocess.size),
            transforms.ToTensor(),
            transforms.Normalize(preprocess.mean, preprocess.std),
        ]
    )


@settings(max_examples=60)
@given(
    width=SIDES,
    height=SIDES,
    size=st.integers(1, 130),
    extra=st.none() | st.integers(0, 40),
    interpolation=st.sampled_from(["bilinear", "bicubic"]),
)
def test_equal_to_torchvision_bit_for_bit(
    width: int, height: int, size: int, extra: int | None, interpolation: str
) -> None:
    assume(max(width, height) <= 100 * min(width, height))
    resize = None if extra is None else size + extra
    preprocess = Preprocess(size, resize, mean=(0.3, 0.5, 0.1), std=(0.2, 0.7, 1.3), interpolation=interpolation)
    picture = noise(width, height, width)
    inputs = preprocess(picture)
    assert inputs.dtype == torch.float32
    assert inputs.is_contiguous()
    assert torch.equal(inputs, twin(preprocess)(picture))


@pytest.mark.parametrize(
    "size", [(500, 375), (375, 500), (224, 224), (64, 64), (1, 1), (1, 100), (333, 257), (3000, 40)]
)
def test_the_default_is_imagenet_s(size: tuple[int, int]) -> None:
    preprocess = Preprocess()
    assert preprocess.short_side == 256
    assert (preprocess.mean, preprocess.std) == (IMAGENET_MEAN, IMAGENET_STD)
    assert torch.equal(preprocess(noise(*size)), twin(preprocess)(noise(*size)))


def test_whatever_the_front_door_takes() -> None:
    picture = noise(40, 30)
    preprocess = Preprocess(16)
    for source in (picture, np.asarray(picture), np.asarray(picture) / 255.0):
        assert torch.equal(preprocess(source), preprocess(picture))
    assert preprocess(picture.convert("RGBA")).shape == (3, 16, 16)
    with pytest.raises(ImageError, match="model input"):
        preprocess(torch.zeros(3, 16, 16))  # type: ignore[arg-type]


def test_the_crop_is_what_the_network_sees() -> None:
    picture = noise(90, 60)
    before = picture.tobytes()
    preprocess = Preprocess(32)
    crop = preprocess.crop(picture)
    assert (crop.mode, crop.size) == ("RGB", (32, 32))
    np.testing.assert_array_equal(preprocess.inverse(preprocess(picture)), np.asarray(crop))
    assert picture.tobytes() == before


@settings(max_examples=40)
@given(
    mean=st.tuples(*[st.floats(-1, 1)] * 3),
    std=st.tuples(*[st.floats(0.01, 5)] * 3),
    seed=st.integers(0, 9),
)
def test_the_inverse_gives_every_level_back(
    mean: tuple[float, float, float], std: tuple[float, float, float], seed: int
) -> None:
    preprocess = Preprocess(16, 16, mean=mean, std=std)
    picture = noise(16, 16, seed)
    np.testing.assert_array_equal(preprocess.inverse(preprocess(picture)), np.asarray(picture))


def test_the_inverse_of_batches_and_of_impossible_numbers() -> None:
    preprocess = Preprocess(8, mean=(0, 0, 0), std=(1, 1, 1))
    inputs = torch.tensor([-5.0, 2.0, float("nan"), float("inf"), -float("inf"), 0.5]).reshape(1, 1, 2, 3)
    picture = preprocess.inverse(inputs.expand(4, 3, 2, 3).requires_grad_(True))
    assert picture.shape == (4, 2, 3, 3)
    assert picture.dtype == np.uint8
    assert picture.flags.c_contiguous
    assert picture[2, :, :, 1].ravel().tolist() == [0, 255, 0, 255, 0, 128]
    for shape in ((3,), (4, 8, 8), (2, 2, 3, 8, 8)):
        with pytest.raises(ParameterError, match=r"must be \(3, H, W\) or \(N, 3, H, W\)"):
            preprocess.inverse(torch.zeros(shape))


def test_normalise_and_colour_agree_with_the_picture() -> None:
    preprocess = Preprocess(8)
    inputs = preprocess(Image.new("RGB", (9, 9), (255, 0, 51)))
    assert torch.equal(preprocess.colour((1, 0, 0.2)).expand(3, 8, 8), inputs)
    pixels = torch.rand(5, 2, 3, 4, 6, dtype=torch.float64)
    expected = (pixels - torch.tensor(IMAGENET_MEAN).double().view(3, 1, 1)) / torch.tensor(IMAGENET_STD).view(3, 1, 1)
    torch.testing.assert_close(preprocess.normalise(pixels), expected, rtol=1e-6, atol=1e-6)
    assert preprocess.normalise(pixels).dtype == torch.float64
    for wrong in ((1, 2, 0), (0.1, 0.2), (0, 0, float("nan")), (-0.1, 0, 0)):
        with pytest.raises(ParameterError, match=r"a colour must be (three|3 finite) numbers"):
            preprocess.colour(wrong)  # type: ignore[arg-type]


@settings(max_examples=60)
@given(data=st.data(), width=st.integers(30, 260), height=st.integers(30, 260), size=st.integers(8, 100))
def test_a_dot_in_the_picture_is_found_in_the_input(data: st.DataObject, width: int, height: int, size: int) -> None:
    preprocess = Preprocess(size)
    # A dot that is some pixels wide in the input, at a place that the crop keeps.
    radius = max(1, round(1.5 * min(width, height) / preprocess.short_side))
    x = data.draw(st.integers(radius, width - radius))
    y = data.draw(st.integers(radius, height - radius))
    inside = preprocess.to_input(x, y, (width, height))
    margin = 2 + 2 * radius * preprocess.short_side / min(width, height)
    assume(all(margin <= place <= size - margin for place in inside))
    picture = np.zeros((height, width, 3), np.uint8)
    picture[y - radius : y + radius, x - radius : x + radius] = 255
    seen = np.asarray(preprocess.crop(picture))[..., 0].astype(float)
    middles = np.arange(size) + 0.5
    found = (seen.sum(axis=0) @ middles / seen.sum(), seen.sum(axis=1) @ middles / seen.sum())
    assert found == pytest.approx(inside, abs=0.1)


@given(width=SIDES, height=SIDES, size=st.integers(1, 300), x=st.floats(-10, 400), y=st.floats(-10, 400))
def test_the_maps_are_inverse_to_each_other(width: int, height: int, size: int, x: float, y: float) -> None:
    assume(max(width, height) <= 100 * min(width, height))
    preprocess = Preprocess(size)
    there = preprocess.to_input(x, y, picture_size=(width, height))
    assert preprocess.to_picture(*there, picture_size=(width, height)) == pytest.approx((x, y), abs=1e-6, rel=1e-9)


def test_the_corners_of_the_input_lie_in_the_picture() -> None:
    preprocess = Preprocess(size=224)
    for size in ((500, 375), (64, 64), (1000, 333)):
        for corner in ((0, 0), (224, 224), (0, 224)):
            x, y = preprocess.to_picture(*corner, picture_size=size)
            assert 0 <= x <= size[0]
            assert 0 <= y <= size[1]


@pytest.mark.parametrize("size", [(1, 5000), (5000, 1), (1, 101)])
def test_a_strip_is_refused(size: tuple[int, int]) -> None:
    preprocess = Preprocess(96)
    for call in (lambda: preprocess(Image.new("RGB", size)), lambda: preprocess.to_input(0, 0, picture_size=size)):
        with pytest.raises(ImageError, match=r"too long for a square crop .* cut out the part"):
            call()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"size": 0}, "size must be a whole number of at least 1, not 0"),
        ({"size": -3}, "size must be"),
        ({"size": 224.0}, "size must be"),
        ({"size": "224"}, "size must be"),
        ({"size": True}, "size must be"),
        ({"size": (224, 224)}, "size must be"),
        ({"size": 100, "resize": 99}, "resize must be a whole number of at least 100, not 99"),
        ({"mean": (0, 0)}, "mean must be 3 finite numbers"),
        ({"mean": 0.5}, "mean must be"),
        ({"mean": (0, 0, float("nan"))}, "mean must be"),
        ({"std": (1, 0, 1)}, "std must be three positive numbers"),
        ({"std": ("a", "b", "c")}, "std must be"),
        ({"interpolation": "nearest"}, "interpolation must be 'bilinear' or 'bicubic', not 'nearest'"),
        ({"interpolation": ["bilinear"]}, "interpolation must be"),
    ],
)
def test_parameters_are_checked(options: dict[str, object], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        Preprocess(**options)  # type: ignore[arg-type]


def test_it_is_a_value() -> None:
    from_json = Preprocess(size=96, mean=[0.5, 0.5, 0.5], std=[0.5, 0.5, 0.5])  # type: ignore[arg-type]
    plain = Preprocess(96, None, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    assert from_json == plain
    assert hash(from_json) == hash(plain)
    assert pickle.loads(pickle.dumps(plain)) == plain
    assert Preprocess(**dataclasses.asdict(plain)) == plain
    assert dataclasses.replace(Preprocess(), size=96).short_side == 110
    with pytest.raises(dataclasses.FrozenInstanceError):
        plain.size = 3  # type: ignore[misc]


def test_reading_pictures_waits_neither_for_torch_nor_for_matplotlib() -> None:
    code = (
        "import sys, numpy, zfwidgets.imaging as i; i.as_image(numpy.zeros((9, 9))); i.Preprocess();"
        "i.to_png(i.signed_picture(numpy.zeros((3, 4, 4))));"
        "print([name for name in ('torch', 'matplotlib', 'torchvision') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert (run.stdout.strip(), run.stderr) == ("[]", "")
