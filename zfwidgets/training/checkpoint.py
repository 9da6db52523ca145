"""Everything that a training run needs to go on as if it had never stopped, in one safetensors file."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from ..errors import DataError, WeightsError

__all__ = ["Checkpoint", "check_writable", "load_checkpoint", "save_checkpoint", "write_atomically"]

_FORMAT = "zfwidgets training checkpoint 1"


class Checkpoint(NamedTuple):
    """A training run after some whole epoch."""

    tensors: dict[str, Tensor]
    """Weights (``network.*``), the best so far (``best.*``) and the optimiser's momentum (``momentum.*``)."""
    state: dict[str, object]
    """Epoch, learning rate, history and recipe: plain JSON. Chance needs no entry: it follows from seed and epoch."""


def check_writable(folder: str | Path) -> None:
    """Raise `DataError` where a folder cannot be made or written to: before hours of work, and leaving nothing.

    Examples
    --------
    >>> check_writable(Path(tempfile.mkdtemp(), "not", "there", "yet"))
    """
    folder = Path(folder).absolute()
    there = next(place for place in (folder, *folder.parents) if place.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as cause:
        raise DataError(f"{folder} cannot be written to ({cause.strerror or cause}); choose another folder.") from cause


def write_atomically(path: str | Path, content: bytes) -> None:
    """Write a file so that at any moment it is either the old one or the new one, whole.

    Raises
    ------
    DataError
        If the folder cannot be made or written to, or the disk is full.

    Examples
    --------
    >>> path = Path(tempfile.mkdtemp(), "a.txt")
    >>> write_atomically(path, b"whole")
    >>> path.read_bytes()
    b'whole'
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as cause:
        raise DataError(f"{path} cannot be written ({cause.strerror or cause}); choose another folder.") from cause


def save_checkpoint(path: str | Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint atomically; the same run gives the same bytes."""
    # Copies, because a file holds no tensor twice, and layers may share one.
    tensors = {
        name: tensor.detach().clone(memory_format=torch.contiguous_format)
        for name, tensor in checkpoint.tensors.items()
    }
    # One entry only: safetensors writes several in no fixed order, and equal runs would differ in their bytes.
    state = json.dumps(checkpoint.state, sort_keys=True)
    write_atomically(path, save(tensors, metadata={_FORMAT: state}))


def load_checkpoint(path: str | Path) -> Checkpoint:
    """Read a checkpoint.

    Raises
    ------
    WeightsError
        If the file is missing, damaged or not a checkpoint of this package.
    """
    if not Path(path).is_file():
        raise WeightsError(f"There is no checkpoint {path}; start without resuming.")
    try:
        with safe_open(str(path), framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError) as cause:
        raise WeightsError(f"The checkpoint {path} cannot be read ({cause}); delete it and start again.") from cause
    if _FORMAT not in metadata:
        raise WeightsError(f"{path} is not a training checkpoint of zfwidgets; give the file that training wrote.")
    return Checkpoint(tensors, json.loads(metadata[_FORMAT]))
