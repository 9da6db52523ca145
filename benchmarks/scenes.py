"""How fast scenes are drawn, and how little a linear classifier on pixels makes of them.

Run with ``python -m benchmarks.scenes`` (about two minutes on one core).
"""

from __future__ import annotations

import time

import torch
import torch.nn.functional as F

from zfwidgets.data.scenes import CLASSES, draw
from zfwidgets.training import LabelledPictures, draw_scenes

TRAINING, TEST = 10_000, 2_000


def pictures_per_second(count: int = 500) -> float:
    """Scenes drawn per second by one process, after a warm-up."""
    for index in range(20):
        draw(90, index)
    start = time.perf_counter()
    for index in range(count):
        draw(91, index)
    return count / (time.perf_counter() - start)


def linear_accuracy(side: int, learnt: LabelledPictures, asked: LabelledPictures) -> float:
    """Best test accuracy over weight decays of multinomial logistic regression on pixels.

    Parameters
    ----------
    side : int
        Pictures are averaged down to this many pixels a side; 96 keeps them as they are.
    learnt, asked : LabelledPictures
        To fit and to test on. Choosing the weight decay on the test scenes favours the classifier.
    """
    (known, labels), (unknown, truth) = _flat(learnt, side), _flat(asked, side)
    best = 0.0
    for decay in (1e-3, 1e-2, 1e-1):
        weights = torch.zeros(known.shape[1], len(CLASSES), requires_grad=True)
        optimiser = torch.optim.LBFGS([weights], max_iter=60, history_size=8)

        def loss(weights: torch.Tensor = weights, decay: float = decay) -> torch.Tensor:
            weights.grad = None
            value = F.cross_entropy(known @ weights, labels) + decay * weights.square().sum()
            value.backward()
            return value

        optimiser.step(loss)
        best = max(best, float(((unknown @ weights).argmax(1) == truth).float().mean()))
    return best


def _flat(pictures: LabelledPictures, side: int) -> tuple[torch.Tensor, torch.Tensor]:
    scaled = pictures.pixels.permute(0, 3, 1, 2).float().div(255).sub(0.5)
    flat = F.adaptive_avg_pool2d(scaled, side).flatten(1)
    return torch.cat([flat, torch.ones(len(flat), 1)], 1), pictures.labels


def main() -> None:
    print(f"drawing, one process: {pictures_per_second():.0f} pictures/s")
    learnt, asked = draw_scenes(TRAINING, seed=92, processes=2), draw_scenes(TEST, seed=93)
    for side in (16, 32, 96):
        accuracy = linear_accuracy(side, learnt, asked)
        print(f"linear classifier on {side} x {side} pixels, {TRAINING} scenes: {accuracy:.1%} right")


if __name__ == "__main__":
    main()
