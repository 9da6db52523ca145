"""Every way back against autograd through the untouched module, on networks that trip hook-based tools."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from torch import nn
from twins.networks import slow_projection
from twins.zoo import SMALL, Attention, DataDependent, Shuffled, small

from zfwidgets import Network, Preprocess, fidelity_report, occlusion_map, project, record
from zfwidgets.errors import NetworkError, ParameterError, RefusedError, UnknownNameError

RULES = ("deconvnet", "desalinet", "guided", "gradient")


def network(name: str, size: int = 33, seed: int = 0) -> Network:
    return Network(small(name, (size, size), seed), preprocess=Preprocess(size=size), device="cpu")


def paths_of(net: Network) -> list[str]:
    """Layers that a hook can see: the last call of every module whose output is not overwritten later."""
    return [name for name in net.layers if name in dict(net.module.named_modules())]


def assert_same_projection(net, x, path, channel, rule):
    p = project(net, x, path, channel, rule=rule)
    wanted, value = slow_projection(net.module, x, path, channel, p.position, rule)
    assert p.value == pytest.approx(value, rel=1e-4, abs=1e-6)
    assert_same_pixels(p, wanted, value)


def assert_same_pixels(p, wanted, value):
    """Pixels per activation: they are proportional to it, and its own rounding is not the way down's."""
    wanted = wanted.numpy() * (p.value / value if value else 1)
    scale = max(float(np.abs(wanted).max()), 1e-12)
    np.testing.assert_allclose(p.canvas() / scale, wanted / scale, rtol=0, atol=1e-5)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", SMALL)
def test_every_layer_and_rule_equals_autograd(name, rule):
    net = network(name)
    x = torch.randn(3, 33, 33, generator=torch.Generator().manual_seed(1))
    for path in paths_of(net):
        for channel in (0, net.layers[path].channels - 1):
            assert_same_projection(net, x, path, channel, rule)


@given(
    name=st.sampled_from(sorted(SMALL)),
    size=st.integers(24, 41),
    seed=st.integers(0, 50),
    rule=st.sampled_from(RULES),
    data=st.data(),
)
@hypothesis_settings(max_examples=40)
def test_random_networks_sizes_and_units_equal_autograd(name, size, seed, rule, data):
    net = network(name, size, seed)
    x = torch.randn(3, size, size, generator=torch.Generator().manual_seed(seed))
    path = data.draw(st.sampled_from(paths_of(net)))
    layer = net.layers[path]
    unit = (
        data.draw(st.integers(0, layer.channels - 1)),
        (data.draw(st.integers(0, layer.height - 1)), data.draw(st.integers(0, layer.width - 1))),
    )
    p = project(net, x, path, unit[0], unit[1], rule)
    twin_unit = unit[1] if record(net, x, [path]).activations[path].ndim == 4 else ()
    wanted, value = slow_projection(net.module, x, path, unit[0], twin_unit, rule)
    assert p.value == pytest.approx(value, rel=1e-4, abs=1e-5)
    assert_same_pixels(p, wanted, value)


def test_in_place_relu_does_not_reach_into_recorded_maps():
    net = network("Plain")
    x = torch.randn(3, 33, 33)
    r = record(net, x, ["0", "1", "conv1"])
    assert (r.activations["0"] < 0).any()
    np.testing.assert_array_equal(r.activations["1"], np.maximum(r.activations["0"], 0))
    np.testing.assert_array_equal(r.activations["conv1"], r.activations["1"])


def test_calls_of_a_reused_module_have_names():
    net = network("Reused")
    assert [name for name in net.layers if name.startswith("relu")] == ["relu#1", "relu#2", "relu#3", "relu"]
    r = record(net, torch.randn(3, 33, 33), ["relu#1", "relu#3", "relu"])
    assert (r.activations["relu#1"] != r.activations["relu"]).any()
    np.testing.assert_array_equal(r.activations["relu#3"], r.activations["relu"])


def test_overwritten_skip_path_is_what_the_module_computes():
    net = network("PreActivation")
    x = torch.randn(2, 3, 33, 33)
    assert net.trace_problem is None
    torch.testing.assert_close(net(x), net.module(x.clone()).detach(), rtol=1e-5, atol=1e-5)


