"""Invariance curves against one moved picture at a time, and what a person may get wrong."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from twins.moving import slow_curves
from twins.zoo import SMALL, small

from zfwidgets import Network, Preprocess, invariance_curves, record
from zfwidgets.errors import Cancelled, NetworkError, ParameterError, UnknownNameError, ZfwidgetsError
from zfwidgets.imaging import TRANSFORMS
from zfwidgets.methods import BORDERS, moved_inputs, shallow_and_deep
from zfwidgets.methods.invariance import curves as implementation
from zfwidgets.methods.invariance import moving

RANGES = {"translate": (-20, 20), "scale": (0.5, 2), "rotate": (-90, 360)}


@pytest.fixture(scope="module")
def net() -> Network:
    return Network(small("Plain"), preprocess=Preprocess(size=33), classes=list("abcde"), device="cpu")


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    return torch.randn(3, 3, 33, 33, generator=torch.Generator().manual_seed(2))


@given(
    name=st.sampled_from(sorted(SMALL)),
    count=st.integers(1, 2),
    border=st.sampled_from([*BORDERS, (0.2, 0.9, 0.4)]),
    data=st.data(),
)
@settings(max_examples=8)
def test_equals_one_picture_at_a_time(name: str, count: int, border: Any, data: st.DataObject) -> None:
    transform = data.draw(st.sampled_from(TRANSFORMS))
    amounts = data.draw(st.lists(st.floats(*RANGES[transform]), min_size=1, max_size=2))
    net = Network(small(name), preprocess=Preprocess(size=33), device="cpu")
    batch = torch.randn(count, 3, 33, 33, generator=torch.Generator().manual_seed(count))
    # Layers that are the output of one submodule, called once.
    paths = [path for path, _ in net.module.named_modules() if path in net.layers and path in net.menu][:2]
    found = invariance_curves(net, batch, transform, amounts, paths, border)
    colour = moved_inputs(net, torch.zeros(3, 33, 33), "translate", 32, border)[0, :, :1, :1]
    beyond = border if border in ("edge", "mirror") else colour.expand(3, 33, 33).double().numpy()
    distances, probabilities = slow_curves(net.module, list(batch), transform, amounts, paths, beyond)
    for path in paths:
        scale = float(np.linalg.norm(record(net, batch, [path]).activations[path].reshape(count, -1), axis=1).max())
        np.testing.assert_allclose(found.distances[path], distances[path], rtol=0, atol=1e-4 * scale)
    for place, target in enumerate(found.targets):
        np.testing.assert_allclose(found.probability[place], probabilities[place, :, target], rtol=0, atol=1e-4)
    assert found.complete


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_the_picture_itself_is_at_distance_zero_and_relative_distances_are_shares(
    net: Network, pictures: torch.Tensor, transform: str
) -> None:
    found = invariance_curves(net, pictures, transform)
    neutral = found.amounts == (1 if transform == "scale" else 0)
    assert neutral.sum() == 1
    assert found.layers == shallow_and_deep(net) == ("conv1", "fc3")
    clean = record(net, pictures, found.layers)
    for layer in found.layers:
        assert (found.distances[layer][:, neutral] == 0).all()
        assert (found.distances[layer][:, ~neutral] > 0).all()
        lengths = np.linalg.norm(clean.activations[layer].reshape(3, -1), axis=1)[:, None]
        lower, upper = found.distances[layer] / (2 * lengths + found.distances[layer]), 1
        assert ((found.relative[layer] >= lower - 1e-6) & (found.relative[layer] <= upper)).all()
    np.testing.assert_allclose(found.clean_logits, clean.logits, atol=1e-4)
    assert found.targets == tuple(clean.logits.argmax(1))
    expected = clean.probabilities[np.arange(3), list(found.targets)]
    np.testing.assert_allclose(found.probability[:, neutral][:, 0], expected, rtol=1e-4)


def test_a_picture_that_is_symmetric_comes_back_at_its_angles(net: Network) -> None:
    """A square grid turned by a right angle is itself; a disc is, by any angle."""
    stripes = torch.arange(33).sub(16).abs()
    grid = torch.maximum(stripes[:, None], stripes[None, :]).remainder(6).float().sub(3)
    away = stripes[:, None] ** 2 + stripes[None, :] ** 2
    grid[away > 200] = 0  # nothing at the border, which turns too
    found = invariance_curves(net, grid.expand(3, 33, 33), "rotate", np.arange(0, 360, 5))
    (dips,) = found.dips("conv1")
    assert {90.0, 180.0, 270.0} == set(dips.tolist())
    right = np.isin(found.amounts, (90, 180, 270))
    assert found.distances["fc3"][0, right].max() < 1e-2 * found.distances["fc3"].max()


def test_area_is_the_mean_height(net: Network, pictures: torch.Tensor) -> None:
    found = invariance_curves(net, pictures, "scale", [1.5, 1.0, 1.2])  # in any order
    heights = found.relative["conv1"][:, [1, 2, 0]]
    expected = (0.2 * (heights[:, 0] + heights[:, 1]) / 2 + 0.3 * (heights[:, 1] + heights[:, 2]) / 2) / 0.5
    np.testing.assert_allclose(found.area("conv1"), expected, rtol=1e-6)
    one = invariance_curves(net, pictures, "scale", [1.5])
    np.testing.assert_allclose(one.area(), one.probability[:, 0])
    assert [len(dips) for dips in one.dips("conv1")] == [0, 0, 0]


def test_partial_answers_come_coarse_to_fine_and_what_they_know_is_final(net: Network, pictures: torch.Tensor) -> None:
    partials: list[Any] = []
    found = invariance_curves(net, pictures, "rotate", np.arange(0, 90), ["fc3"], on_partial=partials.append)
    known = [int(partial.known.sum()) for partial in partials]
    assert known == sorted(known)
    assert known[0] <= 3 * 6
    for partial in partials:
        assert not partial.complete
        np.testing.assert_array_equal(np.isnan(partial.distances["fc3"]), ~partial.known)
        np.testing.assert_array_equal(partial.distances["fc3"][partial.known], found.distances["fc3"][partial.known])
        assert partial.targets == found.targets
        assert np.isfinite(partial.area("fc3")).all()
        assert ((partial.top_label >= 0) == partial.known).all()


def test_groups_of_many_pictures_give_what_each_gives_alone(
    net: Network, pictures: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = invariance_curves(net, pictures, "translate", [-3, 4.5])
    monkeypatch.setattr(implementation, "_FEATURE_BYTES", 1)
    partials: list[Any] = []
    apart = invariance_curves(net, pictures, "translate", [-3, 4.5], batch_size=1, on_partial=partials.append)
    for layer in together.layers:
        np.testing.assert_allclose(apart.distances[layer], together.distances[layer], rtol=1e-4)
    assert [partial.known.all(1).sum() for partial in partials] == [1, 2]


def test_targets(net: Network, pictures: torch.Tensor) -> None:
    found = invariance_curves(net, pictures, "scale", [1.2], targets=["a", 1, "e"])
    assert found.targets == (0, 1, 4)
    assert invariance_curves(net, pictures, "scale", [1.2], targets="c").targets == (2, 2, 2)
    shares = np.exp(found.logits) / np.exp(found.logits).sum(-1, keepdims=True)
    np.testing.assert_allclose(found.towards((3, 3, 3)).probability, shares[..., 3], rtol=1e-5)


def test_a_cancelled_run_stops_at_its_next_piece(net: Network, pictures: torch.Tensor) -> None:
    asked: list[int] = []
    with pytest.raises(Cancelled):
        invariance_curves(
            net, pictures, "rotate", range(90), batch_size=1, cancelled=lambda: len(asked.append(1) or asked) > 4
        )
    assert len(asked) == 5


def test_a_network_that_cannot_be_traced_gives_probabilities_only(pictures: torch.Tensor) -> None:
    class Odd(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.mean((2, 3)) if x.mean() > 0 else x.amax((2, 3))

    odd = Network(Odd(), preprocess=Preprocess(size=33), device="cpu")
    found = invariance_curves(odd, pictures, "rotate", [0, 30])
    assert found.layers == shallow_and_deep(odd) == ()
    assert found.probability.shape == (3, 2)
    with pytest.raises(NetworkError):
        invariance_curves(odd, pictures, "rotate", [30], layers=["conv1"])


class _Weighed(nn.Module):
    """Two classes whose logits are the mean of the picture, times these numbers."""

    def __init__(self, *weights: float, branches: bool = False) -> None:
        super().__init__()
        self.weights, self.branches = torch.tensor([weights]), branches

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.branches and x.sum() > 1e30:  # cannot be traced
            return self.weights
        return x.mean((1, 2, 3))[:, None] * self.weights


@pytest.mark.parametrize("branches", [False, True])
def test_answers_that_are_not_finite_are_refused_and_an_impossible_class_is_not(branches: bool) -> None:
    net = Network(_Weighed(3e38, 1, branches=branches), preprocess=Preprocess(size=8), device="cpu")
    with pytest.raises(NetworkError, match="_Weighed overflows: the answers are not finite"):
        invariance_curves(net, torch.full((3, 8, 8), 2.0), "rotate", [0, 90], layers=())
    # only once it is moved, for what is seen beyond its border
    with pytest.raises(NetworkError, match="overflows"):
        invariance_curves(net, torch.zeros(3, 8, 8), "translate", [0, 7], layers=(), border="white")
    net = Network(_Weighed(-np.inf, 1, branches=branches), preprocess=Preprocess(size=8), device="cpu")
    curves = invariance_curves(net, torch.ones(3, 8, 8), "rotate", [0, 90], layers=())
    assert curves.probability.tolist() == [[1, 1]]


def test_features_that_are_not_finite_are_no_features_that_stay() -> None:
    module = nn.Sequential(nn.Conv2d(3, 2, 1), nn.ReLU(), nn.Conv2d(2, 2, 1), nn.Flatten(), nn.Linear(2 * 64, 2))
    for part in (module[0], module[2]):
        nn.init.constant_(part.weight, 1e25)
    nn.init.zeros_(module[4].weight)
    net = Network(module, preprocess=Preprocess(size=8), device="cpu")
    with pytest.raises(NetworkError, match="overflows: the"):
        invariance_curves(net, torch.ones(3, 8, 8), "rotate", [0, 90], layers=["conv2"])


def test_the_network_and_the_pictures_are_left_as_they_were(net: Network, pictures: torch.Tensor) -> None:
    before = pictures.clone()
    net.module.train()
    try:
        invariance_curves(net, pictures, "rotate", [10], ["conv1", "fc3"])
        assert all(part.training and not part._forward_hooks for part in net.module.modules())
    finally:
        net.module.eval()
    assert torch.equal(pictures, before)
    assert all(weight.grad is None for weight in net.module.parameters())


BAD: list[tuple[dict[str, Any], type[ZfwidgetsError], str]] = [
    ({"transform": "turn"}, UnknownNameError, "no transform 'turn'"),
    ({"amounts": [math.nan]}, ParameterError, "finite"),
    ({"transform": "scale", "amounts": [0]}, ParameterError, "0 times as large shows nothing"),
    ({"transform": "translate", "amounts": [33]}, ParameterError, "leaves nothing"),
    ({"layers": ["conv9"]}, UnknownNameError, "'conv1'"),
    ({"layers": "conv9"}, UnknownNameError, "'conv9'"),
    ({"border": "grays"}, UnknownNameError, "no border 'grays'"),
    ({"border": None}, ParameterError, "A border is one of edge, mirror"),
    ({"border": (0, 0, 2)}, ParameterError, "three values from 0 to 1"),
    ({"targets": "z"}, UnknownNameError, "no class 'z'"),
    ({"targets": ["a", "b"]}, ParameterError, "one for each of 3 pictures; found 2"),
    ({"batch_size": 0}, ParameterError, "batch_size"),
]


@pytest.mark.parametrize(("options", "error", "words"), BAD)
def test_bad_input(
    net: Network, pictures: torch.Tensor, options: dict[str, Any], error: type[ZfwidgetsError], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        invariance_curves(net, pictures, **options)
    assert "\n" not in str(caught.value)


def test_no_pictures_and_no_network(net: Network) -> None:
    with pytest.raises(ParameterError, match="at least one"):
        invariance_curves(net, [])
    with pytest.raises(NetworkError, match="load_network"):
        invariance_curves("zfnet-scenes", torch.zeros(3, 33, 33))  # type: ignore[arg-type]
    found = invariance_curves(net, torch.zeros(3, 33, 33), "rotate", [0, 10], border="mean")
    assert (found.distances["conv1"] == 0).all() and (found.relative["conv1"] == 0).all()  # nothing to be seen moves
    assert found.dips("conv1")[0].size == 0
    # What rounding leaves of distances that are zero has minima too.
    noise = np.float32([[0, 2e-8, 1e-9, 2e-8, 0]])
    still = replace(found, amounts=np.arange(5.0), relative={"conv1": noise}, known=np.ones((1, 5), bool))
    assert still.dips("conv1")[0].size == 0
    assert replace(still, relative={"conv1": noise * 1e6}).dips("conv1")[0].tolist() == [2]
    with pytest.raises(UnknownNameError, match="among these curves"):
        found.area("conv2")


@pytest.mark.parametrize("name", sorted(SMALL))
def test_fast_is_near_and_says_so(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moving, "fast_arithmetic", lambda device: True)  # slow elsewhere, but the same
    net = Network(small(name), preprocess=Preprocess(size=33), device="cpu")
    batch = torch.randn(2, 3, 33, 33, generator=torch.Generator().manual_seed(5))
    exact, fast = (
        invariance_curves(net, batch, "rotate", [0, 40, 200], precision=precision) for precision in ("exact", "fast")
    )
    known = net.graph is not None and net.graph.tabled  # foreign code is not asked to take other numbers
    assert (exact.precision, fast.precision) == ("exact", "fast" if known else "exact")
    for layer, distances in exact.distances.items():
        assert (fast.distances[layer][:, 0] == 0).all()
        scale = float(record(net, batch, [layer]).activations[layer].reshape(2, -1).std()) * np.sqrt(distances.size)
        np.testing.assert_allclose(fast.distances[layer], distances, rtol=0.03, atol=0.03 * scale)
    np.testing.assert_allclose(fast.probability, exact.probability, atol=0.03)


def test_fast_is_exact_where_it_cannot_be_had(
    net: Network, pictures: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = invariance_curves(net, pictures, "scale", [1.2])
    monkeypatch.setattr(moving, "fast_arithmetic", lambda device: False)
    found = invariance_curves(net, pictures, "scale", [1.2], precision="fast")
    assert found.precision == "exact"
    np.testing.assert_array_equal(found.logits, exact.logits)
    with pytest.raises(UnknownNameError, match=r"precision 'fats'.*fast"):
        invariance_curves(net, pictures, "scale", [1.2], precision="fats")
