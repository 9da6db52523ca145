"""The rule lab against autograd through the untouched module, ranks by counting, and resets in a loop."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.modules.module import _global_forward_hooks
from twins.networks import slow_projection
from twins.rules import slow_cascade, slow_cosine, slow_rank_correlation, slow_way
from twins.zoo import SMALL, Attention, small

from zfwidgets import Network, Preprocess, compare_rules, load_network, project, record, samples, weight_randomisation
from zfwidgets.errors import Cancelled, NetworkError, ParameterError, RefusedError, UnknownNameError
from zfwidgets.methods.similarity import cosine, rank_correlation, reached, relative_error

SIZE = 33


@pytest.fixture(scope="module")
def nets():
    return {name: Network(small(name), preprocess=Preprocess(size=SIZE), device="cpu") for name in SMALL}


@pytest.fixture(scope="module")
def x():
    return torch.randn(3, SIZE, SIZE, generator=torch.Generator().manual_seed(2))


def alive(net, x, layer):
    """The channel of a layer that answers most."""
    maps = record(net, x, [layer]).activations[layer][0]
    return int(maps.reshape(len(maps), -1).max(1).argmax())


# Paths of modules whose output nobody overwrites, so that a hook of the twin sees what the layer holds.
PATHS = {
    "Plain": "4",
    "Functional": "second",
    "Reused": "mix",
    "PreActivation": "norm",
    "Grouped": "top",
    "Fire": "top",
}


@pytest.mark.parametrize("name", SMALL)
def test_every_way_equals_autograd(nets, x, name):
    net, path = nets[name], PATHS[name]
    channel = alive(net, x, path)
    found = compare_rules(net, x, path, channel)
    for way, projection in found.projections.items():
        if way == "overwrite":
            wanted = torch.from_numpy(project(net, x, path, channel, overlap="overwrite").canvas())
        else:
            wanted = slow_way(net.module, x, path, channel, projection.position, way)
        scale = max(float(wanted.abs().max()), 1e-12)
        np.testing.assert_allclose(projection.canvas() / scale, wanted / scale, rtol=0, atol=1e-5, err_msg=way)
        pixels, faithful = reached(projection), reached(found.faithful)
        assert found.error[way] == pytest.approx(np.linalg.norm(pixels - faithful) / np.linalg.norm(faithful), abs=1e-5)
        np.testing.assert_array_equal(found.difference(way), projection.pixels - found.faithful.pixels)


def test_only_what_can_differ_is_compared(nets, x):
    by_name = {
        name: set(compare_rules(net, x, PATHS[name], alive(net, x, PATHS[name])).projections)
        for name, net in nets.items()
    }
    always = {"deconvnet", "desalinet", "guided", "gradient"}
    assert by_name["Plain"] == always | {"overwrite", "norm derivative"}
    assert by_name["PreActivation"] == always | {"batch norm left out"}
    assert by_name["Functional"] == always  # its max pool's windows do not overlap


def test_desalinet_is_guided_backpropagation_but_for_contrast_normalisation(nets, x):
    with_norm = compare_rules(nets["Plain"], x, "4", alive(nets["Plain"], x, "4"))
    assert not np.array_equal(with_norm.projections["desalinet"].pixels, with_norm.projections["guided"].pixels)
    without = compare_rules(nets["Fire"], x, "top", alive(nets["Fire"], x, "top"))
    np.testing.assert_array_equal(without.projections["desalinet"].pixels, without.projections["guided"].pixels)


def test_ways_can_be_chosen_and_the_faithful_one_is_there(nets, x):
    channel = alive(nets["Plain"], x, "conv2")
    found = compare_rules(nets["Plain"], x, "conv2", channel, ways=["gradient"])
    assert list(found.projections) == ["deconvnet", "gradient"]
    assert (found.cosine["deconvnet"], found.error["deconvnet"]) == (pytest.approx(1.0), 0.0)
    assert found.rank["deconvnet"] == 1.0
    np.testing.assert_array_equal(found.projections["gradient"].pixels.shape, found.faithful.pixels.shape)


values = st.lists(st.integers(-3, 3), min_size=2, max_size=12)


@given(values, values)
def test_similarities_are_those_of_the_loops(one, other):
    count = min(len(one), len(other))
    a, b = np.array(one[:count], np.float32), np.array(other[:count], np.float32)
    if a.any() and b.any():
        assert cosine(a, b) == pytest.approx(slow_cosine(a.tolist(), b.tolist()), abs=1e-9)
        assert relative_error(b, a) == pytest.approx(float(np.linalg.norm(b - a) / np.linalg.norm(a)))
    else:
        assert np.isnan(cosine(a, b))
    if len(set(a.tolist())) > 1 and len(set(b.tolist())) > 1:
        assert rank_correlation(a, b) == pytest.approx(slow_rank_correlation(a.tolist(), b.tolist()), abs=1e-9)
    else:
        assert np.isnan(rank_correlation(a, b))


def weights_of(net):
    return {name: tensor.clone() for name, tensor in net.module.state_dict().items()}


STAGES = {
    "Plain": ("conv2", "4", (("4",), ("0",))),
    "PreActivation": ("relu", "norm", (("norm",), ("stem",))),
    "Fire": ("top", "top", (("top",), ("right",), ("left",), ("squeeze",), ("stem",))),
}


@settings(max_examples=12)
@given(
    st.sampled_from(sorted(STAGES)),
    st.sampled_from(["deconvnet", "desalinet", "guided", "gradient"]),
    st.integers(0, 5),
    st.integers(0, 3),
)
def test_the_cascade_is_that_of_resets_in_a_loop(nets, x, name, rule, channel, seed):
    net, (layer, path, paths) = nets[name], STAGES[name]
    maps = record(net, x, [layer]).activations[layer][0, channel]
    if maps.max() == 0:
        with pytest.raises(ParameterError, match="silent everywhere"):
            weight_randomisation(net, x, layer, channel, seed=seed)
        return
    before = weights_of(net)
    found = weight_randomisation(net, x, layer, channel, rules=(rule, "deconvnet"), seed=seed)
    after = weights_of(net)
    assert all(torch.equal(before[key], after[key]) for key in before)
    first = found.original[rule]
    wanted = slow_cascade(net.module, x, path, channel, first.position, paths, first.value, rule, seed)
    assert len(found.layers) == len(wanted) == len(found.projections[rule])
    for stage, picture in enumerate(wanted):
        now = found.projections[rule][stage]
        assert now.box == first.box and now.value == first.value
        scale = max(float(picture.abs().max()), 1e-12)
        np.testing.assert_allclose(now.canvas() / scale, picture / scale, rtol=0, atol=1e-4)
        if np.isfinite(found.cosine[rule][stage]):
            pictures = reached(now).ravel(), reached(first).ravel()
            assert found.cosine[rule][stage] == pytest.approx(slow_cosine(*(p.tolist() for p in pictures)), abs=1e-5)


def test_other_maps_at_the_same_place_say_how_alike_pictures_are_anyway(nets, x):
    net, layer = nets["Fire"], "top"
    channel = alive(net, x, layer)
    found = weight_randomisation(net, x, layer, channel, rules=("deconvnet", "gradient"))
    for rule in ("deconvnet", "gradient"):
        first, alike = found.original[rule], {"rank": [], "cosine": []}
        for other in set(range(net.layers[layer].channels)) - {channel}:
            picture = slow_projection(net.module, x, layer, other, first.position, rule, sent=first.value)[0].numpy()
            top, left, height, width = first.box
            rows, columns = slice(max(top, 0), top + height), slice(max(left, 0), left + width)
            alike["rank"].append(rank_correlation(picture[:, rows, columns], reached(first)))
            alike["cosine"].append(cosine(picture[:, rows, columns], reached(first)))
        for measure, values in alike.items():
            assert found.others[measure][rule] == pytest.approx(np.nanmean(values), abs=1e-3)


def test_the_network_and_torch_are_left_as_they_were(nets, x):
    net = nets["PreActivation"]
    before, state, modes = weights_of(net), torch.get_rng_state(), [part.training for part in net.module.modules()]
    channel = alive(net, x, "again")
    one = weight_randomisation(net, x, "again", channel, seed=3)
    other = weight_randomisation(net, x, "again", channel, seed=3)
    for rule in one.rank:
        for measure in ("rank", "magnitude", "cosine"):
            np.testing.assert_array_equal(one.similarity(rule, measure), other.similarity(rule, measure))
    assert all(torch.equal(before[key], value) for key, value in weights_of(net).items())
    assert torch.equal(torch.get_rng_state(), state)
    assert [part.training for part in net.module.modules()] == modes
    assert not _global_forward_hooks and not any(part._forward_hooks for part in net.module.modules())
    assert all(parameter.grad is None for parameter in net.module.parameters())


def test_stages_come_one_by_one_and_can_be_stopped(nets, x):
    net, seen = nets["Fire"], []
    channel = alive(net, x, "top")
    whole = weight_randomisation(net, x, "top", channel, on_partial=seen.append)
    assert [part.done for part in seen] == [1, 2, 3, 4] and whole.complete
    np.testing.assert_array_equal(np.isnan(seen[0].rank["deconvnet"]), [False, True, True, True, True])
    np.testing.assert_array_equal(seen[1].rank["deconvnet"][:2], whole.rank["deconvnet"][:2])
    with pytest.raises(Cancelled):
        weight_randomisation(net, x, "top", channel, cancelled=lambda: True)


def test_what_is_known_of_a_trained_network():
    """The deconvnet's picture survives most of the network's weights; the plain gradient's does not (Adebayo 2018)."""
    net, picture = load_network("zfnet-scenes", device="cpu"), samples()["photo/chelsea"]
    channel = alive(net, picture, "conv5")
    found = weight_randomisation(net, picture, "conv5", channel, rules=("deconvnet", "gradient"))
    assert found.layers == ("conv5", "conv4", "conv3", "conv2", "conv1")
    rank, gradient = found.similarity("deconvnet"), found.similarity("gradient")
    assert rank[0] > 0.5 and rank[-1] < rank[0] - 0.3
    assert np.nanmax(np.abs(gradient)) < rank[0]
    # Normal numbers as large as the trained weights tell the same, so it is not the beginning that is special.
    normal = normal_numbers(net, found.layers)
    position = found.original["deconvnet"].position
    for stage, module in enumerate(normal):
        other = project(Network(module, preprocess=net.preprocess, device="cpu"), picture, "conv5", channel, position)
        if other.value:
            alike = rank_correlation(reached(other), reached(found.original["deconvnet"]))
            assert alike == pytest.approx(rank[stage], abs=0.15)


