"""Scenes with a second object: the same for the same index, of two classes, and pasted where they say."""

from __future__ import annotations

import numpy as np
import pytest

from zfwidgets.data import draw, visited_scenes
from zfwidgets.errors import ParameterError


def test_the_first_object_is_the_scenes_and_the_second_lies_in_its_box() -> None:
    found = visited_scenes(20, seed=5)
    assert found.images.keys()[3] == "visited-5/00003"
    assert len({np.asarray(found.images[key]).tobytes() for key in found.images}) == 20
    for index, key in enumerate(found.images):
        scene, guest = draw(5, index), found.guests[key]
        assert found.images.label(key) == scene.name != guest.name
        assert found.boxes[key] == scene.box
        left, top, right, bottom = guest.box
        assert max(right - left, bottom - top) == 64 and left in (0, 96 - (right - left))
        changed = (np.asarray(found.images[key]) != np.asarray(scene.image)).any(-1)
        assert changed[top:bottom, left:right].mean() > 0.15
        changed[top:bottom, left:right] = False
        assert not changed.any()


def test_no_classes_meet_themselves_where_rounds_of_classes_do() -> None:
    found = visited_scenes(64)
    assert all(found.images.label(key) != found.guests[key].name for key in found.images)


@pytest.mark.parametrize("wrong", [{"n": -1}, {"n": 2.5}, {"n": 1, "seed": True}])
def test_what_cannot_be(wrong: dict[str, int]) -> None:
    with pytest.raises(ParameterError, match="whole number of at least 0"):
        visited_scenes(**wrong)
