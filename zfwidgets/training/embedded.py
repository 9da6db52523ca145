"""The networks that ship inside the package: how each is trained, and how it is written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from ..data.scenes import CLASSES, SIZE
from ..errors import DataError, ParameterError
from ..imaging import Preprocess
from ..models.zfnet import ZFNet, fold_batch_norm
from .checkpoint import write_atomically
from .pictures import draw_scenes
from .train import Epoch, Recipe, evaluate, train

__all__ = ["MANIFEST", "SCENES_NETWORK", "EmbeddedRecipe", "train_embedded", "write_network"]

MANIFEST = "manifest.json"
SCENES_NETWORK = "zfnet-scenes"
# Fig. 3 at 96 pixels: stride 1 in conv2 keeps 9 x 9 places in conv5; 44 million multiply-adds.
_ARCHITECTURE: dict[str, Any] = {
    "classes": len(CLASSES),
    "channels": [32, 64, 96, 96, 64],
    "hidden": [256, 256],
    "input_size": SIZE,
    "conv2_stride": 1,
}
_PREPROCESS = Preprocess(size=SIZE, resize=SIZE, mean=(0.47, 0.47, 0.47), std=(0.2, 0.2, 0.2))


@dataclass(frozen=True)
class EmbeddedRecipe:
    """How ``zfnet-scenes`` is trained.

    Training, validation and test scenes come from three seeds that follow each other (`seed`, `seed` + 1,
    `seed` + 2), so no scene is in two of them; seed 0 stays free for pictures to look at. Unlike the paper's
    network it starts from torch's initial weights and learns with batch norm.
    """

    seed: int = 1
    pictures: int = 20_000
    validation: int = 2_000
    test: int = 2_000
    epochs: int = 10

    def __post_init__(self) -> None:
        if min(self.pictures, self.validation, self.test, self.epochs) < 1 or self.seed < 0:
            raise ParameterError(f"Pictures and epochs must be at least 1 and the seed 0 or more: {self}.")

    def for_training(self) -> Recipe:
        """The paper's recipe, but for a rate and a patience that suit fewer epochs and batch norm."""
        return Recipe(epochs=self.epochs, rate=0.02, rate_factor=0.2, patience=2, seed=self.seed)


def train_embedded(
    folder: str | Path,
    recipe: EmbeddedRecipe | None = None,
    *,
    resume: bool = False,
    processes: int = 2,
    progress: bool = True,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> dict[str, Any]:
    """Train ``zfnet-scenes`` and write it with its manifest.

    Batch norm helps training and is folded into the convolutions before saving: what is written is
    convolution, relu, max pool and linear, for which the paper's deconvnet holds exactly.

    Parameters
    ----------
    folder : path
        Gets ``zfnet-scenes.safetensors``, ``manifest.json`` and ``zfnet-scenes.checkpoint``.
    recipe : EmbeddedRecipe, optional
        Defaults give the network that ships.
    resume : bool
        Go on from the folder's checkpoint.
    processes : int
        How many draw scenes.
    progress, on_epoch
        As in `train`.

    Returns
    -------
    dict
        The network's entry in the manifest; ``accuracy`` is of the folded network on the test scenes.
    """
    recipe = recipe or EmbeddedRecipe()
    pictures, validation, test = (
        draw_scenes(count, recipe.seed + place, processes=processes, progress=progress)
        for place, count in enumerate((recipe.pictures, recipe.validation, recipe.test))
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        network = ZFNet(normalisation="batch", **_ARCHITECTURE)
    history = train(
        network,
        pictures,
        validation,
        recipe.for_training(),
        preprocess=_PREPROCESS,
        checkpoint=Path(folder, f"{SCENES_NETWORK}.checkpoint"),
        resume=resume,
        progress=progress,
        on_epoch=on_epoch,
    )
    folded = fold_batch_norm(network)
    _, accuracy = evaluate(folded, test, _PREPROCESS)
    return write_network(folder, SCENES_NETWORK, folded, _about(recipe, history, accuracy))


def _about(recipe: EmbeddedRecipe, history: list[Epoch], accuracy: float) -> dict[str, Any]:
    """What the manifest says of the network, but for its file."""
    return {
        "architecture": {**_ARCHITECTURE, "normalisation": None},
        "preprocess": asdict(_PREPROCESS),
        "classes": list(CLASSES),
        "accuracy": accuracy,
        "accuracy_of": f"{recipe.test} unseen scenes of seed {recipe.seed + 2}",
        "seed": recipe.seed,
        "recipe": {
            "command": f"zfwidgets train --seed {recipe.seed} --pictures {recipe.pictures} --epochs {recipe.epochs}",
            "pictures": recipe.pictures,
            "validation": recipe.validation,
            **asdict(recipe.for_training()),
            "rates": [epoch.rate for epoch in history],
            "validation_accuracies": [epoch.validation_accuracy for epoch in history],
        },
    }


def write_network(folder: str | Path, name: str, network: ZFNet, about: Mapping[str, Any]) -> dict[str, Any]:
    """Write a network's weights and its entry in the folder's manifest, each file whole or not at all.

    Parameters
    ----------
    folder : path
        Is made if it does not exist; other networks of its manifest stay.
    name : str
        Of the network.
    network : ZFNet
        Its weights are written as float32 safetensors.
    about : mapping
        The entry, but for ``file`` and ``sha256``.

    Returns
    -------
    dict
        The whole entry.

    Raises
    ------
    DataError
        If the folder's manifest cannot be read.
    """
    folder = Path(folder)
    weights = save({key: tensor.detach().contiguous() for key, tensor in network.state_dict().items()})
    entry = {"file": f"{name}.safetensors", "sha256": hashlib.sha256(weights).hexdigest(), **about}
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text()) if path.exists() else {}
    except (OSError, ValueError) as cause:
        raise DataError(f"The manifest {path} cannot be read ({cause}); mend or delete it.") from cause
    manifest[name] = entry
    write_atomically(folder / entry["file"], weights)
    write_atomically(path, (json.dumps(manifest, indent=2) + "\n").encode())
    return entry
