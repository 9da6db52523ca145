"""The pointing game: the slow twin, what counts as a hit, and the network that ships, which finds its objects."""

from __future__ import annotations

import copy
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import nn
from twins.networks import lively
from twins.pointing import slow_game

from zfwidgets.data import ImageSet, scene_of, scenes, visited_scenes
from zfwidgets.errors import Cancelled, NetworkError, ParameterError, UnknownNameError
from zfwidgets.figures.fig7 import pointing_claims
from zfwidgets.imaging import Preprocess
from zfwidgets.methods.filters import filter_report
from zfwidgets.methods.intervals import gain_of, mean_of, share_of
from zfwidgets.methods.pointing import pointing_game
from zfwidgets.methods.pointing.game import strongest
from zfwidgets.methods.probing import feature_probe
from zfwidgets.models import load_network
from zfwidgets.network import Network

SIDE = 16
DEPTH = 5
"""Modules of the small network up to its last map."""
WHOLE = (0, 0, SIDE, SIDE)


@pytest.fixture(scope="module")
def small() -> Network:
    module = nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 6, 2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(6 * 64, 3),
    )
    return Network(lively(module, 2), preprocess=Preprocess(SIDE, SIDE, (0, 0, 0), (1, 1, 1)), device="cpu")


@st.composite
def games(draw: st.DrawFn) -> dict[str, Any]:
    """A picture of two flat parts and some noise, its box, and a square."""
    dice = np.random.default_rng(draw(st.integers(0, 1000)))
    picture = np.full((3, SIDE, SIDE), draw(st.floats(0, 1)), np.float32)
    picture[:, : draw(st.integers(0, SIDE)), : draw(st.integers(0, SIDE))] = dice.random((3, 1, 1))
    picture += draw(st.sampled_from([0, 0.3])) * dice.random(picture.shape, np.float32)
    ends = st.lists(st.integers(0, SIDE), min_size=2, max_size=2, unique=True).map(sorted)
    (left, right), (top, bottom) = draw(ends), draw(ends)
    return {
        "picture": torch.from_numpy(picture),
        "box": (left, top, right, bottom),
        "target": draw(st.sampled_from([None, 0, 2])),
        "size": draw(st.integers(2, SIDE)),
        "stride": draw(st.integers(2, 6)),
    }


@settings(max_examples=25)
@given(games())
def test_it_is_the_slow_game(small: Network, game: dict[str, Any]) -> None:
    picture, box, target = game["picture"], game["box"], game["target"]
    found = pointing_game(
        small, [picture], [box], None if target is None else [target], game["size"], game["stride"], fill="black"
    )
    expected = slow_game(small.module, DEPTH, picture, box, target, game["size"], game["stride"], 0.0)
    assert found.targets[0] == expected["target"]
    assert found.centre[0] == expected["centre"] and found.area[0] == pytest.approx(expected["area"])
    assert found.squares[0] == pytest.approx(expected["squares"])
    for panel in ("map", "class"):
        assert tuple(found.places[panel][0]) == expected[f"{panel} place"]
        assert found.drops[panel][0] == pytest.approx(expected[f"{panel} drop"], abs=1e-5)
    assert tuple(found.risen_places[0]) == expected["risen place"]
    assert (found.risen[0], found.risen_lost[0]) == pytest.approx((expected["risen"], expected["risen lost"]), abs=1e-5)
    if np.isnan(found.correlation[0]):
        assert game["size"] == SIDE or abs(expected["map drop"]) < 1e-5 or abs(expected["class drop"]) < 1e-5
    else:
        assert found.correlation[0] == pytest.approx(expected["correlation"], abs=1e-3)


