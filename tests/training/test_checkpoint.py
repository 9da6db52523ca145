"""Files are whole or not there; what cannot be read says so."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from zfwidgets.errors import DataError, WeightsError
from zfwidgets.training import load_checkpoint, save_checkpoint
from zfwidgets.training.checkpoint import Checkpoint, check_writable, write_atomically

SOME = Checkpoint({"network.a": torch.arange(6.0).reshape(2, 3), "best.n": torch.tensor(3)}, {"epoch": 2, "rate": 0.1})


def test_a_checkpoint_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "new" / "run.checkpoint"
    save_checkpoint(path, SOME)
    found = load_checkpoint(path)
    assert found.state == SOME.state
    assert all(torch.equal(found.tensors[name], tensor) for name, tensor in SOME.tensors.items())
    first = path.read_bytes()
    save_checkpoint(path, SOME)
    assert path.read_bytes() == first


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def full(_: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataError, match="no space"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DataError, match="cannot be written"):
        write_atomically(tmp_path / "file" / "run", b"new")


def test_whether_a_folder_takes_files_is_known_before_there_are_any(tmp_path: Path) -> None:
    check_writable(tmp_path / "not" / "yet")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DataError, match="run cannot be written to"):
        check_writable(tmp_path / "file" / "run")
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_missing_damaged_or_foreign_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no checkpoint"):
        load_checkpoint(tmp_path / "none")
    path = tmp_path / "run.checkpoint"
    save_checkpoint(path, SOME)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(WeightsError, match="cannot be read"):
        load_checkpoint(path)
    save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(WeightsError, match="not a training checkpoint"):
        load_checkpoint(path)
