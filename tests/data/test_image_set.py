"""Image sets: stable keys, nothing read before it is asked for, errors that name the picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zfwidgets.data import ImageSet
from zfwidgets.errors import DataError, ImageError, UnknownNameError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, colour in (("cats/b.png", "red"), ("cats/a.jpg", "green"), ("dogs/c.PNG", "blue"), ("top.png", "white")):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 6), colour).save(path)
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / ".hidden.png").write_bytes(b"")
    return tmp_path


def test_a_folder_gives_sorted_relative_keys_and_labels(folder: Path) -> None:
    pictures = ImageSet.from_folder(folder)
    assert pictures.keys() == ("cats/a.jpg", "cats/b.png", "dogs/c.PNG", "top.png")
    assert [pictures.label(key) for key in pictures] == ["cats", "cats", "dogs", None]
    assert pictures["cats/b.png"].getpixel((0, 0)) == (255, 0, 0)
    assert len(pictures) == 4
    assert "top.png" in pictures
    assert "notes.txt" not in pictures
    assert pictures.credit("top.png") is None


def test_nothing_is_read_before_it_is_asked_for_and_the_error_names_the_key(folder: Path) -> None:
    (folder / "cats" / "b.png").write_bytes(b"<html>not found</html>")
    pictures = ImageSet.from_folder(folder)
    assert len(pictures) == 4
    with pytest.raises(ImageError, match=r"cats/b\.png"):
        pictures["cats/b.png"]
    assert pictures["cats/a.jpg"].size == (8, 6)


def test_an_unknown_key_suggests_the_nearest(folder: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"cats/a\.jpg"):
        ImageSet.from_folder(folder)["cats/aa.jpg"]
    with pytest.raises(UnknownNameError, match="picture"):
        ImageSet.from_folder(folder).label("none")


def test_a_missing_or_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no folder"):
        ImageSet.from_folder(tmp_path / "none")
    with pytest.raises(DataError, match="holds no pictures"):
        ImageSet.from_folder(tmp_path)


def test_a_list_may_mix_paths_bytes_pictures_and_arrays(folder: Path) -> None:
    path = folder / "top.png"
    pictures = ImageSet.from_list(
        [path, path.read_bytes(), Image.new("L", (3, 2)), np.zeros((4, 5), np.uint8)], labels=["w", "w", None, None]
    )
    assert pictures.keys() == (str(path), "image/00001", "image/00002", "image/00003")
    assert [pictures[key].size for key in pictures] == [(8, 6), (8, 6), (3, 2), (5, 4)]
    assert {pictures[key].mode for key in pictures} == {"RGB"}
    assert pictures.label("image/00001") == "w"


def test_arrays_come_back_pixel_for_pixel() -> None:
    arrays = np.random.default_rng(0).integers(0, 256, (3, 5, 7, 3), dtype=np.uint8)
    pictures = ImageSet.from_arrays(arrays, keys=["a", "b", "c"])
    assert all((np.asarray(pictures[key]) == array).all() for key, array in zip("abc", arrays, strict=True))
    grey = ImageSet.from_arrays([np.full((2, 2), 9, np.uint8), np.full((3, 1), 7, np.uint8)])
    assert grey["image/00001"].size == (1, 3)


def test_a_single_array_is_not_a_set() -> None:
    with pytest.raises(DataError, match=r"\(N, H, W, 3\)"):
        ImageSet.from_arrays(np.zeros((4, 4), np.uint8))


def test_labels_and_keys_must_fit() -> None:
    with pytest.raises(DataError, match="2 pictures, 2 keys and 1 labels"):
        ImageSet.from_arrays(np.zeros((2, 4, 4, 3), np.uint8), labels=["a"])
    with pytest.raises(DataError, match="'a' occurs more than once"):
        ImageSet.from_arrays(np.zeros((2, 4, 4, 3), np.uint8), keys=["a", "a"])


def test_a_torchvision_dataset_is_read_lazily() -> None:
    from torchvision.datasets import FakeData

    dataset = FakeData(size=5, image_size=(3, 10, 12), num_classes=4)
    pictures = ImageSet.from_dataset(dataset, classes=["a", "b", "c", "d"])
    assert len(pictures) == 5
    assert pictures["image/00003"].size == (12, 10)
    assert pictures.label("image/00003") == "abcd"[int(dataset[3][1])]


def test_the_dataset_may_know_its_classes() -> None:
    class Two:
        classes = ("night", "day")

        def __len__(self) -> int:
            return 2

        def __getitem__(self, index: int) -> tuple[Image.Image, int]:
            return Image.new("RGB", (4, 4), (255 * index,) * 3), index

    assert ImageSet.from_dataset(Two()).label("image/00001") == "day"


class Foreign:
    """A dataset of two items, of which the second one cannot be read."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> tuple[Image.Image, int]:
        if index:
            raise OSError("the share is gone")
        return Image.new("RGB", (4, 4)), 5


def test_what_a_dataset_raises_names_the_item() -> None:
    pictures = ImageSet.from_dataset(Foreign())
    assert pictures.label("image/00000") == "5"
    with pytest.raises(ImageError, match=r"'image/00001' cannot be got from the dataset.*the share is gone"):
        pictures["image/00001"]
    with pytest.raises(ImageError, match="image/00001"):
        pictures.label("image/00001")


@pytest.mark.parametrize("mark", [5, -1, None, "cat"])
def test_a_label_that_is_none_of_the_classes_is_refused(mark: object) -> None:
    pictures = ImageSet.from_dataset([(Image.new("RGB", (4, 4)), mark)], classes=["cat", "dog"])
    with pytest.raises(DataError, match="0 to 1, the classes given; found"):
        pictures.label("image/00000")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: ImageSet({"a": Image.new("RGB", (4, 4))}), "from_list"),  # type: ignore[dict-item]
        (lambda: ImageSet("folder"), "from_folder"),  # type: ignore[arg-type]
        (lambda: ImageSet.from_list("folder"), "from_folder"),
        (lambda: ImageSet.from_list(Image.new("RGB", (4, 4))), "put one picture into a list"),  # type: ignore[arg-type]
        (lambda: ImageSet.from_folder(None), "a path, not None"),  # type: ignore[arg-type]
        (lambda: ImageSet.from_dataset(iter([])), "a list_iterator has not"),
    ],
)
def test_what_is_no_set_says_how_to_make_one(make: Callable[[], ImageSet], words: str) -> None:
    with pytest.raises(DataError, match=words):
        make()


def test_a_slice_is_no_key_and_a_list_no_set() -> None:
    pictures = ImageSet.from_arrays(np.zeros((2, 4, 4), np.uint8))
    with pytest.raises(UnknownNameError, match="There is no picture slice"):
        pictures[:1]  # type: ignore[index]
    with pytest.raises(TypeError):
        pictures | [1]  # type: ignore[operator]
