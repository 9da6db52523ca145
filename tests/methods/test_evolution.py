"""Fig. 4 as numbers: against the slow twin, cached, cancelled, and with checkpoints that are damaged."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from twins.drawn import Branches
from twins.evolution import PREPROCESS, drifting_series, slow_evolution, slow_settled, small_module
from twins.mining import blotches

from zfwidgets.errors import Cancelled, DataError, ParameterError, UnknownNameError
from zfwidgets.imaging import Preprocess
from zfwidgets.methods import project
from zfwidgets.methods.evolution import (
    FeatureEvolution,
    LayerEvolution,
    default_layers,
    feature_evolution,
    settled_at,
)
from zfwidgets.methods.evolution.filters import layer_filters, mean_cosine
from zfwidgets.models.series import CheckpointSeries
from zfwidgets.network import Network

EPOCHS = (1, 2, 4, 8)
PICTURES = blotches(9, seed=3)


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> CheckpointSeries:
    return drifting_series(tmp_path_factory.mktemp("series"), EPOCHS)


@pytest.fixture(scope="module")
def evolution(series: CheckpointSeries) -> FeatureEvolution:
    return feature_evolution(series, PICTURES, device="cpu")


@settings(max_examples=4)
@given(st.integers(0, 2**16), st.integers(2, 8), st.sets(st.integers(1, 9), min_size=1, max_size=3))
def test_it_is_what_the_slow_twin_finds(
    tmp_path_factory: pytest.TempPathFactory, seed: int, count: int, epochs: set[int]
) -> None:
    series = drifting_series(tmp_path_factory.mktemp("drawn"), sorted(epochs), seed)
    images = blotches(count, seed=seed)
    found = feature_evolution(series, images, device="cpu")
    exemplars, similarity = slow_evolution(series, images, ["conv1", "conv2"])
    assert found.epochs == tuple(sorted(epochs)) and tuple(found.layers) == ("conv1", "conv2")
    for name, layer in found.layers.items():
        for place, of_epoch in enumerate(exemplars[name]):
            mine = [layer.exemplar(place, channel) for channel in range(len(of_epoch))]
            assert [None if one is None else (one.value, one.image, (one.row, one.column)) for one in mine] == of_epoch
        np.testing.assert_allclose(layer.similarity, similarity[name], atol=1e-6)
        assert found.settled[name] == slow_settled(found.epochs, layer.similarity.tolist())
        jumps = [
            [place > 0 and None not in (then, now) and then[1] != now[1]
             for then, now in zip(exemplars[name][place - 1], exemplars[name][place], strict=True)]
            for place in range(len(found.epochs))
        ]  # fmt: skip
        assert layer.jumps.tolist() == jumps


def test_a_cell_is_the_projection_of_the_strongest_activation(
    series: CheckpointSeries, evolution: FeatureEvolution
) -> None:
    net = series.network(4, device="cpu")
    for channel in range(5):
        best = evolution.exemplar(4, "conv2", channel)
        shown = evolution.projection(4, "conv2", channel)
        if best is None:
            assert shown is None
            continue
        expected = project(net, PICTURES[best.image], "conv2", channel)
        # A network packs its weights between the first run and the second, which rounds otherwise.
        np.testing.assert_allclose(shown.pixels, expected.pixels, atol=1e-6 * float(np.abs(expected.pixels).max()))
        assert shown.value == pytest.approx(best.value, rel=1e-4)


def test_the_filter_of_zeros_is_dead_and_resembles_itself(evolution: FeatureEvolution) -> None:
    first = evolution["conv1"]
    assert evolution.projection(8, "conv1", 1) is None or first.values[-1, 1] > 0
    assert first.similarity[-1] == pytest.approx(1)
    assert (np.diff(first.similarity) > 0).all()
    assert evolution["conv1"].final[-1] == 1


def test_what_was_mined_is_kept_by_content(series: CheckpointSeries, tmp_path: Path) -> None:
    one = feature_evolution(series, PICTURES, folder=tmp_path, device="cpu")
    files = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(files) == len(EPOCHS)
    stamps = {path: path.stat().st_mtime_ns for path in files}
    damaged = sorted(files)[0]
    damaged.write_bytes(files[damaged][:-3])
    two = feature_evolution(series, PICTURES, folder=tmp_path, device="cpu")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == files
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in stamps.items() if path != damaged)
    for name in one.layers:
        np.testing.assert_array_equal(one[name].values, two[name].values)
    feature_evolution(series, blotches(4, seed=9), folder=tmp_path, device="cpu")
    assert len(list(tmp_path.iterdir())) == 2 * len(EPOCHS)


def test_progress_over_all_checkpoints_and_a_cancelled_run_goes_on(series: CheckpointSeries, tmp_path: Path) -> None:
    told: list[int] = []

    def cancelled() -> bool:
        return len(list(tmp_path.glob("*.safetensors"))) == 2

    with pytest.raises(Cancelled):
        feature_evolution(series, PICTURES, folder=tmp_path, device="cpu", cancelled=cancelled)
    assert len(list(tmp_path.glob("*.safetensors"))) == 2
    feature_evolution(
        series, PICTURES, folder=tmp_path, device="cpu", on_progress=lambda progress: told.append(progress.done)
    )
    assert told == sorted(told) and told[-1] == len(EPOCHS) * len(PICTURES)


def test_channels_are_kept_as_asked(series: CheckpointSeries, evolution: FeatureEvolution) -> None:
    some = feature_evolution(series, PICTURES, channels={"conv2": [4, 0]}, device="cpu")
    np.testing.assert_array_equal(some["conv2"].values, evolution["conv2"].values[:, [4, 0]])
    np.testing.assert_array_equal(some["conv2"].similarity, evolution["conv2"].similarity)
    assert len(some["conv1"].channels) == 4
    with pytest.raises(ParameterError, match="'conv1' has channels 0 to 3; found 7"):
        feature_evolution(series, PICTURES, channels=[7], device="cpu")
    with pytest.raises(UnknownNameError, match="followed channel"):
        some.exemplar(2, "conv2", 3)
    with pytest.raises(UnknownNameError, match="no checkpoint of epoch 3"):
        some.exemplar(3, "conv2", 0)
    with pytest.raises(UnknownNameError, match="conv2"):
        feature_evolution(series, PICTURES, layers=["convv2"], device="cpu")


def test_broken_checkpoints_are_named_and_the_others_are_shown(tmp_path: Path) -> None:
    drifting_series(tmp_path, EPOCHS)
    nothing = torch.load(tmp_path / "epoch_2.pt", weights_only=True)
    nothing["3.weight"][0, 0, 0, 0] = float("nan")
    torch.save(nothing, tmp_path / "epoch_2.pt")
    (tmp_path / "epoch_4.pt").write_bytes((tmp_path / "epoch_4.pt").read_bytes()[:900])
    (tmp_path / "epoch_5.pt").write_text("<!doctype html><p>sign in")
    series = CheckpointSeries(tmp_path, module=small_module(0), preprocess=PREPROCESS)
    found = feature_evolution(series, PICTURES, device="cpu")
    assert found.epochs == (1, 2, 8) and set(found.problems or ()) == {"epoch_4.pt", "epoch_5.pt"}
    assert any("NaN" in note for note in found.notes)
    assert np.isnan(found["conv1"].values[1]).all() and np.isnan(found["conv2"].similarity[1])
    assert not found["conv1"].jumps[1:].any()
    assert found.exemplar(2, "conv1", 0) is None
    assert found.settled["conv1"] == 8


def test_nothing_to_follow_is_one_sentence(series: CheckpointSeries, tmp_path: Path) -> None:
    empty = CheckpointSeries(tmp_path, module=small_module(0), preprocess=PREPROCESS)
    with pytest.raises(DataError, match="holds no checkpoint yet"):
        feature_evolution(empty, PICTURES)
    with pytest.raises(DataError, match="looks through pictures"):
        feature_evolution(series, None)
    os.makedirs(tmp_path / "pictures")
    with pytest.raises(DataError, match="holds no pictures"):
        feature_evolution(series, tmp_path / "pictures")


def test_filters_behind_sums_and_parts() -> None:
    module = nn.Sequential(
        nn.Conv2d(3, 4, 3),
        Branches([nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 1)], "add"),
        nn.ReLU(),
        Branches([nn.Conv2d(4, 2, 1), nn.Conv2d(4, 3, 3, padding=1)], "cat"),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(5 * 49, 2),
    )
    net = Network(module, preprocess=Preprocess(size=16), device="cpu")
    assert layer_filters(net, "0").shape == (4, 27)
    assert layer_filters(net, "1").shape == layer_filters(net, "2").shape == (8, 36)  # the shorter ones filled up
    assert layer_filters(net, "3").shape == (5, 36) and not layer_filters(net, "3")[:2, 4:].any()
    assert layer_filters(net, "4") is None
    assert default_layers(net) == tuple(name for name in net.menu if name not in ("4", "6"))


def test_a_similarity_of_numbers_that_are_none_is_none() -> None:
    filters = np.ones((2, 3), np.float32)
    assert np.isnan(mean_cosine(np.full((2, 3), np.nan, np.float32), filters))
    assert mean_cosine(filters, -filters) == pytest.approx(-1)
    assert settled_at((), np.array([])) is None


def test_a_dead_map_neither_jumps_nor_settles() -> None:
    """Its strongest activation is 0, in whichever picture came first."""
    values = np.array([[0, 1, 0], [2, 1, 0], [2, 0, 0]], np.float32)
    images = np.array([["a", "b", "a"], ["b", "c", "a"], ["b", "a", "a"]], object)
    layer = LayerEvolution(np.arange(3), values, images, np.zeros((3, 3, 2), np.int64), np.ones(3))
    assert layer.jumps.tolist() == [[False] * 3, [False, True, False], [False] * 3]
    assert layer.final.tolist() == [0, 1, 1]


def test_a_name_is_no_series() -> None:
    with pytest.raises(DataError, match=r"not 'zfnet-scenes'; CheckpointSeries\(folder\) opens one"):
        feature_evolution("zfnet-scenes", PICTURES)  # type: ignore[arg-type]
