"""The index that ships belongs to the weights that ship, and says what the network computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from zfwidgets.methods import TopActivations, record
from zfwidgets.methods.top_activations.embedded import (
    COUNT,
    EMBEDDED,
    SEED,
    embedded_index,
    embedded_pictures,
    mine_embedded,
)
from zfwidgets.models import load_network
from zfwidgets.network import Network
from zfwidgets.training import embedded


@pytest.fixture(scope="module")
def net() -> Network:
    return load_network(EMBEDDED, device="cpu")


@pytest.fixture(scope="module")
def index(net: Network) -> TopActivations:
    found = embedded_index(net)
    assert found is not None
    return found


def test_it_is_of_the_weights_and_the_scenes_that_ship(net: Network, index: TopActivations) -> None:
    index.check(net, embedded_pictures(), most=16)
    assert index.layers == tuple(name for name in net.menu if net.layers[name].spatial)
    assert (index.k, index.count, index.skipped, dict(index.duplicates)) == (9, COUNT, (), {})


def test_no_scene_of_it_was_learnt_from() -> None:
    seed = embedded.EMBEDDED[EMBEDDED].recipe.seed
    assert SEED not in range(seed, seed + 3)


def test_a_sample_of_its_entries_is_what_the_network_computes(net: Network, index: TopActivations) -> None:
    random, pictures = np.random.default_rng(0), embedded_pictures()
    for layer in index.layers:
        values = index[layer].values
        assert (np.diff(values, axis=1) <= 0).all()
        for channel in random.choice(len(values), 3, replace=False):
            entries = index.channel(layer, int(channel))
            assert len({entry.image for entry in entries}) == len(entries)
            entry = entries[random.integers(len(entries))]
            maps = record(net, pictures[entry.image], [layer]).activations[layer][0, channel]
            np.testing.assert_allclose(maps[entry.position], entry.value, rtol=1e-4)
            assert maps.max() == maps[entry.position]


def test_no_picture_is_stronger_than_the_index_says(net: Network, index: TopActivations) -> None:
    keys = embedded_pictures().keys()[::50]
    pictures = [embedded_pictures()[key] for key in keys]
    maps = record(net, pictures, ["conv5"]).activations["conv5"].max((2, 3))
    weakest = index["conv5"].values[:, -1]
    for channel in range(maps.shape[1]):
        named = set(index["conv5"].images[channel])
        others = [number for number, key in enumerate(keys) if key not in named]
        assert (maps[others, channel] <= weakest[channel] * (1 + 1e-4) + 1e-4).all()


def test_it_is_small_and_its_recipe_gives_the_same_bytes(net: Network, tmp_path: Path) -> None:
    one, two = (mine_embedded(net, tmp_path / name, count=24).read_bytes() for name in ("one", "two"))
    assert one == two
    assert len(TopActivations.open(tmp_path / "one" / f"{EMBEDDED}.safetensors").layers) == 8


def test_other_weights_have_no_index(net: Network) -> None:
    torch.manual_seed(0)
    module = load_network(EMBEDDED, device="cpu").module
    torch.nn.init.normal_(next(module.parameters()))
    assert embedded_index(Network(module, preprocess=net.preprocess, device="cpu", name=EMBEDDED)) is None
    assert embedded_index(Network(net.module, preprocess=net.preprocess, device="cpu", name="another")) is None
