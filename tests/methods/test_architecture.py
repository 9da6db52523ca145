"""The table of layers against torch's own counts; the deconvnet's steps against a walk over whole maps."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from twins.architecture import slow_stages, slow_table
from twins.zoo import SMALL, Attention, DataDependent, Shuffled, small

from zfwidgets import Network, Preprocess, ZFNet, architecture, project, projection_stages, record
from zfwidgets.errors import NetworkError, ParameterError, RefusedError, UnknownNameError

SIZE = 33


@pytest.fixture(scope="module")
def nets():
    return {name: Network(small(name), preprocess=Preprocess(size=SIZE), device="cpu") for name in SMALL}


@pytest.fixture(scope="module")
def x():
    return torch.randn(3, SIZE, SIZE, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("name", SMALL)
def test_it_counts_as_torch_does(nets, x, name):
    net = nets[name]
    found = architecture(net)
    calls, total = slow_table(net.module, x)
    assert found.multiply_adds == total == sum(layer.multiply_adds for layer in found.layers)
    parameters = sum(parameter.numel() for parameter in net.module.parameters())
    assert found.parameters == parameters == sum(layer.parameters for layer in found.layers)
    priced = Counter(adds for _, _, adds in calls if adds)
    assert Counter(layer.multiply_adds for layer in found.layers if layer.multiply_adds) == priced
    shapes = {}
    for path, shape, _ in calls:
        shapes.setdefault(path, []).append(shape)
    for layer in found.layers:
        if layer.name in shapes:
            assert (layer.channels, layer.height, layer.width)[: len(shapes[layer.name][-1])] in shapes[layer.name]


@pytest.mark.parametrize("name", SMALL)
def test_every_operation_belongs_to_one_layer_that_reads_earlier_ones(nets, name):
    net = nets[name]
    found = architecture(net)
    nodes = [node for layer in found.layers for node in layer.nodes]
    assert sorted(nodes) == sorted(net.graph.ancestors([net.graph.output]))
    assert found.layers[0].inputs == ()
    assert found.layers[-1].nodes[-1] == net.graph.output
    for place, layer in enumerate(found.layers[1:], 1):
        assert layer.inputs and max(layer.inputs) < place
        sources = {source for node in layer.nodes for source in net.graph.nodes[node].inputs}
        assert {found.layers[i].nodes[-1] for i in layer.inputs} == sources - set(layer.nodes)
        if layer.name is not None and net.layers[layer.name].index == layer.nodes[-1]:
            assert layer.receptive_field == net.layers[layer.name].receptive_field


def test_branches_stay_branches(nets):
    joined = {name: [layer.kind for layer in architecture(nets[name]).layers if len(layer.inputs) > 1] for name in nets}
    assert joined["PreActivation"] == ["addition"]  # the other one adds a value to itself
    assert joined["Grouped"] == ["concatenation"]
    assert joined["Fire"] == ["concatenation", "addition"]
    assert architecture(nets["Plain"]).chain and not architecture(nets["Fire"]).chain


def test_the_network_of_fig_3():
    found = architecture(Network(ZFNet(), device="cpu"))
    assert found.parameters == 62_357_608
    sides = [found[name].height for name in ("conv1", "pool1", "conv2", "pool2", "pool5")]
    assert sides == [110, 55, 26, 13, 6]
    assert [found[f"conv{number}"].channels for number in range(1, 6)] == [96, 256, 384, 384, 256]
    assert (found["conv1"].kernel, found["conv1"].step, found["conv1"].receptive_field) == ((7, 7), (2, 2), (7, 7))
    assert (found["fc6"].parameters, found["fc6"].spatial) == (4096 * (256 * 36 + 1), False)
    with pytest.raises(UnknownNameError, match="nearest are 'conv5'"):
        found["conv55"]


@pytest.mark.parametrize("kind", [Attention, Shuffled])
def test_operations_without_a_rule_are_layers_too(kind):
    net = Network(kind(), preprocess=Preprocess(size=16), device="cpu")
    found = architecture(net)
    assert sum(layer.parameters for layer in found.layers) == sum(p.numel() for p in net.module.parameters())
    kinds = [layer.kind for layer in found.layers]
    assert "MultiheadAttention" in kinds if kind is Attention else "add" in kinds


def test_what_cannot_be_traced_gets_a_sentence():
    net = Network(DataDependent(), preprocess=Preprocess(size=16), device="cpu")
    with pytest.raises(NetworkError, match=r"cannot be traced at .* line"):
        architecture(net)
    with pytest.raises(NetworkError, match="takes a Network"):
        architecture("zfnet-scenes")


LAYERS = {"conv1": 1, "pool1": 2, "3": 3, "conv2": 5, "pool2": 6, "fc3": 10, "fc4": 11}


@settings(max_examples=15)
@given(st.sampled_from(sorted(LAYERS)), st.integers(0, 99), st.integers(0, 99), st.integers(0, 99))
def test_every_step_is_that_of_the_slow_walk(nets, x, name, channel, row, column):
    net = nets["Plain"]
    layer = net.layers[name]
    channel, place = channel % layer.channels, (row % layer.height, column % layer.width)
    found = projection_stages(net, x, name, channel, place)
    wanted = slow_stages(net.module, x, LAYERS[name], channel, place)
    assert len(found) == len(wanted)
    for stage, expected in zip(found.stages, wanted, strict=True):
        assert stage.shape == tuple(expected.shape)
        scale = max(float(expected.abs().max()), 1e-12)
        np.testing.assert_allclose(stage.whole() / scale, expected / scale, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", SMALL)
def test_the_last_step_is_the_projection(nets, x, name):
    net = nets[name]
    for layer in net.menu:
        recording = record(net, x[None], [layer])
        for rule, overlap in (("deconvnet", "sum"), ("guided", "sum"), ("gradient", "overwrite")):
            channel = net.layers[layer].channels // 2
            options = {"rule": rule, "overlap": overlap}
            project(net, recording, layer, channel, **options)  # packs the weights, which rounds otherwise
            p = project(net, recording, layer, channel, **options)
            found = projection_stages(net, recording, layer, channel, **options)
            np.testing.assert_array_equal(found.projection.pixels, p.pixels)
            np.testing.assert_array_equal(found.stages[-1].whole(), p.canvas())
            first = found.stages[0].whole()
            assert (first != 0).sum() == (p.value != 0)
            assert first[(channel, *p.position)] == np.float32(p.value)
            assert (found.stages[0].step, found.stages[-1].at) == ("start", "pixels")


def test_switches_are_the_places_of_the_maxima(nets, x):
    net = nets["Plain"]
    found = projection_stages(net, x, "conv2", 3, (4, 4))
    (stage,) = (stage for stage in found.stages if stage.step == "unpool")
    assert (stage.at, stage.undone) == ("conv1", ("pool1",))
    assert stage.switches.shape == stage.signal.shape
    assert stage.switches[stage.signal != 0].all()
    with torch.no_grad():
        maps = torch.relu(net.module[0](x[None]))
    _, places = torch.nn.functional.max_pool2d(maps, 3, 2, ceil_mode=True, return_indices=True)
    top, left, height, width = stage.box
    before = found.stages[found.stages.index(stage) - 1]
    rows = slice(before.box[0], before.box[0] + before.box[2])
    columns = slice(before.box[1], before.box[1] + before.box[3])
    wanted = np.zeros(stage.switches.shape, bool)
    for channel, some in enumerate(places[0, :, rows, columns].flatten(1).tolist()):
        for place in some:
            row, column = place // maps.shape[3] - top, place % maps.shape[3] - left
            assert 0 <= row < height and 0 <= column < width
            wanted[channel, row, column] = True
    np.testing.assert_array_equal(stage.switches, wanted)


def test_stages_are_frozen(nets, x):
    found = projection_stages(nets["Fire"], x, "top", 1)
    assert {"filter", "rectify", "unpool", "split"} <= {stage.step for stage in found.stages}
    for stage in found.stages:
        with pytest.raises(ValueError, match="read-only"):
            stage.signal[0] = 1


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"layer": "conv7"}, UnknownNameError, "nearest are"),
        ({"channel": 8}, ParameterError, "channels 0 to 7"),
        ({"position": (9, 0)}, ParameterError, "rows 0 to 7"),
        ({"rule": "deconv"}, UnknownNameError, "deconvnet"),
        ({"overlap": "max"}, UnknownNameError, "overlap"),
    ],
)
def test_bad_input_gets_one_sentence(nets, x, arguments, error, message):
    with pytest.raises(error, match=message):
        projection_stages(nets["Plain"], x, **{"layer": "conv2", "channel": 0, **arguments})


def test_a_layer_without_a_way_back_is_refused():
    net = Network(Attention(), preprocess=Preprocess(size=16), device="cpu")
    with pytest.raises(RefusedError, match="SiLU"):
        projection_stages(net, torch.zeros(3, 16, 16), "head", 0)
