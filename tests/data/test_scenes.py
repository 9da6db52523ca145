"""The scenes world: the same for the same index, objects inside, ground truth that fits the pictures."""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys

import numpy as np
import pytest

from zfwidgets.data import CLASSES, scene_of, scenes
from zfwidgets.data.scenes import SIZE, Scene, draw
from zfwidgets.errors import ParameterError

COUNT = 10 * len(CLASSES)


@pytest.fixture(scope="module")
def drawn() -> list[Scene]:
    return [draw(0, index) for index in range(COUNT)]


def digest(scene: Scene) -> str:
    content = scene.image.tobytes() + scene.mask.tobytes() + repr((scene.label, sorted(scene.parts.items()))).encode()
    return hashlib.sha256(content).hexdigest()


def test_the_same_index_gives_the_same_scene_in_any_order(drawn: list[Scene]) -> None:
    order = random.Random(1).sample(range(COUNT), 20)
    assert [digest(draw(0, index)) for index in order] == [digest(drawn[index]) for index in order]


def test_another_process_draws_the_same_scene(drawn: list[Scene]) -> None:
    program = (
        "import hashlib; from zfwidgets.data.scenes import draw\n"
        "for index in (3, 50): print(hashlib.sha256(draw(0, index).image.tobytes()).hexdigest())"
    )
    # Another hash seed too: nothing may depend on the order of a set.
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "7"}
    )
    expected = [hashlib.sha256(drawn[index].image.tobytes()).hexdigest() for index in (3, 50)]
    assert answer.stdout.split() == expected


def test_scenes_and_seeds_differ(drawn: list[Scene]) -> None:
    others = [draw(1, index) for index in range(32)]
    assert len({scene.image.tobytes() for scene in [*drawn, *others]}) == COUNT + 32


def test_sixteen_classes_each_once_in_every_block(drawn: list[Scene]) -> None:
    assert len(CLASSES) == len(set(CLASSES)) == 16
    for start in range(0, COUNT, 16):
        assert sorted(scene.label for scene in drawn[start : start + 16]) == list(range(16))
    assert [scene.name for scene in drawn[:16]] != [scene.name for scene in drawn[16:32]]


def test_pictures_are_rgb_of_the_promised_size(drawn: list[Scene]) -> None:
    assert all(scene.image.size == (SIZE, SIZE) and scene.image.mode == "RGB" for scene in drawn)


def test_the_object_is_whole_and_neither_tiny_nor_everything(drawn: list[Scene]) -> None:
    for scene in drawn:
        assert scene.mask.shape == (SIZE, SIZE)
        assert scene.mask.dtype == np.bool_
        assert 0.03 < scene.mask.mean() < 0.75, scene.name
        border = np.concatenate([scene.mask[0], scene.mask[-1], scene.mask[:, 0], scene.mask[:, -1]])
        assert not border.any(), scene.name
        rows, columns = np.nonzero(scene.mask)
        assert max(np.ptp(rows), np.ptp(columns)) >= 40, scene.name


def test_parts_lie_on_the_object(drawn: list[Scene]) -> None:
    for scene in drawn:
        assert len(scene.parts) >= 2
        for part, (x, y) in scene.parts.items():
            near = scene.mask[int(y) - 1 : int(y) + 2, int(x) - 1 : int(x) + 2]
            assert near.any(), (scene.name, part)


def test_every_class_has_its_own_fixed_parts(drawn: list[Scene]) -> None:
    parts = {name: {frozenset(scene.parts) for scene in drawn if scene.name == name} for name in CLASSES}
    assert all(len(sets) == 1 for sets in parts.values())
    assert next(iter(parts["face"])) == {"left eye", "right eye", "nose", "mouth"}
    assert len({names for sets in parts.values() for names in sets}) == 16


def test_left_is_left_also_when_mirrored() -> None:
    for index in range(200):
        scene = draw(5, index)
        if scene.name in ("face", "cat", "owl"):
            assert scene.parts["left eye"][0] < scene.parts["right eye"][0]


def test_the_mask_is_where_the_object_is(drawn: list[Scene]) -> None:
    # The main colour stands out from the backdrop by construction, so inside and outside differ on most pictures.
    apart = []
    for scene in drawn:
        pixels = np.asarray(scene.image, dtype=float)
        inside, outside = pixels[scene.mask].mean(0), pixels[~scene.mask].mean(0)
        apart.append(np.abs(inside - outside).sum())
    assert np.median(apart) > 60


def test_colour_says_little_about_the_class() -> None:
    # Nearest class mean of the object's mean colour, on scenes that the means were not taken from.
    def colours(seed: int) -> tuple[np.ndarray, np.ndarray]:
        some = [draw(seed, index) for index in range(320)]
        return (
            np.array([np.asarray(scene.image)[scene.mask].mean(0) for scene in some]),
            np.array([scene.label for scene in some]),
        )

    (known, labels), (asked, truth) = colours(11), colours(12)
    means = np.array([known[labels == label].mean(0) for label in range(16)])
    guesses = np.argmin(((asked[:, None] - means) ** 2).sum(-1), axis=1)
    assert (guesses == truth).mean() < 0.25


def test_a_linear_classifier_on_pixels_stays_under_half() -> None:
    # Ridge regression to one-hot labels has a closed form; the benchmark fits a logistic one on far more scenes.
    def half_size(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        some = [draw(seed, index) for index in range(count)]
        small = np.array([np.asarray(scene.image.reduce(4), dtype=float).ravel() / 255 - 0.5 for scene in some])
        return small, np.array([scene.label for scene in some])

    (known, labels), (asked, truth) = half_size(13, 1600), half_size(14, 320)
    weights = np.linalg.solve(known.T @ known + 100 * np.eye(known.shape[1]), known.T @ np.eye(16)[labels])
    assert (np.argmax(asked @ weights, axis=1) == truth).mean() < 0.5


@pytest.mark.parametrize("bad", [-1, 1.5, "3", None, True, float("nan")])
def test_a_bad_seed_or_index_is_named(bad: object) -> None:
    with pytest.raises(ParameterError, match="seed must be a whole number"):
        draw(bad, 0)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="index must be a whole number"):
        draw(0, bad)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="whole number"):
        scenes(bad)  # type: ignore[arg-type]


def test_scenes_as_a_set() -> None:
    some = scenes(3, start=14)
    assert some.keys() == ("scene/00014", "scene/00015", "scene/00016")
    assert some["scene/00015"].tobytes() == draw(0, 15).image.tobytes()
    assert some.label("scene/00015") == draw(0, 15).name
    assert "drawn by code" in str(some.credit("scene/00015"))


def test_worlds_join_without_sharing_keys() -> None:
    both = scenes(2) | scenes(2, seed=3)
    assert both.keys() == ("scene/00000", "scene/00001", "scene-3/00000", "scene-3/00001")
    assert digest(scene_of("scene-3/00001")) == digest(draw(3, 1))
    with pytest.raises(ParameterError, match="not the key of a scene"):
        scene_of("photo/chelsea")


def test_a_box_is_the_edges_of_the_mask() -> None:
    for index in range(16):
        scene = draw(4, index)
        left, top, right, bottom = scene.box
        inside = scene.mask[top:bottom, left:right]
        assert inside.sum() == scene.mask.sum()
        assert inside[0].any() and inside[-1].any() and inside[:, 0].any() and inside[:, -1].any()
