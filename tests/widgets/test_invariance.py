"""The invariance viewer on a tiny real network, alone and beside a second one."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import torch
from torch import nn
from twins.tiny import widget_labelled
from twins.zoo import DataDependent

from zfwidgets.backend import Backend, InvarianceRequest, MovedRequest
from zfwidgets.data import ImageSet
from zfwidgets.errors import ImageError, ParameterError, UnknownNameError, ZfwidgetsError
from zfwidgets.imaging import Preprocess, default_amounts, to_png
from zfwidgets.methods import invariance_curves, moved_inputs
from zfwidgets.network import Network
from zfwidgets.widgets import InvarianceViewer

KEYS = ("image/00000", "image/00001", "image/00002")


@pytest.fixture
def viewer(backend: Backend) -> Iterator[InvarianceViewer]:
    viewer = InvarianceViewer(backend)
    assert viewer.wait(30)
    yield viewer
    viewer.close()


@pytest.fixture
def second(pictures: ImageSet) -> Iterator[Backend]:
    """A smaller input, other classes."""
    torch.manual_seed(1)
    module = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 100, 9), nn.ReLU(), nn.Linear(9, 3)
    )
    net = Network(module, preprocess=Preprocess(size=12), classes=["dog", "emu", "fox"], device="cpu", name="second")
    with Backend(net, pictures) as backend:
        yield backend


def test_it_shows_what_the_method_computes(viewer: InvarianceViewer, backend: Backend, network: Network) -> None:
    assert viewer.pictures == KEYS
    expected = invariance_curves(network, [backend.picture(key) for key in KEYS], "rotate")
    for layer in ("conv1", "conv2"):
        np.testing.assert_allclose(viewer.result.distances[layer], expected.distances[layer], rtol=1e-3, atol=1e-4)
    assert viewer.state == "ready" and viewer.result.complete
    assert "3 pictures x 73 amounts" in viewer._strip.status.value and "Fig. 5" in viewer._strip.status.value


@pytest.mark.parametrize(
    "label",
    ["Transform", "Amount", "Image", "Shallow layer", "Deep layer", "Target class", "Border", "Precision", "Pictures"],
)
def test_every_control_has_its_label(viewer: InvarianceViewer, label: str) -> None:
    assert widget_labelled(viewer, label).description == label


def test_the_slider_moves_picture_and_cursor_and_starts_no_curves(viewer: InvarianceViewer, network: Network) -> None:
    plot = viewer._maps._layers[0]._plot.value
    with patch.object(InvarianceRequest, "run", autospec=True) as run:
        widget_labelled(viewer, "Amount").value = 35
        assert viewer.wait(20)
        for target in ("fox", "true", 0, "predicted"):
            viewer.target = target
        viewer.euclidean = True
        viewer.image = KEYS[1]  # one of those on the page
        assert viewer.wait(20)
    run.assert_not_called()
    assert viewer.amount == 35 and viewer._maps._layers[0]._plot.value != plot
    expected = moved_inputs(network, viewer._backend.picture(KEYS[1]), "rotate", 35)
    np.testing.assert_array_equal(viewer._moved.seen[0], network.preprocess.inverse(expected)[0])
    assert "35°" in viewer._picture._title.value and "at 35°" in viewer._maps._probability._foot.value


def test_transform_layers_border_and_pictures_start_one_run_each(viewer: InvarianceViewer) -> None:
    run = InvarianceRequest.run
    changes = {"transform": "scale", "border": "grey", "shallow": "pool1", "pictures": KEYS[:2], "deep": "pool1"}
    with patch.object(InvarianceRequest, "run", autospec=True, side_effect=run) as counted:
        for name, value in changes.items():
            setattr(viewer, name, value)
            assert viewer.wait(20)
    assert counted.call_count == len(changes)
    assert viewer.result.layers == ("pool1",)
    assert (viewer.result.transform, viewer.result.border, len(viewer.result.probability)) == ("scale", "grey", 2)


def test_a_page_never_finds_the_amount_off_its_steps(viewer: InvarianceViewer) -> None:
    control = widget_labelled(viewer, "Amount")
    states = list[tuple[float, float, float, float]]()

    def look(_: object) -> None:
        states.append((control.value, control.min, control.max, control.step))

    for transform, by_hand in (("scale", 1.3599999999999999), ("rotate", 91.0), ("scale", 1.5), ("translate", -2.0)):
        control.observe(look, ["value", "min", "max", "step"])
        viewer.transform = transform
        control.unobserve(look, ["value", "min", "max", "step"])
        control.value = by_hand  # as a page adds its steps up
    assert len(states) > 12
    for value, low, high, step in states:
        assert low <= value <= high and low + round((value - low) / step) * step == value


def test_it_is_fast_where_that_is_asked_and_says_so(
    backend: Backend, second: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zfwidgets.methods.invariance.moving.fast_arithmetic", lambda device: True)
    viewer = InvarianceViewer(backend, second)
    assert viewer.wait(30) and "3 pictures x 73 amounts &middot; exact &middot;" in viewer._strip.status.value
    exact, control = viewer.result, widget_labelled(viewer, "Precision")
    assert [name for name, _ in control.options] == ["Exact", "Fast only"]
    control.value = "fast"
    assert viewer.wait(30) and viewer.precision == "fast"
    assert (viewer.result.precision, viewer._others.precision) == ("fast", "fast")
    assert "3 pictures x 73 amounts &middot; fast &middot;" in viewer._strip.status.value
    assert 0 < np.abs(viewer.result.probability - exact.probability).max() < 0.05
    foreign = second.network.graph  # as if an operation of it were not one of the table
    monkeypatch.setattr(type(foreign), "tabled", property(lambda graph: graph is not foreign))
    viewer.transform = "scale"
    assert viewer.wait(30) and "33 amounts &middot; tiny fast, second exact &middot;" in viewer._strip.status.value
    viewer.close()


def test_the_amount_begins_where_the_transform_shows_something(viewer: InvarianceViewer) -> None:
    control = widget_labelled(viewer, "Amount")
    for transform, amount, low, high in (("scale", 1.35, 1, 1.8), ("translate", 3, -6, 6), ("rotate", 90, 0, 360)):
        widget_labelled(viewer, "Transform").value = transform
        assert viewer.wait(20)
        assert (viewer.amount, control.value, control.min, control.max) == (amount, amount, low, high)
    given = InvarianceViewer(viewer._backend, transform="translate", amount=-5)
    assert given.wait(20) and given.amount == widget_labelled(given, "Amount").value == -5
    given.close()


def test_a_small_picture_that_is_clicked_stands_out(viewer: InvarianceViewer) -> None:
    top, left, _, width = viewer._sheet.box(2)
    mark = viewer._small._mark
    mark._handle_custom_msgs(
        mark, {"event": "element_click", "data": {"click_x": left + width / 2, "click_y": top + 3}}
    )
    assert viewer.wait(20)
    assert viewer.image == KEYS[2]
    assert 'class="zf-now"' in viewer._maps._table.value.partition("image/00002")[0].rpartition("<span")[2]


def test_a_picture_that_is_not_among_the_curves_joins_them(backend: Backend) -> None:
    viewer = InvarianceViewer(backend, image=KEYS[2], pictures=KEYS[:1], transform="scale")
    assert viewer.wait(20)
    assert viewer._answered["curves"].images == (KEYS[2], KEYS[0])
    viewer.pictures = ()
    assert viewer.wait(20) and len(viewer.result.known) == 1
    viewer.close()


def test_pictures_that_are_gone_are_left_out_and_named(network: Network, second: Backend, tmp_path: Path) -> None:
    names = tuple(f"{letter}.png" for letter in "abcd")
    for name in names:
        pixels = np.random.default_rng(ord(name[0])).integers(0, 255, (30, 30, 3), np.uint8)
        (tmp_path / name).write_bytes(to_png(pixels))
    with Backend(network, tmp_path) as backend:
        (tmp_path / "a.png").unlink()
        (tmp_path / "c.png").write_bytes(b"no picture")
        with pytest.raises(ImageError, match=r"a\.png"):  # by its name, from the function
            invariance_curves(network, [tmp_path / "b.png", tmp_path / "a.png"])
        viewer = InvarianceViewer(backend, second, pictures=names, transform="scale")
        assert viewer.wait(20) and viewer.state == "ready"
        assert viewer.image == "a.png" and "b.png" in viewer._picture._title.value
        expected = invariance_curves(network, [backend.picture(key) for key in ("b.png", "d.png")], "scale")
        np.testing.assert_allclose(viewer.result.probability, expected.probability, atol=1e-4)
        assert viewer._others is not None and viewer._others.probability.shape == viewer.result.probability.shape
        said = viewer._strip.status.value
        assert "2 pictures x" in said and "left out, because they cannot be read: " in said
        assert ">a.png</span> and " in said and ">c.png</span>" in said
        top, left, _, _ = viewer._sheet.box(1)
        viewer._choose(left + 3, top + 3)
        assert viewer.wait(20) and viewer.image == "d.png" and "d.png" in viewer._picture._title.value
        viewer.pictures = ["b.png", "d.png"]
        assert viewer.wait(20) and "left out" not in viewer._strip.status.value
        viewer.image, viewer.pictures = "a.png", ()
        with pytest.raises(ImageError, match=r"a\.png"):
            viewer.wait(20)
        viewer.image = "b.png"
        assert viewer.wait(20) and viewer.state == "ready" and len(viewer.result.known) == 1
        viewer.close()


def test_a_symmetric_picture_has_its_dips_and_the_button_goes_there(network: Network) -> None:
    stripes = np.abs(np.arange(24) - 11.5)
    cross = np.minimum(stripes[:, None], stripes[None, :]) < 2
    cross[np.hypot(stripes[:, None], stripes[None, :]) > 11] = False
    picture = np.repeat((cross * 255).astype(np.uint8)[..., None], 3, -1)
    with Backend(network, {"cross": picture}) as backend:
        viewer = InvarianceViewer(backend, amount=10)
        assert viewer.wait(20)
        assert "comes back at 90°, 180°, 270°" in viewer._symmetry.value
        amounts = []
        for _ in range(4):
            viewer.next_dip()
            amounts.append(viewer.amount)
        assert amounts == [90, 180, 270, 90]
        viewer.transform = "scale"
        assert viewer.wait(20)
        assert viewer._next.disabled
        viewer.close()


def test_a_second_network_is_dashed_in_the_same_panels(backend: Backend, second: Backend) -> None:
    viewer = InvarianceViewer(backend, second, transform="translate", target="cat")
    assert viewer.wait(30)
    plot = viewer._maps._layers[1]._plot.value
    assert plot.count("zf-dashed") == 3 and plot.count("<polyline") == 6
    assert plot.count("<circle") == 2
    assert "conv2 and fc2" in viewer._maps._layers[1]._title.value
    # The second network makes 14 pixels of the picture's 24; it has no class "cat" and gives its own.
    amounts = default_amounts("translate", 24) * 14 / 24
    theirs = invariance_curves(second.network, [second.picture(key) for key in KEYS], "translate", amounts)
    np.testing.assert_allclose(viewer._others.probability, theirs.probability, atol=1e-4)
    ends = [line.split('points="')[1].split()[0] for line in plot.split("<polyline")[1:]]
    assert {end.split(",")[0] for end in ends} == {"36.0"}
    assert "dashed, thin bars: second" in viewer._maps._table.value
    viewer.target = "fox"
    assert viewer.wait(20)
    viewer.close()


def test_the_second_network_is_lent_the_pictures_of_the_page(backend: Backend, network: Network) -> None:
    with Backend(network, {"alone": np.zeros((24, 24, 3), np.uint8)}) as alone:
        viewer = InvarianceViewer(backend, alone, transform="scale", pictures=KEYS[:2])
        assert viewer.wait(20)
        assert alone.images == ("alone", *KEYS[:2])
        np.testing.assert_allclose(viewer._others.probability, viewer.result.probability, atol=1e-5)
        viewer.close()


def test_nothing_is_asked_while_it_is_asleep(backend: Backend) -> None:
    with patch.object(MovedRequest, "run", autospec=True) as moved, patch.object(InvarianceRequest, "run") as run:
        viewer = InvarianceViewer(backend, awake=False)
        viewer.image, viewer.transform, viewer.target = KEYS[1], "scale", "fox"
        viewer.next_dip()
        assert viewer.wait(5) and viewer.result is None
        assert not moved.called and not run.called
    viewer.awake = True
    assert viewer.wait(20) and viewer.result.transform == "scale"
    viewer.close()


def test_uploads_are_offered_and_those_shown_stay(viewer: InvarianceViewer) -> None:
    key = viewer._backend.add_image("mine.png", to_png(np.full((30, 30, 3), 90, np.uint8)))
    viewer.offer_images()
    assert viewer.pictures == KEYS == viewer._pictures_control.value
    viewer.image = key
    assert viewer.wait(20) and viewer._answered["curves"].images == (key, *KEYS)


def test_a_network_that_cannot_be_looked_into_has_probabilities(pictures: ImageSet) -> None:
    class Odd(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.mean((2, 3)) if x.mean() > 0 else x.amax((2, 3))

    with Backend(Network(Odd(), preprocess=Preprocess(size=12), device="cpu"), pictures) as backend:
        viewer = InvarianceViewer(backend)
        assert viewer.wait(20)
        assert viewer.result.layers == () and "cannot be looked into" in viewer._maps._layers[0]._foot.value
        assert "<polyline" in viewer._maps._probability._plot.value
        viewer.close()


BAD: list[tuple[str, Any, type[ZfwidgetsError], str]] = [
    ("transform", "turn", UnknownNameError, "no transform 'turn'"),
    ("amount", math.nan, ParameterError, "finite"),
    ("amount", "far", ParameterError, "finite numbers"),
    ("border", "grays", UnknownNameError, "no border"),
    ("border", (1, 2), ParameterError, "A border is one of"),
    ("shallow", "conv9", UnknownNameError, "conv1"),
    ("deep", 7, UnknownNameError, "no layer 7"),
    ("target", "whale", UnknownNameError, "no class 'whale'"),
    ("precision", "preview", UnknownNameError, "no precision 'preview'"),
    ("pictures", "image/00000", ParameterError, "a row of keys"),
    ("pictures", ["nope"], UnknownNameError, "no picture 'nope'"),
    ("image", "nope", UnknownNameError, "no picture 'nope'"),
    ("amuont", 3, UnknownNameError, "'amount'"),
]


@pytest.mark.parametrize(("name", "value", "error", "words"), BAD)
def test_bad_values_are_refused_and_the_page_stays(
    viewer: InvarianceViewer, name: str, value: Any, error: type[ZfwidgetsError], words: str
) -> None:
    with pytest.raises(error, match=words):
        setattr(viewer, name, value)
    assert viewer.wait(20) and viewer.state == "ready"


def test_too_large_a_shift_and_six_pictures(network: Network) -> None:
    images = {f"p{place}": np.full((24, 24, 3), 40 * place, np.uint8) for place in range(6)}
    with Backend(network, images) as backend:
        viewer = InvarianceViewer(backend, transform="translate")
        assert viewer.wait(20) and len(viewer.pictures) == 5
        with pytest.raises(ParameterError, match="leaves nothing"):
            viewer.amount = 24
        widget_labelled(viewer, "Pictures").value = tuple(images)
        assert viewer.state == "error" and "at most 5" in viewer._strip.alert.value
        assert len(widget_labelled(viewer, "Pictures").value) == 5
        viewer.close()


def test_a_second_network_that_cannot_be_looked_into_has_its_probability(backend: Backend, pictures: ImageSet) -> None:
    net = Network(DataDependent(), preprocess=Preprocess(size=12), device="cpu")
    with Backend(net, pictures) as other:
        viewer = InvarianceViewer(backend, other=other)
        assert viewer.wait(30) and viewer.state == "ready"
        table = viewer._maps._table.value
        assert table.count("zf-thin") == 3 * (len(KEYS) + 1)
        assert table.count('--zf-share:0%"></i><em>-</em>') == 2 * (len(KEYS) + 1)
        viewer.close()
