"""`record_training`: checkpoints and figures of any PyTorch training, written while it runs."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from numbers import Integral
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn

from ..errors import DataError, NetworkError, ParameterError
from ..imaging import Preprocess
from ..models.series import EpochFigures
from ..models.series_files import FORMAT, MANIFEST, file_name, read_manifest
from ..models.stopping import ask_to_stop, asked_to_stop, forget_stop
from ..models.zfnet import ZFNet, fold_batch_norm
from .checkpoint import write_atomically

__all__ = ["PAPER_EPOCHS", "TrainingRecording", "record_training"]

PAPER_EPOCHS = (1, 2, 5, 10, 20, 30, 40, 64)
"""Those of Fig. 4."""
_FIGURES = set(EpochFigures._fields) - {"epoch"}


class TrainingRecording:
    """Made by `record_training`; iterate over it, or call `after` at the end of each epoch.

    Attributes
    ----------
    folder : Path
        Where it writes; `CheckpointSeries` reads it at any time.
    stopped : bool
        Whether somebody asked for an end: `stop`, or a file named ``stop`` in the folder.
    """

    def __init__(
        self, module: nn.Module, folder: Path, manifest: dict[str, Any], dtype: torch.dtype, resumed: bool
    ) -> None:
        self.folder = folder
        self._module, self._manifest, self._dtype, self._resumed = module, manifest, dtype, resumed
        self._figures: dict[str, float] = {}
        self._began = time.monotonic()
        forget_stop(folder)

    def __iter__(self) -> Iterator[int]:
        """The epochs that are still to be trained, from 1 to the last one to record.

        Raises
        ------
        DataError
            If a recording goes on with a module whose weights are of none of its epochs.
        """
        for epoch in range(self._done() + 1, max(self._manifest["planned"]) + 1):
            if self.stopped:
                return
            self._began = time.monotonic()
            yield epoch
            self.after(epoch)

    def _done(self) -> int:
        """The epoch after which the module is as it is now."""
        history, checkpoints = self._manifest["history"], self._manifest["checkpoints"]
        done: int = history[-1]["epoch"] if history else 0
        if not self._resumed or not done or done >= max(self._manifest["planned"]):
            return done
        known = {int(epoch): entry["sha256"] for epoch, entry in checkpoints.items()}
        known[done] = self._manifest["last"]
        digest = _digest(self._content())
        here = max((epoch for epoch, other in known.items() if other == digest), default=None)
        if here is None:
            kept = max((*map(int, checkpoints), 0))
            load = f"CheckpointSeries({str(self.folder)!r}, module=module).weights({kept})"
            raise DataError(
                f"The module is not as it was after epoch {done} of {self.folder}, so what follows would be of another "
                f"training; load what you saved{f', or module.load_state_dict({load})' if kept else ''}, and go on."
            )
        return here

    @property
    def stopped(self) -> bool:
        """Whether somebody asked for an end."""
        return asked_to_stop(self.folder)

    def stop(self) -> None:
        """Ask the training to end after the epoch that runs; from any thread or process."""
        ask_to_stop(self.folder)

    def log(self, **figures: float | Tensor) -> None:
        """What this epoch came to, as in `EpochFigures`: loss, validation_loss, validation_error, rate.

        Raises
        ------
        ParameterError
            For another name, or what is no number.
        """
        unknown = sorted(figures.keys() - _FIGURES)
        if unknown:
            raise ParameterError(f"There is no figure {unknown[0]!r} of an epoch; log any of {sorted(_FIGURES)}.")
        try:
            numbers = {
                name: float(value.detach() if isinstance(value, Tensor) else value) for name, value in figures.items()
            }
        except (TypeError, ValueError, RuntimeError) as cause:
            raise ParameterError(f"A figure of an epoch is one number ({cause}); log the mean of many.") from cause
        self._figures |= numbers

    def after(self, epoch: int, **figures: float | Tensor) -> None:
        """An epoch is over: its figures are written, and its weights if it is one to record.

        Parameters
        ----------
        epoch : int
            From 1. One that was there already, and those after it, are written anew.
        **figures
            As for `log`.

        Raises
        ------
        ParameterError
            If it is no whole number from 1, or as `log`.
        DataError
            If the folder cannot be written to; what was there stays whole.
        """
        epoch = _whole(epoch)
        self.log(**figures)
        now = time.monotonic()
        entry = {"epoch": epoch, "seconds": round(now - self._began, 3), **self._figures}
        manifest = self._manifest
        history = [earlier for earlier in manifest["history"] if earlier["epoch"] < epoch]
        checkpoints = {key: value for key, value in manifest["checkpoints"].items() if int(key) < epoch}
        content = self._content()
        digest = _digest(content)
        if epoch in manifest["planned"]:
            write_atomically(self.folder / file_name(epoch), content)
            checkpoints[str(epoch)] = {"file": file_name(epoch), "sha256": digest}
        changed = manifest | {"history": [*history, entry], "checkpoints": checkpoints, "last": digest}
        _write_manifest(self.folder, changed)
        self._manifest, self._figures, self._began = changed, {}, now

    def _content(self) -> bytes:
        """The weights as they are now, as a file."""
        return save({name: _stored(value, self._dtype) for name, value in _shipped(self._module).state_dict().items()})


def record_training(
    module: nn.Module,
    folder: str | os.PathLike[str],
    epochs: Sequence[int] = PAPER_EPOCHS,
    *,
    preprocess: Preprocess | None = None,
    classes: Sequence[str] | None = None,
    recipe: Mapping[str, Any] | None = None,
    dtype: torch.dtype = torch.float32,
    resume: bool = False,
) -> TrainingRecording:
    """Record a training: one line in anybody's own loop.

    Parameters
    ----------
    module : nn.Module
        What is trained; only read. Of a `ZFNet` with batch norm the folded network is written.
    folder : path
        Is made if it does not exist.
    epochs : sequence of int
        After which its weights are kept, from 1; the paper's Fig. 4 by default.
    preprocess, classes : optional
        Written down, so that `CheckpointSeries` needs nobody to say them.
    recipe : mapping, optional
        Anything worth knowing that JSON can hold.
    dtype : torch.dtype
        Of the files; ``torch.float16`` halves them.
    resume : bool
        Go on in a folder that holds a series already, or begin. Only the figures and files are taken up: the weights
        and the optimiser's state are the loop's to bring back before it iterates. It then begins after the epoch whose
        weights the module has.

    Returns
    -------
    TrainingRecording
        Iterate over it for the epochs' numbers, or call its ``after`` yourself.

    Raises
    ------
    ParameterError
        If an epoch is no whole number from 1 or there is none, JSON cannot hold the recipe, or dtype is not of floats.
    NetworkError
        If it is no module.
    DataError
        If the folder holds a series and ``resume`` was not said, or cannot be written to.

    Examples
    --------
    >>> import tempfile
    >>> from zfwidgets.models.series import CheckpointSeries
    >>> module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 2))
    >>> folder = tempfile.mkdtemp()
    >>> recording = record_training(module, folder, epochs=(1, 3))
    >>> for epoch in recording:
    ...     recording.log(loss=1 / epoch)
    >>> CheckpointSeries(folder, module=module).epochs
    (1, 3)
    """
    wanted = sorted({_whole(epoch) for epoch in epochs} if isinstance(epochs, Iterable) else ())
    if not wanted:
        raise ParameterError(f"Epochs to record are whole numbers from 1, not {epochs!r}; try (1, 2, 5, 10).")
    try:
        json.dumps(recipe := dict(recipe or {}))
    except (TypeError, ValueError) as cause:
        raise ParameterError(f"JSON cannot hold this recipe ({cause}); say it in numbers, words and lists.") from cause
    if not isinstance(module, nn.Module):
        raise NetworkError(f"What is recorded is the torch.nn.Module that is trained, not {module!r:.60}.")
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise ParameterError(f"dtype is that of floats, torch.float32 or torch.float16; found {dtype!r:.60}.")
    if not isinstance(folder, str | os.PathLike):
        raise DataError(f"A folder to record into is a path, not {folder!r:.60}.")
    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as cause:
        raise DataError(f"The folder {place} cannot be made ({cause.strerror}); choose another one.") from cause
    if not resume:
        check_unbegun(place, "resume=True")
    before = _begun(place)
    shipped = _shipped(module)
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "planned": wanted,
        "architecture": shipped.architecture if isinstance(shipped, ZFNet) else None,
        "preprocess": None if preprocess is None else asdict(preprocess),
        "classes": None if classes is None else list(classes),
        "recipe": recipe or None,
        "shapes": {name: list(value.shape) for name, value in shipped.state_dict().items()},
        "history": before.get("history", []),
        "checkpoints": before.get("checkpoints", {}),
        "last": before.get("last"),
    }
    if before and before.get("shapes") != manifest["shapes"]:
        raise DataError(f"The series in {place} is of another architecture; choose another folder.")
    _write_manifest(place, manifest)
    return TrainingRecording(module, place, manifest, dtype, resumed=bool(before))


def check_unbegun(folder: Path, resuming: str) -> None:
    """Raise `DataError` where a training was recorded, as nothing is written over it; and how to go on with it."""
    before = _begun(folder)
    if before:
        done = before["history"][-1]["epoch"]
        last = max((*(before.get("planned") or ()), done))
        raise DataError(
            f"{folder} holds a training already, {done} of {last} epochs done, and nothing is written over it; go on "
            f"with it by {resuming}, or choose another folder."
        )


def _begun(folder: Path) -> dict[str, Any]:
    """The manifest of a training; one that was killed in its first epoch has left nothing."""
    manifest = read_manifest(folder)
    return manifest if manifest.get("history") else {}


def _write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    write_atomically(folder / MANIFEST, (json.dumps(manifest, indent=1) + "\n").encode())


def _shipped(module: nn.Module) -> nn.Module:
    """The network that a reader sees: of a `ZFNet` without its batch norm."""
    batch = isinstance(module, ZFNet) and any(isinstance(layer, nn.BatchNorm2d) for layer in module.features)
    return fold_batch_norm(module) if batch and isinstance(module, ZFNet) else module


def _stored(value: Tensor, dtype: torch.dtype) -> Tensor:
    # A copy, because a file holds no tensor twice, and layers may share one.
    return torch.empty_like(
        value,
        device="cpu",
        dtype=dtype if value.is_floating_point() else value.dtype,
        memory_format=torch.contiguous_format,
    ).copy_(value.detach())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _whole(epoch: Any) -> int:
    """The number of an epoch, also of numpy's kind."""
    whole = isinstance(epoch, Integral) and not isinstance(epoch, bool)
    if not whole or epoch < 1:
        raise ParameterError(f"An epoch to record is a whole number from 1, not {epoch!r}; the first one is 1.")
    return int(epoch)