def test_silu_and_attention_are_refused_by_name_and_occlusion_works():
    net = Network(Attention().eval(), preprocess=Preprocess(size=32), device="cpu")
    x = torch.randn(3, 32, 32)
    with pytest.raises(RefusedError, match="SiLU"):
        project(net, x, "act", 0)
    assert fidelity_report(net, "act").verdict == "refused"
    assert occlusion_map(net, x, size=8, stride=8).probability().shape == (4, 4)


def test_untraceable_network_names_the_line_and_occlusion_works():
    net = Network(DataDependent().eval(), preprocess=Preprocess(size=16), device="cpu")
    assert "x.mean() > 1000" in net.trace_problem
    x = torch.randn(3, 16, 16)
    with pytest.raises(NetworkError, match="cannot be traced"):
        project(net, x, "body.0", 0)
    m = occlusion_map(net, x, size=8, stride=4)
    assert m.probability().shape == (3, 3)
    with pytest.raises(NetworkError, match="cannot be traced"):
        m.activation()


def test_leaves_the_network_as_it_was():
    module = small("PreActivation")
    module.train()
    module.norm.eval()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    modes = [part.training for part in module.modules()]
    net = Network(module, preprocess=Preprocess(size=33), device="cpu")
    x = torch.randn(3, 33, 33)
    kept = x.clone()
    project(net, x, "again", 1)
    occlusion_map(net, x, size=16, stride=8)
    with pytest.raises(UnknownNameError):
        project(net, x, "nowhere", 1)
    assert [part.training for part in module.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in module.parameters())
    assert not any(part._forward_hooks or part._backward_hooks for part in module.modules())
    assert torch.equal(x, kept)


def test_trained_weights_are_read_live():
    net = network("Plain")
    x = torch.randn(1, 3, 33, 33)
    before = net(x)
    with torch.no_grad():
        net.module[0].weight.mul_(0.5)
    assert not torch.equal(net(x), before)
    torch.testing.assert_close(net(x), net.module(x.clone()).detach())


def test_wrappers_are_taken_off():
    module = small("Plain")
    net = Network(nn.DataParallel(module), preprocess=Preprocess(size=33), device="cpu")
    assert net.module is module
    assert Network(torch.compile(module), preprocess=Preprocess(size=33), device="cpu").module is module


def test_hook_that_changes_the_result_is_noticed():
    module = small("Plain")
    module[1].register_forward_hook(lambda m, i, o: o * 2)
    net = Network(module, preprocess=Preprocess(size=33), device="cpu")
    assert "operation by operation" in net.trace_problem
    x = torch.randn(1, 3, 33, 33)
    torch.testing.assert_close(net(x), module(x.clone()).detach())


def test_a_softmax_at_the_end_gives_the_same_probabilities():
    module = small("Plain")
    logits = Network(module, preprocess=Preprocess(size=33), device="cpu")
    probabilities = Network(nn.Sequential(module, nn.Softmax(1)).eval(), preprocess=Preprocess(size=33), device="cpu")
    x = torch.randn(3, 33, 33)
    np.testing.assert_allclose(
        record(logits, x).probabilities, record(probabilities, x).probabilities, rtol=1e-5, atol=1e-7
    )


class TwoInputs(nn.Module):
    def forward(self, x, y):
        return x + y


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (nn.Conv2d(3, 4, 3), r"returns \(2, 4"),
        (nn.Sequential(nn.Flatten(), nn.Linear(10, 2)), "does not take a batch"),
        (nn.Conv2d(1, 4, 3), "does not take a batch"),
        (TwoInputs(), "does not take a batch"),
        ("resnet18", "Module"),
        (nn.Conv2d(3, 4, 16).half(), r"weights are torch.float16; give module.float\(\)"),
        (nn.Conv2d(3, 4, 16, device="meta"), "'weight' hold no values"),
        (nn.LazyConv2d(4, 16), "'weight' have no shape yet"),
    ],
)
def test_unusable_modules_get_one_sentence(module, message):
    with pytest.raises(NetworkError, match=message):
        Network(module, preprocess=Preprocess(size=16), device="cpu")


