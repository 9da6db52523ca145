"""A training that is watched: in a thread, elsewhere, stopped, resumed, failing; and a folder that fills meanwhile."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import torch
from twins.evolution import PREPROCESS, drifting_series, small_module
from twins.mining import blotches
from twins.tiny import widget_labelled

from zfwidgets.backend import Backend
from zfwidgets.backend.errand import Errand
from zfwidgets.errors import DataError, ParameterError, UnknownNameError
from zfwidgets.methods.evolution import feature_evolution
from zfwidgets.models.series import CheckpointSeries
from zfwidgets.network import Network
from zfwidgets.training.recording import record_training
from zfwidgets.widgets import TrainingMonitor
from zfwidgets.widgets.monitor import words
from zfwidgets.widgets.monitor.words import _round

PICTURES = blotches(6, seed=3)
PLANNED = (1, 2, 4)


@pytest.fixture(scope="module")
def growing() -> Iterator[Backend]:
    with Backend(Network(small_module(1), preprocess=PREPROCESS, device="cpu"), PICTURES) as backend:
        yield backend


class Training:
    """Changes the weights a little in each epoch; waits before each one until it may go on."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.module = folder, small_module(0)
        self.begun, self.go, self.runs = Event(), Event(), 0

    def __call__(self) -> None:
        self.runs += 1
        for epoch in (recording := record_training(self.module, self.folder, PLANNED, resume=self.runs > 1)):
            self.begun.set()
            self.go.wait(30)
            with torch.no_grad():
                for parameter in self.module.parameters():
                    parameter.add_(0.01 * torch.randn_like(parameter))
            recording.log(loss=1 / epoch, validation_loss=2 / epoch, validation_error=0.5 / epoch)


@pytest.fixture
def watched(growing: Backend, tmp_path: Path) -> Iterator[tuple[TrainingMonitor, Training]]:
    training = Training(tmp_path)
    series = CheckpointSeries(tmp_path, module=small_module(0), preprocess=PREPROCESS)
    monitor = TrainingMonitor(growing, series, train=training, maps=3)
    yield monitor, training
    training.go.set()
    assert monitor._errand is not None and monitor._errand.join(30)
    monitor.close()


def test_it_shows_what_the_training_writes(watched: tuple[TrainingMonitor, Training]) -> None:
    monitor, training = watched
    start, stop = widget_labelled(monitor, "Start"), widget_labelled(monitor, "Stop")
    assert monitor.training == "waiting" and stop.disabled and not start.disabled
    training.go.set()
    start.click()
    assert monitor.follow(60)
    assert monitor.training == "finished" and monitor.facts is not None and monitor.facts.epochs == PLANNED
    expected = feature_evolution(monitor._series, PICTURES, device="cpu")
    for name, layer in expected.layers.items():
        assert (monitor.result[name].images == layer.images).all()
        assert monitor.result[name].similarity == pytest.approx(layer.similarity)
    assert "epoch 4 of 4" in monitor._state_line.value and "12.5 %" in monitor._state_line.value
    assert monitor._loss.value.count("<polyline") == 2 and monitor._error.value.count("<polyline") == 1
    assert not monitor._filters.empty and "4 filters" in monitor._filters._foot.value
    assert "conv2 growing" in monitor._rows.value
    assert start.disabled and stop.disabled and "3 checkpoints" in monitor._strip.status.value
    drawn = monitor._rows.value
    monitor.enhance = False
    assert monitor._rows.value != drawn
    widget_labelled(monitor, "Layer").value = "conv1"
    assert monitor.wait(30) and "conv1 growing" in monitor._rows.value


def test_stop_and_resume(watched: tuple[TrainingMonitor, Training]) -> None:
    monitor, training = watched
    monitor.start_training()
    assert monitor.training == "running"
    assert training.begun.wait(30)
    monitor.look()
    widget_labelled(monitor, "Stop").click()
    assert monitor.training == "stopping" and "asked to stop" in monitor._state_line.value
    training.go.set()
    assert monitor.follow(60)
    assert monitor.training == "stopped" and monitor.facts is not None and monitor.facts.epochs == (1,)
    assert "1 checkpoint &middot; Features of low layers" in monitor._strip.status.value
    resume = widget_labelled(monitor, "Resume")
    assert not resume.disabled
    resume.click()
    assert monitor.follow(60) and monitor.training == "finished" and monitor.facts.epochs == PLANNED
    assert training.runs == 2 and monitor.result["conv2"].values.shape == (3, 5)


def test_a_training_that_fails_says_why(growing: Backend, tmp_path: Path) -> None:
    def full() -> None:
        raise DataError("There is no room on the disk; make some.")

    monitor = TrainingMonitor(growing, tmp_path / "later", train=full)
    monitor.start_training()
    with pytest.raises(DataError, match="no room"):
        monitor.follow(30)
    assert monitor.training == "failed" and "no room" in monitor._strip.alert.value
    monitor.close()