def test_a_hit_is_in_the_box_and_nowhere_else(small: Network) -> None:
    picture = torch.rand(3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    once = pointing_game(small, [picture], [WHOLE], size=4, stride=4)
    x, y = once.places["map"][0]
    around = [(x, y, x + 1, y + 1), (x - 1, y - 1, x, y), (x + 0.5, y, x + 1, y + 1), (x, y + 0.5, x + 1, y + 1)]
    game = pointing_game(small, [picture] * 4, around, size=4, stride=4)
    assert game.hits("map").tolist() == [True, True, False, False]
    assert game.share("map") == share_of([True, True, False, False])
    assert game.gain("map") == gain_of(game.hits("map"), game.centre)
    assert f"strongest drop of the map of conv2  {game.share('map')}" in game.table()


def test_boxes_are_in_the_pictures_own_pixels(small: Network) -> None:
    """The network sees the middle 16 of 32 columns of a picture that is twice as wide as high, at half its size."""
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (32, 64, 3), dtype=np.uint8))
    game = pointing_game(small, [picture], [(20, 8, 64, 32)], size=4, stride=4)
    assert game.boxes[0].tolist() == [2, 4, 16, 16]
    assert game.area[0] == 14 * 12 / SIDE**2
    with pytest.raises(ParameterError, match="sees nothing of the box"):
        pointing_game(small, [picture], [(0, 8, 16, 32)])


def test_of_equal_drops_the_one_in_their_midst_counts() -> None:
    drops = np.zeros((5, 5))
    drops[2, 1:4] = 1
    assert strongest(drops) == (2, 2)
    assert strongest(drops + 1e-6 * np.arange(25).reshape(5, 5)) == (2, 2)
    assert strongest(np.zeros((3, 3))) == (1, 1)
    drops[0, 0] = 1.01
    assert strongest(drops) == (0, 0)


def test_a_mapping_gives_what_lists_give(small: Network) -> None:
    dice = np.random.default_rng(1)
    arrays = [dice.integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8) for _ in range(2)]
    keys, boxes, targets = ["b", "a"], [WHOLE, (0, 0, 8, 8)], [2, 0]
    one = pointing_game(small, arrays, boxes, targets, size=4)
    other = pointing_game(
        small,
        ImageSet.from_list([Image.fromarray(array) for array in arrays], keys=keys),
        dict(zip(keys, boxes, strict=True)),
        dict(zip(keys, targets, strict=True)),
        size=4,
    )
    assert (one.keys, other.keys) == (("0", "1"), ("b", "a"))
    np.testing.assert_array_equal(one.places["class"], other.places["class"])
    assert other.targets.tolist() == targets and other.stride == 1


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"boxes": [(0, 0, 4)]}, ParameterError, "The box of picture 1 is"),
        ({"boxes": [(4, 0, 4, 9)]}, ParameterError, "left of right"),
        ({"boxes": ["here"]}, ParameterError, "found 'here'"),
        ({"boxes": [(0, 0, float("nan"), 9)]}, ParameterError, "The box of picture 1"),
        ({"boxes": []}, ParameterError, "one for each of 1 pictures"),
        ({"boxes": {}, "images": {"a": torch.ones(3, SIDE, SIDE)}}, ParameterError, "no boxes of 'a'"),
        ({"images": {"a": torch.ones(3, SIDE, SIDE)}}, ParameterError, "under the same keys"),
        ({"images": []}, ParameterError, "at least one picture"),
        ({"images": 3}, ParameterError, "found int"),
        ({"targets": [7]}, UnknownNameError, "7"),
        ({"size": 17}, ParameterError, "from 1 to 16"),
        ({"stride": 0}, ParameterError, "stride"),
        ({"layer": "conv9"}, UnknownNameError, "conv9"),
        ({"layer": "fc3"}, ParameterError, "no map"),
    ],
)
def test_what_is_refused(small: Network, options: dict[str, Any], error: type[Exception], message: str) -> None:
    given = {"images": [torch.ones(3, SIDE, SIDE)], "boxes": [WHOLE], **options}
    with pytest.raises(error, match=message):
        pointing_game(small, **given)


