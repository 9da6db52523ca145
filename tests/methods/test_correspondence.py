"""Correspondence: the slow twin, pictures and their squares, faces of the scenes world, and what is refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import nn
from twins.correspondence import slow_correspondence, slow_square

from zfwidgets.data import frontal_faces
from zfwidgets.errors import Cancelled, NetworkError, ParameterError, UnknownNameError, ZfwidgetsError
from zfwidgets.imaging import Preprocess
from zfwidgets.methods.correspondence import Correspondence, correspondence
from zfwidgets.methods.correspondence.placing import aligned, corner, default_layers, default_size
from zfwidgets.models import load_network
from zfwidgets.network import Network

SIDE = 16
DEPTHS = {"conv1": 2, "conv2": 5, "fc3": 8}
"""Layers of the small network, and how many of its modules give them."""


@pytest.fixture(scope="module")
def whole() -> Network:
    """Whose weights are whole numbers, so that every way to compute it gives the same to the bit."""
    torch.manual_seed(3)
    module = nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 6, 2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(6 * 64, 10),
        nn.ReLU(),
        nn.Linear(10, 3),
    )
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randint(-2, 3, parameter.shape))
    return Network(module, preprocess=Preprocess(SIDE, SIDE, (0, 0, 0), (1, 1, 1)), device="cpu")


@st.composite
def comparisons(draw: st.DrawFn) -> dict[str, Any]:
    """Pictures with parts, of which some may be missing, and how to compare them."""
    count = draw(st.integers(2, 4))
    parts = draw(st.sampled_from([["nose"], ["left eye", "nose"]]))
    point = st.tuples(st.floats(0, SIDE), st.floats(0, SIDE))
    marks = [{part: draw(point) for part in parts} for _ in range(count)]
    for one in marks[2:]:
        if draw(st.booleans()):
            one.pop(parts[-1])
    return {
        "pictures": torch.randint(-2, 3, (count, 3, SIDE, SIDE), generator=_dice(draw(st.integers(0, 999)))).float(),
        "marks": marks,
        "size": draw(st.integers(1, SIDE)),
        "pool": draw(st.sampled_from([None, 1, 3, 20])),
        "places": draw(st.integers(1, 3)),
        "batch": draw(st.sampled_from([None, 1, 3])),
    }


def _dice(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@settings(max_examples=15)
@given(comparisons())
def test_it_equals_its_slow_twin(whole: Network, one: dict[str, Any]) -> None:
    pictures, marks, size = one["pictures"], one["marks"], one["size"]
    d = correspondence(
        whole,
        list(pictures),
        marks,
        size,
        layers=list(DEPTHS),
        align=False,
        pool=one["pool"],
        fill="black",
        places=one["places"],
        batch_size=one["batch"],
    )
    corners: list[dict[str, Any]] = [
        {part: [slow_square(xy, size, SIDE)] for part, xy in mine.items()} for mine in marks
    ]
    for number, mine in enumerate(corners):
        for row, part in enumerate(d.places):
            if part in mine:
                assert tuple(d.squares[number, row]) in mine[part]
        mine["random"] = [tuple(square) for square in d.squares[number, -one["places"] :].tolist()]
    for layer, depth in DEPTHS.items():
        wanted = slow_correspondence(whole.module, depth, list(pictures), corners, size, one["pool"], 0.0)  # type: ignore[arg-type]
        for part, (mean, std) in wanted.items():
            assert d.delta[layer][part].mean == pytest.approx(mean, abs=1e-7)
            assert d.delta[layer][part].std == pytest.approx(std, abs=1e-6)


def test_the_result_is_whole_and_the_network_as_it_was(whole: Network) -> None:
    before = {name: tensor.clone() for name, tensor in whole.module.state_dict().items()}
    pictures = torch.randint(-2, 3, (3, 3, SIDE, SIDE)).float()
    kept = pictures.clone()
    marks = [{"nose": (8.0, 8.0)}] * 3
    heard: list[Correspondence] = []
    whole.module.train()
    d = correspondence(whole, pictures, marks, 5, ["conv2"], False, batch_size=4, on_partial=heard.append)
    assert whole.module.training
    whole.module.eval()
    assert torch.equal(pictures, kept)
    assert all(torch.equal(before[name], tensor) for name, tensor in whole.module.state_dict().items())
    assert (d.parts, d.places, d.complete, d.count) == (("nose", "random"), ("nose", *["random"] * 10), True, 3)
    assert d.distances["conv2"].shape == (11, 3, 3) and d.seen.shape == (3, SIDE, SIDE, 3)
    assert np.array_equal(d.distances["conv2"], d.distances["conv2"].swapaxes(1, 2), equal_nan=True)
    assert ((d.squares >= 0) & (d.squares <= SIDE - 5)).all()
    assert [partial.count for partial in heard] == [2] and not heard[0].complete
    assert np.array_equal(heard[0].pairs("conv2", "random"), d.pairs("conv2", "random")[:, :1])
    again = correspondence(whole, pictures, marks, 5, ["conv2"], False)
    assert np.array_equal(again.distances["conv2"], d.distances["conv2"], equal_nan=True)
    other = correspondence(whole, pictures, marks, 5, ["conv2"], False, seed=1)
    assert not np.array_equal(other.squares[:, 1:], d.squares[:, 1:])


def test_equal_pictures_change_alike_and_nothing_hidden_changes_nothing(whole: Network) -> None:
    picture = torch.randint(-2, 3, (3, SIDE, SIDE)).float()
    picture[:, 3:8, 3:8] = 0
    marks = [{"grey": (5.5, 5.5), "corner": (14.0, 14.0)}] * 2
    d = correspondence(whole, [picture, picture], marks, 5, ["conv1", "fc3"], False, fill="black")
    for layer in d.layers:
        assert d.delta[layer]["grey"] == (0, 0) and d.delta[layer]["corner"] == (0, 0)
    other = -picture
    d = correspondence(whole, [picture, other], marks, 5, ["conv1", "fc3"], False, fill="black")
    assert d.delta["conv1"]["grey"] == (0, 0) and d.delta["conv1"]["corner"].mean > 0


def test_intervals_hold_the_mean_and_shrink_with_more_pictures() -> None:
    dice = np.random.default_rng(0)

    def made(count: int) -> Correspondence:
        strength = dice.uniform(0, 1, count)
        pairs = ((strength[:, None] + strength) / 2)[None].repeat(2, 0).astype(np.float32)
        pairs[:, range(count), range(count)] = np.nan
        squares, seen = np.zeros((count, 2, 2), np.int64), np.zeros((count, 4, 4, 3), np.uint8)
        return Correspondence(("a",), ("nose", "random"), {"a": pairs}, squares, 1, None, seen, count)

    few, many = made(6), made(60)
    widths = []
    for d in (few, many):
        low, high = d.interval("a", "nose")
        assert low <= d.delta["a"]["nose"].mean <= high
        widths.append(high - low)
    assert widths[1] < widths[0] / 2
    narrow = many.interval("a", "nose", level=0.5)
    assert narrow[1] - narrow[0] < widths[1]
    assert all(map(math.isnan, made(2).interval("a", "nose")))
    for level in (0, 1, math.nan, 95):
        with pytest.raises(ParameterError, match="for example 0"):
            few.interval("a", "nose", level=level)
    with pytest.raises(UnknownNameError, match="no part 'nsoe'"):
        few.interval("a", "nsoe")
    with pytest.raises(UnknownNameError, match="no layer 'b'"):
        few.pairs("b", "nose")


def test_a_part_that_some_pictures_lack_counts_over_the_others(whole: Network) -> None:
    pictures = list(torch.randint(-2, 3, (4, 3, SIDE, SIDE), generator=_dice(1)).float())
    eye, nose = {"eye": (4.0, 4.0)}, {"nose": (9.0, 9.0)}
    d = correspondence(whole, pictures, [eye | nose, eye, {}, nose], 6, ["conv1"], False, places=2)
    assert d.pairs("conv1", "eye").shape == (1, 1) and d.pairs("conv1", "random").shape == (2, 6)
    assert (d.squares[1, 1] == -1).all() and (d.squares[2, :2] == -1).all()
    pale, grey = d.hidden("nose")[[1, 3]], d.hidden("random")
    assert (pale[0] == d.seen[1] // 4 + 160).all() and (pale[1] != d.seen[3]).any(-1).sum() <= 36
    row, column = d.squares[0, 2]
    assert (grey[0, row : row + 6, column : column + 6] == 128).all() and (d.seen[0] != 128).any()
    with pytest.raises(UnknownNameError, match="no part 'mouth'"):
        d.hidden("mouth")
    same = correspondence(whole, pictures[:2], [eye, eye], 6, ["conv1"], False)
    assert d.delta["conv1"]["eye"] == same.delta["conv1"]["eye"]


@given(
    st.floats(20, 80), st.floats(20, 80), st.floats(4, 30), st.floats(-3, 3), st.sampled_from([(90, 110), (128, 100)])
)
@settings(max_examples=25)
def test_an_aligned_picture_has_its_parts_where_it_says(
    x: float, y: float, apart: float, turn: float, size: tuple[int, int]
) -> None:
    """A picture whose red is its column and whose green is its row tells where each of its pixels comes from."""
    rows, columns = np.mgrid[: size[1], : size[0]]
    picture = Image.fromarray(np.stack([columns, rows, 0 * rows], -1).astype(np.uint8))
    way = (apart / 2 * math.cos(turn), apart / 2 * math.sin(turn))
    eyes = {"left eye": (x - way[0], y - way[1]), "right eye": (x + way[0], y + way[1])}
    side, shown = 128, 112
    found, moved = aligned(picture, eyes, side, shown)
    assert found.size == (side, side)
    assert math.dist(moved["left eye"], moved["right eye"]) == pytest.approx(shown / 4)
    centre = np.mean(list(moved.values()), axis=0)
    assert centre == pytest.approx((side / 2, side / 2))
    levels = np.asarray(found).astype(float)
    scale = shown / (4 * apart)
    for part, (px, py) in eyes.items():
        column, row = moved[part]
        inside = 2 * scale < px * scale < (size[0] - 2) * scale and 2 * scale < py * scale < (size[1] - 2) * scale
        if inside and 1 < column < side - 2 and 1 < row < side - 2:
            red, green = levels[int(row), int(column), :2]
            # The middle of that pixel is up to half of it away, and a level is a whole number.
            assert abs(red + 0.5 - px) <= 0.75 / scale + 0.6 and abs(green + 0.5 - py) <= 0.75 / scale + 0.6


def test_what_lies_beyond_the_picture_repeats_its_edge() -> None:
    picture = Image.new("RGB", (40, 20), (10, 200, 30))
    face, parts = aligned(picture, {"left eye": (2, 10), "right eye": (22, 10)}, 80, 80)
    assert np.asarray(face).reshape(-1, 3).tolist() == [[10, 200, 30]] * 6400 and parts["left eye"] == (30.0, 40.0)
    huge = Image.new("RGB", (9000, 90), (1, 2, 3))
    with pytest.raises(ParameterError, match="too narrow"):
        aligned(huge, {"one": (0, 1), "other": (9000, 1)}, 32, 32)


def test_two_parts_farthest_apart_stand_in_for_eyes() -> None:
    wheels = {"left wheel": (10.0, 50.0), "door": (20.0, 50.0), "right wheel": (30.0, 50.0)}
    _, moved = aligned(Image.new("RGB", (100, 100)), wheels, 80, 80)
    assert moved["door"] == (40.0, 40.0) and moved["right wheel"][0] - moved["left wheel"][0] == pytest.approx(20)


def test_squares_lie_inside() -> None:
    assert corner((0.0, 16.0), 5, 16, 16) == (11, 0)
    assert corner((8.0, 8.0), 16, 16, 16) == (0, 0)
    assert corner((8.0, 8.0), 4, 16, 16) == (6, 6)


def test_pictures_under_keys_and_the_defaults() -> None:
    net = load_network("zfnet-scenes", device="cpu")
    faces = frontal_faces(3)
    d = correspondence(net, faces.images, faces.landmarks, places=2)
    assert d.layers == default_layers(net) == ("conv5", "fc7")
    assert d.size == default_size(net) == 17 and d.seen.shape == (3, 96, 96, 3)
    assert d.parts == ("left eye", "right eye", "nose", "mouth", "random")
    keys = list(faces.images)
    listed = correspondence(net, [faces.images[key] for key in keys], [faces.landmarks[key] for key in keys], places=2)
    assert all(np.array_equal(d.distances[name], listed.distances[name], equal_nan=True) for name in d.layers)
    plain = correspondence(net, faces.images, faces.landmarks, places=2, align=False)
    assert np.array_equal(plain.seen[0], np.asarray(net.preprocess.crop(faces.images[keys[0]])))
    assert not np.array_equal(plain.squares, d.squares)


def test_on_faces_the_papers_order_comes_out() -> None:
    """Table 1 at a middle layer: hiding an eye changes faces most alike, then the nose, and least a random place."""
    net = load_network("zfnet-scenes", device="cpu")
    faces = frontal_faces(48, seed=3)
    d = correspondence(net, faces.images, faces.landmarks, layers=["conv4"])
    delta = {part: found.mean for part, found in d.delta["conv4"].items()}
    eyes = max(delta["left eye"], delta["right eye"])
    assert eyes < delta["nose"] < delta["random"] and delta["mouth"] < delta["random"]
    intervals = {part: d.interval("conv4", part) for part in d.parts}
    assert max(intervals["left eye"][1], intervals["right eye"][1]) < intervals["nose"][0]
    assert intervals["nose"][1] < intervals["random"][0]
    pooled = correspondence(net, faces.images, faces.landmarks, layers=["conv5"], pool=1).delta["conv5"]
    assert max(pooled["left eye"].mean, pooled["right eye"].mean) < pooled["nose"].mean < pooled["random"].mean


ONE = {"left eye": (4.0, 5.0), "right eye": (9.0, 5.0)}
PICTURE = Image.new("RGB", (16, 16), "teal")
LONG = Image.new("RGB", (64, 16), "teal")


@pytest.mark.parametrize(
    ("images", "landmarks", "options", "message"),
    [
        ([PICTURE], [ONE], {}, "at least two; found 1"),
        ([], [], {}, "at least two; found 0"),
        ([PICTURE] * 2, [ONE], {}, "2 pictures and 1 mappings"),
        ([PICTURE] * 2, ONE, {}, "two lists"),
        ({"a": PICTURE, "b": PICTURE}, [ONE] * 2, {}, "under the same keys"),
        ({"a": PICTURE, "b": PICTURE}, {"a": ONE}, {}, "no landmarks of 'b'"),
        ([PICTURE] * 2, [ONE, [1, 2]], {}, "Landmarks of picture 2 are a mapping"),
        ([PICTURE] * 2, [ONE, ONE | {"nose": (17, 3)}], {}, r"'nose' of picture 2 is at \(17, 3\), outside .* 16 x 16"),
        ([PICTURE] * 2, [ONE, ONE | {"nose": (-1, 3)}], {"align": False}, "outside of its 16 x 16"),
        ([PICTURE] * 2, [ONE, ONE | {"nose": (math.nan, 3)}], {}, r"\(x, y\) in its pixels; found \(nan"),
        ([PICTURE] * 2, [ONE, ONE | {"nose": (1, 2, 3)}], {}, r"\(x, y\) in its pixels"),
        ([PICTURE] * 2, [ONE, ONE | {"nose": "ab"}], {}, r"\(x, y\) in its pixels"),
        ([PICTURE] * 2, [ONE, ONE | {"nose": None}], {}, r"\(x, y\) in its pixels"),
        ([PICTURE] * 2, [ONE, ONE | {"nose": (1, (2, 3))}], {}, r"\(x, y\) in its pixels"),
        ([PICTURE] * 2, [ONE, ONE | {"random": (1, 2)}], {}, "word other than 'random'"),
        ([PICTURE] * 2, [ONE, ONE | {3: (1, 2)}], {}, "found 3"),
        ([PICTURE] * 2, [ONE, ONE | {"nose": (5, 5)}], {}, "'nose' is marked in one picture only"),
        ([PICTURE] * 2, [ONE, {"nose": (5, 5)}], {}, "Picture 2 cannot be aligned.*there are 'nose'"),
        ([PICTURE] * 2, [ONE, {}], {}, "cannot be aligned.*there are none"),
        ([PICTURE] * 2, [ONE, dict.fromkeys(ONE, (3, 3))], {}, "at different places"),
        ([LONG] * 2, [ONE, ONE], {"align": False}, "outside of what the network sees"),
        ([torch.zeros(3, 16, 16)] * 2, [ONE, ONE], {}, "model input, which is used as it is"),
        ([torch.zeros(3, 16, 16)] * 2, [ONE, {"nose": (17, 2)}], {"align": False}, "outside of its 16 x 16"),
        ([PICTURE] * 2, [ONE] * 2, {"size": 17}, "from 1 to 16, the picture's side; found 17"),
        ([PICTURE] * 2, [ONE] * 2, {"size": 0}, "found 0"),
        ([PICTURE] * 2, [ONE] * 2, {"size": math.nan}, "found nan"),
        ([PICTURE] * 2, [ONE] * 2, {"pool": 0}, "pool is a whole number of at least 1"),
        ([PICTURE] * 2, [ONE] * 2, {"places": 0}, "number of random places"),
        ([PICTURE] * 2, [ONE] * 2, {"seed": -1}, "seed is a whole number"),
        ([PICTURE] * 2, [ONE] * 2, {"batch_size": 0}, "batch_size"),
        ([PICTURE] * 2, [ONE] * 2, {"layers": []}, "Layers are a list of names"),
        ([PICTURE] * 2, [ONE] * 2, {"layers": "conv1"}, "found 'conv1'"),
        ([PICTURE] * 2, [ONE] * 2, {"layers": ["convv1"]}, "nearest are 'conv1'"),
        ([PICTURE] * 2, [ONE] * 2, {"fill": "gray"}, "nearest are 'grey'"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    whole: Network, images: Any, landmarks: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ZfwidgetsError, match=message) as caught:
        correspondence(whole, images, landmarks, **options)
    assert "\n" not in str(caught.value)


def test_sizes_that_differ_and_values_that_are_not_finite(whole: Network) -> None:
    module = nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 2))
    net = Network(module, preprocess=Preprocess(SIDE), device="cpu")
    with pytest.raises(ParameterError, match="must have one size"):
        correspondence(net, [torch.zeros(3, 16, 16), torch.zeros(3, 18, 18)], [ONE] * 2, align=False)
    huge = [torch.full((3, SIDE, SIDE), 1e38)] * 2
    with pytest.raises(NetworkError, match="NaN or infinite"):
        correspondence(whole, huge, [ONE] * 2, 4, ["conv2"], align=False)
    with pytest.raises(NetworkError, match="load_network"):
        correspondence("zfnet-scenes", [PICTURE] * 2, [ONE] * 2)  # type: ignore[arg-type]


def test_it_stops_when_told_to(whole: Network) -> None:
    asked: list[int] = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) > 2

    pictures = list(torch.zeros(20, 3, SIDE, SIDE))
    with pytest.raises(Cancelled):
        correspondence(whole, pictures, [ONE] * 20, 4, align=False, batch_size=4, cancelled=cancelled)
    assert len(asked) < 10
