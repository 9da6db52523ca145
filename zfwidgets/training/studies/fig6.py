"""Fig. 6 on scenes: four small networks, with and without clipping, with 7x7 filters in steps of 2 and 11x11 of 4."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import nn

from ...data import ImageSet
from ...data.scenes import CLASSES
from ...errors import DataError, ParameterError
from ...imaging import Preprocess
from ...methods.filters import RADIUS, FilterReport, filter_report
from ...models.weights import load_into, read_weights, sha256_of
from ...models.zfnet import ZFNet
from ...network import Network
from ..checkpoint import check_writable, write_atomically
from ..pictures import LabelledPictures
from ..train import Recipe, train
from .common import RESULTS, read_results, small_scenes, write_results

__all__ = ["CHOICES", "Choice", "ChoiceRecipe", "architecture_choice", "choice_errors", "stored_choices"]

KIND = "fig6"
_FILE = "fig6.json"


@dataclass(frozen=True)
class Choice:
    """One network of the figure: its first convolution, and whether its filters are clipped."""

    size: int
    stride: int
    clipped: bool

    @property
    def name(self) -> str:
        """For a person and for its file."""
        return f"{self.size}x{self.size}, stride {self.stride}, {'clipped' if self.clipped else 'not clipped'}"

    @property
    def file(self) -> str:
        """Of its weights."""
        return f"fig6-{self.size}x{self.stride}-{'clipped' if self.clipped else 'free'}.safetensors"


CHOICES = tuple(Choice(size, stride, clipped) for size, stride in ((7, 2), (11, 4)) for clipped in (True, False))


@dataclass(frozen=True)
class ChoiceRecipe:
    """How the four networks are trained.

    As in the paper the inputs go in 8-bit steps, the first filters begin at an RMS of 0.01, and nothing normalises; but
    the training is of some hundred steps instead of some hundred thousand. In them filters grow to the paper's radius
    of 0.1 only just, so the radius here is smaller in proportion. The deeper layers begin as torch has them: with 0.01
    throughout so small a network learns nothing at all.
    """

    seed: int = 1
    scenes: int = 11
    pictures: int = 3000
    validation: int = 1000
    size: int = 64
    channels: tuple[int, int, int, int, int] = (24, 32, 48, 48, 32)
    hidden: tuple[int, int] = (64, 64)
    first_std: float = 0.01
    radius: float = 0.03
    epochs: int = 12
    batch_size: int = 64
    rate: float = 0.01

    def __post_init__(self) -> None:
        if not 0 < self.radius <= RADIUS or not self.first_std > 0:
            raise ParameterError(f"The radius is above 0 and at most the paper's {RADIUS}, not {self.radius}.")

    @property
    def preprocess(self) -> Preprocess:
        """Inputs in 8-bit steps about zero."""
        return Preprocess(size=self.size, resize=self.size, mean=(0.47, 0.47, 0.47), std=(1 / 255, 1 / 255, 1 / 255))

    def for_training(self, choice: Choice) -> Recipe:
        """Of one network."""
        return Recipe(
            epochs=self.epochs,
            batch_size=self.batch_size,
            rate=self.rate,
            patience=self.epochs,  # the rate stays
            radius=self.radius if choice.clipped else None,
            precision="bfloat16",
            seed=self.seed,
        )

    def architecture(self, choice: Choice) -> dict[str, Any]:
        """Arguments of its `ZFNet`."""
        return {
            "classes": len(CLASSES),
            "channels": list(self.channels),
            "hidden": list(self.hidden),
            "input_size": self.size,
            "conv1_size": choice.size,
            "conv1_stride": choice.stride,
            "conv2_stride": 1,
            "conv2_padding": 2,
            "normalisation": None,
            "dropout": 0.0,
        }

    def network(self, choice: Choice) -> ZFNet:
        """Untrained."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            network = ZFNet(**self.architecture(choice))
            first = network.features[0]
            assert isinstance(first, nn.Conv2d)
            nn.init.normal_(first.weight, std=self.first_std)
            assert first.bias is not None
            nn.init.zeros_(first.bias)
        return network


