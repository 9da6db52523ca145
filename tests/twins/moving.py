"""Slow twins of transforms and invariance curves: one pixel and one picture at a time, straight from the words."""

from __future__ import annotations

import copy
import math

import numpy as np
import torch


def slow_transform(picture: np.ndarray, transform: str, amount: float, border) -> np.ndarray:
    """(C, H, W): each pixel looks back and mixes the four around; border: "edge", "mirror" or an array (C, H, W)."""
    _, height, width = picture.shape
    result = np.empty(picture.shape)
    for row in range(height):
        for column in range(width):
            x, y = column + 0.5 - width / 2, row + 0.5 - height / 2
            if transform == "translate":
                y -= amount
            elif transform == "scale":
                x, y = x / amount, y / amount
            else:
                # Counter-clockwise on the screen, where y points down: the way back is clockwise.
                turn = math.radians(amount)
                x, y = x * math.cos(turn) - y * math.sin(turn), x * math.sin(turn) + y * math.cos(turn)
            x, y = x + width / 2 - 0.5, y + height / 2 - 0.5
            left, top = math.floor(x), math.floor(y)
            total = 0.0
            for r, c in ((top, left), (top, left + 1), (top + 1, left), (top + 1, left + 1)):
                weight = (1 - abs(y - r)) * (1 - abs(x - c))
                total = total + weight * _pixel(picture, r, c, border, (row, column))
            result[:, row, column] = total
    return result


def _pixel(picture, row, column, border, place):
    _, height, width = picture.shape
    if 0 <= row < height and 0 <= column < width:
        return picture[:, row, column]
    if not isinstance(border, str):
        return border[:, place[0], place[1]]
    if border == "mirror":
        row, column = _mirrored(row, height), _mirrored(column, width)
    return picture[:, min(max(row, 0), height - 1), min(max(column, 0), width - 1)]


def _mirrored(index, length):
    """... 1 0 | 0 1 2 | 2 1 ..."""
    index %= 2 * length
    return index if index < length else 2 * length - 1 - index


def slow_curves(module, pictures, transform, amounts, paths, border):
    """Euclidean distances {path: (N, A)} of the outputs of submodules, and probabilities (N, A, K), one by one."""
    module = copy.deepcopy(module).eval()
    kept = {}

    def keep(path):
        return lambda _module, _inputs, output: kept.__setitem__(path, output.detach().clone().flatten())

    for path in paths:
        module.get_submodule(path).register_forward_hook(keep(path))
    distances = {path: np.zeros((len(pictures), len(amounts))) for path in paths}
    probabilities = []
    for place, picture in enumerate(pictures):
        with torch.no_grad():
            module(picture[None].clone())
        clean = dict(kept)
        for number, amount in enumerate(amounts):
            moved = torch.from_numpy(slow_transform(picture.double().numpy(), transform, amount, border)).float()
            with torch.no_grad():
                probabilities.append(module(moved[None])[0].softmax(0))
            for path in paths:
                distances[path][place, number] = math.sqrt(float(((kept[path] - clean[path]) ** 2).sum()))
    return distances, torch.stack(probabilities).reshape(len(pictures), len(amounts), -1).numpy()
