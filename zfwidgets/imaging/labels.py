"""Maps of labels: a few flat colours that colour-blind people tell apart, and their legend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import ParameterError
from .checks import whole_number

__all__ = ["LABEL_COLOURS", "OTHER_COLOUR", "LabelPicture", "label_picture"]

# Okabe and Ito, "Color Universal Design" (2008); their black, which a dark page swallows, is Tol's indigo here.
LABEL_COLOURS = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#332288")
OTHER_COLOUR = "#cccccc"


@dataclass(frozen=True)
class LabelPicture:
    """A map of labels in flat colours.

    Attributes
    ----------
    pixels : numpy.ndarray
        uint8 (R, C, 3).
    legend : tuple of (str, str, int)
        Name, colour ``"#rrggbb"`` and number of cells, most cells first; ``"other"`` is last.
    order : tuple of int
        The class that owns each colour; given to the next call, classes keep their colours.
    """

    pixels: npt.NDArray[np.uint8]
    legend: tuple[tuple[str, str, int], ...]
    order: tuple[int, ...]


def label_picture(
    labels: npt.ArrayLike, names: Sequence[str], most: int = 8, order: Sequence[int] = ()
) -> LabelPicture:
    """The most probable label of every cell as colours (Fig. 7e).

    Parameters
    ----------
    labels : array_like
        Whole numbers of shape (R, C), indices into ``names``.
    names : sequence of str
        The name of every class.
    most : int
        Number of classes with a colour of their own, 1 to 8: those with the most cells; the rest is "other".
    order : sequence of int
        The ``order`` of an earlier picture: classes that are still among the most frequent keep its colours.

    Returns
    -------
    LabelPicture

    Raises
    ------
    ParameterError
        Labels that are not whole numbers or have no name, or another number of colours.

    Examples
    --------
    >>> drawn = label_picture([[0, 2], [2, 2]], ["cat", "dog", "fox"])
    >>> drawn.legend
    (('fox', '#e69f00', 3), ('cat', '#56b4e9', 1))
    >>> label_picture([[0, 0], [0, 2]], ["cat", "dog", "fox"], order=drawn.order).legend
    (('cat', '#56b4e9', 3), ('fox', '#e69f00', 1))
    """
    if whole_number(most, "most") > len(LABEL_COLOURS):
        raise ParameterError(f"most must be at most {len(LABEL_COLOURS)}, the number of colours, not {most}.")
    classes = _classes(labels, len(names))
    found, cells, counts = np.unique(classes, return_inverse=True, return_counts=True)
    by_count = np.argsort(-counts, kind="stable")
    owners = _owners([int(found[which]) for which in by_count[:most]], order, most)
    colours = [LABEL_COLOURS[owners.index(int(c))] if int(c) in owners else OTHER_COLOUR for c in found]
    legend = [
        (str(names[found[which]]), colours[which], int(counts[which]))
        for which in by_count
        if colours[which] != OTHER_COLOUR
    ]
    others = classes.size - sum(count for _, _, count in legend)
    if others:
        legend.append(("other", OTHER_COLOUR, others))
    table = np.array([_rgb(colour) for colour in colours], dtype=np.uint8).reshape(-1, 3)
    return LabelPicture(table[cells.reshape(classes.shape)], tuple(legend), owners)


def _classes(labels: npt.ArrayLike, known: int) -> npt.NDArray[np.integer]:
    """The labels as an array, each of them with a name."""
    classes = np.asarray(labels)
    if classes.ndim != 2 or (classes.size and classes.dtype.kind not in "iu"):
        raise ParameterError(f"labels must be whole numbers (R, C), not {classes.dtype} {classes.shape}.")
    if classes.size and not (classes.min() >= 0 and classes.max() < known):
        raise ParameterError(
            f"labels must be below {known}, the number of names, not from {classes.min()} to {classes.max()}."
        )
    return classes.astype(np.int64)


def _owners(frequent: list[int], order: Sequence[int], most: int) -> tuple[int, ...]:
    """Which class owns each colour: frequent ones keep theirs, newcomers take the unused, then the faded."""
    owners = [int(owner) for owner in order[:most]]
    for newcomer in (owner for owner in frequent if owner not in owners):
        if len(owners) < most:
            owners.append(newcomer)
        else:
            owners[next(slot for slot, owner in enumerate(owners) if owner not in frequent)] = newcomer
    return tuple(owners)


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