def architecture_choice(
    folder: str | Path,
    recipe: ChoiceRecipe | None = None,
    *,
    processes: int = 1,
    progress: bool = False,
    on_network: Callable[[str, dict[str, Any]], None] | None = None,
) -> dict[str, dict[str, Any]]:
    """Train the four networks and write them with the figures of their reports; what is there already is kept.

    Parameters
    ----------
    folder : path
        Gets ``fig6.json`` and four files of weights, in 16 bits.
    recipe : ChoiceRecipe, optional
        Defaults give the networks that ship.
    processes, progress
        As in `ablation`.
    on_network : callable, optional
        Is given name and entry of each network when it is written.

    Returns
    -------
    dict
        Name to entry: ``figures`` (of `FilterReport`, dead filters over the validation scenes),
        ``validation_error``, ``file``, ``sha256``, ``architecture``, ``clipped``.

    Raises
    ------
    DataError
        If the folder holds networks of another recipe, or cannot be written.
    """
    folder, recipe = Path(folder), recipe or ChoiceRecipe()
    entries = _kept(folder, recipe)
    missing = [choice for choice in CHOICES if choice.name not in entries]
    if missing:
        check_writable(folder)
        pictures, validation = (
            small_scenes(count, recipe.scenes + place, recipe.size, processes, progress)
            for place, count in enumerate((recipe.pictures, recipe.validation))
        )
    for choice in missing:
        entry = _trained(folder, recipe, choice, pictures, validation, progress)
        entries[choice.name] = entry
        ordered = {choice.name: entries[choice.name] for choice in CHOICES if choice.name in entries}
        write_results(folder / _FILE, KIND, _plain(recipe), {"networks": ordered})
        if on_network is not None:
            on_network(choice.name, entry)
    return entries


def _trained(
    folder: Path,
    recipe: ChoiceRecipe,
    choice: Choice,
    pictures: LabelledPictures,
    validation: LabelledPictures,
    progress: bool,
) -> dict[str, Any]:
    module = recipe.network(choice)
    history = train(
        module, pictures, validation, recipe.for_training(choice), preprocess=recipe.preprocess, progress=progress
    )
    halves = {name: tensor.detach().half().contiguous() for name, tensor in module.state_dict().items()}
    module.load_state_dict(halves)  # the figures are of what is written
    report = _report(Network(module.eval(), preprocess=recipe.preprocess, device="cpu"), validation, recipe)
    weights = save(halves)
    write_atomically(folder / choice.file, weights)
    best = min(history, key=lambda epoch: epoch.validation_loss)
    return {
        "file": choice.file,
        "sha256": hashlib.sha256(weights).hexdigest(),
        "architecture": recipe.architecture(choice),
        "clipped": choice.clipped,
        "validation_error": round(1 - best.validation_accuracy, 4),
        "figures": {name: round(value, 6) for name, value in report.figures().items()},
    }


def _report(network: Network, validation: LabelledPictures, recipe: ChoiceRecipe) -> FilterReport:
    return filter_report(network, ImageSet.from_arrays(validation.pixels.numpy()), radius=recipe.radius)


def stored_choices(folder: str | Path | None = None) -> dict[str, Network]:
    """The four networks by name; without a folder those that ship with the package.

    Raises
    ------
    DataError, WeightsError
        If a file is missing or damaged.

    Examples
    --------
    >>> [network.layers["conv1"].receptive_field for network in stored_choices().values()]
    [(7, 7), (7, 7), (11, 11), (11, 11)]
    """
    folder = RESULTS if folder is None else Path(folder)
    content = read_results(folder / _FILE, KIND)
    preprocess = ChoiceRecipe(size=content["recipe"]["size"]).preprocess
    found = {}
    for name, entry in content["networks"].items():
        file = folder / entry["file"]
        weights = read_weights(file)
        if sha256_of(file) != entry["sha256"]:
            raise DataError(f"{file} is damaged (its sha256 differs); run zfwidgets study fig6 again.")
        module = ZFNet(**entry["architecture"])
        load_into(module, weights, file.name)
        found[name] = Network(module.eval(), preprocess=preprocess, classes=CLASSES, device="cpu", name=name)
    return found


def choice_errors() -> dict[str, float]:
    """Validation error of each of the four networks that ship, from 0 to 1.

    Examples
    --------
    >>> len(choice_errors())
    4
    """
    networks = read_results(RESULTS / _FILE, KIND)["networks"]
    return {name: float(entry["validation_error"]) for name, entry in networks.items()}


def _kept(folder: Path, recipe: ChoiceRecipe) -> dict[str, dict[str, Any]]:
    path = folder / _FILE
    if not path.exists():
        return {}
    content = read_results(path, KIND)
    if content["recipe"] != _plain(recipe):
        raise DataError(f"{path} holds networks of another recipe; give another folder, or delete it.")
    return dict(content["networks"])


def _plain(recipe: ChoiceRecipe) -> dict[str, Any]:
    """As JSON gives it back."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(recipe).items()}
