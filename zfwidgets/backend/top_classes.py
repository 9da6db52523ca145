"""Which class the pictures of a feature map have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from zfwidgets.backend.backend import Backend
    from zfwidgets.data import ImageSet

__all__ = ["Commonest", "commonest", "label_of", "share"]


class Commonest(NamedTuple):
    """The commonest class of some pictures, how many have it, and how many there are."""

    name: str | None
    times: int
    of: int


def commonest(labels: Sequence[str | None]) -> Commonest:
    """Of equally common classes the first by name.

    Examples
    --------
    >>> commonest(["owl", "cat", "cat", None]), commonest([None]).name
    (Commonest(name='cat', times=2, of=4), None)
    """
    counts = Counter(label for label in labels if label is not None)
    name = min(counts, key=lambda one: (-counts[one], one), default=None)
    return Commonest(name, counts[name] if name is not None else 0, len(labels))


def share(found: Commonest) -> float:
    """Of the pictures, those of the commonest class; nan where no class is known."""
    return found.times / found.of if found.name is not None else float("nan")


def label_of(backend: Backend, pictures: ImageSet | None, key: str) -> str | None:
    """The class of a picture of a set, or of the backend's own; None if it is not known or not the network's."""
    if pictures is None:
        return backend.label(key) if backend.has_image(key) else None
    label = pictures.label(key)
    return label if label in backend.network.classes else None
