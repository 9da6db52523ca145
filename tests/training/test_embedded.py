"""The networks that ship are what their manifest says, and the command makes such networks."""

from __future__ import annotations

import hashlib
import json
import math
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import zfwidgets.models
from zfwidgets.app.cli import main
from zfwidgets.data.scenes import CLASSES
from zfwidgets.errors import Cancelled, DataError
from zfwidgets.imaging import Preprocess
from zfwidgets.models import CheckpointSeries, load_network
from zfwidgets.training import PAPER_EPOCHS, Epoch, draw_scenes, evaluate, material
from zfwidgets.training.embedded import EMBEDDED, train_embedded

EMBEDDED_FILES = Path(zfwidgets.models.__file__).parent / "embedded"


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EMBEDDED_FILES / "manifest.json").read_text())
    return found


def test_the_network_is_the_last_of_its_series(manifest: dict[str, Any]) -> None:
    for name, entry in manifest.items():
        series = CheckpointSeries.embedded(name)
        assert series.epochs == series.planned == PAPER_EPOCHS
        assert not series.problems
        assert EMBEDDED_FILES / entry["file"] == series.file(64)
        assert hashlib.sha256(series.file(64).read_bytes()).hexdigest() == series.digest(64) == entry["sha256"]
        assert series.architecture == entry["architecture"]
        assert not any(series.notes(epoch) for epoch in series.epochs)


def test_all_files_together_are_small() -> None:
    assert sum(file.stat().st_size for file in EMBEDDED_FILES.rglob("*.safetensors")) <= 20e6


def test_they_are_plain_networks(manifest: dict[str, Any]) -> None:
    for name, entry in manifest.items():
        network = load_network(name, device="cpu").module
        assert {type(module).__name__ for module in network.features} == {"Conv2d", "ReLU", "MaxPool2d"}
        assert len(entry["classes"]) == entry["architecture"]["classes"]
    assert manifest["zfnet-scenes"]["classes"] == list(CLASSES)


def test_scenes_are_named_as_rightly_as_the_manifest_says(manifest: dict[str, Any]) -> None:
    claimed, count = manifest["zfnet-scenes"]["accuracy"], 640
    assert claimed >= 0.92
    network = load_network("zfnet-scenes", device="cpu")
    _, accuracy = evaluate(network.module, draw_scenes(count, seed=77), network.preprocess)
    spread = math.sqrt(claimed * (1 - claimed) / count)
    # Four standard errors of this sample, and what 2,000 scenes leave open about the claim itself.
    assert abs(accuracy - claimed) < 4 * spread + 2 * math.sqrt(claimed * (1 - claimed) / 2000)


def test_the_manifest_says_how_to_make_them_again(manifest: dict[str, Any]) -> None:
    for name, entry in manifest.items():
        plan, recipe = EMBEDDED[name], entry["recipe"]
        assert recipe["command"].startswith(f"zfwidgets train --network {name} --epochs 64 --seed 1")
        assert recipe.items() >= json.loads(json.dumps(asdict(plan.recipe))).items()
        assert entry["architecture"].items() >= plan.architecture.items()
        assert Preprocess(**entry["preprocess"]) == plan.preprocess
        assert plan.pictures in (None, recipe["pictures"])


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
    assert made["accuracy_of"] == "4 validation photographs of 2 classes, centre crop"
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
def test_ctrl_c_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def stopped(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("zfwidgets.training.embedded.train_embedded", stopped)
    monkeypatch.setattr("zfwidgets.training.studies.ablation", stopped)
    assert main(["train"]) == 130 and "same command with --resume" in capsys.readouterr().err
    assert main(["study", "table3"]) == 130 and "kept in studies; the same command" in capsys.readouterr().err


@pytest.mark.usefixtures("few_scenes")
def test_a_training_that_is_resumed_is_the_same_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["train", "--pictures", "16", "--epochs", "2", "--out", str(tmp_path)]
    assert main([*words, "--resume"]) == 2
    assert "No training was begun" in capsys.readouterr().err

    def interrupted(epoch: Epoch) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_embedded(tmp_path, pictures=16, epochs=2, progress=False, on_epoch=interrupted)
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    assert main(words) == 2
    said = capsys.readouterr().err
    assert "zfnet-scenes holds a training already, 1 of 2 epochs done" in said and "resume=True (--resume)" in said
    assert before == {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    (tmp_path / "zfnet-scenes.checkpoint").unlink()  # as if it had been killed just before that was written
    assert main([*words, "--resume", "--seed", "4"]) == 2
    assert "begun with other seed;" in capsys.readouterr().err
    assert main(["train", "--pictures", "8", "--epochs", "2", "--out", str(tmp_path), "--resume"]) == 2
    assert "begun with other pictures;" in capsys.readouterr().err
    assert CheckpointSeries(tmp_path / "zfnet-scenes").recipe["pictures"] == 16
    assert main([*words, "--resume"]) == 0
    assert CheckpointSeries(tmp_path / "zfnet-scenes").epochs == (1, 2)


@pytest.mark.usefixtures("few_scenes")
def test_a_training_that_was_stopped_is_not_written_as_a_network(tmp_path: Path) -> None:
    stop = tmp_path / "zfnet-scenes" / "stop"
    with pytest.raises(Cancelled, match="was stopped; resume it"):
        train_embedded(tmp_path, pictures=16, epochs=2, progress=False, on_epoch=lambda _: stop.touch())
    assert not (tmp_path / "manifest.json").exists()
    assert train_embedded(tmp_path, pictures=16, epochs=2, progress=False, resume=True)["recipe"]["epochs"] == 2


@pytest.mark.usefixtures("few_scenes")
def test_a_manifest_that_cannot_be_read_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(DataError, match="cannot be read"):
        train_embedded(tmp_path, epochs=1, pictures=8, progress=False)
    assert (tmp_path / "manifest.json").read_text() == "{"