def normal_numbers(net, layers):
    """Copies of a plain chain's module with the first one, two ... of some layers' weights random."""
    module, generator = copy.deepcopy(net.module), torch.Generator().manual_seed(0)
    parts = [part for part in module.modules() if isinstance(part, nn.Conv2d)][::-1][: len(layers)]
    copies = []
    for part in parts:
        for parameter in part.parameters():
            size = parameter.detach().square().mean().sqrt()
            parameter.data = torch.randn(parameter.shape, generator=generator) * size
        copies.append(copy.deepcopy(module))
    return copies


class Scaled(nn.Module):
    """A weight of the network's own code, which does not know how to begin anew."""

    def __init__(self):
        super().__init__()
        self.first, self.scale = nn.Conv2d(3, 4, 3), nn.PReLU(4)
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        return self.head(self.scale(self.first(x)).mean([2, 3]))


@pytest.mark.parametrize("method", [compare_rules, weight_randomisation])
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"layer": "conv7"}, UnknownNameError, "nearest are"),
        ({"channel": 8}, ParameterError, "channels 0 to 7"),
        ({"position": (9, 0)}, ParameterError, "rows 0 to 7"),
        ({"layer": "fc3", "position": (1, 1)}, ParameterError, "rows 0 to 0"),
    ],
)
def test_bad_units_get_one_sentence(nets, x, method, arguments, error, message):
    with pytest.raises(error, match=message):
        method(nets["Plain"], x, **{"layer": "conv2", "channel": 0, **arguments})


