"""Faces with the places of their parts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from zfwidgets.data import frontal_faces, scene_of
from zfwidgets.data.landmarks import FACE_PARTS, known_parts
from zfwidgets.errors import ParameterError


def test_faces_look_to_the_front_and_know_their_parts() -> None:
    faces = frontal_faces(5, seed=2)
    assert tuple(faces.landmarks) == faces.images.keys() and len(faces.images) == 5
    for key, parts in faces.landmarks.items():
        scene = scene_of(key)
        assert scene.name == "face" == faces.images.label(key) and key.startswith("scene-2/")
        assert tuple(parts) == FACE_PARTS and all(parts[part] == scene.parts[part] for part in parts)
        assert np.array_equal(np.asarray(faces.images[key]), np.asarray(scene.image))
        (left, level), (right, other) = parts["left eye"], parts["right eye"]
        assert left < right and abs(math.degrees(math.atan2(other - level, right - left))) <= 15
        assert level < parts["nose"][1] < parts["mouth"][1]
        assert all(scene.mask[int(y), int(x)] for x, y in parts.values())


def test_more_faces_begin_with_the_same_ones() -> None:
    assert frontal_faces(5).images.keys()[:2] == frontal_faces(2).images.keys()
    assert not set(frontal_faces(2).images) & set(frontal_faces(2, seed=1).images)


@pytest.mark.parametrize(("n", "seed"), [(0, 0), (-1, 0), (1.5, 0), (True, 0), (2, -1), (2, 0.5)])
def test_numbers_that_make_no_faces(n: Any, seed: Any) -> None:
    with pytest.raises(ParameterError, match="whole number"):
        frontal_faces(n, seed)


def test_parts_are_known_of_frontal_faces_alone() -> None:
    faces = frontal_faces(1)
    (key,) = faces.images
    assert known_parts(key) == faces.landmarks[key]
    number = int(key.split("/")[1])
    assert [known_parts(f"scene/{index:05d}") for index in range(number)] == [None] * number
    for other in ("photo/astronaut", "scene/", "scenery/3.png", ""):
        assert known_parts(other) is None
