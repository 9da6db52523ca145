"""The small changes that training makes to its pictures, a batch at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import ParameterError
from ..imaging import Preprocess

__all__ = ["PHOTOGRAPHS", "SCENES", "Augmentation", "as_input", "augmented"]

_STRETCH = 4 / 3
"""A zoomed piece is at most this much wider than high, or higher than wide."""


@dataclass(frozen=True)
class Augmentation:
    """How each picture of a batch is changed by chance.

    Attributes
    ----------
    mirror : bool
        Left and right change places, half of the time.
    shift : int
        Moved by up to so many pixels each way; the border is repeated.
    recolour : bool
        The colour channels come in any order.
    zoom : float
        A piece of at least this share of the area becomes the whole picture, in (0, 1]; 1: never.
    jitter : float
        Brightness, contrast and saturation are multiplied by up to 1 plus or minus this, in [0, 1).

    Raises
    ------
    ParameterError
        If a number is out of its range.
    """

    mirror: bool = True
    shift: int = 0
    recolour: bool = False
    zoom: float = 1.0
    jitter: float = 0.0

    def __post_init__(self) -> None:
        if self.shift < 0 or not 0 < self.zoom <= 1 or not 0 <= self.jitter < 1:
            raise ParameterError(f"Shift must be 0 or more, zoom in (0, 1] and jitter in [0, 1): {self}.")


SCENES = Augmentation(shift=6, recolour=True)
"""The drawn scenes have any colour and lie anywhere."""
PHOTOGRAPHS = Augmentation(zoom=0.4, jitter=0.2)


def augmented(
    pixels: Tensor, preprocess: Preprocess, generator: torch.Generator, augmentation: Augmentation = SCENES
) -> Tensor:
    """A training batch.

    Parameters
    ----------
    pixels : tensor (N, H, W, 3) uint8
        Pictures; not changed.
    preprocess : Preprocess
        Whose mean and std are used.
    generator : torch.Generator
        Where the chance comes from.
    augmentation : Augmentation
        What is changed.

    Returns
    -------
    tensor (N, 3, H, W) float32, channels last in memory
        In model-input scale.
    """
    pixels = _moved(pixels, augmentation, generator)
    if augmentation.recolour:
        order = torch.rand(len(pixels), 3, generator=generator).argsort(1)
        pixels = pixels.gather(3, order[:, None, None, :].expand_as(pixels))
    levels = _levels(pixels)
    if augmentation.jitter:
        levels = _jittered(levels, augmentation.jitter, generator)
    inputs = _scaled(levels, preprocess)
    if augmentation.zoom < 1:
        inputs = _zoomed(inputs, augmentation.zoom, generator)
    return inputs.contiguous(memory_format=torch.channels_last)


def as_input(pixels: Tensor, preprocess: Preprocess) -> Tensor:
    """Pictures (N, H, W, 3) uint8 as model inputs (N, 3, H, W) float32, channels last in memory."""
    return _scaled(_levels(pixels), preprocess)


def _levels(pixels: Tensor) -> Tensor:
    """(N, 3, H, W) in [0, 1]: pictures lie in memory as channels last do, so nothing is moved."""
    return pixels.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.channels_last).div_(255)


def _scaled(levels: Tensor, preprocess: Preprocess) -> Tensor:
    """`Preprocess.normalise`, bit by bit, written over the levels; three times as fast where channels are last.

    Whole rows of numbers are worked on at once, where a broadcast over the channels would go three by three.
    """
    rows = levels.contiguous(memory_format=torch.channels_last).permute(0, 2, 3, 1).flatten(2)
    mean, std = (torch.tensor(numbers).repeat(levels.shape[3]) for numbers in (preprocess.mean, preprocess.std))
    return rows.sub_(mean).div_(std).view(*levels.shape[:1], *levels.shape[2:], 3).permute(0, 3, 1, 2)


def _moved(pixels: Tensor, augmentation: Augmentation, generator: torch.Generator) -> Tensor:
    count, height, width, _ = pixels.shape
    rows, columns = torch.arange(height).expand(count, height), torch.arange(width).expand(count, width)
    if augmentation.shift:
        most = augmentation.shift
        down, right = torch.randint(-most, most + 1, (2, count, 1), generator=generator)
        rows, columns = (rows + down).clamp(0, height - 1), (columns + right).clamp(0, width - 1)
    if augmentation.mirror:
        mirrored = torch.rand(count, generator=generator) < 0.5
        columns = torch.where(mirrored[:, None], columns.flip(1), columns)
    moved = torch.empty_like(pixels)
    for place in range(count):  # twice as fast as one gather of the whole batch
        torch.index_select(pixels[place].index_select(0, rows[place]), 1, columns[place], out=moved[place])
    return moved


def _jittered(levels: Tensor, most: float, generator: torch.Generator) -> Tensor:
    """Brightness, then contrast about the picture's mean, then saturation about each pixel's grey; in [0, 1]."""
    brightness, contrast, saturation = 1 + most * (2 * torch.rand(3, len(levels), 1, 1, 1, generator=generator) - 1)
    levels = levels * brightness
    levels = torch.lerp(levels.mean((1, 2, 3), keepdim=True), levels, contrast)
    return torch.lerp(levels.mean(1, keepdim=True), levels, saturation).clamp(0, 1)


def _zoomed(inputs: Tensor, least: float, generator: torch.Generator) -> Tensor:
    """A piece of each picture, of any place, `least` to 1 of the area, stretched back to the whole."""
    count = len(inputs)
    area, stretch, across, down = torch.rand(4, count, generator=generator)
    side = torch.sqrt(least + (1 - least) * area)
    ratio = torch.exp((2 * stretch - 1) * math.log(_STRETCH) / 2)
    width, height = (side * ratio).clamp(max=1), (side / ratio).clamp(max=1)
    place = torch.zeros(count, 2, 3)
    place[:, 0, 0], place[:, 0, 2] = width, (2 * across - 1) * (1 - width)
    place[:, 1, 1], place[:, 1, 2] = height, (2 * down - 1) * (1 - height)
    grid = F.affine_grid(place, list(inputs.shape), align_corners=False)
    return F.grid_sample(inputs, grid, padding_mode="reflection", align_corners=False)
