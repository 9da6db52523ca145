"""What the embedded networks learn from and are measured on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..data import ImageSet
from ..data.scenes import CLASSES
from ..errors import DataError
from ..imaging import Preprocess
from .pictures import LabelledPictures, draw_scenes, read_pictures
from .train import Recipe

__all__ = ["Material", "photographs", "scenes"]

_VALIDATION = 2_000
_TEST = 2_000


@dataclass(frozen=True)
class Material:
    """Pictures to learn from, to watch the training with, and to measure its end on."""

    training: LabelledPictures
    validation: LabelledPictures
    test: LabelledPictures
    classes: tuple[str, ...]
    test_is: str
    """What the accuracy is of, in words."""
    options: str = ""
    """Of the command that trains on it."""
    counts: dict[str, int] = field(default_factory=dict)

    def command(self, name: str, recipe: Recipe) -> str:
        """What to type to train the same network again."""
        return f"zfwidgets train --network {name} --epochs {recipe.epochs} --seed {recipe.seed}{self.options}"


def scenes(pictures: int, seed: int, processes: int, progress: bool) -> Material:
    """Scenes of three seeds that follow each other, so that none is in two sets; seed 0 stays free to look at."""
    training, validation, test = (
        draw_scenes(count, seed + place, processes=processes, progress=progress)
        for place, count in enumerate((pictures, _VALIDATION, _TEST))
    )
    return Material(
        training,
        validation,
        test,
        tuple(CLASSES),
        f"{_TEST} unseen scenes of seed {seed + 2}",
        f" --pictures {pictures}",
        {"pictures": pictures, "validation": _VALIDATION},
    )


def photographs(folder: str | Path, preprocess: Preprocess, processes: int, progress: bool) -> Material:
    """The folders ``train`` and ``val``, learnt from and watched whole, without cropping.

    There is no third set: the end is measured on the centre crops of ``val``, which nothing in a training depends on
    unless its schedule is ``"plateau"``. A crop shows objects as large as the pieces that were learnt from
    (Touvron et al. 2019).
    """
    place = Path(folder)
    training, validation = (ImageSet.from_folder(place / part) for part in ("train", "val"))
    folders = sorted({path.name for path in (place / "train").iterdir() if path.is_dir()})
    if not folders:
        raise DataError(f"{place / 'train'} has no folders; put the pictures of each class into a folder of its own.")
    names, whole = _names(place, folders), replace(preprocess, resize=preprocess.size)
    learnt, watched, asked = (
        read_pictures(pictures, shown, folders, processes=processes, progress=progress)
        for pictures, shown in ((training, whole), (validation, whole), (validation, preprocess))
    )
    return Material(
        learnt,
        watched,
        asked,
        names,
        f"{len(validation)} validation photographs of {len(names)} classes, centre crop",
        " --images FOLDER",
        {"pictures": len(training), "validation": len(validation)},
    )


def _names(folder: Path, folders: Sequence[str]) -> tuple[str, ...]:
    """The first name of each class in ``classes.json`` (a list of ``wnid`` and ``name``), or the folder's."""
    path = folder / "classes.json"
    if not path.exists():
        return tuple(folders)
    try:
        found = {entry["wnid"]: entry["name"].split(",")[0] for entry in json.loads(path.read_text())}
        return tuple(found[name] for name in folders)
    except (OSError, ValueError, LookupError, TypeError) as cause:
        raise DataError(f"{path} does not name every class ({cause!r}); mend or delete it.") from cause
