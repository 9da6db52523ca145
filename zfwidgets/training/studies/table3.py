"""Table 3 on scenes: what layers and widths are worth, by networks that differ in one thing and are trained alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ...data.scenes import CLASSES
from ...errors import DataError, ParameterError
from ...imaging import Preprocess
from ...models.zfnet import ZFNet
from ..augmentation import as_input
from ..checkpoint import check_writable
from ..pictures import LabelledPictures
from ..train import Recipe, train
from .common import small_scenes, write_results
from .table import KIND, AblationTable, Run

__all__ = ["VARIANTS", "AblationRecipe", "ablation"]

_HIGHEST = 5


@dataclass(frozen=True)
class AblationRecipe:
    """How every network of the table is trained: alike, whatever it has or lacks.

    The scenes are those of `scenes` (to learn) and `scenes` + 1 (to test); a seed is of weights, order and dropout.
    Batch norm and one cycle of the rate, unlike in the paper: without them deep networks learn nothing in so few steps.
    """

    seeds: tuple[int, ...] = (1, 2, 3)
    scenes: int = 11
    pictures: int = 3000
    validation: int = 1000
    size: int = 64
    channels: tuple[int, int, int, int, int] = (16, 32, 48, 48, 32)
    hidden: tuple[int, int] = (64, 64)
    dropout: float = 0.2
    epochs: int = 12
    batch_size: int = 64
    rate: float = 0.05

    def __post_init__(self) -> None:
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ParameterError(f"The seeds must be different ones, at least one, not {self.seeds}.")

    def for_training(self, seed: int) -> Recipe:
        """Of one run."""
        return Recipe(
            epochs=self.epochs,
            batch_size=self.batch_size,
            rate=self.rate,
            schedule="one-cycle",
            precision="bfloat16",
            seed=seed,
        )

    def network(self, variant: str, seed: int) -> ZFNet:
        """An untrained network of the table."""
        options: dict[str, Any] = {
            "channels": self.channels,
            "hidden": self.hidden,
            "input_size": self.size,
            "conv2_stride": 1,
            "conv2_padding": 2,
            "normalisation": "batch",
            "dropout": self.dropout,
            **self._change(variant),
        }
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return ZFNet(len(CLASSES), **options)

    def _change(self, variant: str) -> dict[str, Any]:
        one, two, three, four, five = self.channels
        changes: Mapping[str, dict[str, Any]] = {
            "whole": {},
            "without 3, 4": {"without": (3, 4)},
            "without 6, 7": {"without": (6, 7)},
            "without 3, 4, 6, 7": {"without": (3, 4, 6, 7)},
            "6, 7 half as wide": {"hidden": tuple(width // 2 for width in self.hidden)},
            "6, 7 twice as wide": {"hidden": tuple(width * 2 for width in self.hidden)},
            # 512, 1024, 512 instead of 384, 384, 256.
            "3, 4, 5 wider": {"channels": (one, two, three * 4 // 3, four * 8 // 3, five * 2)},
        }
        return changes[variant]


VARIANTS = (
    "whole",
    "without 3, 4",
    "without 6, 7",
    "without 3, 4, 6, 7",
    "6, 7 half as wide",
    "6, 7 twice as wide",
    "3, 4, 5 wider",
)
"""Rows of the table."""

_MEAN, _STD = (0.47, 0.47, 0.47), (0.2, 0.2, 0.2)


def ablation(
    path: str | Path,
    recipe: AblationRecipe | None = None,
    *,
    processes: int = 1,
    progress: bool = False,
    on_run: Callable[[Run], None] | None = None,
) -> AblationTable:
    """Train every variant of Table 3 with every seed; the file is whole after each run, and what it holds is kept.

    Parameters
    ----------
    path : path
        JSON file of the results; runs of the same recipe that it holds already are not made again.
    recipe : AblationRecipe, optional
        Defaults give the table that ships.
    processes : int
        How many draw scenes.
    progress : bool
        Show bars.
    on_run : callable, optional
        Is given every `Run` when it is over.

    Returns
    -------
    AblationTable

    Raises
    ------
    DataError
        If the file is of another recipe, damaged, or cannot be written.
    """
    path, recipe = Path(path), recipe or AblationRecipe()
    runs = list(_kept(path, recipe))
    wanted = [(variant, seed) for seed in recipe.seeds for variant in VARIANTS]
    missing = [pair for pair in wanted if pair not in {(run.variant, run.seed) for run in runs}]
    if missing:
        check_writable(path.parent)
        pictures, validation = (
            small_scenes(count, recipe.scenes + place, recipe.size, processes, progress)
            for place, count in enumerate((recipe.pictures, recipe.validation))
        )
    for variant, seed in missing:
        run = _run(recipe, variant, seed, pictures, validation, progress)
        runs.append(run)
        runs.sort(key=lambda run: wanted.index((run.variant, run.seed)))
        write_results(path, KIND, _plain(recipe), {"runs": [run._asdict() for run in runs]})
        if on_run is not None:
            on_run(run)
    return AblationTable(_plain(recipe), tuple(runs))


def _run(
    recipe: AblationRecipe,
    variant: str,
    seed: int,
    pictures: LabelledPictures,
    validation: LabelledPictures,
    progress: bool,
) -> Run:
    preprocess = Preprocess(size=recipe.size, resize=recipe.size, mean=_MEAN, std=_STD)
    network = recipe.network(variant, seed)
    train(network, pictures, validation, recipe.for_training(seed), preprocess=preprocess, progress=progress)
    seen, unseen = (_errors(network, some, preprocess) for some in (pictures, validation))
    size = sum(parameter.numel() for parameter in network.parameters())
    return Run(variant, seed, seen[0], unseen[0], unseen[1], size)


@torch.inference_mode()
def _errors(network: nn.Module, pictures: LabelledPictures, preprocess: Preprocess) -> tuple[float, float]:
    """Shares of pictures whose class is not the highest, and not among the five highest."""
    wrong = [0, 0]
    for pixels, labels in zip(*(torch.split(part, 256) for part in pictures), strict=True):
        highest = network(as_input(pixels, preprocess)).topk(_HIGHEST).indices == labels[:, None]
        wrong[0] += int((~highest[:, 0]).sum())
        wrong[1] += int((~highest.any(1)).sum())
    return wrong[0] / len(pictures.labels), wrong[1] / len(pictures.labels)


def _kept(path: Path, recipe: AblationRecipe) -> tuple[Run, ...]:
    if not path.exists():
        return ()
    table = AblationTable.open(path)
    if table.recipe != _plain(recipe):
        raise DataError(f"{path} holds runs of another recipe; give another file, or delete it.")
    return table.runs


def _plain(recipe: AblationRecipe) -> dict[str, Any]:
    """As JSON gives it back."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(recipe).items()}