@pytest.mark.filterwarnings("ignore:.*weight_norm.*:FutureWarning")
def test_weights_that_a_reset_does_not_reach_are_refused(x):
    """Those of weight norm: the layer would keep what it has learned, and its picture look as if it did not matter."""
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.utils.weight_norm(nn.Conv2d(4, 5, 3)), nn.ReLU())
    net = Network(
        nn.Sequential(*module, nn.Flatten(), nn.Linear(5 * 29**2, 2)), preprocess=Preprocess(SIZE), device="cpu"
    )
    with pytest.raises(NetworkError, match="2 keeps its weight_g through reset_parameters; take weight norm"):
        weight_randomisation(net, x, "conv2", alive(net, x, "conv2"))
    assert weight_randomisation(net, x, "conv1", alive(net, x, "conv1")).complete


def test_an_activation_that_overflows_is_one_sentence(x):
    first, second = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 5, 3)
    for part in (first, second):
        part.weight.data.fill_(3e30)
    module = nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), nn.Flatten(), nn.Linear(5 * 29**2, 2))
    net = Network(module, preprocess=Preprocess(SIZE), device="cpu")
    for method in (compare_rules, weight_randomisation):
        with pytest.raises(NetworkError, match="overflows in this picture: conv2 #0 is inf"):
            method(net, x.abs(), "conv2", 0)


