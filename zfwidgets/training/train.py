"""The paper's recipe (section 3): SGD with momentum, dropout, filter clipping, a rate that drops on a plateau."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from ..errors import Cancelled, DataError, ParameterError, WeightsError
from ..imaging import Preprocess
from .augmentation import SCENES, Augmentation, as_input, augmented
from .checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from .clipping import RADIUS, clip_filters, first_radius
from .cutmix import Mixed, cut_and_mixed, mixed_loss
from .norms import measure_norms
from .pictures import LabelledPictures
from .schedule import one_cycle

if TYPE_CHECKING:
    from .recording import TrainingRecording

__all__ = ["Epoch", "Recipe", "evaluate", "train"]

_MIXED = 7 / 8
"""Share of the epochs after which CutMix ends."""


@dataclass(frozen=True)
class Recipe:
    """How to train; the defaults are the paper's, but for the number of epochs.

    Attributes
    ----------
    epochs : int
        Passes over the pictures.
    batch_size : int
        Pictures per step; fewer in the last one of an epoch, or one more, where a single picture is left over.
    rate, momentum : float
        Of the stochastic gradient descent.
    rate_factor : float
        What the rate is multiplied by on a plateau (the paper lowered it by hand).
    patience : int
        Epochs without a lower validation loss before that happens.
    schedule : {"plateau", "one-cycle"}
        When the rate changes: on a plateau, or in each step, see `one_cycle`, with `rate` as its peak.
    weight_decay : float
        Of filters and matrices, not of biases and norms; the paper states none.
    label_smoothing : float
        Share of each label that goes to all classes alike, in [0, 1).
    radius : float or None
        Of the filter clipping, for inputs in 8-bit steps; the first convolution's follows the preprocessing. None: no
        clipping.
    augmentation : Augmentation
        How the pictures are changed by chance.
    cutmix : float
        Share of the batches whose pictures get a rectangle of another one, in [0, 1], see `cut_and_mixed`. The last
        eighth of the epochs goes without, so that the network ends on whole pictures.
    measure_norms : bool
        Whether batch norm's statistics are measured anew after the last epoch, over all pictures, changed by chance but
        not mixed.
    precision : {"float32", "bfloat16"}
        Of the products in the forward and backward pass; 16 bits are faster where the processor has them. Weights
        stay in 32 bits.
    seed : int
        Of the order of the pictures, their small changes, and dropout.

    Raises
    ------
    ParameterError
        If a number is out of its range.
    """

    epochs: int = 30
    batch_size: int = 128
    rate: float = 1e-2
    momentum: float = 0.9
    rate_factor: float = 0.1
    patience: int = 3
    schedule: Literal["plateau", "one-cycle"] = "plateau"
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    radius: float | None = RADIUS
    augmentation: Augmentation = SCENES
    cutmix: float = 0.0
    measure_norms: bool = False
    precision: Literal["float32", "bfloat16"] = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.epochs, self.batch_size, self.patience) < 1 or self.seed < 0:
            raise ParameterError(f"Epochs, batch size and patience must be at least 1 and the seed 0 or more: {self}.")
        if not (self.rate > 0 and 0 <= self.momentum < 1 and 0 < self.rate_factor < 1 and (self.radius or 1) > 0):
            raise ParameterError(f"Rate and radius must be positive, momentum and rate factor below 1: {self}.")
        if not (self.weight_decay >= 0 and 0 <= self.label_smoothing < 1 and 0 <= self.cutmix <= 1):
            raise ParameterError(
                f"Weight decay must be 0 or more, label smoothing in [0, 1) and cutmix in [0, 1]: {self}."
            )
        if self.schedule not in ("plateau", "one-cycle") or self.precision not in ("float32", "bfloat16"):
            raise ParameterError(
                f'The schedule is "plateau" or "one-cycle" and the precision "float32" or "bfloat16", '
                f"not {self.schedule!r} and {self.precision!r}."
            )


class Epoch(NamedTuple):
    """What one epoch came to."""

    epoch: int
    rate: float
    loss: float
    validation_loss: float
    validation_accuracy: float
    clipped: int

    def figures(self) -> dict[str, float]:
        """As `TrainingRecording` writes them."""
        return {
            "loss": self.loss,
            "validation_loss": self.validation_loss,
            "validation_error": 1 - self.validation_accuracy,
            "rate": self.rate,
        }


def train(
    network: nn.Module,
    pictures: LabelledPictures,
    validation: LabelledPictures,
    recipe: Recipe | None = None,
    *,
    preprocess: Preprocess,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    recording: TrainingRecording | None = None,
    cancelled: Callable[[], bool] | None = None,
    progress: bool = True,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> list[Epoch]:
    """Train a network in place; it ends with the weights of the lowest validation loss, in evaluation mode.

    Parameters
    ----------
    network : nn.Module
        From (N, 3, H, W) to logits (N, K).
    pictures, validation : LabelledPictures
        What is learnt, and what decides when the rate drops and which epoch was best.
    recipe : Recipe, optional
        The paper's numbers by default.
    preprocess : Preprocess
        Its mean and std scale the pictures, which must have the network's size already.
    checkpoint, resume
        File to write after every epoch; go on from it, bit by bit as without the interruption.
    recording : TrainingRecording, optional
        Of `record_training`: is told every epoch, and ends the training when it was asked to stop.
    cancelled : callable, optional
        Asked before every step.
    progress, on_epoch
        Show a bar; what to call after every epoch.

    Returns
    -------
    list of Epoch
        Those before an interruption included.

    Raises
    ------
    DataError, WeightsError
        Pictures and labels that do not fit together; a checkpoint that is damaged or of another run.
    Cancelled
        If `cancelled` said so; the last whole epoch is in the checkpoint.

    Examples
    --------
    >>> from zfwidgets.training import draw_scenes
    >>> net, some = nn.Sequential(nn.Flatten(), nn.Linear(27648, 16)), draw_scenes(32, seed=1)
    >>> history = train(net, some, some, Recipe(epochs=1), preprocess=Preprocess(size=96, resize=96), progress=False)
    >>> history[0].epoch
    1
    """
    run = _Run(network, recipe or Recipe(), preprocess, cancelled or (lambda: False))
    run.check(pictures, validation)
    if resume:
        run.restore(checkpoint)
    network.to(memory_format=torch.channels_last)
    while len(run.history) < run.recipe.epochs and not (recording is not None and recording.stopped):
        result = run.epoch(pictures, validation, progress)
        # Before the checkpoint: an epoch that was recorded twice is the same, one that was not would be missing.
        if recording is not None:
            recording.after(result.epoch, **result.figures())
        if checkpoint is not None:
            save_checkpoint(checkpoint, run.checkpoint())
        if on_epoch is not None:
            on_epoch(result)
    run.finish()
    return run.history


@torch.inference_mode()
def evaluate(network: nn.Module, pictures: LabelledPictures, preprocess: Preprocess) -> tuple[float, float]:
    """Mean cross entropy and share of right answers, in evaluation mode; the mode is put back.

    Examples
    --------
    >>> from zfwidgets.training import draw_scenes
    >>> network = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 16))
    >>> loss, accuracy = evaluate(network, draw_scenes(4, seed=0), Preprocess(size=96))
    >>> 0 <= accuracy <= 1
    True
    """
    modes = {module: module.training for module in network.modules()}
    network.eval()
    loss, right = 0.0, 0
    try:
        for pixels, labels in zip(*(torch.split(part, 256) for part in pictures), strict=True):
            logits = network(as_input(pixels, preprocess))
            loss += float(F.cross_entropy(logits, labels, reduction="sum"))
            right += int((logits.argmax(1) == labels).sum())
    finally:
        for module, mode in modes.items():
            module.training = mode
    return loss / len(pictures.labels), right / len(pictures.labels)


class _Run:
    """The state between two epochs."""

    def __init__(
        self, network: nn.Module, recipe: Recipe, preprocess: Preprocess, cancelled: Callable[[], bool]
    ) -> None:
        self.network, self.recipe, self.preprocess, self.cancelled = network, recipe, preprocess, cancelled
        parameters = list(network.parameters())
        groups = [
            {"params": [p for p in parameters if p.ndim > 1], "weight_decay": recipe.weight_decay},
            {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
        ]
        self.optimiser = torch.optim.SGD(groups, lr=recipe.rate, momentum=recipe.momentum)
        self.history: list[Epoch] = []
        self.best = _copied(network)
        self.rate, self.best_loss, self.waited = recipe.rate, float("inf"), 0

    def epoch(self, pictures: LabelledPictures, validation: LabelledPictures, progress: bool) -> Epoch:
        number = len(self.history) + 1
        loss, clipped = self._pass(pictures, number, progress)
        if self.recipe.measure_norms and number == self.recipe.epochs:
            self._measure_norms(pictures)
        validation_loss, accuracy = evaluate(self.network, validation, self.preprocess)
        result = Epoch(number, self.rate, loss, validation_loss, accuracy, clipped)
        self.history.append(result)
        if validation_loss < self.best_loss:
            self.best, self.best_loss, self.waited = _copied(self.network), validation_loss, 0
            return result
        self.waited += 1
        if self.recipe.schedule == "plateau" and self.waited >= self.recipe.patience:
            self.rate, self.waited = self.rate * self.recipe.rate_factor, 0
        return result

    def _pass(self, pictures: LabelledPictures, number: int, progress: bool) -> tuple[float, int]:
        recipe, count = self.recipe, len(pictures.labels)
        first = None if recipe.radius is None else first_radius(self.preprocess.std, recipe.radius)
        self.network.train()
        total, clipped = 0.0, 0
        # Chance depends on seed and epoch alone (dropout's too), so a resumed run needs no generator's state.
        generator = torch.Generator().manual_seed(1_000_003 * recipe.seed + number)
        batches = _batches(count, recipe.batch_size, generator)
        with torch.random.fork_rng(devices=[]), tqdm(batches, desc=f"epoch {number}", disable=not progress) as bar:
            torch.manual_seed(1_000_003 * recipe.seed + number)
            for place, chosen in enumerate(bar):
                if self.cancelled():
                    raise Cancelled("The training was stopped; resume it from its checkpoint.")
                self._set_rate((number - 1) * len(batches) + place, len(batches) * recipe.epochs)
                loss = self._step(self._batch(pictures, chosen, generator, number))
                if recipe.radius is not None:
                    clipped += clip_filters(self.network, recipe.radius, first)
                total += loss * len(chosen)
                bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
        return total / count, clipped

    def _measure_norms(self, pictures: LabelledPictures) -> None:
        generator = torch.Generator().manual_seed(self.recipe.seed)
        batches = _batches(len(pictures.labels), self.recipe.batch_size, generator)
        look = self.recipe.augmentation
        measure_norms(
            self.network, (augmented(pictures.pixels[chosen], self.preprocess, generator, look) for chosen in batches)
        )

    def _set_rate(self, step: int, steps: int) -> None:
        if self.recipe.schedule == "one-cycle":
            self.rate = one_cycle(step, steps, self.recipe.rate)
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate

    def _batch(self, pictures: LabelledPictures, chosen: Tensor, generator: torch.Generator, number: int) -> Mixed:
        inputs = augmented(pictures.pixels[chosen], self.preprocess, generator, self.recipe.augmentation)
        labels = pictures.labels[chosen]
        # Without CutMix no chance is used up: trainings of older recipes stay the same, bit by bit.
        mixing = self.recipe.cutmix and number <= _MIXED * self.recipe.epochs
        if mixing and float(torch.rand((), generator=generator)) < self.recipe.cutmix:
            return cut_and_mixed(inputs, labels, generator)
        return Mixed(inputs, labels, labels, 1.0)

    def _step(self, batch: Mixed) -> float:
        with torch.autocast("cpu", torch.bfloat16, enabled=self.recipe.precision == "bfloat16"):
            try:
                logits = self.network(batch.inputs)
            except ValueError as cause:
                if len(batch.inputs) > 1 or "more than 1 value per channel" not in str(cause):
                    raise
                raise ParameterError(
                    "The network's batch norm cannot learn from a batch of one picture; take a batch_size of at least "
                    "2, and as many pictures."
                ) from cause
        loss = mixed_loss(logits.float(), batch, self.recipe.label_smoothing)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        return float(loss.detach())

    def finish(self) -> None:
        self.network.load_state_dict(self.best)
        self.network.eval()

    def checkpoint(self) -> Checkpoint:
        tensors = {f"network.{name}": tensor for name, tensor in self.network.state_dict().items()}
        tensors |= {f"best.{name}": tensor for name, tensor in self.best.items()}
        for name, parameter in self.network.named_parameters():
            # None without momentum, and of what gets no gradient: frozen or unused.
            if (speed := self.optimiser.state[parameter].get("momentum_buffer")) is not None:
                tensors[f"momentum.{name}"] = speed
        state: dict[str, object] = {
            "recipe": asdict(self.recipe),
            "history": [list(epoch) for epoch in self.history],
            "rate": self.rate,
            "best_loss": self.best_loss,
            "waited": self.waited,
        }
        return Checkpoint(tensors, state)

    def check(self, pictures: LabelledPictures, validation: LabelledPictures) -> None:
        try:
            with torch.no_grad():
                classes = self.network.eval()(as_input(pictures.pixels[:1], self.preprocess)).shape[1]
        except (RuntimeError, IndexError) as cause:
            raise DataError(
                f"The network takes no pictures of shape {tuple(pictures.pixels.shape[1:])}; bring them to its size."
            ) from cause
        pictures.checked(classes)
        validation.checked(classes)

    def restore(self, path: str | Path | None) -> None:
        if path is None:
            raise ParameterError("To resume, say from which checkpoint.")
        checkpoint = load_checkpoint(path)
        state: dict[str, Any] = dict(checkpoint.state)
        before, now = state["recipe"], asdict(self.recipe)
        # The rate of one cycle, and what ends or comes with the last epoch, depend on their number; else it is free.
        bound = self.recipe.schedule == "one-cycle" or self.recipe.cutmix or self.recipe.measure_norms
        free = set() if bound else {"epochs"}
        changed = sorted(name for name in now.keys() - free if before.get(name) != now[name])
        if changed:
            raise WeightsError(
                f"The checkpoint {path} was made with another {', '.join(changed)}; use the same recipe."
            )
        try:
            self.network.load_state_dict(_under("network.", checkpoint.tensors))
        except RuntimeError as cause:
            raise WeightsError(f"The checkpoint {path} belongs to a network of another architecture.") from cause
        self.best = _under("best.", checkpoint.tensors)
        for name, parameter in self.network.named_parameters():
            if (speed := checkpoint.tensors.get(f"momentum.{name}")) is not None:
                self.optimiser.state[parameter]["momentum_buffer"] = speed
        self.history = [Epoch(*epoch) for epoch in state["history"]]
        self.rate, self.best_loss, self.waited = state["rate"], state["best_loss"], state["waited"]


def _batches(count: int, size: int, generator: torch.Generator) -> list[Tensor]:
    """Places of all pictures in random order; a single one that is left over joins the batch before.

    Batch norm cannot learn from it alone; without it, each epoch would lose a picture.
    """
    batches = list(torch.split(torch.randperm(count, generator=generator), size))
    if size > 1 and len(batches) > 1 and len(batches[-1]) == 1:
        batches[-2:] = [torch.cat(batches[-2:])]
    return batches


def _copied(network: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
