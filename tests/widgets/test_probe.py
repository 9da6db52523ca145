"""The viewer of Tables 4 to 7 on a tiny real network: what it shows, what hands do, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from twins.tiny import widget_labelled

from zfwidgets.backend import Backend
from zfwidgets.backend.probe_requests import ExamplesRequest, ProbeRequest
from zfwidgets.data import ImageSet
from zfwidgets.errors import DataError, NetworkError, ParameterError, UnknownNameError
from zfwidgets.methods.probing import Probe, feature_probe, untaught
from zfwidgets.models import load_network
from zfwidgets.network import Network
from zfwidgets.widgets import ProbeViewer
from zfwidgets.widgets.probe import charts

CLASSES = ("<i>ant</i>", "bee")


@pytest.fixture(scope="module")
def things() -> ImageSet:
    """Noise; bees are lighter."""
    random = np.random.default_rng(4)
    arrays = [random.integers(0, 200, (24, 24, 3), dtype=np.uint8) + np.uint8(50 * (n % 2)) for n in range(20)]
    return ImageSet.from_arrays(arrays, [CLASSES[n % 2] for n in range(20)])


@pytest.fixture
def viewer(backend: Backend, things: ImageSet) -> Iterator[ProbeViewer]:
    viewer = ProbeViewer(backend, things)
    assert viewer.wait(60)
    yield viewer
    viewer.close()


def test_it_shows_what_the_method_says(viewer: ProbeViewer, network: Network, things: ImageSet) -> None:
    q, random = feature_probe(network, things), feature_probe(untaught(network), things)
    assert viewer.result is not None and viewer.untaught is not None and viewer.state == "ready"
    assert all(np.array_equal(viewer.result.confusion[name], q.confusion[name]) for name in q.layers)
    assert all(np.array_equal(viewer.untaught.confusion[name], random.confusion[name]) for name in q.layers)
    assert f"<td>{100 * q.score('conv2').mean:.1f}" in viewer._table.value
    assert viewer._by_layer.value.count("<polyline") == 2 and viewer._by_size.value.count("<polyline") == 3
    assert viewer._by_class.value.count("<rect") == 4
    assert "20 pictures" in viewer._strip.status.value and "2 classes" in viewer._strip.status.value


def test_names_of_classes_are_text(viewer: ProbeViewer) -> None:
    for html in (viewer._by_class, viewer._bars, viewer._sheet._foot):
        assert "<i>ant" not in html.value and "&lt;i&gt;ant" in html.value


def test_a_layer_and_a_number_of_pictures_ask_nothing_new(viewer: ProbeViewer) -> None:
    asked = viewer._asked["learnt"]
    widget_labelled(viewer, "Layer").value = "pool1"
    widget_labelled(viewer, "Training pictures").value = 4
    assert viewer._asked["learnt"] is asked and (viewer.layer, viewer.per_class) == ("pool1", 4)
    assert "pool1" in viewer._panels[2]._title.value and "4 of each class" in viewer._table.value


def test_another_classifier_is_asked_with_the_same_features(viewer: ProbeViewer, network: Network) -> None:
    widget_labelled(viewer, "Classifier").value = "softmax"
    assert viewer.wait(60) and viewer.result is not None and viewer.result.classifier == "softmax"
    widget_labelled(viewer, "Features").value = 1
    assert viewer.wait(60) and viewer.result.pool == 1


def test_layers_appear_as_they_are_done(viewer: ProbeViewer) -> None:
    whole = viewer.result
    assert whole is not None
    first = whole.layers[0]
    part = Probe(whole.layers, whole.classes, whole.per_class, 5, "svm", None, {first: whole.confusion[first]})
    viewer._show("learnt", part)
    assert viewer._table.value.count("<tr>") == 2 and viewer._facts().endswith(f"1 of {len(whole.layers)} layers")


@pytest.mark.parametrize(
    ("option", "value", "kind", "words"),
    [
        ("layer", "conv9", UnknownNameError, "no layer 'conv9'"),
        ("classifier", "tree", UnknownNameError, "no classifier 'tree'"),
        ("pool", -1, ParameterError, "pool is a whole number"),
        ("per_class", 3, ParameterError, "Training pictures of each class were 1, 2, 4, 8; found 3"),
    ],
)
def test_what_cannot_be(viewer: ProbeViewer, option: str, value: Any, kind: Any, words: str) -> None:
    with pytest.raises(kind, match=words):
        setattr(viewer, option, value)


def test_pictures_that_are_no_labelled_set(backend: Backend) -> None:
    with pytest.raises(ParameterError, match="an ImageSet with labels, not list"):
        ProbeViewer(backend, [1])  # type: ignore[arg-type]
    viewer = ProbeViewer(backend, ImageSet.from_arrays(np.zeros((3, 8, 8, 3), np.uint8), ["a", "b", None]))
    with pytest.raises(DataError, match="has no label"):
        viewer.wait(20)
    assert viewer.state == "error" and "has no label" in viewer._strip.alert.value
    viewer.close()


def test_requests_are_equal_for_equal_questions(backend: Backend, things: ImageSet) -> None:
    assert ProbeRequest(things, ("conv1",)) == ProbeRequest(things, ("conv1",)) != ProbeRequest(things, ("conv2",))
    examples = backend.compute(ExamplesRequest(things))
    assert examples.classes == CLASSES and examples.pixels.shape == (12, 24, 24, 3)


def test_before_it_was_taught_is_the_same_network_with_other_weights(network: Network) -> None:
    first, again, other = untaught(network, 1), untaught(network, 1), untaught(network, 2)
    weights = [dict(net.module.state_dict()) for net in (network, first, again, other)]
    assert all((weights[1][name] == weights[2][name]).all() for name in weights[0])
    assert not any((weights[1][name] == weights[place][name]).all() for name in weights[0] for place in (0, 3))
    assert load_network("zfnet-scenes", device="cpu").menu == untaught(load_network("zfnet-scenes", device="cpu")).menu


def test_what_cannot_begin_anew_says_so(network: Network) -> None:
    import torch
    from torch import nn

    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(1))

        def forward(self, batch: torch.Tensor) -> torch.Tensor:
            return batch * self.scale

    module = nn.Sequential(nn.Conv2d(3, 2, 24), nn.Flatten(), Scaled())
    with pytest.raises(NetworkError, match="cannot begin anew: '2' has no reset_parameters"):
        untaught(Network(module, preprocess=network.preprocess, device="cpu"))


def test_many_layers_and_classes_still_fit() -> None:
    names, classes = tuple(f"layer{n}.0" for n in range(20)), tuple(f"class {n}" for n in range(40))
    table = np.eye(40, dtype=np.int64)[None, None].repeat(3, 1)
    q = Probe(names, classes, (5,), 3, "svm", None, dict.fromkeys(names, table))
    chart = charts.layer_chart(q, None, names[3], 5)
    assert chart.count("<circle") == 20 and chart.count(">layer") <= 7
    assert charts.confusion_chart(table[0, 0], classes).count("<text") == 0
    assert charts.size_chart(q, None, names[3]).count("<circle") == 1
