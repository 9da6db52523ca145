"""The network that ships is what its manifest says, and the command makes such a network."""

from __future__ import annotations

import hashlib
import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors import safe_open

import zfwidgets.models
from zfwidgets.app.cli import main
from zfwidgets.data.scenes import CLASSES
from zfwidgets.errors import DataError
from zfwidgets.models import CheckpointSeries, load_network
from zfwidgets.models.zfnet import ZFNet
from zfwidgets.training import draw_scenes, evaluate, material
from zfwidgets.training.embedded import train_embedded

EMBEDDED = Path(zfwidgets.models.__file__).parent / "embedded"


@pytest.fixture(scope="module")
def entry() -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((EMBEDDED / "manifest.json").read_text())
    return dict(manifest["zfnet-scenes"])


def test_the_file_is_the_one_of_the_manifest(entry: dict[str, Any]) -> None:
    content = (EMBEDDED / entry["file"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == entry["sha256"]
    assert len(content) <= 4 * 2**20
    assert entry["classes"] == list(CLASSES)


def test_the_file_holds_the_plain_network_of_the_manifest(entry: dict[str, Any]) -> None:
    network = ZFNet(**entry["architecture"])
    with safe_open(str(EMBEDDED / entry["file"]), framework="pt") as file:
        found = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    assert found == {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    kinds = {type(module).__name__ for module in network.features}
    assert kinds == {"Conv2d", "ReLU", "MaxPool2d"}


def test_it_is_as_right_as_the_manifest_says(entry: dict[str, Any]) -> None:
    assert entry["accuracy"] >= 0.92
    network = load_network("zfnet-scenes", device="cpu")
    count = 640
    _, accuracy = evaluate(network.module, draw_scenes(count, seed=77), network.preprocess)
    claimed = entry["accuracy"]
    spread = math.sqrt(claimed * (1 - claimed) / count)
    # Four standard errors of this sample, and what 2,000 scenes leave open about the claim itself.
    assert abs(accuracy - claimed) < 4 * spread + 2 * math.sqrt(claimed * (1 - claimed) / 2000)


@pytest.fixture
def few_scenes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thousands of validation and test scenes would take a minute; 32 of each show the same."""
    monkeypatch.setattr(material, "draw_scenes", lambda count, seed, **_: draw_scenes(min(count, 32), seed))


@pytest.mark.usefixtures("few_scenes")
def test_the_command_trains_resumes_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["train", "--pictures", "32", "--out", str(tmp_path)]
    assert main([*words, "--epochs", "2"]) == 0
    # As if it had been killed after the first epoch's checkpoint: what is there is read, and not done again.
    assert main([*words, "--epochs", "2", "--resume"]) == 0
    said = capsys.readouterr().out
    assert said.count("epoch 1:") == said.count("epoch 2:") == 1
    made = json.loads((tmp_path / "manifest.json").read_text())["zfnet-scenes"]
    content = (tmp_path / made["file"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == made["sha256"]
    assert made["recipe"]["command"] == "zfwidgets train --network zfnet-scenes --epochs 2 --seed 1 --pictures 32"
    series = CheckpointSeries(tmp_path / "zfnet-scenes")
    assert series.epochs == (1, 2)
    assert series.digest(2) == made["sha256"]
    assert [figures.epoch for figures in series.history] == [1, 2]
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".")]


def test_photographs_are_learnt_from_a_folder_of_classes(tmp_path: Path) -> None:
    chance = np.random.default_rng(3)
    for part, count in (("train", 6), ("val", 2)):
        for wnid in ("n01", "n02"):
            (tmp_path / part / wnid).mkdir(parents=True)
            for number in range(count):
                noise = chance.integers(0, 256, (64, 80, 3), dtype=np.uint8)
                Image.fromarray(noise).save(tmp_path / part / wnid / f"{number}.jpg")
    (tmp_path / "classes.json").write_text('[{"wnid": "n01", "name": "cat, tabby"}, {"wnid": "n02", "name": "dog"}]')
    made = train_embedded(tmp_path / "out", "zfnet-photos", images=tmp_path, epochs=1, processes=1, progress=False)
    assert made["classes"] == ["cat", "dog"]
    assert made["accuracy_of"] == "4 validation photographs of 2 classes, whole"
    assert made["recipe"]["pictures"] == 12
    (tmp_path / "classes.json").write_text("[]")
    with pytest.raises(DataError, match="does not name every class"):
        train_embedded(tmp_path / "other", "zfnet-photos", images=tmp_path, progress=False)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--epochs", "0"], "at least 1"),
        (["--pictures", "0"], "At least one scene"),
        (["--network", "zfnet-photo"], "the nearest are 'zfnet-photos'"),
        (["--network", "zfnet-photos"], "give a folder that holds train and val"),
        (["--network", "zfnet-photos", "--images", "/no/such/folder"], "There is no folder"),
        (["--network", "zfnet-photos", "--pictures", "7"], "leave out pictures"),
    ],
)
def test_the_command_says_what_is_wrong(
    words: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", *words, "--out", str(tmp_path)]) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.usefixtures("few_scenes")
def test_a_manifest_that_cannot_be_read_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(DataError, match="cannot be read"):
        train_embedded(tmp_path, epochs=1, pictures=8, progress=False)
    assert (tmp_path / "manifest.json").read_text() == "{"
