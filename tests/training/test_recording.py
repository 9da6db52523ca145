"""Recording: in anybody's loop, stopped from outside, gone on with, and whole whenever it is killed."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from zfwidgets.errors import Cancelled, DataError, NetworkError, ParameterError
from zfwidgets.imaging import Preprocess
from zfwidgets.models import CheckpointSeries
from zfwidgets.models.zfnet import ZFNet
from zfwidgets.training import LabelledPictures, Recipe, draw_scenes, record_training, train

PREPROCESS = Preprocess(size=96, resize=96)


@pytest.fixture(scope="module")
def pictures() -> LabelledPictures:
    return draw_scenes(32, seed=6)


def network() -> ZFNet:
    torch.manual_seed(0)
    return ZFNet(16, channels=(4, 4, 4, 4, 4), hidden=(16, 16), input_size=96, normalisation="batch")


def test_batch_norm_is_folded_in_the_files_and_left_in_the_module(tmp_path: Path, pictures: LabelledPictures) -> None:
    module = network()
    recording = record_training(module, tmp_path, (1, 2), preprocess=PREPROCESS)
    train(module, pictures, pictures, Recipe(epochs=2), preprocess=PREPROCESS, recording=recording, progress=False)
    assert any(isinstance(layer, nn.BatchNorm2d) for layer in module.modules())
    series = CheckpointSeries(tmp_path)
    last = series.network(2, device="cpu")
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in last.module.modules())
    some = torch.rand(2, 3, 96, 96)
    # The best epoch is what the training ends with; here that is the last one.
    assert min(series.history, key=lambda figures: figures.validation_loss or 9).epoch == 2
    torch.testing.assert_close(last.module(some), module(some), atol=1e-5, rtol=1e-4)


def test_a_stop_ends_after_the_epoch_and_the_rest_gives_the_same_bytes(
    tmp_path: Path, pictures: LabelledPictures
) -> None:
    recipe, options = Recipe(epochs=3, batch_size=16), {"preprocess": PREPROCESS, "progress": False}

    def run(folder: Path, *, resume: bool, stop_at: int | None = None) -> int:
        module = network()
        recording = record_training(module, folder, (1, 2, 3), preprocess=PREPROCESS, resume=resume)
        history = train(
            module, pictures, pictures, recipe, checkpoint=folder / "state", resume=resume, recording=recording,
            on_epoch=lambda epoch: recording.stop() if epoch.epoch == stop_at else None, **options,  # type: ignore[arg-type]
        )  # fmt: skip
        return len(history)

    assert run(tmp_path / "straight", resume=False) == 3
    assert run(tmp_path / "broken", resume=False, stop_at=1) == 1
    assert CheckpointSeries(tmp_path / "broken").missing == (2, 3)
    assert run(tmp_path / "broken", resume=True) == 3
    for name in ("epoch-0001.safetensors", "epoch-0003.safetensors", "state"):
        assert (tmp_path / "broken" / name).read_bytes() == (tmp_path / "straight" / name).read_bytes()
    assert not (tmp_path / "broken" / "stop").exists()


def test_cancelling_between_steps_keeps_the_last_epoch(tmp_path: Path, pictures: LabelledPictures) -> None:
    module, asked = network(), iter([False] * 5 + [True])
    recording = record_training(module, tmp_path, (1, 2))
    with pytest.raises(Cancelled, match="resume"):
        train(
            module, pictures, pictures, Recipe(epochs=2, batch_size=8), preprocess=PREPROCESS, progress=False,
            recording=recording, cancelled=lambda: next(asked),
        )  # fmt: skip
    assert CheckpointSeries(tmp_path).epochs == (1,)


SCRIPT = """
import sys, torch
from zfwidgets.imaging import Preprocess
from zfwidgets.models.zfnet import ZFNet
from zfwidgets.training import Recipe, draw_scenes, record_training, train
torch.manual_seed(0)
module = ZFNet(16, channels=(4, 4, 4, 4, 4), hidden=(16, 16), input_size=96, normalisation="batch")
some, plain = draw_scenes(32, seed=6), Preprocess(size=96, resize=96)
resume = sys.argv[2] == "resume"
recording = record_training(module, sys.argv[1], range(1, 7), preprocess=plain, resume=resume)
train(module, some, some, Recipe(epochs=6, batch_size=8), preprocess=plain, checkpoint=sys.argv[1] + "/state",
      resume=resume, recording=recording, progress=False)
