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