def test_a_batch_size_that_is_written_down_keeps_occlusion_maps():
    class Pairs(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(3 * 16 * 16, 2)

        def forward(self, x):
            return self.head(x.reshape(2, -1))

    net = Network(Pairs(), preprocess=Preprocess(size=16), device="cpu")
    assert net.trace_problem is not None and "cannot be run operation by operation" in net.trace_problem


@pytest.mark.parametrize("asked", [["conv1"], {}, 3, np.zeros(2)])
def test_what_is_no_name_is_no_layer(asked):
    with pytest.raises(UnknownNameError, match="There is no layer"):
        network("Plain").layers[asked]


def test_class_names_must_fit():
    with pytest.raises(NetworkError, match="5 classes and 2"):
        Network(small("Plain"), preprocess=Preprocess(size=33), classes=["a", "b"], device="cpu")


def test_views_of_foreign_code_get_the_layout_they_want():
    net = Network(Shuffled().eval(), preprocess=Preprocess(size=32), device="cpu")
    assert net.trace_problem is None
    assert occlusion_map(net, torch.randn(3, 32, 32), size=8, stride=8).probability().shape == (4, 4)
    assert fidelity_report(net, "stem").verdict == "paper"
    with pytest.raises(RefusedError, match="add"):
        project(net, torch.randn(3, 32, 32), "head", 0)


def test_foreign_in_place_operations_reach_neither_records_nor_inputs():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.SiLU(inplace=True), nn.Conv2d(4, 2, 14), nn.Flatten()).eval()
    net = Network(module, preprocess=Preprocess(size=16), device="cpu")
    x = torch.randn(3, 16, 16)
    with torch.no_grad():
        wanted = module[0](x[None])
    np.testing.assert_allclose(record(net, x, ["0"]).activations["0"], wanted, rtol=1e-5, atol=1e-6)

    class Centred(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Conv2d(3, 2, 16), nn.Flatten())

        def forward(self, x):
            return self.body(x.sub_(0.5).div_(0.5))

    net = Network(Centred().eval(), preprocess=Preprocess(size=16), device="cpu")
    kept = x.clone()
    first = occlusion_map(net, x, size=8, stride=8).logits
    np.testing.assert_array_equal(occlusion_map(net, x, size=8, stride=8).logits, first)
    record(net, x)
    net(x[None])
    assert torch.equal(x, kept)


def test_devices_that_do_not_exist_are_one_sentence():
    with pytest.raises(ParameterError, match="no device 'gpu'"):
        Network(small("Plain"), preprocess=Preprocess(size=33), device="gpu")


def test_equal_class_names_lead_to_one_class_each():
    names = ["cat", "crane", "crane", "dog", "elk"]
    net = Network(small("Plain"), preprocess=Preprocess(size=33), classes=names, device="cpu")
    assert net.classes == ("cat", "crane (1)", "crane (2)", "dog", "elk")
    assert [net.class_index(name) for name in net.classes] == [0, 1, 2, 3, 4]


def test_version_changes_with_the_weights():
    net = network("Plain")
    before = net.version
    with torch.no_grad():
        net.module[0].weight.mul_(-1)
    assert net.version != before


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(("size", "beta"), [(5, 0.75), (4, 0.75), (1, 0.5), (9, 1.5)])
def test_response_norm_is_torchs(size, beta, layout):
    norm = nn.LocalResponseNorm(size, alpha=0.3, beta=beta, k=2.0)
    module = nn.Sequential(nn.Conv2d(3, 6, 3), norm, nn.Flatten(), nn.Linear(6 * 14 * 14, 2))
    net = Network(module, preprocess=Preprocess(size=16), device="cpu")
    operation = net.graph.nodes[net.layers["1"].index].operation
    x = torch.randn(2, 6, 7, 8).contiguous(memory_format=layout)
    kept = x.clone()
    torch.testing.assert_close(operation.forward(x), norm(x), rtol=1e-6, atol=1e-7)
    assert torch.equal(x, kept)


@pytest.mark.parametrize("module", [nn.ReLU(), nn.ReLU6()])
def test_elementwise_operations_say_the_same_in_place(module):
    layers = nn.Sequential(nn.Conv2d(3, 4, 3), module, nn.Flatten(), nn.LazyLinear(2))
    layers(torch.zeros(1, 3, 8, 8))
    net = Network(layers, preprocess=Preprocess(size=8), device="cpu")
    (operation,) = (node.operation for node in net.graph.nodes if node.operation.elementwise)
    values = 8 * torch.randn(2, 4, 5, 5, generator=torch.Generator().manual_seed(0))
    wanted = operation.forward(values)
    assert not torch.equal(wanted, values)
    found = operation.overwrite(values)
    assert found is values
    torch.testing.assert_close(found, wanted, rtol=0, atol=0)
