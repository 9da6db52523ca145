"""`CheckpointSeries`: a network at several epochs of its training, read from a folder."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from zfwidgets.errors import DataError, NetworkError, UnknownNameError, WeightsError, unknown_name
from zfwidgets.imaging import Preprocess
from zfwidgets.models.series_files import (
    MANIFEST,
    Candidate,
    Shapes,
    Stored,
    looked_at,
    read_manifest,
    stamp_of,
    unlisted,
)
from zfwidgets.models.weights import load_into
from zfwidgets.models.zfnet import ZFNet

if TYPE_CHECKING:
    from zfwidgets.network import Network

__all__ = ["CheckpointSeries", "EpochFigures"]

Made = TypeVar("Made")
_EMBEDDED = Path(__file__).parent / "embedded"
Names = tuple[tuple[str, tuple[int, ...]], ...] | None
"""`Shapes` as part of a key."""


class EpochFigures(NamedTuple):
    """What one epoch came to; None where nobody measured it."""

    epoch: int
    loss: float | None = None
    validation_loss: float | None = None
    validation_error: float | None = None
    """Share of the validation pictures that were named wrongly, 0 to 1."""
    rate: float | None = None
    seconds: float | None = None


class CheckpointSeries:
    """The checkpoints of one training, by epoch.

    A folder that `record_training` writes, or a foreign one: Lightning's ``.ckpt`` files, ``epoch_5.pt``,
    ``model-5.safetensors``; there the epoch comes from the file, else from the last number of its name (Lightning
    counts from 0; here epoch 1 is the first whole pass). Files are read without unpickling, whole, and compared with
    their checksums; one that cannot be used is named in `problems`, the others stay usable. The folder may be written
    to meanwhile: `refresh` looks again.

    Parameters
    ----------
    folder : path
        Where the files are.
    module : nn.Module, optional
        The architecture, needed by `network` where the folder does not name a `ZFNet`; it is copied, never changed.
    preprocess : Preprocess, optional
        By default the folder's own.
    classes : sequence of str, optional
        By default the folder's own.

    Attributes
    ----------
    name : str
        The folder's.
    epochs : tuple of int
        Checkpoints that are there and can be read, ascending.
    planned : tuple of int
        Epochs that were to be recorded; those of `epochs` where nobody said.
    problems : dict of str to str
        A sentence for each file that was refused, or that a manifest does not list.
    history : tuple of EpochFigures
        Every finished epoch, also those without a checkpoint.

    Raises
    ------
    DataError
        If there is no such folder, or its manifest cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> from safetensors.torch import save_file
    >>> folder, module = tempfile.mkdtemp(), nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 2))
    >>> for epoch in (1, 5):
    ...     save_file(module.state_dict(), f"{folder}/epoch_{epoch}.safetensors")
    >>> series = CheckpointSeries(folder, module=module, preprocess=Preprocess(size=8))
    >>> series
    CheckpointSeries(..., epochs 1, 5)
    >>> len(series.network(5, device="cpu").classes)
    2
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        module: nn.Module | None = None,
        preprocess: Preprocess | None = None,
        classes: Sequence[str] | None = None,
    ) -> None:
        if not isinstance(folder, str | os.PathLike):
            raise DataError(f"A folder of checkpoints is a path, not {folder!r:.60}.")
        if not isinstance(module, nn.Module | None):
            raise NetworkError(f"module is the torch.nn.Module that was trained, not {module!r:.60}.")
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise DataError(f"There is no folder {str(self.folder)!r}; give the folder that the checkpoints are in.")
        self.name = self.folder.resolve().name
        self._module = module
        self._preprocess, self._classes = preprocess, classes
        self._manifest: dict[str, Any] = {}
        self._stamps: dict[str, tuple[int, int]] = {}
        self._known: dict[tuple[Candidate, Names], Stored | str] = {}
        self._found: dict[int, Stored] = {}
        self.problems: dict[str, str] = {}
        self.history: tuple[EpochFigures, ...] = ()
        self.refresh()

    def __repr__(self) -> str:
        return f"CheckpointSeries({self.name}, epochs {', '.join(map(str, self.epochs)) or 'none yet'})"

    @staticmethod
    def embedded(name: str) -> CheckpointSeries:
        """The series of a network that ships with the package.

        Raises
        ------
        UnknownNameError
            If no series of that name is embedded.
        """
        known = sorted(file.parent.name for file in _EMBEDDED.glob(f"*/{MANIFEST}"))
        if name not in known:
            none = unknown_name("embedded series", name, known)
            raise UnknownNameError(f"{none} CheckpointSeries(folder) opens that of another network.")
        return CheckpointSeries(_EMBEDDED / name)

    @property
    def epochs(self) -> tuple[int, ...]:
        """Checkpoints that are there and can be read, ascending."""
        return tuple(sorted(self._found))

    @property
    def planned(self) -> tuple[int, ...]:
        """Epochs that were to be recorded."""
        return tuple(self._manifest.get("planned") or self.epochs)

    @property
    def missing(self) -> tuple[int, ...]:
        """Planned and not there (yet): a gap on the axis."""
        return tuple(epoch for epoch in self.planned if epoch not in self._found)

    @property
    def recipe(self) -> dict[str, Any]:
        """How it was trained, as far as the folder says."""
        return dict(self._manifest.get("recipe") or {})

    @property
    def classes(self) -> tuple[str, ...] | None:
        """Class names, None where nobody knows them."""
        names = self._classes or self._manifest.get("classes")
        return tuple(names) if names else None

    @property
    def preprocess(self) -> Preprocess:
        """How a picture becomes the networks' input."""
        return self._preprocess or self._made(Preprocess, self._manifest.get("preprocess") or {})

    @property
    def says_preprocess(self) -> bool:
        """Whether the folder or somebody says so; the ImageNet one of torchvision is assumed otherwise."""
        return self._preprocess is not None or bool(self._manifest.get("preprocess"))

    def refresh(self) -> bool:
        """Look at the folder again.

        Returns
        -------
        bool
            Whether anything changed.

        Raises
        ------
        DataError
            If the folder is gone, or its manifest cannot be read; what was known stays.
        """
        try:
            paths = sorted(self.folder.iterdir())
        except OSError as cause:
            raise DataError(
                f"The folder {self.folder} cannot be read any more ({cause.strerror}); open the series where it is now."
            ) from cause
        stamps = {path.name: stamp_of(path) for path in paths if not path.name.startswith(".")}
        if stamps == self._stamps:
            return False
        manifest = read_manifest(self.folder)
        found, problems = self._sorted(manifest, stamps)
        # All at once and at the end: another thread may be reading, and what failed is to be tried again.
        self.history = tuple(
            EpochFigures(*(figures.get(name) for name in EpochFigures._fields))
            for figures in manifest.get("history", ())
        )
        self._manifest, self._found, self.problems, self._stamps = manifest, found, problems, stamps
        return True

    def weights(self, epoch: int) -> dict[str, Tensor]:
        """Name to float32 tensor (whole numbers stay such), read anew.

        Raises
        ------
        UnknownNameError
            If there is no checkpoint of that epoch.
        WeightsError
            If the file changed or went away since.
        """
        stored = self._stored(epoch)
        state, digest = stored.read()
        if digest != stored.digest:
            raise WeightsError(f"{stored.path.name} changed since the series was opened; refresh() it.")
        return state

    def network(self, epoch: int, device: str | torch.device = "auto") -> Network:
        """The network as it was after an epoch.

        Raises
        ------
        UnknownNameError, WeightsError
            As `weights`; and if there are NaN or infinite weights, which only `weights` gives.
        DataError
            If nobody said which architecture the weights belong to, or the manifest says it wrongly.
        """
        from zfwidgets.network import Network

        state = self.weights(epoch)
        module = self._architecture()
        load_into(module, state, self._stored(epoch).path.name)
        return Network(
            module.eval(),
            preprocess=self.preprocess,
            classes=self.classes,
            device=device,
            name=f"{self.name} @ {epoch}",
        )

    @property
    def architecture(self) -> dict[str, Any] | None:
        """Arguments of the `ZFNet`; None for other networks."""
        return self._manifest.get("architecture")

    def file(self, epoch: int) -> Path:
        """Where the weights of an epoch are."""
        return self._stored(epoch).path

    def digest(self, epoch: int) -> str:
        """sha256 of the file: equal digests, equal weights."""
        return self._stored(epoch).digest

    def notes(self, epoch: int) -> tuple[str, ...]:
        """What a person should know of a checkpoint, in sentences; usually nothing."""
        stored = self._stored(epoch)
        twin = next((e for e in self.epochs if e < epoch and self._found[e].digest == stored.digest), None)
        if twin is None:
            return stored.notes
        same = f"After epoch {epoch} the weights are those of epoch {twin}: the same file twice, or nothing was learnt."
        return (same, *stored.notes)

    def _stored(self, epoch: int) -> Stored:
        if epoch not in self._found:
            raise unknown_name("checkpoint of epoch", epoch, self.epochs)
        return self._found[epoch]

    @property
    def kind(self) -> str:
        """What the weights become, as text: other functions of the same weights give other answers."""
        if self._module is None:
            return repr(self.architecture)
        return f"{type(self._module).__module__}.{type(self._module).__qualname__}: {self._module!r}"

    def _architecture(self) -> nn.Module:
        if self._module is not None:
            return copy.deepcopy(self._module)
        architecture = self._manifest.get("architecture")
        if not architecture:
            raise DataError(
                f"Nobody said which network the weights of {self.name!r} belong to; open it with module=, for example "
                f"CheckpointSeries({str(self.folder)!r}, module=my_network)."
            )
        return self._made(ZFNet, architecture)

    def _made(self, kind: type[Made], arguments: Mapping[str, Any]) -> Made:
        try:
            return kind(**arguments)
        except TypeError as cause:
            raise DataError(
                f"The manifest of {self.name!r} describes no {kind.__name__} ({cause}); delete it to open the bare "
                "files."
            ) from cause

    def _wanted(self, manifest: Mapping[str, Any]) -> Shapes | None:
        """Names and shapes that a checkpoint must have, None where the first one decides."""
        if self._module is not None:
            return {name: tuple(value.shape) for name, value in self._module.state_dict().items()}
        shapes = manifest.get("shapes")
        return {name: tuple(shape) for name, shape in shapes.items()} if shapes else None

    def _sorted(
        self, manifest: Mapping[str, Any], stamps: Mapping[str, tuple[int, int]]
    ) -> tuple[dict[int, Stored], dict[str, str]]:
        """What can be used, by epoch, and what cannot, by name."""
        found: dict[int, Stored] = {}
        problems = unlisted(self.folder, stamps, manifest)
        wanted = self._wanted(manifest)
        for candidate in looked_at(self.folder, stamps, manifest.get("checkpoints")):
            # A file may be judged before the manifest tells its checksum anew, or against other shapes.
            key = (candidate, None if wanted is None else tuple(wanted.items()))
            result = self._known.get(key)
            if result is None:
                result = self._known[key] = candidate.judged(wanted)
            if not isinstance(result, str):
                wanted = wanted or result.shapes
                result = self._refusal(result, wanted, found.get(result.epoch)) or result
            if isinstance(result, str):
                problems[candidate.path.name] = result
            else:
                found[result.epoch] = result
        return found, problems

    def _refusal(self, stored: Stored, wanted: Shapes, other: Stored | None) -> str | None:
        """Why a readable checkpoint is left out: it is of another network, or its epoch is taken."""
        name = stored.path.name
        if stored.shapes != wanted:
            others = "the other checkpoints" if self._module is None else "the network that the series is opened with"
            return f"{name} belongs to another architecture than {others}; it is left out."
        if other is None:
            return None
        same = "is the same as" if other.digest == stored.digest else "claims the same epoch as"
        return f"{name} {same} {other.path.name} (epoch {stored.epoch}); it is left out."