def test_other_bad_input_gets_one_sentence(nets, x):
    net = nets["Plain"]
    maps = record(net, x, ["conv2"]).activations["conv2"][0]
    channel, row, column = map(int, np.argwhere(maps == 0)[0])
    silent = f"conv2 #{channel} is silent at row {row}, column {column}"
    for method in (compare_rules, weight_randomisation):
        with pytest.raises(ParameterError, match=silent):
            method(net, x, "conv2", channel, (row, column))
        with pytest.raises(NetworkError, match="load_network"):
            method("zfnet-scenes", x, "conv2", 0)
        with pytest.raises(RefusedError, match="SiLU"):
            method(Network(Attention(), preprocess=Preprocess(size=16), device="cpu"), x[:, :16, :16], "head", 0)
    best = alive(net, x, "conv2")
    with pytest.raises(UnknownNameError, match="no way 'guidde'; the nearest are 'guided'"):
        compare_rules(net, x, "conv2", best, ways=["guidde"])
    with pytest.raises(ParameterError, match="no batch norm below 'conv2'"):
        compare_rules(net, x, "conv2", best, ways=["batch norm left out"])
    with pytest.raises(UnknownNameError, match="no rule 'guidde'"):
        weight_randomisation(net, x, "conv2", best, rules=["guidde"])
    for rules in ((), "guided"):
        with pytest.raises(ParameterError, match="list of at least one"):
            weight_randomisation(net, x, "conv2", best, rules=rules)
    for seed in (-1, 0.5, True, "a"):
        with pytest.raises(ParameterError, match="seed"):
            weight_randomisation(net, x, "conv2", best, seed=seed)
    found = weight_randomisation(net, x, "conv2", best, rules=("guided",))
    with pytest.raises(UnknownNameError, match="measure 'ranks'"):
        found.similarity("guided", "ranks")
    with pytest.raises(UnknownNameError, match="rule of this check"):
        found.similarity("gradient")


def test_what_is_returned_is_named_in_a_line() -> None:
    net, picture = load_network("zfnet-scenes", device="cpu"), samples()["photo/chelsea"]
    found = compare_rules(net, picture, "conv2", 3, (4, 5))
    assert repr(found) == "RuleComparison(conv2 #3 at (4, 5): deconvnet, overwrite, desalinet, guided, gradient)"
    check = weight_randomisation(net, picture, "conv2", 3, (4, 5), rules=("guided",), seed=2)
    assert repr(check) == "WeightRandomisation(conv2 #3 at (4, 5), 2 of 2 layers random, seed 2: guided)"
