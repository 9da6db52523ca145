"""The network that ships is what its manifest says, and the command makes such a network."""

from __future__ import annotations

import hashlib
import json
import math
import os
from pathlib import Path
from typing import Any

import pytest
from safetensors import safe_open

import zfwidgets.models
from zfwidgets.app.cli import main
from zfwidgets.data.scenes import CLASSES
from zfwidgets.errors import DataError, ParameterError
from zfwidgets.models import load_network
from zfwidgets.models.zfnet import ZFNet
from zfwidgets.training import draw_scenes, embedded, evaluate
from zfwidgets.training.embedded import EmbeddedRecipe, write_network

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


def test_the_manifest_says_how_to_make_it_again(entry: dict[str, Any]) -> None:
    recipe, defaults = entry["recipe"], EmbeddedRecipe()
    assert recipe["command"].startswith("zfwidgets train ")
    assert (recipe["epochs"], recipe["pictures"], entry["seed"]) == (defaults.epochs, defaults.pictures, defaults.seed)
    assert len(recipe["validation_accuracies"]) == recipe["epochs"]


def test_the_command_trains_resumes_and_writes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The thousands of validation and test scenes would take a minute; 32 of each show the same.
    monkeypatch.setattr(embedded, "draw_scenes", lambda count, seed, **_: draw_scenes(min(count, 32), seed))
    words = ["train", "--pictures", "32", "--out", str(tmp_path)]
    assert main([*words, "--epochs", "1"]) == 0
    assert main([*words, "--epochs", "2", "--resume"]) == 0
    said = capsys.readouterr().out
    assert said.count("epoch 1:") == 1
    assert said.count("epoch 2:") == 1
    made = json.loads((tmp_path / "manifest.json").read_text())["zfnet-scenes"]
    content = (tmp_path / made["file"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == made["sha256"]
    assert len(made["recipe"]["rates"]) == 2
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".")]


def test_the_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--epochs", "0", "--out", str(tmp_path)]) == 2
    assert "at least 1" in capsys.readouterr().err


def test_other_networks_of_a_manifest_stay(tmp_path: Path) -> None:
    network = ZFNet(5, channels=(2, 2, 2, 2, 2), hidden=(3, 3), input_size=64, conv2_stride=1, normalisation=None)
    for name in ("one", "two"):
        write_network(tmp_path, name, network, {"classes": ["a"]})
    assert sorted(json.loads((tmp_path / "manifest.json").read_text())) == ["one", "two"]
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(DataError, match="cannot be read"):
        write_network(tmp_path, "three", network, {})
    assert not (tmp_path / "three.safetensors").exists()


def test_an_impossible_recipe_is_refused() -> None:
    with pytest.raises(ParameterError, match="at least 1"):
        EmbeddedRecipe(pictures=0)
