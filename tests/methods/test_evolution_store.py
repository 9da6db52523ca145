"""An evolution in a file: the same again, and refused where it is of other checkpoints."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from twins.evolution import PREPROCESS, drifting_series, small_module
from twins.mining import blotches

from zfwidgets.errors import DataError, StaleIndexError
from zfwidgets.imaging import Preprocess
from zfwidgets.methods.evolution import feature_evolution
from zfwidgets.methods.evolution.store import open_evolution, save_evolution
from zfwidgets.models import CheckpointSeries

PICTURES = blotches(7, seed=5)


def test_it_comes_back_as_it_was(tmp_path: Path) -> None:
    series = drifting_series(tmp_path, (1, 3))
    state = torch.load(tmp_path / "epoch_1.pt", weights_only=True)
    state["0.weight"][:] = float("nan")
    torch.save(state, tmp_path / "epoch_1.pt")
    series.refresh()
    before = feature_evolution(series, PICTURES, device="cpu")
    path = save_evolution(before, tmp_path / "stored" / "one.safetensors")
    assert save_evolution(before, tmp_path / "two.safetensors").read_bytes() == path.read_bytes()
    after = open_evolution(path, series, PICTURES)
    for name in ("name", "epochs", "missing", "digests", "count", "notes", "problems"):
        assert getattr(after, name) == getattr(before, name)
    assert tuple(after.layers) == tuple(before.layers)
    for name, layer in before.layers.items():
        for part in ("channels", "values", "images", "positions", "similarity"):
            np.testing.assert_array_equal(getattr(after[name], part), getattr(layer, part))
    live = next(channel for channel in range(5) if before.exemplar(3, "conv2", channel))
    shown = after.projection(3, "conv2", live)
    assert shown is not None and shown.value > 0


def test_other_checkpoints_and_damage_are_refused(tmp_path: Path) -> None:
    series = drifting_series(tmp_path, (1, 3))
    path = save_evolution(feature_evolution(series, PICTURES, device="cpu"), tmp_path / "stored" / "one.safetensors")
    drifting_series(tmp_path, (2,), seed=8)
    other = CheckpointSeries(tmp_path, module=small_module(0), preprocess=PREPROCESS)
    with pytest.raises(StaleIndexError, match="of other checkpoints"):
        open_evolution(path, other, PICTURES)
    otherwise = CheckpointSeries(tmp_path, module=small_module(0), preprocess=Preprocess(size=24, resize=30))
    (tmp_path / "epoch_2.pt").unlink()
    otherwise.refresh()
    with pytest.raises(StaleIndexError, match="another preprocessing"):
        open_evolution(path, otherwise, PICTURES)
    series.refresh()
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="altered"):
        open_evolution(path, series, PICTURES)
