"""The viewer of Figs. 1 and 3 on a tiny real network, on one with branches, and as a tab of the page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
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
from zfwidgets.methods import project
from zfwidgets.methods.architecture import architecture
from zfwidgets.network import Network
from zfwidgets.widgets import ArchitectureViewer
from zfwidgets.widgets.architecture.layer_graph import LayerGraph
from zfwidgets.widgets.architecture.stage_words import picture, shown_stages, switch_picture
from zfwidgets.widgets.architecture.words import graph, plan, scale


@pytest.fixture
def viewer(backend: Backend) -> Iterator[ArchitectureViewer]:
    viewer = ArchitectureViewer(backend, layer="conv2", channel=3)
    assert viewer.wait(20)
    yield viewer
    viewer.close()


def test_it_shows_what_the_methods_say(viewer: ArchitectureViewer, backend: Backend, network: Network) -> None:
    assert viewer.state == "ready"
    assert viewer.result == architecture(network)
    assert [name for name, _ in viewer._graphs[0]._rows.options] == ["conv1", "pool1", "conv2", "fc3"]
    assert f"{sum(p.numel() for p in network.module.parameters()):,} parameters" in viewer._graphs[0]._heading.value
    expected = project(network, backend.picture(viewer.image), "conv2", 3)
    assert viewer.stages is not None
    scale = float(np.abs(expected.pixels).max())
    np.testing.assert_allclose(viewer.stages.stages[-1].whole(), expected.canvas(), rtol=0, atol=1e-5 * scale)
    assert viewer._sheets[0].strip.value.count("<img") == len(shown_stages(viewer.stages)) == 6


def test_the_whole_of_a_long_name_can_be_read(network: Network) -> None:
    net, name = architecture(network), "features.12.expand3x3_activation"
    layers = tuple(replace(layer, name=name) if layer.name == "conv2" else layer for layer in net.layers)
    shown = LayerGraph(lambda _: None)
    shown.take(replace(net, layers=layers))
    shown.draw(scale([net]))
    assert f'zf-long"><b>{name}</b>' in shown._graph.value.replace("<wbr>", "")
    assert f"{name}: convolution 3 x 3, relu; 8 x 5 x 5, sees 15 x 15" in shown._rows.tooltips
    assert len(shown._rows.tooltips) == len(shown._rows.options) == 4


def test_a_row_the_list_and_a_program_choose_alike(viewer: ArchitectureViewer) -> None:
    viewer._graphs[0]._rows.value = 1
    assert viewer.layer == "conv1" == widget_labelled(viewer, "Layer").value
    assert viewer.channel is None and viewer.wait(20)
    assert viewer.stages is not None and viewer.stages.projection.layer == "conv1"
    strongest = viewer.stages.projection.channel
    channel = widget_labelled(viewer, "Channel")
    assert (channel.value, channel.max) == (strongest, 5)
    channel.value = (strongest + 1) % 6
    assert viewer.channel == (strongest + 1) % 6
    viewer.layer = "0"  # inside of conv1
    assert viewer._graphs[0]._rows.value == 1 and viewer.layer == "0"
    assert viewer.wait(20)


def test_every_step_has_its_words(viewer: ArchitectureViewer) -> None:
    said = []
    for step in range(6):
        viewer.step = step
        said.append(re.sub("<[^>]*>", "", viewer._sheets[0].panel.value))
    for words, part in zip(said, ("keeps its value", "Rectify", "Filter", "Unpool", "Rectify", "pixels"), strict=True):
        assert part in words
    assert viewer._sheets[0].strip.value.count("zf-now") == 1
    viewer.step = 40
    assert re.sub("<[^>]*>", "", viewer._sheets[0].panel.value) == said[-1]


def test_switches_are_orange_and_the_signal_lies_on_them(viewer: ArchitectureViewer) -> None:
    assert viewer.stages is not None
    (stage,) = (stage for stage in viewer.stages.stages if stage.step == "unpool")
    assert stage.switches is not None and len(stage.signal) == 6
    switches, signal = switch_picture(stage), picture(stage, 3)
    assert switches.shape == signal.shape
    orange = (switches == (255, 127, 14)).all(2)
    assert orange.sum() == stage.switches.sum() > 0
    inside = (switches == 128).all(2)
    assert (signal[inside] == 128).all()


def test_branches_are_drawn_at_the_side() -> None:
    net = architecture(Network(small("Fire"), preprocess=Preprocess(size=33), device="cpu"))
    to = scale([net])
    places = plan(net, to)
    passing = {(s, r) for r, layer in enumerate(net.layers) for s in layer.inputs if s < r - 1}
    assert {(source, reader) for source, reader, _ in places.lanes} == passing
    for source, reader, lane in places.lanes:
        for other, end, same in places.lanes:
            assert other == source or same != lane or end <= source or other >= reader
    html = graph(net, places, to, "zf-x")
    assert html.count("<circle") == len(net.layers)
    assert html.count("<path") == sum(len(layer.inputs) for layer in net.layers)
    assert places.tops[1:] == pytest.approx([a + b for a, b in zip(places.tops, places.heights, strict=True)][:-1])


def test_boxes_are_to_scale() -> None:
    net = architecture(Network(small("Plain"), preprocess=Preprocess(size=33), device="cpu"))
    to = scale([net])
    polygons = re.findall(r'fill-opacity="0.95" points="([^"]*)"', graph(net, plan(net, to), to, "zf-x"))
    sizes = []
    for polygon in polygons:
        points = np.array([list(map(float, point.split(","))) for point in polygon.split()])
        sizes.append(np.ptp(points, 0))
    maps = [layer for layer in net.layers if layer.spatial]
    np.testing.assert_allclose([size[1] for size in sizes], [layer.height / 33 * 84 for layer in maps], atol=0.11)
    np.testing.assert_allclose([size[0] for size in sizes], [layer.channels / 8 * 42 for layer in maps], atol=0.11)


def test_a_layer_without_a_way_back_is_said_and_the_layers_stay(pictures: ImageSet) -> None:
    net = Network(Attention(), preprocess=Preprocess(size=24), device="cpu")
    with Backend(net, pictures) as backend:
        viewer = ArchitectureViewer(backend, layer="stem")
        assert viewer.wait(20)
        viewer.layer = "head"
        with pytest.raises(ZfwidgetsError, match="SiLU"):
            viewer.wait(20)
        assert viewer.state == "error" and "MultiheadAttention" in viewer._graphs[0]._graph.value
        viewer.close()


def test_what_cannot_be_traced_gets_a_sentence(pictures: ImageSet) -> None:
    with Backend(Network(DataDependent(), preprocess=Preprocess(size=24), device="cpu"), pictures) as backend:
        with pytest.raises(ParameterError, match="no layers to show: DataDependent cannot be traced"):
            ArchitectureViewer(backend)
        explorer = Explorer(backend)
        assert explorer.architecture is None
        explorer.close()


@pytest.mark.parametrize(
    ("name", "value", "error", "words"),
    [
        ("layer", "convv2", UnknownNameError, "nearest are 'conv2'"),
        ("channel", 8, ParameterError, "from 0 to 7; found 8"),
        ("step", -1, ParameterError, "found -1"),
        ("stepp", 1, UnknownNameError, "nearest are 'step'"),
    ],
)
def test_bad_values_are_refused(viewer: ArchitectureViewer, name: str, value: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        setattr(viewer, name, value)


def test_the_tab_sleeps_and_its_layer_is_that_of_the_others(backend: Backend) -> None:
    explorer = Explorer(backend)
    assert explorer.wait(30)
    assert explorer.architecture is not None and explorer.features is not None and explorer.top is not None
    assert explorer.architecture.result is None
    tabs = explorer.children[-1]
    tabs.selected_index = list(tabs.titles).index("Architecture")
    assert explorer.architecture.wait(20)
    explorer.architecture._graphs[0]._rows.value = 1
    assert explorer.features.layer == explorer.top.layer == "conv1"
    explorer.features.layer = "conv2"
    assert explorer.architecture.layer == "conv2" and explorer.architecture.wait(20)
    explorer.close()
