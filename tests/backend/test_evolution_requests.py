"""Questions about a series: a folder that does not say its network, and a checkpoint that is written anew."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn
from twins.evolution import PREPROCESS, small_module
from twins.mining import blotches

from zfwidgets.backend import Backend
from zfwidgets.backend.evolution_requests import EpochNetworkRequest, EvolutionRequest, SeriesSource, SnapshotRequest
from zfwidgets.errors import StaleIndexError
from zfwidgets.imaging import Preprocess
from zfwidgets.models.series import CheckpointSeries
from zfwidgets.network import Network
from zfwidgets.training.recording import record_training


def test_a_folder_that_does_not_say_its_network_is_of_the_backends(tmp_path: Path) -> None:
    module = small_module(0)
    for _ in record_training(module, tmp_path, (1, 2)):
        pass
    with Backend(Network(small_module(1), preprocess=PREPROCESS, device="cpu"), blotches(2, seed=3)) as backend:
        source = SeriesSource.of(tmp_path)
        assert backend.compute(EvolutionRequest(source)).evolution.epochs == (1, 2)
        digest = CheckpointSeries(tmp_path).digest(2)
        net = backend.compute(EpochNetworkRequest(source, 2, digest)).network
        assert net.preprocess == PREPROCESS
        for name, value in module.state_dict().items():
            assert torch.equal(net.module.state_dict()[name], value)


def test_a_checkpoint_that_was_written_anew_is_not_kept_as_the_old_one(tmp_path: Path) -> None:
    recording = record_training(small_module(0), tmp_path, (1, 2))
    recording.after(1)
    series = CheckpointSeries(tmp_path, module=small_module(0), preprocess=PREPROCESS)
    digest, source = series.digest(1), SeriesSource.of(series)
    with torch.no_grad():
        next(recording._module.parameters()).add_(1)
    recording.after(1)
    with Backend(Network(small_module(1), preprocess=PREPROCESS, device="cpu"), blotches(2, seed=3)) as backend:
        for request in (EpochNetworkRequest(source, 1, digest), SnapshotRequest(source, 1, digest)):
            with pytest.raises(StaleIndexError, match="written anew"):
                backend.compute(request)
        assert backend.compute(SnapshotRequest(source, 1, series.digest(1))).digest != digest


def test_the_same_weights_read_otherwise_are_another_question(tmp_path: Path) -> None:
    record_training(small_module(0), tmp_path, (1,)).after(1)
    other = replace(PREPROCESS, mean=(0.1, 0.2, 0.3))
    with Backend(Network(small_module(1), preprocess=PREPROCESS, device="cpu"), blotches(2, seed=3)) as backend:
        for preprocess in (PREPROCESS, other, PREPROCESS):
            series = CheckpointSeries(tmp_path, module=small_module(0), preprocess=preprocess)
            request = EpochNetworkRequest(SeriesSource.of(series), 1, series.digest(1))
            assert backend.compute(request).network.preprocess == preprocess


def test_the_same_weights_in_another_network_are_another_question(tmp_path: Path) -> None:
    def module(between: nn.Module) -> nn.Module:
        return nn.Sequential(nn.Conv2d(3, 2, 3), between, nn.Conv2d(2, 2, 3), nn.Flatten(), nn.Linear(2 * 144, 2))

    torch.save(module(nn.ReLU()).state_dict(), tmp_path / "epoch_1.pt")
    with Backend("zfnet-scenes", device="cpu") as backend:
        for between in (nn.ReLU(), nn.Tanh()):
            series = CheckpointSeries(tmp_path, module=module(between), preprocess=Preprocess(size=16))
            request = EpochNetworkRequest(SeriesSource.of(series), 1, series.digest(1))
            assert type(backend.compute(request).network.module[1]) is type(between)
            assert backend.cached(EpochNetworkRequest(SeriesSource.of(series), 1, series.digest(1))) is not None
