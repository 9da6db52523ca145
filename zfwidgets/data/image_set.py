"""Pictures under stable names, read only when asked for."""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import DataError, ImageError, ZfwidgetsError, unknown_name
from ..imaging import as_image
from ..imaging.load import Picture
from .skipped import words_of

__all__ = ["Entry", "ImageSet", "default_key"]

SUFFIXES = (".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".ppm", ".pgm")


class Entry(NamedTuple):
    """How to get one picture, and what is known about it."""

    read: Callable[[], Picture]
    label: Callable[[], str | None]
    credit: str | None = None


class ImageSet:
    """A fixed sequence of pictures, each under a key that stays the same.

    Made by `from_folder`, `from_list`, `from_arrays` or `from_dataset`; ``a | b`` joins two. A picture is
    read and decoded when it is asked for, so a large folder costs nothing until then.

    Parameters
    ----------
    entries : mapping of str to Entry
        In order.

    Examples
    --------
    >>> pictures = ImageSet.from_arrays(np.zeros((2, 8, 9, 3), dtype=np.uint8), labels=["night", "night"])
    >>> pictures.keys()
    ('image/00000', 'image/00001')
    >>> pictures["image/00001"].size, pictures.label("image/00001")
    ((9, 8), 'night')
    """

    def __init__(self, entries: Mapping[str, Entry]) -> None:
        if not isinstance(entries, Mapping) or not all(isinstance(entry, Entry) for entry in entries.values()):
            raise DataError(
                "An ImageSet is made by from_folder, from_list, from_arrays or from_dataset; for pictures under keys "
                "try ImageSet.from_list(list(pictures.values()), keys=list(pictures))."
            )
        self._entries = dict(entries)

    @classmethod
    def from_folder(cls, folder: str | Path) -> ImageSet:
        """Every picture in a folder and the folders in it.

        Parameters
        ----------
        folder : path
            Files are recognised by their suffix; hidden ones are left out.

        Returns
        -------
        ImageSet
            Keys are paths relative to the folder, sorted; the label is the name of the sub-folder, if any.

        Raises
        ------
        DataError
            If the folder does not exist or holds no picture.
        """
        if not isinstance(folder, str | os.PathLike):
            raise DataError(f"A folder of pictures is a path, not {folder!r:.60}.")
        folder = Path(folder)
        if not folder.is_dir():
            raise DataError(f"There is no folder {str(folder)!r} to read pictures from; pass an existing one.")
        entries = {}
        for path in sorted(folder.rglob("*")):
            inside = path.relative_to(folder)
            hidden = any(part.startswith(".") for part in inside.parts)
            if path.suffix.lower() in SUFFIXES and path.is_file() and not hidden:
                label = inside.parts[-2] if len(inside.parts) > 1 else None
                entries[inside.as_posix()] = Entry(partial(_same, path), partial(_same, label))
        if not entries:
            raise DataError(
                f"The folder {str(folder)!r} holds no pictures; put files there that end in "
                f"{', '.join(SUFFIXES[:5])} or the like."
            )
        return cls(entries)

    @classmethod
    def from_list(
        cls,
        pictures: Iterable[Picture],
        labels: Sequence[str | None] | None = None,
        keys: Sequence[str] | None = None,
    ) -> ImageSet:
        """Paths, bytes, PIL pictures or arrays, also mixed.

        Parameters
        ----------
        pictures : iterable
            Anything that `zfwidgets.as_image` takes.
        labels, keys : sequence of str, optional
            One for each picture; keys are otherwise the paths, or ``image/00000`` and so on.

        Raises
        ------
        DataError
            If the numbers differ or a key occurs twice.

        Examples
        --------
        >>> ImageSet.from_list([Image.new("RGB", (4, 4))], keys=["black"]).keys()
        ('black',)
        """
        if isinstance(pictures, str | bytes | os.PathLike) or not isinstance(pictures, Iterable):
            raise DataError(
                f"Pictures are a list, not a {type(pictures).__name__}; put one picture into a list, and read a "
                "folder with from_folder."
            )
        items = list(pictures)
        names = [default_key(item, place) for place, item in enumerate(items)] if keys is None else list(keys)
        marks = [None] * len(items) if labels is None else list(labels)
        if not len(items) == len(names) == len(marks):
            raise DataError(
                f"Every picture needs one key and one label: found {len(items)} pictures, {len(names)} keys "
                f"and {len(marks)} labels."
            )
        twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
        if twice:
            raise DataError(f"The key {twice[0]!r} occurs more than once; give every picture its own.")
        return cls(
            {
                name: Entry(partial(_same, item), partial(_same, mark))
                for name, item, mark in zip(names, items, marks, strict=True)
            }
        )

    @classmethod
    def from_arrays(
        cls,
        arrays: Sequence[NDArray[Any]] | NDArray[Any],
        labels: Sequence[str | None] | None = None,
        keys: Sequence[str] | None = None,
    ) -> ImageSet:
        """An array (N, H, W, 3) or (N, H, W), or a sequence of single pictures as arrays of any sizes.

        Raises
        ------
        DataError
            If one array is given that is a single picture, or labels or keys do not fit.
        """
        if isinstance(arrays, np.ndarray) and arrays.ndim not in (3, 4):
            raise DataError(f"Pictures as one array must be (N, H, W, 3) or (N, H, W), not {arrays.shape}.")
        return cls.from_list(list(arrays), labels, keys)

    @classmethod
    def from_dataset(cls, dataset: Any, classes: Sequence[str] | None = None) -> ImageSet:
        """A torchvision dataset, or anything else with a length whose items are (picture, class index).

        Parameters
        ----------
        dataset : torchvision dataset
            Without a ``ToTensor``: its pictures must be PIL pictures or arrays. What it raises for an item becomes
            an error that names the item.
        classes : sequence of str, optional
            Names of the classes; those of the dataset (``dataset.classes``) by default.

        Returns
        -------
        ImageSet
            Keys ``image/00000`` and so on; asking for a label reads the item.

        Raises
        ------
        DataError
            If it has no length.
        """
        if not hasattr(dataset, "__len__") or not hasattr(dataset, "__getitem__"):
            raise DataError(
                f"A dataset has a length and items (picture, class index), and a {type(dataset).__name__} has not; "
                "try from_list."
            )
        names = tuple(classes if classes is not None else getattr(dataset, "classes", ()))

        def label(index: int) -> str | None:
            return _class_name(_item(dataset, index)[1], names, _numbered(index))

        def picture(index: int) -> Picture:
            return cast(Picture, _item(dataset, index)[0])

        return cls({_numbered(i): Entry(partial(picture, i), partial(label, i)) for i in range(len(dataset))})

    def __or__(self, other: ImageSet) -> ImageSet:
        """Both, one after the other; a key that both have is the second's picture."""
        if not isinstance(other, ImageSet):
            return NotImplemented
        return ImageSet({**self._entries, **other._entries})

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def __repr__(self) -> str:
        return f"<ImageSet of {len(self)} pictures>"

    def keys(self) -> tuple[str, ...]:
        """The keys, in order."""
        return tuple(self._entries)

    def __getitem__(self, key: str) -> Image.Image:
        """The picture as RGB.

        Raises
        ------
        UnknownNameError
            If there is no such key.
        ImageError
            If it cannot be read; names the key, the cause and a remedy.
        """
        return as_image(self._entry(key).read(), name=key)

    def label(self, key: str) -> str | None:
        """The name of the picture's class, or None where it is not known."""
        return self._entry(key).label()

    def credit(self, key: str) -> str | None:
        """Who made the picture and under which licence, or None where it is not known."""
        return self._entry(key).credit

    def path(self, key: str) -> Path | None:
        """The file that a picture is read from, or None where it comes from elsewhere."""
        read = self._entry(key).read
        source = read.args[0] if isinstance(read, partial) and read.func is _same else None
        return Path(source) if isinstance(source, str | Path) else None

    def only(self, keys: Iterable[str]) -> ImageSet:
        """The pictures of these keys alone, in this order.

        Raises
        ------
        UnknownNameError
            If there is no such key.
        """
        return ImageSet({key: self._entry(key) for key in keys})

    def _entry(self, key: str) -> Entry:
        if not isinstance(key, Hashable) or key not in self._entries:
            raise unknown_name("picture", key, self._entries)
        return self._entries[key]


def _item(dataset: Any, index: int) -> tuple[Any, Any]:
    """An item of a foreign dataset, whose own code may raise anything."""
    key = _numbered(index)
    try:
        picture, mark = dataset[index]
    except ZfwidgetsError:
        raise
    except Exception as error:
        raise ImageError(
            f"{key!r} cannot be got from the dataset, whose items are (picture, class index): {words_of(error)}."
        ) from error
    return picture, mark


def _class_name(mark: Any, names: Sequence[str], key: str) -> str:
    if not names:
        return str(mark)
    try:
        index = operator.index(mark)
    except TypeError:
        index = -1
    if not 0 <= index < len(names):
        raise DataError(f"The label of {key!r} is one of 0 to {len(names) - 1}, the classes given; found {mark!r:.60}.")
    return names[index]


def _same(value: Any) -> Any:
    return value


def _numbered(place: int) -> str:
    return f"image/{place:05d}"


def default_key(item: object, place: int) -> str:
    """What a picture of a list is called: its path, else its place."""
    return str(item) if isinstance(item, str | Path) else _numbered(place)
