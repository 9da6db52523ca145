"""The held-out classes of the scenes world: the same for the same index, in the same world, and no class twice."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from zfwidgets.data import CLASSES, UNSEEN, scenes, unseen_scenes
from zfwidgets.errors import ParameterError


def test_no_class_was_taught() -> None:
    assert len(UNSEEN) == 10 and not set(UNSEEN) & set(CLASSES)


def test_the_same_for_the_same_index_and_each_class_once_in_ten() -> None:
    some, later = unseen_scenes(20, seed=5), unseen_scenes(3, seed=5, start=11)
    assert some.keys()[11:14] == later.keys() == ("unseen-5/00011", "unseen-5/00012", "unseen-5/00013")
    for key in later:
        assert np.array_equal(some[key], later[key]) and some.label(key) == later.label(key)
    assert sorted(str(some.label(key)) for key in some.keys()[10:]) == list(UNSEEN)


def test_seeds_share_no_picture() -> None:
    first, second, taught = unseen_scenes(20), unseen_scenes(20, seed=1), scenes(20)
    digests = {hashlib.sha256(np.asarray(one[key])).digest() for one in (first, second, taught) for key in one}
    assert len(digests) == 60


@pytest.mark.parametrize("wrong", [{"n": -1}, {"n": 2.5}, {"n": 1, "seed": True}, {"n": 1, "start": -3}])
def test_what_cannot_be(wrong: dict[str, int]) -> None:
    with pytest.raises(ParameterError, match="whole number of at least 0"):
        unseen_scenes(**wrong)
