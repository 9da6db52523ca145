"""The networks that ship inside the package: how each is trained, and how it is written with its series."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from ..data.scenes import SIZE
from ..errors import Cancelled, DataError, ParameterError, unknown_name
from ..imaging import Preprocess
from ..models.series import CheckpointSeries
from ..models.series_files import read_manifest
from ..models.zfnet import ZFNet
from .augmentation import PHOTOGRAPHS
from .checkpoint import check_writable, write_atomically
from .material import Material, photographs, scenes
from .recording import PAPER_EPOCHS, check_unbegun, record_training
from .train import Epoch, Recipe, evaluate, train

__all__ = ["EMBEDDED", "MANIFEST", "Plan", "train_embedded"]

MANIFEST = "manifest.json"
_PHOTO_SIZE = 64


@dataclass(frozen=True)
class Plan:
    """What an embedded network is, and how it is trained.

    Attributes
    ----------
    architecture : dict
        Arguments of `ZFNet`, but for classes and normalisation.
    preprocess : Preprocess
        Of the network. Training pictures have its size already.
    recipe : Recipe
        Unlike the paper's networks these start from torch's initial weights and learn with batch norm.
    pictures : int or None
        How many scenes are drawn to learn from; None: it learns from photographs.
    """

    architecture: dict[str, Any]
    preprocess: Preprocess
    recipe: Recipe
    pictures: int | None = None


EMBEDDED = {
    # Fig. 3 at 96 pixels: stride 1 in conv2 keeps 9 x 9 places in conv5; 44 million multiply-adds.
    "zfnet-scenes": Plan(
        architecture={
            "channels": [32, 64, 96, 96, 64],
            "hidden": [160, 160],
            "input_size": SIZE,
            "conv2_stride": 1,
        },
        preprocess=Preprocess(size=SIZE, resize=SIZE, mean=(0.47, 0.47, 0.47), std=(0.2, 0.2, 0.2)),
        recipe=Recipe(epochs=64, rate=0.02, rate_factor=0.3, patience=5, precision="bfloat16", seed=1),
        pictures=6_000,
    ),
    # Fig. 3 at 64 pixels: padding in conv2 keeps 7 x 7 places in conv5.
    "zfnet-photos": Plan(
        architecture={
            "channels": [48, 112, 144, 144, 112],
            "hidden": [144, 144],
            "input_size": _PHOTO_SIZE,
            "conv2_stride": 1,
            "conv2_padding": 2,
            "dropout": 0.2,
        },
        preprocess=Preprocess(size=_PHOTO_SIZE),
        recipe=Recipe(
            epochs=64,
            rate=0.1,
            schedule="one-cycle",
            weight_decay=7e-4,
            label_smoothing=0.1,
            augmentation=PHOTOGRAPHS,
            cutmix=0.5,
            measure_norms=True,
            precision="bfloat16",
            seed=1,
        ),
    ),
}


def train_embedded(
    folder: str | Path,
    name: str = "zfnet-scenes",
    *,
    images: str | Path | None = None,
    epochs: int | None = None,
    pictures: int | None = None,
    seed: int | None = None,
    resume: bool = False,
    processes: int = 2,
    progress: bool = True,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> dict[str, Any]:
    """Train an embedded network and write it, with a checkpoint for each epoch of Fig. 4 and its manifest.

    Batch norm helps training and is folded into the convolutions before saving: what is written is
    convolution, relu, max pool and linear, for which the paper's deconvnet holds exactly.

    Parameters
    ----------
    folder : path
        Gets a folder ``name`` with the series, ``manifest.json`` and ``name.checkpoint``. The last epoch of the series
        is the network.
    name : str
        Of `EMBEDDED`.
    images : path, optional
        For ``zfnet-photos``: a folder with ``train`` and ``val``, each with a folder of pictures per class, and
        perhaps ``classes.json`` with their names. None of the pictures is written anywhere.
    epochs, pictures, seed : int, optional
        Other than those of the plan.
    resume : bool
        Go on where the folder's training was stopped or killed, with the same numbers; only `epochs` may differ, where
        the rate does not depend on it.
    processes : int
        How many draw or decode pictures.
    progress, on_epoch
        As in `train`.

    Returns
    -------
    dict
        The network's entry in the manifest; ``accuracy`` is of the last epoch, as it is written.

    Raises
    ------
    UnknownNameError, ParameterError, DataError
        For another name, numbers out of range or other than those that are resumed, pictures that are not there, or a
        folder that holds a training which is not resumed: nothing is written over it.
    Cancelled
        If it was asked to stop, see `TrainingRecording.stop`; it can be resumed.
    """
    if name not in EMBEDDED:
        raise unknown_name("embedded network", name, EMBEDDED)
    plan = _changed(EMBEDDED[name], epochs, pictures, seed)
    if not resume:  # said before thousands of pictures are drawn
        check_unbegun(Path(folder, name), "resume=True (--resume)")
    check_writable(Path(folder, name))
    material = _material(name, plan, images, processes, progress)
    recipe = plan.recipe
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        network = ZFNet(len(material.classes), normalisation="batch", **plan.architecture)
    about = {"command": material.command(name, recipe), **material.counts, **asdict(recipe)}
    checkpoint = Path(folder, f"{name}.checkpoint")
    if resume:
        _check_begun(Path(folder, name), about)
    recording = record_training(
        network,
        Path(folder, name),
        [*(epoch for epoch in PAPER_EPOCHS if epoch < recipe.epochs), recipe.epochs],
        preprocess=plan.preprocess,
        classes=material.classes,
        recipe=about,
        dtype=torch.float16,
        resume=resume,
    )
    history = train(
        network,
        material.training,
        material.validation,
        recipe,
        preprocess=plan.preprocess,
        checkpoint=checkpoint,
        resume=resume and checkpoint.exists(),  # else it was killed in its first epoch
        recording=recording,
        progress=progress,
        on_epoch=on_epoch,
    )
    if len(history) < recipe.epochs:
        raise Cancelled(f"The training in {Path(folder, name)} was stopped; resume it, and its end is measured.")
    return _finish(Path(folder), name, material, plan, about)


def _check_begun(series: Path, about: Mapping[str, Any]) -> None:
    """Whether a training of these numbers was begun here: else the files would be half of one and half of another."""
    before = read_manifest(series).get("recipe")
    if before is None:
        raise DataError(f"No training was begun in {series}; give its folder, or start without resuming.")
    changed = sorted(key for key in about.keys() - {"command", "epochs"} if before.get(key) != about[key])
    if changed:
        raise DataError(
            f"The training in {series} was begun with other {' and '.join(changed)}; resume it with the same, or "
            "choose another folder."
        )


def _changed(plan: Plan, epochs: int | None, pictures: int | None, seed: int | None) -> Plan:
    if pictures is not None:
        if plan.pictures is None:
            raise ParameterError("A network of photographs learns from all of its folder; leave out pictures.")
        plan = replace(plan, pictures=pictures)
    recipe = plan.recipe if epochs is None else replace(plan.recipe, epochs=epochs)
    return replace(plan, recipe=recipe if seed is None else replace(recipe, seed=seed))


def _material(name: str, plan: Plan, images: str | Path | None, processes: int, progress: bool) -> Material:
    if plan.pictures is not None:
        return scenes(plan.pictures, plan.recipe.seed, processes, progress)
    if images is None:
        raise DataError(f"{name} learns from photographs: give a folder that holds train and val.")
    return photographs(images, plan.preprocess, processes, progress)


def _finish(folder: Path, name: str, material: Material, plan: Plan, about: dict[str, Any]) -> dict[str, Any]:
    """The entry of the manifest: of the network as a reader of the files gets it, in 16 bits."""
    series = CheckpointSeries(folder / name)
    last = series.epochs[-1]
    _, accuracy = evaluate(series.network(last, device="cpu").module, material.test, plan.preprocess)
    entry = {
        "file": f"{name}/{Path(series.file(last)).name}",
        "sha256": series.digest(last),
        "architecture": series.architecture,
        "preprocess": asdict(plan.preprocess),
        "classes": list(material.classes),
        "accuracy": accuracy,
        "accuracy_of": material.test_is,
        "recipe": about,
    }
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text()) if path.exists() else {}
    except (OSError, ValueError) as cause:
        raise DataError(f"The manifest {path} cannot be read ({cause}); mend or delete it.") from cause
    write_atomically(path, (json.dumps(manifest | {name: entry}, indent=2) + "\n").encode())
    return entry