"""


@pytest.mark.slow
def test_a_killed_training_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    def started(folder: Path, how: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", SCRIPT, str(folder), how])

    assert started(tmp_path / "straight", "new").wait() == 0
    killed = started(tmp_path / "killed", "new")
    while not (tmp_path / "killed" / "state").exists():
        assert killed.poll() is None
        time.sleep(0.01)
    os.kill(killed.pid, signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    before = CheckpointSeries(tmp_path / "killed")
    assert before.epochs
    assert not before.problems
    assert started(tmp_path / "killed", "resume").wait() == 0
    for epoch in range(1, 7):
        name = f"epoch-{epoch:04d}.safetensors"
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "straight" / name).read_bytes()


def test_a_full_disk_says_so_and_what_was_there_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = nn.Linear(2, 2)
    recording = record_training(module, tmp_path, (1, 2))
    recording.after(1)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataError, match="No space left"):
        recording.after(2)
    monkeypatch.undo()
    assert CheckpointSeries(tmp_path, module=module).epochs == (1,)
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".")]
    recording.after(2)
    assert CheckpointSeries(tmp_path, module=module).epochs == (1, 2)


def test_what_makes_no_sense_is_refused(tmp_path: Path) -> None:
    module = nn.Linear(2, 2)
    for epochs in ((), (0, 1), (1.5,), 5, "15", (True,)):
        with pytest.raises(ParameterError, match=r"whole numbers? from 1"):
            record_training(module, tmp_path / "new", epochs)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="JSON cannot hold"):
        record_training(module, tmp_path / "new", (1,), recipe={"mean": torch.ones(3)})
    assert not (tmp_path / "new").exists()
    recording = record_training(module, tmp_path / "run", (1,))
    with pytest.raises(ParameterError, match="no figure 'accuracy'"):
        recording.log(accuracy=1.0)
    for loss in ("much", torch.ones(2), None):
        with pytest.raises(ParameterError, match="is one number"):
            recording.log(loss=loss)  # type: ignore[arg-type]
    for epoch in (0, -1, 1.5, True, "1"):
        with pytest.raises(ParameterError, match="whole number from 1"):
            recording.after(epoch)  # type: ignore[arg-type]
    assert not CheckpointSeries(tmp_path / "run").history
    recording.after(1)
    with pytest.raises(
        DataError, match=r"run holds a training already, 1 of 1 epochs done, and .* go on with it by resume=True, or"
    ):
        record_training(module, tmp_path / "run", (1,))
    with pytest.raises(DataError, match="another architecture"):
        record_training(nn.Linear(3, 2), tmp_path / "run", (1,), resume=True)
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="choose another one"):
        record_training(module, tmp_path / "file", (1,))


def test_recording_an_epoch_again_drops_what_came_after(tmp_path: Path) -> None:
    module = nn.Linear(2, 2)
    recording = record_training(module, tmp_path, (1, 2, 3))
    for epoch in (1, 2, 3, 2):
        recording.after(epoch, loss=float(epoch))
    manifest = json.loads((tmp_path / "series.json").read_text())
    assert [entry["epoch"] for entry in manifest["history"]] == [1, 2]
    assert list(manifest["checkpoints"]) == ["1", "2"]


def test_a_module_that_is_of_no_recorded_epoch_does_not_go_on(tmp_path: Path) -> None:
    def rest(module: nn.Module, folder: Path) -> list[int]:
        return list(record_training(module, folder, (1, 2, 5), resume=True))

    module = nn.Linear(2, 2)
    recording = record_training(module, tmp_path / "run", (1, 2, 5))
    for epoch in recording:
        nn.init.constant_(module.weight, float(epoch))
        if epoch == 3:
            recording.stop()
    with pytest.raises(DataError, match=r"not as it was after epoch 3 of .*\.weights\(2\)"):
        rest(nn.Linear(2, 2), tmp_path / "run")
    shutil.copytree(tmp_path / "run", tmp_path / "again")
    assert rest(module, tmp_path / "run") == [4, 5]
    # Nobody kept the third epoch's weights: the training goes on from the second's.
    older = nn.Linear(2, 2)
    older.load_state_dict(CheckpointSeries(tmp_path / "again", module=older).weights(2))
    assert rest(older, tmp_path / "again") == [3, 4, 5]
    assert rest(nn.Linear(2, 2), tmp_path / "run") == []  # nothing is left that could be wrong


def test_whatever_a_loop_counts_and_learns_is_recorded(tmp_path: Path) -> None:
    """Numbers of numpy, losses with a gradient, layers that share their weights, modules laid out strangely."""
    module = nn.Sequential(nn.Conv2d(3, 3, 3), nn.Conv2d(3, 3, 3)).to(memory_format=torch.channels_last)
    module[1].weight = module[0].weight
    recording = record_training(module, tmp_path, np.arange(1, 3))  # type: ignore[arg-type]
    for epoch in np.arange(1, 3):
        recording.after(epoch, loss=module[0].weight.sum())
    series = CheckpointSeries(tmp_path, module=module)
    assert (series.epochs, [figures.epoch for figures in series.history]) == ((1, 2), [1, 2])
    assert torch.equal(series.weights(2)["1.weight"], module[0].weight)


def test_one_that_was_killed_in_its_first_epoch_begins_again(tmp_path: Path) -> None:
    module = nn.Linear(2, 2)
    record_training(module, tmp_path, (1,))
    other = nn.Linear(3, 2)
    assert list(record_training(other, tmp_path, (1, 2))) == [1, 2]
    assert CheckpointSeries(tmp_path, module=other).epochs == (1, 2)


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        ({"module": "alexnet"}, NetworkError, "torch.nn.Module that is trained, not 'alexnet'"),
        ({"folder": None}, DataError, "is a path, not None"),
        ({"dtype": torch.int8}, ParameterError, "that of floats"),
        ({"dtype": "float16"}, ParameterError, "that of floats"),
    ],
)
def test_what_cannot_be_recorded(tmp_path: Path, asked: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        record_training(**{"module": nn.Linear(2, 2), "folder": tmp_path / "run", "epochs": (1,)} | asked)
    assert not (tmp_path / "run").exists()
