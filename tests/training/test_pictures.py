"""Drawn pictures in memory, and the small changes made to them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from twins.training import moved

from zfwidgets.data.scenes import draw
from zfwidgets.errors import DataError
from zfwidgets.imaging import Preprocess
from zfwidgets.training import LabelledPictures, draw_scenes
from zfwidgets.training.augmentation import as_input, augmented

PREPROCESS = Preprocess(size=96, resize=96, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4))


def test_drawing_in_processes_changes_nothing() -> None:
    alone, together = draw_scenes(260, seed=4), draw_scenes(260, seed=4, processes=2)
    assert torch.equal(alone.pixels, together.pixels)
    assert torch.equal(alone.labels, together.labels)
    assert (alone.pixels[7].numpy() == np.asarray(draw(4, 7).image)).all()
    assert int(alone.labels[7]) == draw(4, 7).label


def test_inputs_are_what_the_preprocessing_makes() -> None:
    inputs = as_input(draw_scenes(3, seed=4).pixels, PREPROCESS)
    assert inputs.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(inputs[1], PREPROCESS(draw(4, 1).image))


def test_augmented_pictures_are_the_twins_moves_of_the_original() -> None:
    plain = Preprocess(size=96, resize=96, mean=(0, 0, 0), std=(1, 1, 1))
    pixels = draw_scenes(4, seed=4).pixels
    found = augmented(pixels, plain, torch.Generator().manual_seed(2)).mul(255).round().to(torch.uint8)
    assert found.shape == (4, 3, 96, 96)
    for original, result in zip(pixels.numpy(), found.permute(0, 2, 3, 1).numpy(), strict=True):
        # Sorting each pixel's channels undoes their reordering.
        target = np.sort(result, axis=2)[20:26, 20:70]
        possible = [
            (down, right, mirrored)
            for mirrored in (False, True)
            for down in range(-6, 7)
            for right in range(-6, 7)
            if (_window(original[:, ::-1] if mirrored else original, down, right) == target).all()
        ]
        assert len(possible) == 1
        down, right, mirrored = possible[0]
        whole = moved(original[:, ::-1] if mirrored else original, down, right)
        assert (np.sort(whole, axis=2) == np.sort(result, axis=2)).all()


def _window(picture: np.ndarray, down: int, right: int) -> np.ndarray:
    return np.sort(picture[20 + down : 26 + down, 20 + right : 70 + right], axis=2)


def test_the_same_chance_gives_the_same_batch_and_leaves_the_pictures_alone() -> None:
    pixels = draw_scenes(8, seed=4).pixels
    before = pixels.clone()
    first, second = (augmented(pixels, PREPROCESS, torch.Generator().manual_seed(1)) for _ in range(2))
    other = augmented(pixels, PREPROCESS, torch.Generator().manual_seed(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
    assert torch.equal(pixels, before)


@pytest.mark.parametrize(
    ("pixels", "labels", "message"),
    [
        (torch.zeros(2, 3, 8, 8, dtype=torch.uint8), torch.zeros(2, dtype=torch.int64), r"\(N, H, W, 3\) uint8"),
        (torch.zeros(2, 8, 8, 3), torch.zeros(2, dtype=torch.int64), "uint8"),
        (torch.zeros(0, 8, 8, 3, dtype=torch.uint8), torch.zeros(0, dtype=torch.int64), "at least one"),
        (torch.zeros(2, 8, 8, 3, dtype=torch.uint8), torch.zeros(3, dtype=torch.int64), "2 pictures need 2"),
        (torch.zeros(2, 8, 8, 3, dtype=torch.uint8), torch.tensor([0, 16]), "from 0 to 15, found 0 to 16"),
    ],
)
def test_pictures_and_labels_must_fit(pixels: torch.Tensor, labels: torch.Tensor, message: str) -> None:
    with pytest.raises(DataError, match=message):
        LabelledPictures(pixels, labels).checked(16)


def test_at_least_one_scene() -> None:
    with pytest.raises(DataError, match="At least one"):
        draw_scenes(0, seed=1)


SLOW = """
import time
from zfwidgets.training.pictures import _spread

def work(job):
    print("at work", flush=True)
    time.sleep(600)

if __name__ == "__main__":
    try:
        list(_spread(work, [1, 2], 2))
    except KeyboardInterrupt:
        print("stopped", flush=True)
"""


def test_ctrl_c_ends_the_processes_without_a_word_of_theirs(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    group = subprocess.Popen(
        [sys.executable, "slow.py"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert group.stdout is not None
    assert [group.stdout.readline() for _ in range(2)] == ["at work\n"] * 2
    os.killpg(group.pid, signal.SIGINT)
    said, complaints = group.communicate(timeout=60)
    assert (said, complaints) == ("stopped\n", "")
