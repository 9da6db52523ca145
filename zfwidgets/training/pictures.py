"""Pictures with labels in memory, drawn by several processes, and the small changes that training makes to them."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from ..data.scenes import SIZE, draw
from ..errors import DataError
from ..imaging import Preprocess

__all__ = ["LabelledPictures", "as_input", "augmented", "draw_scenes"]

_CHUNK = 250
# Pixels by which a picture may move, and how often it is mirrored; the scenes are mirrored half of the time anyway.
_SHIFT = 6


class LabelledPictures(NamedTuple):
    """Pictures (N, H, W, 3) uint8 and their labels (N,) int64."""

    pixels: Tensor
    labels: Tensor

    def checked(self, classes: int) -> LabelledPictures:
        """Itself.

        Raises
        ------
        DataError
            If shapes or types do not fit together, or a label is not in ``0 .. classes - 1``.
        """
        pixels, labels = self
        if pixels.ndim != 4 or pixels.shape[-1] != 3 or pixels.dtype != torch.uint8 or not len(pixels):
            raise DataError(
                f"Training pictures must be (N, H, W, 3) uint8, at least one, not {tuple(pixels.shape)} {pixels.dtype}."
            )
        if labels.shape != (len(pixels),) or labels.dtype != torch.int64:
            raise DataError(
                f"{len(pixels)} pictures need {len(pixels)} int64 labels, not {tuple(labels.shape)} {labels.dtype}."
            )
        if int(labels.min()) < 0 or int(labels.max()) >= classes:
            raise DataError(
                f"Labels must be from 0 to {classes - 1}, found {int(labels.min())} to {int(labels.max())}; "
                f"build the network with more classes."
            )
        return self


def draw_scenes(count: int, seed: int, *, processes: int = 1, progress: bool = False) -> LabelledPictures:
    """The first scenes of a seed as arrays.

    Parameters
    ----------
    count : int
        How many, at least 1.
    seed : int
        See `zfwidgets.data.scenes.draw`.
    processes : int
        How many draw at the same time; the result is the same for any number.
    progress : bool
        Show a bar.

    Returns
    -------
    LabelledPictures
        (count, 96, 96, 3) and (count,).

    Examples
    --------
    >>> draw_scenes(3, seed=0).pixels.shape
    torch.Size([3, 96, 96, 3])
    """
    if count < 1:
        raise DataError(f"At least one scene must be drawn, not {count}.")
    pixels = np.empty((count, SIZE, SIZE, 3), dtype=np.uint8)
    labels = np.empty(count, dtype=np.int64)
    spans = [(seed, start, min(start + _CHUNK, count)) for start in range(0, count, _CHUNK)]
    with tqdm(total=count, desc="drawing", unit="scene", disable=not progress) as bar:
        for (_, start, stop), (some, their_labels) in zip(spans, _drawn(spans, processes), strict=True):
            pixels[start:stop], labels[start:stop] = some, their_labels
            bar.update(stop - start)
    return LabelledPictures(torch.from_numpy(pixels), torch.from_numpy(labels))


def _drawn(spans: list[tuple[int, int, int]], processes: int) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.int64]]]:
    if processes < 2 or len(spans) < 2:
        yield from map(_draw_span, spans)
        return
    # A forked child of a process with torch's threads can hang; a spawned one starts clean.
    with multiprocessing.get_context("spawn").Pool(min(processes, len(spans))) as pool:
        yield from pool.imap(_draw_span, spans)


def _draw_span(span: tuple[int, int, int]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    seed, start, stop = span
    scenes = [draw(seed, index) for index in range(start, stop)]
    return np.stack([np.asarray(scene.image) for scene in scenes]), np.array([scene.label for scene in scenes])


def augmented(pixels: Tensor, preprocess: Preprocess, generator: torch.Generator) -> Tensor:
    """A training batch: each picture mirrored or not, moved by a few pixels, its colour channels in any order.

    Parameters
    ----------
    pixels : tensor (N, H, W, 3) uint8
        Pictures; not changed.
    preprocess : Preprocess
        Whose mean and std are used.
    generator : torch.Generator
        Where the chance comes from.

    Returns
    -------
    tensor (N, 3, H, W) float32, channels last in memory
        In model-input scale.
    """
    count, height, width, _ = pixels.shape
    mirrored = torch.rand(count, generator=generator) < 0.5
    shift_y, shift_x = torch.randint(-_SHIFT, _SHIFT + 1, (2, count, 1), generator=generator)
    order = torch.rand(count, 3, generator=generator).argsort(1)
    rows = (torch.arange(height) + shift_y).clamp(0, height - 1)
    columns = (torch.arange(width) + shift_x).clamp(0, width - 1)
    columns = torch.where(mirrored[:, None], columns.flip(1), columns)
    moved = pixels[torch.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]
    moved = moved.gather(3, order[:, None, None, :].expand_as(moved))
    return as_input(moved, preprocess)


def as_input(pixels: Tensor, preprocess: Preprocess) -> Tensor:
    """Pictures (N, H, W, 3) uint8 as model inputs (N, 3, H, W) float32, channels last in memory."""
    scaled = preprocess.normalise(pixels.permute(0, 3, 1, 2).to(torch.float32).div(255))
    return scaled.contiguous(memory_format=torch.channels_last)
