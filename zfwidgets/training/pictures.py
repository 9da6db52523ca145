"""Pictures with labels in memory: drawn by several processes, or read from a set of pictures."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from ..data import ImageSet
from ..data.scenes import SIZE, draw
from ..errors import DataError
from ..imaging import Preprocess

__all__ = ["LabelledPictures", "draw_scenes", "read_pictures"]

_CHUNK = 250
Job = TypeVar("Job")
Done = TypeVar("Done")


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
        for (_, start, stop), (some, their_labels) in zip(spans, _spread(_draw_span, spans, processes), strict=True):
            pixels[start:stop], labels[start:stop] = some, their_labels
            bar.update(stop - start)
    return LabelledPictures(torch.from_numpy(pixels), torch.from_numpy(labels))


def read_pictures(
    images: ImageSet, preprocess: Preprocess, labels: Sequence[str], *, processes: int = 1, progress: bool = False
) -> LabelledPictures:
    """A set of pictures as arrays of the network's size.

    Parameters
    ----------
    images : ImageSet
        Each picture has a label.
    preprocess : Preprocess
        How a picture is resized and cropped.
    labels : sequence of str
        What the labels are called, in the order of the network's classes.
    processes, progress
        As in `draw_scenes`.

    Returns
    -------
    LabelledPictures
        (N, size, size, 3) and (N,).

    Raises
    ------
    DataError
        If a picture has another label, or none.
    ImageError
        If a file is no picture.

    Examples
    --------
    >>> two = ImageSet.from_arrays(np.zeros((2, 9, 9, 3), np.uint8), labels=["night", "night"])
    >>> read_pictures(two, Preprocess(size=8, resize=8), ["day", "night"]).labels
    tensor([1, 1])
    """
    numbers = {label: number for number, label in enumerate(labels)}
    keys = images.keys()
    strange = next((key for key in keys if images.label(key) not in numbers), None)
    if strange is not None:
        raise DataError(f"{strange!r} is of the class {images.label(strange)!r}, which is not among {list(labels)}.")
    pixels = np.empty((len(keys), preprocess.size, preprocess.size, 3), dtype=np.uint8)
    jobs = [(images.only(keys[start : start + _CHUNK]), preprocess) for start in range(0, len(keys), _CHUNK)]
    with tqdm(total=len(keys), desc="reading", unit="picture", disable=not progress) as bar:
        for place, some in enumerate(_spread(_read_span, jobs, processes)):
            pixels[place * _CHUNK : place * _CHUNK + len(some)] = some
            bar.update(len(some))
    return LabelledPictures(
        torch.from_numpy(pixels), torch.tensor([numbers[str(images.label(key))] for key in keys], dtype=torch.int64)
    )


def _spread(work: Callable[[Job], Done], jobs: list[Job], processes: int) -> Iterator[Done]:
    if processes < 2 or len(jobs) < 2:
        yield from map(work, jobs)
        return
    # A forked child of a process with torch's threads can hang; a spawned one starts clean.
    with multiprocessing.get_context("spawn").Pool(min(processes, len(jobs)), initializer=_deaf) as pool:
        yield from pool.imap(work, jobs)


def _deaf() -> None:
    """Ctrl-C in a terminal reaches every process; the one that waits for the others ends them, without tracebacks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _read_span(job: tuple[ImageSet, Preprocess]) -> NDArray[np.uint8]:
    images, preprocess = job
    return np.stack([np.asarray(preprocess.crop(images[key])) for key in images.keys()])  # noqa: SIM118


def _draw_span(span: tuple[int, int, int]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    seed, start, stop = span
    scenes = [draw(seed, index) for index in range(start, stop)]
    return np.stack([np.asarray(scene.image) for scene in scenes]), np.array([scene.label for scene in scenes])
