"""The viewer of Tables 4 to 7 with a second network: the same pictures and folds for both, and what is said of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from zfwidgets.backend import Backend
from zfwidgets.backend import probe_requests as requests
from zfwidgets.data import ImageSet
from zfwidgets.errors import NetworkError, ParameterError
from zfwidgets.imaging import Preprocess
from zfwidgets.methods.probing import Probe, accuracy_difference, feature_probe
from zfwidgets.network import Network
from zfwidgets.widgets import ProbeViewer
from zfwidgets.widgets.parts.style import printed
from zfwidgets.widgets.probe import charts

CLASSES = ("<i>ant</i>", "bee")


@pytest.fixture(scope="module")
def things() -> ImageSet:
    """Noise; bees are lighter."""
    random = np.random.default_rng(4)
    arrays = [random.integers(0, 200, (24, 24, 3), dtype=np.uint8) + np.uint8(9 * (n % 2)) for n in range(20)]
    return ImageSet.from_arrays(arrays, [CLASSES[n % 2] for n in range(20)])


def made(name: str) -> Network:
    torch.manual_seed(5)
    module = nn.Sequential(
        nn.Conv2d(3, 5, 5, stride=2), nn.ReLU(), nn.Conv2d(5, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten()
    )
    return Network(module, preprocess=Preprocess(size=32, resize=36), device="cpu", name=name)


@pytest.fixture(scope="module")
def cousin() -> Network:
    """Larger inputs, two convolutions, and layers of which some have other names."""
    return made("<u>cousin</u>")


@pytest.fixture
def viewer(backend: Backend, cousin: Network, things: ImageSet) -> Iterator[ProbeViewer]:
    with Backend(cousin, backend.image_set) as other:
        viewer = ProbeViewer(backend, things, other)
        assert viewer.wait(60)
        yield viewer
        viewer.close()


def text(html: Any) -> str:
    return " ".join(re.sub("<[^>]+>", " ", html.value).split())


def test_both_are_trained_and_tested_on_the_same_folds(
    viewer: ProbeViewer, cousin: Network, network: Network, things: ImageSet
) -> None:
    found = viewer._beside.probe
    q, mine = feature_probe(cousin, things, layers=found.layers), feature_probe(network, things, layers=["conv2"])
    assert all(np.array_equal(found.confusion[name], q.confusion[name]) for name in q.layers)
    viewer.layer = "conv2"
    apart = accuracy_difference(mine, q, ("conv2", "conv2"))
    value, low, high = (printed(100 * one, "+.1f") for one in (apart.value, apart.low, apart.high))
    ends = f"{low} to {high}"
    told = "told apart" if apart.apart else "not told apart"
    assert f"&lt;u&gt;cousin&lt;/u&gt; minus tiny is {value} points, from {ends}: {told}." in viewer._beside.about.value
    assert f"{value} {ends}" in text(viewer._table) and "<u>cousin" not in viewer._table.value
    assert viewer._by_layer.value.count("zf-dashed") == 2  # random weights, and the second network
    assert viewer._by_size.value.count("zf-dashed") == 2
    assert all(html.value.count("<rect") == 4 for html in (viewer._beside._theirs, viewer._beside._apart))
    assert "tick: &lt;u&gt;cousin" in viewer._bars.value
    assert set(viewer._asked) == {"classes", "learnt", "untaught", "other learnt"}


def test_a_layer_that_it_does_not_have_gives_way_to_one_as_deep(viewer: ProbeViewer) -> None:
    viewer.layer = "pool1"
    beside = viewer._beside._found["pool1"].layer
    assert f"has no layer pool1: shown is {beside}, as deep" in text(viewer._beside.about)
    assert f">{beside}</small>" in viewer._table.value


def test_controls_are_of_both_and_what_was_asked_before_is_not_compared(viewer: ProbeViewer) -> None:
    before = viewer._beside.probe
    viewer.classifier = "softmax"
    assert viewer.wait(60) and viewer._beside.probe is not before
    assert viewer._beside.probe.classifier == "softmax" == viewer.result.classifier
    theirs = viewer._asked["other learnt"][1]
    assert viewer._same(1, "learnt") and theirs.classifier == "softmax"
    viewer._answered["other learnt"] = requests.ProbeRequest(theirs.pictures, theirs.layers, "svm")
    viewer._redraw()
    assert "points" not in text(viewer._beside.about) and "second minus first" not in text(viewer._table)


def test_layers_of_both_appear_as_they_are_done(viewer: ProbeViewer) -> None:
    whole = viewer._beside.probe
    viewer._show("other learnt", Probe(whole.layers, whole.classes, whole.per_class, 5, "svm", None, {}))
    assert viewer._table.value.count("<td>-</td><td>-</td>") == len(viewer._layers)
    assert not viewer._beside._theirs.value and "points" not in text(viewer._beside.about)


def test_what_is_drawn_again_is_not_emptied_first(viewer: ProbeViewer) -> None:
    told: list[str] = []
    for matrix in (viewer._beside._theirs, viewer._beside._apart):
        assert "<svg" in matrix.value
        matrix.observe(lambda change: told.append(change["new"]), "value")
    viewer._redraw()
    assert not told


def test_a_network_is_not_told_apart_from_itself(backend: Backend, things: ImageSet) -> None:
    viewer = ProbeViewer(backend, things, other=backend, pool=1)
    assert viewer.wait(60)
    assert "tiny (second) minus tiny is +0.0 points, from +0.0 to +0.0: not told apart." in text(viewer._beside.about)
    assert viewer._beside._apart.value.count('fill-opacity="0.04"') == 4
    viewer.close()


def test_a_second_network_that_cannot_be_looked_into(backend: Backend, things: ImageSet) -> None:
    class Strange(nn.Module):
        def forward(self, x: Any) -> Any:
            return x.mean((2, 3)) if float(x.sum()) > 0 else x.amax((2, 3))

    net = Network(Strange(), preprocess=Preprocess(size=24), device="cpu", name="strange")
    with Backend(net, backend.image_set) as other:
        viewer = ProbeViewer(backend, things, other, pool=1)
        assert viewer.wait(60) and viewer.state == "ready" and viewer.result.complete
        assert "strange cannot be looked into" in text(viewer._beside.about) and "paper" in text(viewer._table)
        viewer.close()
        with pytest.raises(ParameterError, match="no features to probe"):
            ProbeViewer(other, things)


def test_an_error_of_the_second_names_it_and_the_first_goes_on(backend: Backend, things: ImageSet) -> None:
    net = made("broken")
    with torch.no_grad():
        next(net.module.parameters()).fill_(torch.nan)
    with Backend(net, backend.image_set) as other:
        viewer = ProbeViewer(backend, things, other, pool=1)
        with pytest.raises(NetworkError, match="Second network, broken: "):
            viewer.wait(60)
        assert viewer.result.complete and viewer.state == "error"
        viewer.close()


def test_a_second_network_is_a_backend(backend: Backend, things: ImageSet) -> None:
    with pytest.raises(ParameterError, match="second network comes as a Backend, not str"):
        ProbeViewer(backend, things, "zfnet-photos")  # type: ignore[arg-type]


def test_a_difference_of_confusions_is_signed() -> None:
    mine, theirs = np.array([[3, 1], [0, 4]]), np.array([[1, 3], [0, 4]])
    chart = charts.confusion_difference(mine, theirs, ("ant", "bee"))
    assert "\N{MINUS SIGN}50 points of ant taken for ant" in chart and "+50 points of ant taken for bee" in chart
    assert chart.count("<text ") == 2 + 2 + 2  # classes at both sides, and the two cells that differ


def test_what_two_networks_saw_is_kept(network: Network, cousin: Network) -> None:
    things = ImageSet.from_arrays(np.zeros((2, 24, 24, 3), np.uint8), ["ant", "bee"])
    first, keys = requests._inputs(network, things)
    requests._inputs(cousin, things)
    assert requests._inputs(network, things)[0] is first and keys == things.keys()
    third = Network(made("third").module, preprocess=Preprocess(size=16, resize=16), device="cpu")
    requests._inputs(third, things)
    assert requests._inputs(network, things)[0] is not first
