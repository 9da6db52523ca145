"""The viewer of Figs. 1 and 3 with a second network: one scale, what differs, the layer beside, both ways down."""

from __future__ import annotations

import re
from collections.abc import Iterator
from unittest.mock import patch

import numpy as np
import pytest
from torch import nn
from twins.tiny import relative
from twins.zoo import DataDependent

from zfwidgets.app.explorer import Explorer
from zfwidgets.backend import Backend
from zfwidgets.data import ImageSet
from zfwidgets.errors import ParameterError, UnknownNameError, ZfwidgetsError
from zfwidgets.imaging import Preprocess
from zfwidgets.methods import project
from zfwidgets.methods.architecture import architecture
from zfwidgets.network import Network
from zfwidgets.widgets import ArchitectureViewer
from zfwidgets.widgets.architecture.table import difference_table


@pytest.fixture
def viewer(backend: Backend, cousin: Network, pictures: ImageSet) -> Iterator[ArchitectureViewer]:
    with Backend(cousin, pictures) as other:
        viewer = ArchitectureViewer(backend, other, layer="conv2", channel=3)
        assert viewer.wait(30)
        yield viewer
        viewer.close()


def text(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", html)).replace("\N{MINUS SIGN}", "-")


def sides(html: str) -> list[float]:
    """Heights of the boxes' fronts, on the screen."""
    found = []
    for polygon in re.findall(r'fill-opacity="0.95" points="([^"]*)"', html):
        found.append(np.ptp(np.array([list(map(float, point.split(","))) for point in polygon.split()]), 0)[1])
    return found


def test_both_are_drawn_to_one_scale(viewer: ArchitectureViewer, network: Network, cousin: Network) -> None:
    for graph, net in zip(viewer._graphs, (network, cousin), strict=True):
        drawn = architecture(net)
        assert graph.net == drawn and net.name in graph._heading.value
        expected = [layer.height / 24 * 84 for layer in drawn.layers if layer.spatial]
        np.testing.assert_allclose(sides(graph._graph.value), expected, atol=0.11)
    most = max(layer.parameters for net in (network, cousin) for layer in architecture(net).layers)
    shares = [float(share) for graph in viewer._graphs for share in re.findall(r"share:([\d.]+)%", graph._graph.value)]
    assert max(shares) == 100 and most == max(layer.parameters for layer in architecture(network).layers)


def test_the_table_says_what_differs(viewer: ArchitectureViewer, network: Network, cousin: Network) -> None:
    said = text(viewer._table.value)
    one, other = architecture(network), architecture(cousin)
    assert f"Layers {len(one.layers) - 1} {len(other.layers) - 1} " in said
    layers = network.layers["conv2"], cousin.layers["conv2"]
    assert "Channels 8 4 -4" in said and "Rows x columns 5 x 5 8 x 8 +3 x +3" in said
    fields = [layer.receptive_field for layer in layers]
    more = " x ".join(f"{b - a:+d}" for a, b in zip(*fields, strict=True))
    assert "Receptive field {} x {} {} x {}".format(*fields[0], *fields[1]) + f" {more}" in said
    assert text(difference_table((one, one), ("a", "b"), ())).count("same") == 3


def test_a_press_in_either_marks_the_one_beside(viewer: ArchitectureViewer) -> None:
    first, second = viewer._graphs
    named = [[name for name, _ in graph._rows.options] for graph in (first, second)]
    assert first._rows.label == second._rows.label == "conv2"
    first._rows.value = dict(first._rows.options)["conv1"]
    assert (viewer.layer, viewer.other_layer) == ("conv1", None) and second._rows.label == "conv1"
    assert "pool1" in named[0] and "pool1" not in named[1]
    lonely = next(name for name in named[1] if name not in named[0])
    second._rows.value = dict(second._rows.options)[lonely]
    assert viewer.other_layer == second._rows.label == lonely and viewer.wait(30)
    assert first._rows.label == viewer.layer and f"tiny has no layer {lonely}" in viewer._table.value
    assert viewer._sheets[1].unit is not None and viewer._sheets[1].unit.layer == lonely
    viewer.layer = "conv1"
    assert viewer.other_layer is None and second._rows.label == "conv1" and viewer.wait(30)
    viewer.other_layer = lonely  # by a program: nothing had to be chosen for it
    assert viewer.wait(30) and "At the layer conv1 " + lonely in text(viewer._table.value)
    assert "has no layer" not in viewer._table.value


def test_a_press_asks_once(viewer: ArchitectureViewer) -> None:
    first, second = viewer._graphs
    lonely = next(name for name, _ in second._rows.options if name not in dict(first._rows.options))
    second._rows.value = dict(second._rows.options)[lonely]
    assert viewer.wait(30)
    here = viewer.layer
    away = ({"conv1", "conv2"} - {here}).pop()
    for layer in (away, here, away):  # then the first network knows all answers, and they come at once
        viewer.layer = layer
        assert viewer.wait(30)
    with patch.object(viewer._other, "submit", wraps=viewer._other.submit) as submit:
        second._rows.value = dict(second._rows.options)[lonely]
        assert viewer.wait(30) and (viewer.layer, viewer.other_layer) == (here, lonely)
        assert [call.args[0].layer for call in submit.call_args_list] == [lonely]
        viewer.layer = away
        assert viewer.wait(30) and viewer.other_layer is None
        assert [call.args[0].layer for call in submit.call_args_list] == [lonely, away]


def test_both_units_are_sent_down(viewer: ArchitectureViewer, cousin: Network) -> None:
    expected = project(cousin, viewer._backend.picture(viewer.image), "conv2", 3)
    found = viewer._sheets[1].found
    scale = float(np.abs(expected.pixels).max())
    np.testing.assert_allclose(found.stages[-1].whole(), expected.canvas(), rtol=0, atol=1e-5 * scale)
    for sheet, name in zip(viewer._sheets, ("tiny", "cousin"), strict=True):
        assert f"{name}: conv2 #3" in text(sheet.panel.value)
    steps = [len(sheet.steps) for sheet in viewer._sheets]
    viewer.step = max(steps) - 1
    assert all("pixels" in text(sheet.panel.value) for sheet in viewer._sheets)
    assert len(viewer._picture._lines.x) == 2 and "white cousin" in viewer._picture._foot.value


def test_a_network_that_cannot_be_looked_into_and_a_layer_without_a_way_back(
    backend: Backend, pictures: ImageSet
) -> None:
    hidden = Network(DataDependent(), preprocess=Preprocess(size=24), device="cpu", name="hidden")
    with Backend(hidden, pictures) as other:
        viewer = ArchitectureViewer(backend, other, layer="conv2", channel=3)
        assert viewer.wait(30) and viewer.state == "ready"
        assert "hidden cannot be looked into" in viewer._graphs[1]._heading.value
        assert "hidden cannot be looked into" in viewer._sheets[1].panel.value
        viewer.close()
    with Backend(relative(nn.SiLU(), 24, 24, "silu"), pictures) as other:
        viewer = ArchitectureViewer(backend, other, layer="conv2", channel=3)
        assert viewer.wait(30) and viewer.state == "ready"
        assert "SiLU" in viewer._sheets[1].panel.value and "SiLU" in viewer._graphs[1]._graph.value
        viewer.close()


def test_what_cannot_be_is_said(viewer: ArchitectureViewer, backend: Backend) -> None:
    with pytest.raises(UnknownNameError, match="nearest are 'conv2'"):
        viewer.other_layer = "convv2"
    alone = ArchitectureViewer(backend, layer="conv2", awake=False)
    with pytest.raises(ParameterError, match="no second network"):
        alone.other_layer = "conv2"
    assert alone.wait(10) and not alone._asked
    alone.close()


def test_errors_of_the_second_name_it(backend: Backend, cousin: Network, pictures: ImageSet) -> None:
    with Backend(cousin, pictures) as other:
        pass
    viewer = ArchitectureViewer(backend, other, layer="conv2", channel=3)
    with pytest.raises(ZfwidgetsError, match="Second network, cousin"):
        viewer.wait(30)
    assert viewer.result is not None
    viewer.close()


def test_the_page_has_both(backend: Backend, cousin: Network, pictures: ImageSet) -> None:
    with Backend(cousin, pictures) as other:
        explorer = Explorer(backend, other)
        explorer.tab = "architecture"
        assert explorer.wait(60) and explorer.architecture is not None and explorer.rules is not None
        assert len(explorer.architecture._graphs) == 2 and explorer.rules._second is not None
        assert not explorer.rules._asked
        explorer.close()
