"""The evolutions that ship belong to the checkpoints that ship, and say what these networks compute."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from zfwidgets.methods import record
from zfwidgets.methods.evolution import default_layers, embedded
from zfwidgets.methods.evolution.embedded import EMBEDDED, TRAINED_ON, embedded_evolution, evolution_pictures
from zfwidgets.models import CheckpointSeries

HERE = Path(embedded.__file__).parent
SERIES = {folder.name for folder in CheckpointSeries.embedded("zfnet-scenes").folder.parent.iterdir()}
SHIPPED = [name for name in EMBEDDED if (HERE / f"{name}.safetensors").is_file() and name in SERIES]


def test_that_of_the_scenes_is_there_and_small() -> None:
    assert "zfnet-scenes" in SHIPPED
    assert sum((HERE / f"{name}.safetensors").stat().st_size for name in SHIPPED) < 500_000


def test_its_pictures_are_those_it_was_trained_on() -> None:
    recipe = CheckpointSeries.embedded("zfnet-scenes").recipe
    assert recipe["pictures"] == TRAINED_ON == len(evolution_pictures("zfnet-scenes"))
    assert f"--seed {evolution_pictures('zfnet-scenes').keys()[0][6]} " in f"{recipe['command']} "


@pytest.mark.parametrize("name", SHIPPED)
def test_it_is_of_the_checkpoints_that_ship(name: str) -> None:
    series = CheckpointSeries.embedded(name)
    found = embedded_evolution(series)
    assert found is not None and found.epochs == series.epochs
    assert tuple(found.layers) == default_layers(series.network(series.epochs[-1], device="cpu"))
    assert found.count == len(evolution_pictures(name))
    assert np.isfinite(found.validation_error).all()


@pytest.mark.parametrize("name", SHIPPED)
def test_a_sample_of_its_exemplars_is_what_the_networks_compute(name: str) -> None:
    series, dice = CheckpointSeries.embedded(name), np.random.default_rng(0)
    found = embedded_evolution(series)
    assert found is not None
    pictures = evolution_pictures(name)
    some = [pictures[str(key)] for key in dice.choice(pictures.keys(), 8, replace=False)]
    for place in (0, len(series.epochs) // 2):
        net = series.network(series.epochs[place], device="cpu")
        for layer, growth in found.layers.items():
            channel = int(dice.integers(len(growth.channels)))
            best = growth.exemplar(place, channel)
            if best is None:
                continue
            maps = record(net, pictures[best.image], [layer]).activations[layer][0, channel]
            np.testing.assert_allclose(maps[best.row, best.column], best.value, rtol=1e-3)
            assert maps.max() == maps[best.row, best.column]
            others = record(net, some, [layer]).activations[layer].max((2, 3))
            assert (others <= growth.values[place] * (1 + 1e-3) + 1e-4).all()


def test_other_checkpoints_have_none(tmp_path: Path) -> None:
    ours = CheckpointSeries.embedded("zfnet-scenes")
    folder = shutil.copytree(ours.folder, tmp_path / "zfnet-scenes")
    assert embedded_evolution(CheckpointSeries(folder)) is not None
    (folder / "epoch-0064.safetensors").unlink()
    assert embedded_evolution(CheckpointSeries(folder)) is None
    assert embedded_evolution(CheckpointSeries(folder.rename(tmp_path / "another"))) is None
