"""Projections: many at once, the overwrite option, options and errors."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torchvision import models
from twins.networks import lively, slow_occlusion, slow_projection
from twins.zoo import small

from zfwidgets import Network, Preprocess, Unit, fidelity_report, occlusion_map, project, project_units, record
from zfwidgets.errors import ParameterError, UnknownNameError
from zfwidgets.methods import fill_picture


@pytest.fixture(scope="module")
def net():
    return Network(small("Plain"), preprocess=Preprocess(size=33), device="cpu")


@pytest.fixture(scope="module")
def x():
    return torch.randn(3, 3, 33, 33, generator=torch.Generator().manual_seed(2))


def test_many_units_equal_single_ones(net, x):
    generator = np.random.default_rng(0)
    units = []
    for _ in range(40):
        layer = net.layers[str(generator.choice(list(net.layers)))]
        place = (int(generator.integers(n)) for n in (layer.channels, layer.height, layer.width))
        units.append(Unit(int(generator.integers(3)), layer.name, *place))
    together = project_units(net, x, units)
    for unit, p in zip(units, together, strict=True):
        alone = project(net, x[unit.image], unit.layer, unit.channel, (unit.row, unit.column))
        assert (p.box, p.position, p.layer) == (alone.box, alone.position, alone.layer)
        np.testing.assert_allclose(p.pixels, alone.pixels, rtol=0, atol=1e-6 * max(1, np.abs(alone.pixels).max()))


def test_position_defaults_to_the_maximum(net, x):
    recording = record(net, x[:1], ["conv2"])
    maps = recording.activations["conv2"][0, 3]
    p = project(net, recording, "conv2", 3)
    assert maps[p.position] == maps.max() == np.float32(p.value)


def test_box_sticks_out_and_is_zero_there(net, x):
    p = project(net, x[0], "conv2", 1, (0, 0))
    top, left, height, width = p.box
    assert (top, left) == tuple(net.layers["conv2"].offset)
    assert top < 0 > left
    assert (p.pixels.shape[1:]) == (height, width)
    assert (p.pixels[:, :-top] == 0).all()
    assert (p.pixels[:, :, :-left] == 0).all()


def slow_overwrite(net, x, channel, position):
    """conv2 of `Plain` down with max_unpool-like overwriting, cell after cell in reading order."""
    m = net.module
    with torch.no_grad():
        a = m[0](x[None])
        pooled, switches = F.max_pool2d(torch.relu(a), 3, 2, ceil_mode=True, return_indices=True)
        out = torch.relu(m[4](m[3](pooled)))
    signal = torch.zeros_like(out)
    signal[(0, channel, *position)] = out[(0, channel, *position)]
    signal = F.conv_transpose2d(signal, m[4].weight, None, 1, 1)
    unpooled = torch.zeros_like(a)
    for c in range(signal.shape[1]):
        for row in range(signal.shape[2]):
            for column in range(signal.shape[3]):
                place = int(switches[0, c, row, column])
                unpooled[0, c, place // a.shape[3], place % a.shape[3]] = signal[0, c, row, column]
    pixels = F.conv_transpose2d(unpooled.clamp_min(0), m[0].weight, None, 2, 1)
    return F.pad(pixels, (0, x.shape[2] - pixels.shape[3], 0, x.shape[1] - pixels.shape[2]))[0]


@pytest.mark.parametrize("position", [(0, 0), (3, 4), (7, 7)])
def test_overwrite_keeps_the_last_window(net, x, position):
    p = project(net, x[0], "conv2", 2, position, overlap="overwrite")
    wanted = slow_overwrite(net, x[0], 2, position).detach().numpy()
    scale = max(np.abs(wanted).max(), 1e-12)
    np.testing.assert_allclose(p.canvas() / scale, wanted / scale, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"layer": "conv7"}, UnknownNameError, "nearest are"),
        ({"channel": 8}, ParameterError, "channels 0 to 7"),
        ({"channel": -1}, ParameterError, "channels 0 to 7"),
        ({"channel": "a"}, ParameterError, "channels 0 to 7"),
        ({"position": (9, 0)}, ParameterError, "rows 0 to 7"),
        ({"rule": "deconv"}, UnknownNameError, "deconvnet"),
        ({"overlap": "max"}, UnknownNameError, "overlap"),
    ],
)
def test_bad_input_gets_one_sentence(net, x, arguments, error, message):
    with pytest.raises(error, match=message):
        project(net, x[0], **{"layer": "conv2", "channel": 0, **arguments})


def test_pictures_are_counted(net, x):
    with pytest.raises(ParameterError, match="Picture 3 of 3"):
        project_units(net, x, [Unit(3, "conv1", 0, 0, 0)])
    with pytest.raises(ParameterError, match="one picture, found 3"):
        project(net, record(net, x, ["conv1"]), "conv1", 0)
    with pytest.raises(UnknownNameError, match="recorded layer"):
        project(net, record(net, x[:1], ["conv1"]), "conv2", 0)


def test_fidelity_names_what_the_paper_does_not_speak_of():
    report = fidelity_report(Network(models.resnet18(weights=None), device="cpu"), "layer1")
    assert report.verdict == "adjoint"
    assert "batch norm" in report.sentence
    assert "residual addition" in report.sentence
    assert {row.status for row in report.rows} == {"paper", "adjoint"}


NETWORKS = {
    "alexnet": ["features.4", "features.12", "classifier.6"],
    "vgg16": ["features.16"],
    "vgg16_bn": ["features.13"],
    "resnet18": ["layer2.0", "layer4.1.bn2"],
    "resnet50": ["layer2.1"],
    "squeezenet1_0": ["features.8"],
    "squeezenet1_1": ["features.5", "classifier.1"],
    "googlenet": ["inception4a"],
    "inception_v3": ["Mixed_5b", "Mixed_6b.branch7x7_2"],
    "densenet121": ["features.denseblock2.denselayer4.conv2"],
    "mobilenet_v2": ["features.7", "features.14.conv.3"],
}


@pytest.mark.parametrize("name", NETWORKS)
def test_known_networks_equal_autograd(name):
    options = {"aux_logits": False, "init_weights": False} if name in ("googlenet", "inception_v3") else {}
    module = lively(models.get_model(name, weights=None, **options))
    size = 299 if name == "inception_v3" else 224
    net = Network(module, preprocess=Preprocess(size=size), device="cpu")
    assert net.trace_problem is None
    x = torch.randn(3, size, size, generator=torch.Generator().manual_seed(0))
    recording = record(net, x, NETWORKS[name])
    for path in NETWORKS[name]:
        for rule in ("deconvnet", "guided", "gradient"):
            channel = int(recording.activations[path][0].reshape(net.layers[path].channels, -1).max(1).argmax())
            p = project(net, recording, path, channel, rule=rule)
            position = p.position if net.layers[path].spatial else ()
            wanted, value = slow_projection(module, x, path, channel, position, rule)
            assert p.value == pytest.approx(value, rel=1e-4)
            error = float((torch.from_numpy(p.canvas()) - wanted).norm() / wanted.norm())
            assert error < 1e-5, (path, rule, error)
    m = occlusion_map(net, x, size=size // 2, stride=size // 2, plan="dense")  # others have tests of their own
    logits, corners = slow_occlusion(module, x, size // 2, size // 2, fill_picture(net, x, "grey"))
    assert [m.rows.tolist(), m.columns.tolist()] == corners
    np.testing.assert_allclose(m.logits, logits, rtol=0, atol=1e-5 * float(logits.abs().max()))
