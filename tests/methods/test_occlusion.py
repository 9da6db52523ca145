"""Occlusion sweeps against one forward pass for each square, and what a person may get wrong."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from torch import nn
from twins.networks import slow_occlusion
from twins.zoo import SMALL, small

from zfwidgets import Network, Preprocess, occlusion_map, record
from zfwidgets.errors import Cancelled, NetworkError, ParameterError, UnknownNameError
from zfwidgets.methods import FILLS, fill_picture, occluded_input

CLASSES = ["ant", "bee", "cat", "dog", "elk"]


@pytest.fixture(scope="module")
def net():
    return Network(small("Plain"), preprocess=Preprocess(size=33), classes=CLASSES, device="cpu")


@pytest.fixture(scope="module")
def x():
    return torch.randn(3, 33, 33, generator=torch.Generator().manual_seed(2))


@given(
    name=st.sampled_from(sorted(SMALL)),
    shape=st.tuples(st.integers(26, 36), st.integers(26, 36)),
    size=st.integers(1, 26),
    stride=st.integers(3, 40),
    fill=st.sampled_from([*FILLS, (0.2, 0.9, 0.4)]),
)
@hypothesis_settings(max_examples=40)
def test_equals_one_forward_pass_for_each_square(name, shape, size, stride, fill):
    if name in ("Plain", "Functional"):  # these end in a flatten, so they take one size only
        shape = (33, 33)
    net = Network(small(name), preprocess=Preprocess(size=33), device="cpu")
    x = torch.randn(3, *shape, generator=torch.Generator().manual_seed(0))
    m = occlusion_map(net, x, size, stride, fill)
    logits, corners = slow_occlusion(net.module, x, size, stride, fill_picture(net, x, fill))
    assert [m.rows.tolist(), m.columns.tolist()] == corners
    np.testing.assert_allclose(m.logits, logits, rtol=0, atol=1e-5 * float(logits.abs().max()))
    assert m.complete


def test_every_square_lies_inside_and_reaches_both_borders(net, x):
    m = occlusion_map(net, x, size=10, stride=7)
    assert m.rows.tolist() == [0, 7, 14, 21, 23]
    assert occlusion_map(net, x, size=33, stride=5).rows.tolist() == [0]


def test_all_panels_come_from_one_sweep(net, x):
    m = occlusion_map(net, x, size=10, stride=8, target="cat")
    probabilities = np.exp(m.logits) / np.exp(m.logits).sum(-1, keepdims=True)
    np.testing.assert_allclose(m.probability(), probabilities[..., 2], rtol=1e-5)
    np.testing.assert_allclose(m.probability("dog"), m.probability(3))
    np.testing.assert_array_equal(m.top_label, m.logits.argmax(-1))
    r = record(net, x, [m.layer])
    sums = r.activations[m.layer][0].sum((1, 2))
    assert m.channel == sums.argmax()
    np.testing.assert_allclose(m.clean_sums, sums, rtol=1e-5)
    hidden = occluded_input(net, x, int(m.rows[1]), int(m.columns[2]), 10)
    one = record(net, hidden, [m.layer])
    np.testing.assert_allclose(m.activation()[1, 2], one.activations[m.layer][0, m.channel].sum(), rtol=1e-5)
    np.testing.assert_allclose(m.activation(1)[1, 2], one.activations[m.layer][0, 1].sum(), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(m.clean_probability("dog"), r.probabilities[0, 3], rtol=1e-5)


def test_partial_answers_get_finer_and_their_known_cells_are_final(net, x):
    partials = []
    m = occlusion_map(net, x, size=6, stride=1, on_partial=partials.append)
    known = [int(p.known.sum()) for p in partials]
    assert known == sorted(known)
    assert known[0] <= 36
    assert not any(p.complete for p in partials)
    for p in partials:
        np.testing.assert_allclose(p.logits[p.known], m.logits[p.known], rtol=1e-6)
        assert (p.logits != 0).any(-1).all()


def test_cancelled_sweep_stops_at_once(net, x):
    asked = []
    with pytest.raises(Cancelled):
        occlusion_map(net, x, size=6, stride=1, cancelled=lambda: len(asked.append(1) or asked) > 2)
    assert len(asked) == 3


@pytest.mark.parametrize("plan", ["dense", "incremental"])
@pytest.mark.parametrize("level", [0.0, 1.0])
def test_answers_that_are_not_finite_are_refused(plan, level):
    """Those of the picture, and those of one square alone: a map of NaN would name the first class everywhere."""
    module = nn.Sequential(nn.Conv2d(3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(2 * 64, 2))
    for part in (module[0], module[3]):
        nn.init.constant_(part.weight, 1e25)
        nn.init.zeros_(part.bias)
    net = Network(module, preprocess=Preprocess(size=8), device="cpu")
    with pytest.raises(NetworkError, match="Sequential overflows: its answers or its map of conv1 are not finite"):
        occlusion_map(net, torch.full((3, 8, 8), level), size=4, stride=4, fill="white", plan=plan)


def test_grey_is_half_in_pixels_and_mean_is_zero_in_input(net, x):
    grey = fill_picture(net, x, "grey")
    np.testing.assert_allclose(net.preprocess.inverse(grey), 128, atol=1)
    assert (fill_picture(net, x, "mean") == 0).all()
    assert torch.equal(fill_picture(net, x, "noise"), fill_picture(net, x, "noise"))
    assert fill_picture(net, x, "blur").std() < x.std() / 2


def test_pictures_and_tensors_are_both_taken(net):
    picture = (np.random.default_rng(0).random((40, 50, 3)) * 255).astype(np.uint8)
    kept = picture.copy()
    a = occlusion_map(net, picture, size=10, stride=10)
    b = occlusion_map(net, net.input(picture), size=10, stride=10)
    np.testing.assert_array_equal(a.logits, b.logits)
    np.testing.assert_array_equal(picture, kept)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"size": 34}, ParameterError, "from 1 to 33"),
        ({"size": 0}, ParameterError, "from 1 to 33"),
        ({"stride": 0}, ParameterError, "at least 1"),
        ({"stride": -3}, ParameterError, "at least 1"),
        ({"stride": float("nan")}, ParameterError, "at least 1"),
        ({"stride": "eight"}, ParameterError, "at least 1"),
        ({"size": True}, ParameterError, "from 1 to 33"),
        ({"target": "cart"}, UnknownNameError, "nearest are 'cat'"),
        ({"target": 5}, UnknownNameError, "no class 5"),
        ({"target": 1.5}, ParameterError, "name or an index"),
        ({"layer": "conv9"}, UnknownNameError, "conv2"),
        ({"layer": "fc3"}, ParameterError, "has no map"),
        ({"fill": "gray"}, UnknownNameError, "grey"),
        ({"fill": (0, 0, 255)}, ParameterError, "from 0 to 1"),
        ({"fill": None}, UnknownNameError, "fill"),
        ({"fill": 3}, ParameterError, "three values"),
        ({"plan": "magic"}, UnknownNameError, "plan"),
        ({"precision": "quick"}, UnknownNameError, "precision"),
    ],
)
def test_bad_input_gets_one_sentence(net, x, options, error, message):
    with pytest.raises(error, match=message) as caught:
        occlusion_map(net, x, **{"size": 10, "stride": 10, **options})
    assert str(caught.value).count("\n") == 0


@pytest.mark.parametrize("bad", [torch.zeros(1, 33, 33), torch.zeros(2, 3, 33, 33), torch.full((3, 33, 33), torch.nan)])
def test_tensors_that_are_no_model_input_are_refused(net, bad):
    with pytest.raises(ParameterError, match="model input"):
        occlusion_map(net, bad)
