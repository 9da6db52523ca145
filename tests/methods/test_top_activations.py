"""Mining against its twin: to the bit, whatever the shards, the order in which they are merged, and the threads."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from twins.mining import as_lists, blotches, slow_top_activations
from twins.networks import lively
from twins.zoo import Attention, DataDependent, Shuffled, small

import zfwidgets as zf
from zfwidgets.data.image_set import Entry
from zfwidgets.errors import Cancelled, NetworkError, ParameterError, UnknownNameError
from zfwidgets.methods.top_activations import Progress, ShardSpec, TopEntry, map_shard, merge, patch, shards

LAYERS = ["conv1", "pool1", "conv2"]


def saved(top: zf.TopActivations, folder: Path) -> bytes:
    return top.save(folder / "whole.safetensors").read_bytes()


@settings(max_examples=25)
@given(
    count=st.integers(1, 12),
    seed=st.integers(0, 5),
    colours=st.integers(1, 3),
    k=st.integers(1, 6),
    per_image=st.integers(1, 3),
)
def test_equal_to_storing_everything_and_sorting(
    network: zf.Network,
    count: int,
    seed: int,
    colours: int,
    k: int,
    per_image: int,
) -> None:
    pictures = blotches(count, seed, colours)
    top = zf.top_activations(network, pictures, LAYERS, k, per_image)
    expected, duplicates = slow_top_activations(network, pictures, LAYERS, k, per_image)
    assert as_lists(top) == expected
    assert top.duplicates == duplicates
    assert top.count == count and top.skipped == ()


@pytest.mark.parametrize("name", ["Plain", "Functional", "Reused", "Grouped", "PreActivation"])
@pytest.mark.parametrize("per_image", [1, 2])
def test_networks_of_all_kinds(name: str, per_image: int) -> None:
    net = zf.Network(small(name), preprocess=zf.Preprocess(size=33), device="cpu")
    pictures = blotches(9, seed=3)
    layers = [layer for layer in net.layers if net.layers[layer].spatial]
    top = zf.top_activations(net, pictures, layers, k=4, per_image=per_image)
    assert top.layers == tuple(layers)
    assert as_lists(top) == slow_top_activations(net, pictures, layers, 4, per_image)[0]
    # The same maps as everybody else gets, up to rounding.
    recorded = zf.record(net, [pictures[key] for key in pictures], layers)
    for layer in layers:
        peaks = recorded.activations[layer].max((2, 3)).max(0)
        np.testing.assert_allclose(top[layer].values[:, 0], peaks, rtol=0, atol=3e-5 * float(np.abs(peaks).max()))


@pytest.mark.parametrize("seed", range(20))
def test_any_sharding_and_any_order_of_merging_gives_the_same_bytes(
    network: zf.Network,
    tmp_path: Path,
    seed: int,
) -> None:
    random = np.random.default_rng(seed)
    pictures = blotches(14, seed=seed % 3)
    expected = saved(zf.top_activations(network, pictures, LAYERS, 3), tmp_path)
    keys = list(random.permutation(pictures.keys()))
    cuts = sorted(random.choice(range(1, 14), random.integers(0, 8), replace=False).tolist())
    parts = []
    for start, end in zip([0, *cuts], [*cuts, 14], strict=True):
        (spec,) = shards(network, pictures.only(keys[start:end]), LAYERS, 3, size=100)
        parts.append(map_shard(ShardSpec.from_json(spec.to_json()), network, pictures, tmp_path / "parts"))
    while len(parts) > 1:
        random.shuffle(parts)
        some = int(random.integers(2, len(parts) + 1))
        joined = merge(parts[:some]).save(tmp_path / f"joined-{len(parts)}.safetensors")
        parts = [*parts[some:], joined]
    assert saved(merge(parts), tmp_path) == expected


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("workers", [0, 1, 2])
def test_threads_and_processes_change_nothing(
    network: zf.Network,
    tmp_path: Path,
    threads: int,
    workers: int,
) -> None:
    pictures = blotches(40, seed=1)
    expected = saved(zf.top_activations(network, pictures, LAYERS, 3), tmp_path)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        assert saved(zf.top_activations(network, pictures, LAYERS, 3, workers=workers), tmp_path) == expected
    finally:
        torch.set_num_threads(before)


def test_a_set_that_cannot_be_sent_to_a_process_is_decoded_here(network: zf.Network, tmp_path: Path) -> None:
    pictures = blotches(5)
    here = zf.ImageSet({key: Entry(lambda key=key: pictures[key], str) for key in pictures})  # type: ignore[misc]
    assert saved(zf.top_activations(network, here, workers=1), tmp_path) == saved(
        zf.top_activations(network, pictures), tmp_path
    )


def test_fewer_pictures_than_entries(network: zf.Network) -> None:
    top = zf.top_activations(network, blotches(2, seed=4), ["conv1"], k=5)
    values, images, positions = top["conv1"].values, top["conv1"].images, top["conv1"].positions
    assert values.shape == (6, 5) and images.shape == (6, 5) and positions.shape == (6, 5, 2)
    there = 2 - len(top.duplicates)
    assert np.isnan(values[:, there:]).all() and (images[:, there:] == "").all() and (positions[:, there:] == -1).all()
    assert len(top.channel("conv1", 0)) == there


def test_vectors_have_one_place_and_see_everything(network: zf.Network) -> None:
    top = zf.top_activations(network, blotches(6), layers=["fc3"], k=2)
    entry = top.channel("fc3", 1)[0]
    assert entry.position == (0, 0) and entry.box == (0, 0, 24, 24)


def test_a_patch_is_the_exact_receptive_field(network: zf.Network) -> None:
    pictures = blotches(6, seed=2)
    seen = {key: np.asarray(network.preprocess.crop(pictures[key])) for key in pictures}
    grey = network.preprocess.inverse(torch.zeros(3, 1, 1))[0, 0]
    top = zf.top_activations(network, pictures, ["conv1", "conv2"], k=3)
    for layer in top.layers:
        for channel in range(network.layers[layer].channels):
            for entry in top.channel(layer, channel):
                projection = zf.project(network, pictures[entry.image], layer, channel, entry.position)
                assert projection.box == entry.box
                assert projection.value == pytest.approx(entry.value, abs=1e-4)
                found = patch(network, pictures[entry.image], entry)
                y, x, height, width = entry.box
                assert found.shape == (height, width, 3)
                padded = np.full((24 + 2 * 40, 24 + 2 * 40, 3), grey, np.uint8)
                padded[40:64, 40:64] = seen[entry.image]
                np.testing.assert_array_equal(found, padded[40 + y : 40 + y + height, 40 + x : 40 + x + width])


def test_a_patch_of_a_model_input_and_one_that_misses_the_picture(network: zf.Network) -> None:
    entry = TopEntry(1.0, "", (0, 0), (-9, -9, 5, 4))
    assert (patch(network, torch.ones(3, 24, 24), entry) == patch(network, np.zeros((24, 24)), entry)).all()


def test_progress_partial_results_and_cancelling(
    network: zf.Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from zfwidgets.methods.top_activations import mine

    monkeypatch.setattr(mine, "_PARTIAL_SECONDS", 0.0)
    monkeypatch.setattr(mine, "_PARTIAL_SHARE", np.inf)
    monkeypatch.setattr(mine, "_SHARD", 20)
    pictures = blotches(50, seed=1)
    seen: list[Progress] = []
    partial: list[zf.TopActivations] = []
    index = tmp_path / "top.safetensors"
    whole = zf.top_activations(network, pictures, LAYERS, 3, on_progress=seen.append)
    assert seen[-1].done == seen[-1].total == 50 and seen[-1].rate > 0 and seen[-1].seconds_left == 0
    with pytest.raises(Cancelled):
        zf.top_activations(
            network, pictures, LAYERS, 3, index=index, on_partial=partial.append, cancelled=lambda: len(partial) >= 3
        )
    assert partial and partial[-1].count < 50 and not index.exists()
    done = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.safetensors")}
    assert done
    steps: list[Progress] = []
    again = zf.top_activations(
        network, pictures, LAYERS, 3, index=index, on_progress=steps.append, on_partial=partial.append
    )
    assert steps[0].done > 16  # finished parts are not done again
    assert saved(again, tmp_path) == saved(whole, tmp_path) == index.read_bytes()
    assert as_lists(partial[-1]) == as_lists(whole)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["top.safetensors", "whole.safetensors"]


def test_the_module_is_left_as_it_was(network: zf.Network) -> None:
    before = {name: tensor.clone() for name, tensor in network.module.state_dict().items()}
    network.module.train()
    zf.top_activations(network, blotches(5))
    assert network.module.training
    network.module.eval()
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.module.state_dict().items())
    assert all(parameter.grad is None for parameter in network.module.parameters())


def test_a_plan_is_text_and_comes_back(network: zf.Network) -> None:
    specs = shards(network, blotches(7), LAYERS, 3, 2, size=3)
    assert [len(spec.keys) for spec in specs] == [3, 3, 1]
    assert [ShardSpec.from_json(json.dumps(json.loads(spec.to_json()))) for spec in specs] == specs
    assert len({spec.name for spec in specs}) == 3


def test_what_cannot_be_asked(network: zf.Network) -> None:
    pictures = blotches(3)
    for wrong in (0, -1, 2.5, "x", True):
        with pytest.raises(ParameterError, match="k must"):
            zf.top_activations(network, pictures, k=wrong)  # type: ignore[arg-type]
        with pytest.raises(ParameterError, match="per_image must"):
            zf.top_activations(network, pictures, per_image=wrong)  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match="conv2"):
        zf.top_activations(network, pictures, ["conv22"])
    with pytest.raises(ParameterError, match="no layers"):
        zf.top_activations(network, pictures, [])
    with pytest.raises(NetworkError, match="load_network"):
        zf.top_activations("zfnet-scenes", pictures)  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match="mined layer"):
        zf.top_activations(network, pictures, ["conv1"])["conv2"]
    for channel in (-1, 6, 0.5, "1"):
        with pytest.raises(ParameterError, match="channels 0 to 5"):
            zf.top_activations(network, pictures, ["conv1"]).channel("conv1", channel)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [Attention, Shuffled])
def test_operations_of_foreign_code(kind: type[nn.Module]) -> None:
    net = zf.Network(lively(kind()), preprocess=zf.Preprocess(size=16), device="cpu")
    pictures, layers = blotches(20, seed=2), ["stem"]
    top = zf.top_activations(net, pictures, layers, k=3)
    assert as_lists(top) == slow_top_activations(net, pictures, layers, 3, 1)[0]
    sum(parameter.sum() for parameter in net.module.parameters()).backward()  # type: ignore[union-attr]


def test_a_network_that_cannot_be_traced() -> None:
    net = zf.Network(lively(DataDependent()), preprocess=zf.Preprocess(size=16), device="cpu")
    with pytest.raises(NetworkError):
        zf.top_activations(net, blotches(2))


def test_a_network_without_maps() -> None:
    net = zf.Network(nn.Sequential(nn.Flatten(), nn.Linear(3 * 64, 2)), preprocess=zf.Preprocess(size=8), device="cpu")
    with pytest.raises(NetworkError, match="no feature maps"):
        zf.top_activations(net, blotches(2))
