"""The training's arithmetic once more, slowly and straight from the formula."""

from __future__ import annotations

import math

import numpy as np
import torch


def clipped_filters(weights: torch.Tensor, radius: float) -> tuple[torch.Tensor, int]:
    """Section 3: a filter (inputs, height, width) whose root mean square exceeds the radius is scaled back to it."""
    result, count = weights.clone(), 0
    for place in range(len(weights)):
        numbers = [float(number) for number in weights[place].flatten()]
        size = math.sqrt(sum(number * number for number in numbers) / len(numbers))
        if size > radius:
            result[place] = weights[place] * radius / size
            count += 1
    return result, count


def momentum_steps(start: float, slopes: list[float], rate: float, momentum: float) -> list[float]:
    """Positions after each step of gradient descent with momentum on one number."""
    position, velocity, path = start, 0.0, []
    for slope in slopes:
        velocity = momentum * velocity + slope
        position -= rate * velocity
        path.append(position)
    return path


def moved(picture: np.ndarray, down: int, right: int) -> np.ndarray:
    """A picture (H, W, 3) taken from `down` rows below and `right` columns to the right; borders are repeated."""
    height, width, _ = picture.shape
    result = np.empty_like(picture)
    for y in range(height):
        for x in range(width):
            result[y, x] = picture[min(max(y + down, 0), height - 1), min(max(x + right, 0), width - 1)]
    return result


def mixed_loss(logits: np.ndarray, own: list[int], pasted: list[int], share: float, smoothing: float) -> float:
    """Mean cross entropy against labels that are shared out: most to what is seen most, a little to all classes."""
    total = 0.0
    for row, mine, other in zip(logits, own, pasted, strict=True):
        top = max(float(number) for number in row)
        log_sum = top + math.log(sum(math.exp(float(number) - top) for number in row))
        for place, number in enumerate(row):
            wanted = (share if place == mine else 0.0) + (1 - share if place == other else 0.0)
            wanted = (1 - smoothing) * wanted + smoothing / len(row)
            total += wanted * (log_sum - float(number))
    return total / len(logits)
