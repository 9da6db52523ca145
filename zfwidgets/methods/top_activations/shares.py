"""Equal shares of a set of pictures, for jobs that know nothing of each other."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from zfwidgets.data import ImageSet
from zfwidgets.errors import ParameterError, StaleIndexError
from zfwidgets.imaging.checks import whole_number

__all__ = ["Shares", "share_of", "together"]


@dataclass(frozen=True)
class Shares:
    """Which shares of a set something was made of.

    Attributes
    ----------
    count : int
        Shares of the set.
    numbers : tuple of int
        Those that are there, from 1.
    pictures : str
        Digest of all keys of the set: shares of another set do not belong to them.
    """

    count: int
    numbers: tuple[int, ...]
    pictures: str

    def stored(self) -> dict[str, Any]:
        """As JSON."""
        return {**asdict(self), "numbers": list(self.numbers)}

    @classmethod
    def from_stored(cls, stored: dict[str, Any]) -> Shares:
        """What `stored` gave."""
        return cls(stored["count"], tuple(stored["numbers"]), stored["pictures"])

    @property
    def missing(self) -> tuple[str, ...]:
        """Shares that are not there, each as ``"3/10"``."""
        return tuple(f"{number}/{self.count}" for number in range(1, self.count + 1) if number not in self.numbers)


def share_of(image_set: ImageSet, part: Sequence[int]) -> tuple[ImageSet, Shares]:
    """One of several shares; all of them together make the set.

    Parameters
    ----------
    image_set : ImageSet
        The set.
    part : (int, int)
        Which share, from 1, and of how many.

    Raises
    ------
    ParameterError
        If that is none, or some would be empty.

    Examples
    --------
    >>> from PIL import Image
    >>> pictures = ImageSet.from_list([Image.new("RGB", (4, 4))] * 5)
    >>> [len(share_of(pictures, (number, 3))[0]) for number in (1, 2, 3)]
    [1, 2, 2]
    >>> share_of(pictures, (2, 3))[1].missing
    ('1/3', '3/3')
    """
    if not isinstance(part, tuple | list) or len(part) != 2:
        raise ParameterError(f"A part is two whole numbers, for example (3, 10), the third of ten; not {part!r}.")
    number, count = whole_number(part[0], "the part"), whole_number(part[1], "the number of parts")
    keys = sorted(image_set.keys())
    if number > count:
        raise ParameterError(f"There are parts 1 to {count}; found {number}.")
    if count > len(keys):
        raise ParameterError(
            f"There are {len(keys)} pictures for {count} parts, some would be empty; ask for at most {len(keys)}."
        )
    found = hashlib.sha256()
    for key in keys:
        name = key.encode("utf-8", "surrogatepass")
        found.update(len(name).to_bytes(8, "little") + name)
    some = keys[len(keys) * (number - 1) // count : len(keys) * number // count]
    return image_set.only(some), Shares(count, (number,), found.hexdigest())


def together(several: Iterable[Shares | None]) -> Shares | None:
    """What several things that were made of shares are made of together; None: of whole sets.

    Raises
    ------
    StaleIndexError
        If they are shares of different sets, or one set was cut in two ways.
    """
    found: Shares | None = None
    for shares in several:
        if shares is None:
            continue
        if found is None:
            found = shares
        elif found.pictures != shares.pictures:
            raise StaleIndexError(
                f"These are parts of different sets of pictures: some came or went between part {_named(found)} and "
                f"part {_named(shares)}; mine all of them again."
            )
        elif found.count != shares.count:
            raise StaleIndexError(
                f"These parts do not fit: {_named(found)} and {_named(shares)} were cut differently; mine them with "
                "the same number of parts."
            )
        else:
            found = Shares(found.count, tuple(sorted({*found.numbers, *shares.numbers})), found.pictures)
    return found if found is not None and found.missing else None


def _named(shares: Shares) -> str:
    return f"{shares.numbers[0]}/{shares.count}"