def test_a_training_elsewhere(growing: Backend, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    monitor = TrainingMonitor(growing, folder)
    assert monitor.training == "waiting" and widget_labelled(monitor, "Start").disabled
    with pytest.raises(ParameterError, match="Somebody else trains here"):
        monitor.start_training()
    with pytest.raises(DataError, match="cannot be told to stop"):
        monitor.stop_training()
    monitor.close()
    source = drifting_series(tmp_path, PLANNED)
    folder.mkdir()
    monitor = TrainingMonitor(growing, CheckpointSeries(folder, module=small_module(0), preprocess=PREPROCESS), maps=2)
    assert monitor.wait(30) and monitor.result is None
    for count, epoch in enumerate(PLANNED, 1):
        shutil.copy(source.folder / f"epoch_{epoch}.pt", folder)
        monitor.look()
        assert monitor.wait(30) and monitor.result.epochs == PLANNED[:count]
    (folder / "epoch_9.pt").write_bytes((folder / "epoch_1.pt").read_bytes()[:500])
    monitor.look()
    assert monitor.wait(30) and "epoch_9.pt" in monitor._notice.value
    assert "not logged" in monitor._loss.value and monitor.state == "ready"
    widget_labelled(monitor, "Stop").click()
    assert (folder / "stop").exists() and monitor.training in ("stopping", "finished")
    monitor.close()


def test_it_looks_by_itself_where_there_is_a_loop(
    growing: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from zfwidgets.widgets.monitor import viewer as module

    waiting: list[Any] = []
    monkeypatch.setattr(module, "call_soon", lambda function: function() or True)
    monkeypatch.setattr(module, "call_later", lambda seconds, function: waiting.append(function) or True)
    monitor = TrainingMonitor(growing, CheckpointSeries(tmp_path, module=small_module(0), preprocess=PREPROCESS))
    drifting_series(tmp_path, (1,))
    waiting.pop()()
    assert monitor.wait(30) and monitor.result.epochs == (1,) and len(waiting) == 1
    monitor.close()
    waiting.pop()()
    assert not waiting


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"train": 3}, ParameterError, "train is a function"),
        ({"maps": 99}, ParameterError, "number of maps"),
        ({"lair": "conv1"}, UnknownNameError, "layer"),
    ],
)
def test_what_cannot_be_is_refused(
    growing: Backend, tmp_path: Path, options: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        TrainingMonitor(growing, tmp_path, **options)
    with pytest.raises(ParameterError, match="A series is"):
        TrainingMonitor(growing, 7)


def test_an_errand_runs_once_at_a_time() -> None:
    gate, runs = Event(), []
    errand = Errand(lambda: runs.append(gate.wait(10)), stop=gate.set)
    assert errand.start() and not errand.start() and errand.running
    assert not errand.join(0.01)
    errand._end()
    assert runs == [True] and not errand.running and errand.start() and errand.join(10)


def test_axes_end_at_round_numbers() -> None:
    assert [_round(value) for value in (2.71, 0.34, 4.0, 0.0, 17.0)] == [3.0, pytest.approx(0.4), 4.0, 1.0, 20.0]


def test_a_silent_training_elsewhere_is_not_said_to_end_soon(
    growing: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for epoch in record_training(small_module(0), tmp_path, PLANNED):
        if epoch == 3:
            break
    series = CheckpointSeries(tmp_path, module=small_module(0), preprocess=PREPROCESS)
    monitor = TrainingMonitor(growing, series)
    monitor.look()
    assert monitor.wait(60)
    assert "epoch 2 of 4" in monitor._state_line.value and " left, " in monitor._state_line.value
    monkeypatch.setattr(words, "QUIET", 0.0)
    monkeypatch.setattr(words, "EPOCHS_QUIET", 0)
    monitor.look()
    assert "nothing new for " in monitor._state_line.value and " left, " not in monitor._state_line.value
    for seconds, silence, hopeful in ((1.0, 29.0, True), (1.0, 31.0, False), (60.0, 299.0, True), (60.0, 301.0, False)):
        monkeypatch.undo()
        assert (" left, " in words.status(monitor.facts, "running", seconds, silence)) is hopeful
    monitor.close()


def test_a_folder_that_goes_away_is_said_and_what_it_held_stays(growing: Backend, tmp_path: Path) -> None:
    folder, module = tmp_path / "run", small_module(0)
    for epoch in record_training(module, folder, PLANNED):
        if epoch == 3:
            break
        torch.nn.init.normal_(next(module.parameters()))
    series = CheckpointSeries(folder, module=small_module(0), preprocess=PREPROCESS)
    monitor = TrainingMonitor(growing, series)
    assert monitor.wait(60) and monitor.training == "running"
    (checkpoint,) = folder.glob("epoch-0001*")
    kept = checkpoint.rename(tmp_path / checkpoint.name)
    monitor.look()
    assert monitor.wait(60) and f"{checkpoint.name} cannot be read" in monitor._notice.value
    kept.rename(checkpoint)
    monitor.look()
    assert monitor.wait(60) and monitor._notice.layout.display == "none"
    shown = monitor.result
    away = folder.rename(tmp_path / "away")
    assert monitor.follow(60) and monitor.training == "gone" and monitor.result is shown
    assert f"The folder {folder} is gone" in monitor._notice.value and monitor._notice.layout.display == ""
    assert "the folder is gone" in monitor._state_line.value and " left, " not in monitor._state_line.value
    away.rename(folder)
    monitor.look()
    assert monitor.wait(60) and monitor.training == "running" and monitor._notice.layout.display == "none"
    monitor.close()
