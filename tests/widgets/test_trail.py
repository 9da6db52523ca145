"""The trail against the history of a browser, and the chain of clicks on a tiny real network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from twins.zoo import DataDependent

from zfwidgets.app.explorer import Explorer
from zfwidgets.backend import Backend
from zfwidgets.backend.place_requests import UnitsAtRequest
from zfwidgets.data import ImageSet
from zfwidgets.errors import ParameterError, ZfwidgetsError
from zfwidgets.imaging import Preprocess
from zfwidgets.methods import project, units_at
from zfwidgets.methods.top_activations import top_activations
from zfwidgets.network import Network
from zfwidgets.widgets import FeatureViewer
from zfwidgets.widgets.viewer.trail import MOST, Sight, Trail

FIRST = Sight("features", "a", "conv2", 0)
TITLES = {"features": "Features", "top": "Top 9", "occlusion": "Occlusion", "filters": "Filters"}


@given(st.lists(st.sampled_from(["back", "forward", *range(4)]), max_size=30))
def test_it_is_a_browsers_history(moves: list[Any]) -> None:
    shown = [FIRST]
    trail = Trail(shown.append, TITLES, "Click.")
    past, now, ahead = [], FIRST, []  # two stacks, as a browser has them
    for move in moves:
        if move == "back":
            assert trail.back() == bool(past)
            if past:
                ahead.append(now)
                now = past.pop()
        elif move == "forward":
            assert trail.forward() == bool(ahead)
            if ahead:
                past.append(now)
                now = ahead.pop()
        else:
            after = replace(FIRST, channel=move)
            trail.step(now, after)
            if after != now:
                past.append(now)
                now, ahead = after, []
                shown.append(after)
        assert shown[-1] == now
        assert trail.sights == ((*past, now, *ahead[::-1]) if past or ahead else ())


def test_what_was_left_by_hand_is_a_sight_of_its_own() -> None:
    trail = Trail(lambda sight: None, TITLES, "Click.")
    trail.step(FIRST, replace(FIRST, channel=1))
    moved = replace(FIRST, channel=5)
    trail.step(moved, replace(moved, tab="top", nine=5))
    assert trail.labels == ["a", "conv2 #1", "conv2 #5", "Top 9 of conv2 #5"]
    trail.go(0)
    trail.step(FIRST, replace(FIRST, tab="filters"))
    assert trail.labels == ["a", "Filters"]


def test_it_forgets_the_oldest_and_shortens_long_names() -> None:
    trail = Trail(lambda sight: None, TITLES, "Click.")
    sights = [replace(FIRST, image=f"yours/{'x' * 60}{number}.png") for number in range(MOST + 5)]
    for before, after in pairwise(sights):
        trail.step(before, after)
    assert (len(trail.sights), trail.sights[-1], trail.place) == (MOST, sights[-1], MOST - 1)
    newest = trail.children[0]  # laid out from the end
    assert newest.description.startswith("...x") and newest.description.endswith(f"{MOST + 4}.png")
    assert "zf-now" in newest._dom_classes and "you are here" in newest.tooltip


def place_of(viewer: FeatureViewer, pixel: tuple[float, float]) -> None:
    """A click of the mouse on the picture."""
    data = {"click_x": pixel[1], "click_y": pixel[0]}
    mark = viewer._picture._mark
    mark._handle_custom_msgs(mark, {"event": "element_click", "data": data})


@pytest.fixture
def explorer(backend: Backend, network: Network, pictures: ImageSet) -> Iterator[Explorer]:
    explorer = Explorer(backend)
    assert explorer.features is not None and explorer.top is not None
    explorer.top.index = top_activations(network, pictures, workers=0)
    explorer.features.layer = "conv2"
    assert explorer.wait(30)
    yield explorer
    explorer.close()


def test_a_click_lists_the_units_of_the_method(backend: Backend, network: Network) -> None:
    viewer = FeatureViewer(backend, layer="conv2")
    assert viewer.wait(20) and "zf-gone" in viewer._here._dom_classes
    place_of(viewer, (10.7, 24.0))  # the very edge
    assert viewer.wait(20) and viewer.pixel == (10, 23)
    expected = units_at(network, backend.picture(viewer.image), "conv2", (10, 23))
    units = viewer._here.units
    assert units.channels.tolist() == expected.channels.tolist() and units.position == expected.position
    shown = viewer._here._grid.children
    assert [button.description.split()[0] for button in shown] == [f"#{channel}" for channel in expected.channels]
    assert viewer._here._sheet.value.count("url(") == len(expected)
    shown[1].click()
    assert viewer.wait(20) and viewer.result.position == viewer.position == expected.position
    wanted = project(network, backend.picture(viewer.image), "conv2", int(expected.channels[1]), expected.position)
    # Weights are packed between the first and the second time, which rounds otherwise.
    np.testing.assert_allclose(viewer.result.pixels, wanted.pixels, rtol=0, atol=1e-5 * np.abs(wanted.pixels).max())
    assert ["zf-chosen" in button._dom_classes for button in shown] == [n == 1 for n in range(len(shown))]
    viewer.image = backend.images[1]
    assert viewer.wait(20) and viewer.pixel is None and "zf-gone" in viewer._here._dom_classes
    viewer.close()


def test_units_come_before_their_pictures(backend: Backend) -> None:
    told: list[Any] = []
    found = backend.compute(UnitsAtRequest(backend.images[0], "conv2", (12, 12)), told.append)
    assert [len(answer.pictures) for answer in (*told, found)] == [0, len(found.units)]
    assert all(picture[:2] == b"\xff\xd8" for picture in found.pictures)


def test_the_whole_chain_and_the_way_back(explorer: Explorer) -> None:
    features, top, occlusion = explorer.features, explorer.top, explorer.occlusion
    assert features is not None and top is not None
    links, start = explorer._chain._links, explorer.image
    occlusion.row, occlusion.column, occlusion.size = 4, 6, 8
    links["place"].click()
    assert explorer.tab == "features" and features.pixel == (8, 10) and explorer.wait(20)
    features._here._grid.children[0].click()
    unit = (features.channel, features.position)
    links["top"].click()
    assert explorer.tab == "top" and top.channel == unit[0] and explorer.wait(20)
    place = next(place for place, peak in enumerate(top._nine.tile.peaks) if peak.image != start)
    top._open(place)
    links["occlusion"].click()
    assert explorer.tab == "occlusion" and explorer.wait(20)
    assert (occlusion.layer, occlusion.channel) == ("conv2", unit[0]) and explorer.image != start
    assert explorer.trail.labels == [
        start,
        "row 8, column 10",
        f"conv2 #{unit[0]} at {unit[1]}",
        f"Top 9 of conv2 #{unit[0]}",
        explorer.image,
        f"Occlusion of conv2 #{unit[0]}",
    ]
    sights = explorer.trail.sights
    for place in (2, 5, 0, 3, 1, 4):
        explorer.trail.children[-1 - place].click()
        assert explorer.wait(20) and explorer._chain.sight() == explorer.trail.sights[place]
    explorer.trail.go(2)
    assert explorer.wait(20) and features.result.position == unit[1] and features.result.channel == unit[0]
    assert explorer.trail.sights == sights  # what lies ahead stays until a step is taken
    features._choose_unit(0, 0)
    assert explorer.trail.labels[3:] == [f"conv2 #{unit[0]} at (0, 0)"]
    assert explorer.trail.back() and features.position == unit[1]


def test_in_a_page_of_fig_2_the_links_are_about_the_map_shown_large(explorer: Explorer) -> None:
    features, top = explorer.features, explorer.top
    assert features is not None and top is not None and top.result is None
    explorer.tab = "top"
    assert explorer.wait(30) and top.channel is None
    large = top._nine.tile.channel
    other = next(channel for channel in range(len(top.result.channels)) if channel != large)
    features.channel = other
    assert f"conv2 #{large}<" in explorer._chain._unit.value
    explorer._chain._links["features"].click()
    assert (explorer.tab, features.channel) == ("features", large)
    features.channel = other
    explorer.tab = "top"
    explorer._chain._links["occlusion"].click()
    assert (explorer.occlusion.layer, explorer.occlusion.channel, features.channel) == ("conv2", large, large)


def test_the_last_of_many_clicks_wins(explorer: Explorer) -> None:
    assert explorer.features is not None
    explorer.tab = "features"
    for row in range(20):
        place_of(explorer.features, (row, 23 - row))
    assert explorer.wait(20) and explorer.features._here.units.pixel == (19, 4)
    assert explorer.trail.labels[-2:] == ["row 18, column 5", "row 19, column 4"]


@pytest.mark.parametrize(
    ("pixel", "words"),
    [((24, 0), "row is a whole number from 0 to 23"), ((0, -1), "found -1"), ("here", "A pixel is")],
)
def test_a_pixel_outside_is_refused_and_no_step(explorer: Explorer, pixel: Any, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        explorer.look_at(pixel)
    assert explorer.trail.sights == () and explorer.tab == "occlusion"


def test_a_layer_without_places_says_so_in_the_strip(explorer: Explorer) -> None:
    assert explorer.features is not None
    explorer.look_at((3, 4))
    assert explorer.wait(20)
    explorer.features.layer = "fc3"  # whoever only moves the list asked for no place of it
    assert explorer.wait(20) and explorer.features.state == "ready"
    place_of(explorer.features, (3, 4))
    with pytest.raises(ZfwidgetsError, match="Every unit of fc3 sees the whole picture"):
        explorer.wait(20)
    assert 'role="alert"' in explorer.features._strip.alert.value
    explorer._chain._links["occlusion"].click()
    assert "has no map to sum over" in explorer._alert.value and explorer.tab == "features"
    explorer.features.layer = "conv2"
    explorer.look_at((3, 4))
    assert explorer.wait(20) and explorer.features.state == "ready"


def test_where_nothing_is_active_is_said(network: Network) -> None:
    from torch import nn

    module = nn.Sequential(nn.Conv2d(3, 2, 3, bias=False), nn.ReLU(), nn.Flatten(), nn.Linear(2 * 14 * 14, 2))
    module[0].weight.data.fill_(-1.0)
    white = {"white": np.full((16, 16, 3), 255, np.uint8)}
    net = Network(module, preprocess=Preprocess(size=16, resize=16), device="cpu")
    with Backend(net, white) as backend:
        viewer = FeatureViewer(backend, layer="conv1", pixel=(5, 6))
        with pytest.raises(ParameterError, match="Nothing of conv1 is active at row 5, column 6"):
            viewer.wait(20)
        assert "Nothing of conv1" in viewer._strip.alert.value and "zf-gone" in viewer._here._dom_classes
        viewer.pixel = None
        assert viewer.wait(20) and viewer.state == "ready"
        viewer.close()


def test_a_network_that_cannot_be_looked_into_has_no_chain(pictures: ImageSet) -> None:
    with Backend(Network(DataDependent(), preprocess=Preprocess(size=24), device="cpu"), pictures) as backend:
        explorer = Explorer(backend)
        assert "zf-gone" in explorer._chain.bar._dom_classes
        with pytest.raises(ParameterError, match="cannot be looked into"):
            explorer.look_at((1, 1))
        with pytest.raises(ZfwidgetsError, match="no tab 'features'"):
            explorer.tab = "features"
        explorer.close()


def test_the_tabs_of_one_unit_follow_the_chain(explorer: Explorer) -> None:
    features, top = explorer.features, explorer.top
    assert features is not None and top is not None
    followers = [one for one in (explorer.architecture, explorer.rules) if one is not None]
    assert len(followers) == 2 and not any(one._asked for one in followers)
    explorer.look_at((8, 10))
    assert explorer.wait(20)
    features._here._grid.children[1].click()
    unit = (features.layer, features.channel, features.position)
    assert unit[2] is not None
    assert all((one.layer, one.channel, one.position) == unit for one in followers)
    explorer._chain.nine()
    assert explorer.wait(20)
    top._open(next(place for place, peak in enumerate(top._nine.tile.peaks) if peak.image != explorer.image))
    shown = (explorer.image, features.layer, features.channel)
    assert all((one.image, one.layer, one.channel, one.position) == (*shown, None) for one in followers)
    explorer.tab = "rules"
    assert explorer.wait(60) and explorer.rules is not None
    assert explorer.rules.result is not None and explorer.rules.result.faithful.channel == shown[2]
    explorer.trail.back()
    explorer.trail.back()
    assert all((one.layer, one.channel, one.position) == unit for one in followers)


def test_a_hand_in_the_tab_in_front_leads(explorer: Explorer) -> None:
    features, rules, architecture = explorer.features, explorer.rules, explorer.architecture
    assert features is not None and rules is not None and architecture is not None
    explorer.tab = "rules"
    assert explorer.wait(60)
    rules.channel = 1
    assert (features.layer, features.channel, architecture.channel) == ("conv2", 1, 1)
    rules.layer = "conv1"  # whose strongest map is shown, and becomes the page's
    assert features.layer == architecture.layer == "conv1" and explorer.wait(60)
    strongest = rules.result.faithful.channel
    assert rules.channel is None and features.channel == architecture.channel == strongest
    explorer.image = next(key for key in explorer._backend.images if key != explorer.image)
    assert explorer.wait(60)
    assert features.channel == rules.result.faithful.channel == architecture.channel