def test_intervals_of_shares_and_correlations_end_where_these_do(small: Network) -> None:
    """Those of a mean, over a handful of pictures of which nearly all have all of it."""
    game = pointing_game(small, [torch.rand(3, SIDE, SIDE)] * 6, [WHOLE] * 5 + [(0, 0, 8, 16)], size=6, stride=5)
    nearly = np.array([1.0] * 5 + [0.5])
    game = replace(game, squares=nearly, correlation=nearly)
    assert mean_of(nearly).high > 1 and game.agreement.high == 1
    assert game.area.tolist() == nearly.tolist()
    share = mean_of(nearly).within(0.0, 1.0)
    assert share[:2] == mean_of(nearly)[:2] and share.high == 1
    assert mean_of(1 - nearly).low < 0 and mean_of(1 - nearly).within(0.0, 1.0).low == 0
    assert game.table().count(str(share)) == 3
    assert f"any square {share}" in pointing_claims(game)[0].found


def test_model_inputs_of_several_sizes_are_refused() -> None:
    """Shares of the picture, and its middle, would be those of the last one."""
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    net = Network(module, preprocess=Preprocess(SIDE, SIDE), device="cpu")
    inputs = [torch.rand(3, SIDE, width) for width in (2 * SIDE, SIDE)]
    with pytest.raises(ParameterError, match=r"one size: found \(3, 16, 32\), and \(3, 16, 16\) at 2\."):
        pointing_game(net, inputs, [WHOLE] * 2, size=6, stride=5)
    for ask in (lambda: filter_report(net, inputs), lambda: feature_probe(net, (inputs * 2, ["a", "b"] * 2), folds=2)):
        with pytest.raises(ParameterError, match="one size"):
            ask()


def test_a_network_that_overflows_is_one_sentence(small: Network) -> None:
    module = copy.deepcopy(small.module)
    for part in (module[0], module[3]):
        part.weight.data.fill_(3e30)
    net = Network(module, preprocess=small.preprocess, device="cpu")
    with pytest.raises(NetworkError, match=r"Picture 1: .* overflows: its answers or its map of conv2 are not finite"):
        pointing_game(net, [torch.ones(3, SIDE, SIDE)], [WHOLE])


def test_one_picture_tells_nothing_and_neither_does_a_class_that_cannot_change(small: Network) -> None:
    one = pointing_game(small, [torch.rand(3, SIDE, SIDE)], [(0, 0, 8, 8)], size=6, stride=5)
    assert np.isnan(one.agreement[1:]).all() and one.gain("map").low < 0 < one.gain("map").high
    single = copy.deepcopy(small.module)
    single[-1] = nn.Linear(single[-1].in_features, 1)
    net = Network(single, preprocess=small.preprocess, device="cpu")
    game = pointing_game(net, torch.rand(2, 3, SIDE, SIDE), [WHOLE] * 2, size=6, stride=5)
    assert np.isnan(game.correlation).all() and np.isnan(game.agreement).all()
    assert re.search(r"correlation of map and class\s+-$", game.table())


def test_it_can_be_cancelled(small: Network) -> None:
    with pytest.raises(Cancelled):
        pointing_game(small, [torch.ones(3, SIDE, SIDE)], [WHOLE], cancelled=lambda: True)


def test_the_network_that_ships_finds_its_objects() -> None:
    """A sample; `docs/claims.md` has 500."""
    net, pictures = load_network("zfnet-scenes", device="cpu"), scenes(48, seed=3)
    game = pointing_game(net, pictures, {key: scene_of(key).box for key in pictures})
    for panel in ("map", "class"):
        assert game.share(panel).low > game.squares.mean() > game.area.mean()
        assert game.hits(panel).sum() > game.centre.sum()
    assert game.agreement.low > 0


def test_hiding_the_second_object_raises_the_class_of_the_first() -> None:
    """The paper's third picture, in the twelve of these 30 pictures in which the second object is in the way."""
    net, found = load_network("zfnet-scenes", device="cpu"), visited_scenes(30, seed=3)
    game = pointing_game(net, found.images, found.boxes, {key: found.images.label(key) for key in found.images})
    rises = game.rises(0.5)
    assert len(rises) >= 5 and rises == sorted(rises, key=lambda rise: rise.clean - rise.hidden)
    for rise in rises:
        (left, top, right, bottom), (x, y) = found.guests[rise.key].box, rise.place
        assert left <= x <= right and top <= y <= bottom
    assert any(rise.lost > 0.5 for rise in rises)  # the strongest map is about the second object
