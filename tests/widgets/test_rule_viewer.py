"""The rule lab's viewer on a tiny real network, on ones with norms and without a way back, and as a tab of the page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from twins.tiny import widget_labelled
from twins.zoo import Attention, DataDependent, small

from zfwidgets.app.explorer import Explorer
from zfwidgets.backend import Backend
from zfwidgets.data import ImageSet
from zfwidgets.errors import ParameterError, UnknownNameError, ZfwidgetsError
from zfwidgets.imaging import Preprocess
from zfwidgets.methods.rules import compare_rules, weight_randomisation
from zfwidgets.network import Network
from zfwidgets.widgets import RuleViewer


@pytest.fixture
def viewer(backend: Backend) -> Iterator[RuleViewer]:
    viewer = RuleViewer(backend, layer="conv2")
    assert viewer.wait(60)
    yield viewer
    viewer.close()


def text(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", html))


def test_it_shows_what_the_methods_say(viewer: RuleViewer, backend: Backend, network: Network) -> None:
    assert viewer.state == "ready" and viewer.result is not None and viewer.check is not None
    channel = viewer.result.faithful.channel
    picture = backend.picture(viewer.image)
    ways = compare_rules(network, picture, "conv2", channel)
    check = weight_randomisation(network, picture, "conv2", channel)
    # The tiny network's pool has no overlapping windows, and there are no norms: nothing to choose about them.
    assert list(viewer.result.projections) == list(ways.projections) == ["deconvnet", "desalinet", "guided", "gradient"]
    for way, cosine in ways.cosine.items():
        assert viewer.result.cosine[way] == pytest.approx(cosine, abs=1e-5)
    np.testing.assert_allclose(viewer.check.rank["gradient"], check.rank["gradient"], atol=1e-4)
    assert viewer._sheet.tiles.value.count("<img") == 4 and viewer._sheet.stages.value.count("<img") == 3
    said = text(viewer._sheet.tiles.value)
    assert f"cosine {ways.cosine['gradient']:.2f}" in said.replace("\N{MINUS SIGN}", "-")
    assert f"relative error {ways.error['gradient']:.2f}" in said
    assert "here the same as DeSaliNet" in said
    assert "Mahendran and Vedaldi 2016" in text(viewer._later.value) and "Adebayo" in text(viewer._later.value)
    assert widget_labelled(viewer, "Channel").value == channel


def test_switches_change_the_tiles_and_say_what_the_colours_mean(viewer: RuleViewer) -> None:
    seen = {viewer._sheet.tiles.value}
    assert "One scale for all tiles" in viewer._sheet.scale.value
    for name, words in (("own", "its own contrast"), ("difference", "minus the deconvnet")):
        widget_labelled(viewer, {"own": "Own contrast", "difference": "Difference"}[name]).value = True
        assert getattr(viewer, name) and words in viewer._sheet.scale.value
        seen.add(viewer._sheet.tiles.value)
    assert len(seen) == 3


def test_the_cursor_walks_through_the_random_layers(viewer: RuleViewer) -> None:
    assert viewer.stage == 1 and "weights of conv2" in viewer._verdict.value
    slider = widget_labelled(viewer, "Random layers")
    assert slider.max == 2
    slider.value = 2
    assert viewer.stage == 2 and "conv2 to conv1" in viewer._verdict.value
    slider.value = 0
    assert "untrained network" in viewer._verdict.value
    assert viewer._sheet.stages.value.count("zf-now") == 1
    drawn = viewer._sheet.stages.value, viewer._curves._plot.value
    widget_labelled(viewer, "Pictures of").value = "gradient"
    widget_labelled(viewer, "Likeness").value = "cosine"
    assert (viewer.rule, viewer.measure) == ("gradient", "cosine")
    assert drawn[0] != viewer._sheet.stages.value and drawn[1] != viewer._curves._plot.value
    viewer.seed = 2
    assert viewer.wait(60) and viewer.check is not None and viewer.check.seed == 2


def test_another_layer_has_other_maps(viewer: RuleViewer) -> None:
    widget_labelled(viewer, "Channel").value = 0
    assert viewer.channel == 0
    viewer.layer = "conv1"
    assert viewer.channel is None and viewer.wait(60)
    assert viewer.result is not None and viewer.result.faithful.layer == "conv1"
    assert widget_labelled(viewer, "Channel").max == 5
    viewer.layer = "fc3"  # it has no places: the whole picture is its field
    assert viewer.wait(60) and viewer.result.faithful.box == (0, 0, 24, 24)


def test_choices_about_norms_are_shown_where_there_are_norms(pictures: ImageSet) -> None:
    for name, layer, way in (
        ("Plain", "conv2", "norm by derivative"),
        ("PreActivation", "again", "batch norm left out"),
    ):
        with Backend(Network(small(name), preprocess=Preprocess(size=33), device="cpu"), pictures) as backend:
            viewer = RuleViewer(backend, layer=layer)
            assert viewer.wait(60)
            assert way in viewer._sheet.tiles.value
            viewer.close()


def test_a_silent_unit_and_a_layer_without_a_way_back_get_a_sentence(viewer: RuleViewer, pictures: ImageSet) -> None:
    from zfwidgets.methods import record

    maps = record(viewer._backend.network, viewer._backend.picture(viewer.image), ["conv2"]).activations["conv2"][0]
    channel, row, column = map(int, np.argwhere(maps == 0)[0])
    good = viewer._sheet.tiles.value
    viewer.channel = channel
    viewer.position = (row, column)
    with pytest.raises(ZfwidgetsError, match=f"#{channel} is silent at row {row}, column {column}"):
        viewer.wait(60)
    assert viewer.state == "error" and viewer._sheet.tiles.value
    viewer.channel = None
    assert viewer.wait(60) and viewer.state == "ready" and viewer._sheet.tiles.value == good
    with Backend(Network(Attention(), preprocess=Preprocess(size=24), device="cpu"), pictures) as backend:
        other = RuleViewer(backend, layer="head")
        with pytest.raises(ZfwidgetsError, match="SiLU"):
            other.wait(60)
        other.close()
    untraced = Network(DataDependent(), preprocess=Preprocess(size=24), device="cpu")
    words = "no projections to compare: DataDependent cannot be traced"
    with Backend(untraced, pictures) as backend, pytest.raises(ParameterError, match=words):
        RuleViewer(backend)


@pytest.mark.parametrize(
    ("name", "value", "error", "words"),
    [
        ("layer", "convv2", UnknownNameError, "nearest are 'conv2'"),
        ("channel", 8, ParameterError, "from 0 to 7; found 8"),
        ("position", (9, 0), ParameterError, "row"),
        ("position", 3, ParameterError, "A position is"),
        ("rule", "guidde", UnknownNameError, "nearest are 'guided'"),
        ("measure", "ranks", UnknownNameError, "nearest are 'rank'"),
        ("stage", -1, ParameterError, "found -1"),
        ("seed", "a", ParameterError, "seed"),
        ("rulee", "guided", UnknownNameError, "nearest are 'rule'"),
    ],
)
def test_bad_values_are_refused(viewer: RuleViewer, name: str, value: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        setattr(viewer, name, value)


def test_the_tab_sleeps_until_it_is_looked_at(backend: Backend) -> None:
    explorer = Explorer(backend)
    assert explorer.wait(60) and explorer.rules is not None and explorer.rules.result is None
    tabs = explorer.children[-1]
    tabs.selected_index = list(tabs.titles).index("Rules")
    assert explorer.rules.wait(60) and explorer.rules.result is not None
    assert explorer.features is not None
    explorer.features.layer = "conv1"
    assert explorer.rules.layer == "conv1" and explorer.rules.wait(60)
    explorer.close()
