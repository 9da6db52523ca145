"""Maps of labels: colours that are told apart, a legend that adds up, colours that stay."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from zfwidgets.errors import ParameterError
from zfwidgets.imaging import label_picture
from zfwidgets.imaging.labels import LABEL_COLOURS, OTHER_COLOUR

NAMES = [f"class {number}" for number in range(20)]
MAPS = arrays.arrays(np.int64, (5, 6), elements=st.integers(0, 19))

# How people without one kind of cone see, on linear RGB (Machado, Oliveira and Fernandes 2009, severity 1).
VISION = {
    "usual": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "tritanopia": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}


def rgb(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour[1:]))


def lab(linear: np.ndarray) -> np.ndarray:
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ linear.clip(0, 1)
    ratio = xyz / (0.9505, 1.0, 1.089)
    f = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("vision", VISION)
def test_every_eye_tells_the_colours_apart(vision: str) -> None:
    seen = []
    for colour in (*LABEL_COLOURS, OTHER_COLOUR):
        levels = np.array(rgb(colour)) / 255
        linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
        seen.append(lab(np.array(VISION[vision]) @ linear))
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 15


@given(labels=MAPS, most=st.integers(1, 8))
def test_the_legend_names_every_pixel(labels: np.ndarray, most: int) -> None:
    kept = labels.copy()
    drawn = label_picture(labels, NAMES, most)
    np.testing.assert_array_equal(labels, kept)
    classes, counts = np.unique(labels, return_counts=True)
    named = [entry for entry in drawn.legend if entry[0] != "other"]
    assert len(named) == min(most, len(classes))
    assert [count for *_, count in named] == sorted(counts, reverse=True)[:most]
    assert sum(count for *_, count in drawn.legend) == labels.size
    assert len({colour for _, colour, _ in drawn.legend}) == len(drawn.legend)
    for name, colour, count in named:
        where = labels == NAMES.index(name)
        assert where.sum() == count
        assert np.all(drawn.pixels[where] == rgb(colour))
    others = ~np.isin(labels, [NAMES.index(name) for name, *_ in named])
    assert np.all(drawn.pixels[others] == rgb(OTHER_COLOUR))
    assert (drawn.legend[-1] == ("other", OTHER_COLOUR, others.sum())) == bool(others.any())


@given(first=MAPS, second=MAPS, most=st.integers(1, 8))
def test_classes_keep_their_colours(first: np.ndarray, second: np.ndarray, most: int) -> None:
    before = label_picture(first, NAMES, most)
    after = label_picture(second, NAMES, most, order=before.order)
    old, new = ({name: colour for name, colour, _ in drawn.legend} for drawn in (before, after))
    for name in old.keys() & new.keys():
        assert old[name] == new[name]
    # What is among the most frequent does not depend on the past.
    assert {entry[0] for entry in after.legend} == {entry[0] for entry in label_picture(second, NAMES, most).legend}
    assert label_picture(first, NAMES, most, order=after.order).pixels.shape == (5, 6, 3)


def test_single_cells_and_empty_maps() -> None:
    assert label_picture([[3]], NAMES).legend == (("class 3", LABEL_COLOURS[0], 1),)
    empty = label_picture(np.zeros((0, 4), int), NAMES)
    assert (empty.pixels.shape, empty.legend, empty.order) == ((0, 4, 3), (), ())


@pytest.mark.parametrize(
    ("labels", "options", "words"),
    [
        ([[0.5]], {}, "whole numbers"),
        ([0, 1], {}, r"\(R, C\)"),
        ([[20]], {}, "below 20, the number of names"),
        ([[-1]], {}, "below 20"),
        ([[0]], {"most": 0}, "most must be"),
        ([[0]], {"most": 9}, "at most 8, the number of colours"),
    ],
)
def test_parameters_are_checked(labels: object, options: dict[str, int], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        label_picture(labels, NAMES, **options)  # type: ignore[arg-type]
