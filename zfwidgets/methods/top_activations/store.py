"""What is done of an index that is not whole yet: parts in a folder beside it, each of whatever pictures.

A part is taken by what it holds, not by how the run was cut: of the same question, and of pictures that are all what
they were. So a run goes on after it was stopped anywhere, with other sizes of parts, on a cluster or without one.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from zfwidgets.data import ImageSet
from zfwidgets.errors import DataError
from zfwidgets.methods.top_activations.container import atomically, clear_away
from zfwidgets.methods.top_activations.identity import unchanged
from zfwidgets.methods.top_activations.locks import alone_in
from zfwidgets.methods.top_activations.plan import ShardSpec, covering, merged, whole
from zfwidgets.methods.top_activations.result import TopActivations

__all__ = ["Store", "is_final", "parts_folder", "set_aside", "tidy"]

_UNFINISHED = "unfinished.json"
"""Says that the index beside the folder is not the last word, and which of its pictures have to be tried again."""


def parts_folder(index: Path) -> Path:
    """Where the parts of an unfinished index lie."""
    return index.with_name(f"{index.name}.parts")


def is_final(index: Path) -> bool:
    """Whether an index is there, and no run is to replace it."""
    return index.exists() and not (parts_folder(index) / _UNFINISHED).exists()


def set_aside(index: Path) -> dict[str, str]:
    """Pictures of an index, with the reasons, that the next run tries again."""
    try:
        found: dict[str, str] = json.loads((parts_folder(index) / _UNFINISHED).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found


class Store:
    """The folder of parts; a context that only one run at a time can enter.

    Parameters
    ----------
    index : Path
        The index that the parts are of.
    wanted : ShardSpec
        What is asked for, without pictures.
    image_set : ImageSet
        The pictures.

    Attributes
    ----------
    paths : list of Path
        Parts of this question.

    Raises
    ------
    DataError
        If another run is there, or the folder cannot be made.
    """

    def __init__(self, index: Path, wanted: ShardSpec, image_set: ImageSet) -> None:
        self.index, self.wanted, self.image_set = index, wanted, image_set
        self.folder = parts_folder(index)
        self.paths: list[Path] = []
        self._stack = ExitStack()

    def __enter__(self) -> Store:
        self._stack.enter_context(alone_in(self.folder, f"mining into {str(self.index)!r}"))
        clear_away(self.index.parent)
        clear_away(self.folder)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()

    def forget(self) -> None:
        """Begin anew. An index that is there stays until the new one takes its place."""
        for path in self.folder.glob("*.safetensors"):
            path.unlink()
        if self.index.exists():
            self._say_unfinished({})

    def left(self) -> list[str]:
        """Keys of the pictures that no part holds."""
        done: set[str] = set()
        for path in sorted(self.folder.glob("*.safetensors")):
            part = whole(path)
            if part is not None and self._is_wanted(part) and unchanged(part.census, self.image_set):
                self.paths.append(path)
                census = part.census
                # Nothing tells whether what could not be read is the same now, if it is no file.
                done.update(census.digests, (key for key in census.skipped if census.stamps.get(key, 0)))
        return [key for key in self.image_set if key not in done]

    def _is_wanted(self, part: TopActivations) -> bool:
        about, wanted = part.manifest, self.wanted
        return (part.layers, part.k, part.per_image, about["weights"], about["preprocess"]) == (
            wanted.layers,
            wanted.k,
            wanted.per_image,
            wanted.weights,
            json.loads(wanted.preprocess),
        )

    def keep(self, part: TopActivations, instead_of: Iterable[Path] = ()) -> Path:
        """Write a part; then those that it takes the place of go."""
        path = self.folder / covering(self.wanted, self.image_set, part.census.keys()).name
        part.save(path)
        self.paths = [*(other for other in self.paths if other not in (path, *instead_of)), path]
        for other in instead_of:
            if other != path:
                other.unlink(missing_ok=True)
        return path

    def finish(self, top: TopActivations, aside: Mapping[str, str] | None = None) -> TopActivations:
        """Write the index. The parts go, unless some pictures are to be tried again."""
        if aside:
            self._say_unfinished(aside)
            top.save(self.index)
        else:
            top.save(self.index)
            (self.folder / _UNFINISHED).unlink(missing_ok=True)  # first, or half of the parts would be done again
            shutil.rmtree(self.folder, ignore_errors=True)
        return TopActivations.open(self.index)

    def together(self, more: Iterable[TopActivations] = ()) -> TopActivations:
        """All parts in one."""
        # One after the other: each open part holds a file, and there may be thousands.
        opened = (TopActivations.open(path) for path in self.paths)
        return merged(part for several in (opened, more) for part in several)

    def _say_unfinished(self, aside: Mapping[str, str]) -> None:
        with atomically(self.folder / _UNFINISHED) as file:
            file.write(json.dumps(dict(aside), sort_keys=True).encode())


def tidy(index: Path) -> None:
    """Remove the parts of an index that is whole, which a killed program left; not those of a living one."""
    folder = parts_folder(index)
    if not folder.is_dir():
        return
    try:
        with alone_in(folder, "tidying up"):
            shutil.rmtree(folder, ignore_errors=True)
    except DataError:
        return
