"""The files of a series of checkpoints: found, read without unpickling, and judged one by one."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from zfwidgets.errors import DataError, WeightsError
from zfwidgets.models.weights import read_safely, state_of

__all__ = [
    "FORMAT",
    "MANIFEST",
    "Candidate",
    "Shapes",
    "Stored",
    "file_name",
    "looked_at",
    "read_manifest",
    "stamp_of",
    "unlisted",
]

FORMAT = "zfwidgets series 1"
MANIFEST = "series.json"
Shapes = dict[str, tuple[int, ...]]

_SUFFIXES = {".safetensors", ".ckpt", ".pt", ".pth"}
_NAMED = re.compile(r"epochs?[=_\- ]*(\d+)", re.IGNORECASE)
_KINDS: dict[str, type] = {
    **dict.fromkeys(("planned", "history", "classes"), list),
    **dict.fromkeys(("checkpoints", "shapes", "architecture", "preprocess", "recipe"), dict),
}
"""What the parts of a manifest are, where it has them."""
_ZERO_BASED = "pytorch-lightning_version"


def file_name(epoch: int) -> str:
    """What the checkpoint of an epoch is called.

    Examples
    --------
    >>> file_name(5)
    'epoch-0005.safetensors'
    """
    return f"epoch-{epoch:04d}.safetensors"


def stamp_of(path: Path) -> tuple[int, int]:
    """When a file was last written, and its size; (0, 0) if it is gone."""
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size


class Stored(NamedTuple):
    """A checkpoint that can be used."""

    path: Path
    epoch: int
    digest: str
    shapes: Shapes
    notes: tuple[str, ...]

    def read(self) -> tuple[dict[str, Tensor], str]:
        """Its weights, under the names of `shapes`, and the sha256 of what was read."""
        state, _, digest = _read(self.path, self.shapes)
        return state, digest


class Candidate(NamedTuple):
    """A file that may be a checkpoint."""

    path: Path
    stamp: tuple[int, int]
    epoch: int | None
    """As the manifest says; None: the file or its name says it."""
    sha256: str | None

    def judged(self, wanted: Shapes | None) -> Stored | str:
        """The checkpoint, or a sentence that says why it is none."""
        name = self.path.name
        try:
            state, facts, digest = _read(self.path, wanted)
        except WeightsError as error:
            return str(error)
        if self.sha256 is not None and digest != self.sha256:
            return f"{name} is damaged (its sha256 differs from the manifest's); copy or record it again."
        epoch = self.epoch if self.epoch is not None else _epoch_of(facts, self.path.stem)
        if epoch is None:
            return f"{name} does not say its epoch; give it a name like epoch_5{self.path.suffix}."
        broken = sum(bool(value.isfinite().logical_not().any()) for value in state.values())
        notes = (
            (f"After epoch {epoch}, {broken} of {len(state)} tensors hold NaN or infinite values.",) if broken else ()
        )
        return Stored(self.path, epoch, digest, {key: tuple(value.shape) for key, value in state.items()}, notes)


def looked_at(
    folder: Path, stamps: Mapping[str, tuple[int, int]], listed: Mapping[str, Mapping[str, str]] | None
) -> Iterator[Candidate]:
    """The files to judge: those that the manifest lists, or all that could be checkpoints."""
    if listed is None:
        for name in _possible(folder, stamps):
            yield Candidate(folder / name, stamps[name], None, None)
        return
    for epoch, entry in sorted(listed.items(), key=lambda item: int(item[0])):
        # A manifest names files of its own folder only. One that is gone is judged too: it is a gap with a reason.
        path = folder / Path(entry["file"]).name
        yield Candidate(path, stamps.get(path.name) or stamp_of(path), int(epoch), entry["sha256"])


def unlisted(folder: Path, names: Iterable[str], manifest: Mapping[str, Any]) -> dict[str, str]:
    """A sentence for each file that could be a checkpoint and that the manifest does not list.

    One that a recording is about to list has its place already.
    """
    listed = manifest.get("checkpoints")
    if listed is None:
        return {}
    known = {Path(entry["file"]).name for entry in listed.values()} | set(map(file_name, manifest.get("planned") or ()))
    return {
        name: f"{name} is not in the manifest {MANIFEST}; it is left out. Without the manifest the bare files open."
        for name in _possible(folder, names)
        if name not in known
    }


def _possible(folder: Path, names: Iterable[str]) -> Iterator[str]:
    """Those of the files that could be checkpoints."""
    return (name for name in names if Path(name).suffix in _SUFFIXES and (folder / name).is_file())


def read_manifest(folder: Path) -> dict[str, Any]:
    """The folder's manifest, empty if it has none.

    Raises
    ------
    DataError
        If it is damaged or of another kind.
    """
    path = folder / MANIFEST
    if not path.exists():
        return {}
    try:
        manifest: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError) as cause:
        raise DataError(f"The manifest {path} cannot be read ({cause}); delete it to open the bare files.") from cause
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise DataError(f"{path} is no manifest of a series of checkpoints; delete it to open the bare files.")
    if not _sound(manifest):
        raise DataError(f"The manifest {path} is damaged; delete it to open the bare files.")
    return manifest


def _sound(manifest: Mapping[str, Any]) -> bool:
    """Whether its parts are of the kinds that `record_training` writes."""
    if any(not isinstance(manifest.get(name), kind | None) for name, kind in _KINDS.items()):
        return False
    return (
        all(isinstance(epoch, int) for epoch in manifest.get("planned") or ())
        and all(isinstance(one, dict) and isinstance(one.get("epoch"), int) for one in manifest.get("history") or ())
        and all(isinstance(shape, list) for shape in (manifest.get("shapes") or {}).values())
        and all(
            epoch.isdecimal()
            and isinstance(entry, dict)
            and all(isinstance(entry.get(name), str) for name in ("file", "sha256"))
            for epoch, entry in (manifest.get("checkpoints") or {}).items()
        )
    )


def _read(path: Path, wanted: Shapes | None) -> tuple[dict[str, Tensor], dict[str, Any], str]:
    """Weights in float32, whatever else the file says, and its sha256: all of the same bytes."""
    try:
        content = path.read_bytes()
    except OSError as cause:
        raise WeightsError(f"{path.name} cannot be read ({cause.strerror}); copy it again.") from cause
    raw = read_safely(path, content)
    state = {name: value.float() if value.is_floating_point() else value for name, value in state_of(raw, path).items()}
    if wanted is not None:
        state = _unprefixed(state, wanted)
    return state, raw if isinstance(raw, dict) else {}, hashlib.sha256(content).hexdigest()


def _unprefixed(state: dict[str, Tensor], wanted: Shapes) -> dict[str, Tensor]:
    """The module's own part: a Lightning module or a wrapper keeps it under a name of its own.

    How many batches a norm has seen matters to no picture: such counters may be missing, or be left over.
    """
    needed = [name for name in wanted if not _counter(name)]
    if not needed:
        return state
    last = f".{needed[0]}"
    for prefix in ("", *(name.removesuffix(last) + "." for name in state if name.endswith(last))):
        own = {name: state[prefix + name] for name in wanted if prefix + name in state}
        if all(name in own for name in needed):
            left = state.keys() - {prefix + name for name in own}
            if prefix or all(map(_counter, left)):
                return own | {name: torch.zeros((), dtype=torch.int64) for name in wanted if name not in own}
    return state


def _counter(name: str) -> bool:
    return name.endswith("num_batches_tracked")


def _epoch_of(facts: Mapping[str, Any], stem: str) -> int | None:
    epoch = facts.get("epoch")
    if isinstance(epoch, int) and not isinstance(epoch, bool):
        return epoch + 1 if _ZERO_BASED in facts else epoch
    named = _NAMED.findall(stem) or re.findall(r"\d+", stem)
    return int(named[-1]) if named else None
