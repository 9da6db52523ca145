"""Which of a backend's own pictures a probe takes: those with a class, a few hundred at most."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from zfwidgets.data import ImageSet
from zfwidgets.errors import Cancelled, DataError

__all__ = ["FOLDS", "Labelled", "labelled_of"]

FOLDS = 5
"""Parts that each class is divided into: it needs a picture for each."""
_MOST = 500
"""Pictures: minutes for the largest networks on a processor."""
_MOST_CLASSES = 25


@dataclass(frozen=True)
class Labelled:
    """Pictures of at least two classes, of each at least one for every fold.

    Attributes
    ----------
    pictures : ImageSet
    left_out : str
        What else there is, in words; "" if nothing.
    """

    pictures: ImageSet
    left_out: str


def labelled_of(pictures: ImageSet, cancelled: Callable[[], bool] | None = None) -> Labelled:
    """The pictures of a set that a probe can take: of up to 25 classes, as many of each as make 500 together.

    Raises
    ------
    DataError
        If there are not two classes of five pictures each; says how to give some.

    Examples
    --------
    >>> from zfwidgets.data import unseen_scenes
    >>> found = labelled_of(unseen_scenes(51))
    >>> len(found.pictures), found.left_out
    (51, '')
    """
    of_class: dict[str, list[str]] = {}
    for key in pictures:
        if cancelled is not None and cancelled():
            raise Cancelled("The probe was cancelled.")
        label = pictures.label(key)
        if label:
            of_class.setdefault(label, []).append(key)
    large = sorted(name for name, keys in of_class.items() if len(keys) >= FOLDS)
    if len(large) < 2:
        raise DataError(
            f"A probe needs pictures of at least two classes, {FOLDS} of each, and {_found(len(pictures), of_class)}: "
            "put them into a folder for each class, DIR/cat and DIR/dog, and give DIR, as zfwidgets --images DIR or "
            "Backend(network, images=DIR)."
        )
    chosen = large[:_MOST_CLASSES]
    each = _MOST // len(chosen)
    kept = {key for name in chosen for key in of_class[name][:each]}
    left = len(pictures) - len(kept)
    words = f"Left out: {left} of {len(pictures)} pictures, to take {FOLDS} to {each} of each class" if left else ""
    if words and len(of_class) > len(chosen):
        words += f", and {len(of_class) - len(chosen)} of {len(of_class)} classes"
    return Labelled(pictures.only(key for key in pictures if key in kept), words and words + ".")


def _found(count: int, of_class: dict[str, list[str]]) -> str:
    """What there is instead, in words."""
    if not of_class:
        return f"none of the {count} here has a class" if count > 1 else "the one here has no class"
    if len(of_class) == 1:
        (name,) = of_class
        return f"all that have a class here are {name!r}"
    enough = [name for name, keys in of_class.items() if len(keys) >= FOLDS]
    who = f"only {enough[0]!r}" if enough else "none"
    return f"of the {len(of_class)} classes here {who} has so many"
