"""Which pictures each fold trains on and which it is tested on; needs no torch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zfwidgets.errors import DataError, ParameterError

__all__ = ["Fold", "default_sizes", "folds_of", "room", "sizes_of"]

Ints = NDArray[np.int64]


class Fold(NamedTuple):
    """Places of pictures: of the training set, and of the test set (the training set, where there is no other)."""

    pool: tuple[Ints, ...]
    """For each class, in the order in which they are taken: fewer training pictures are the first ones."""
    test: Ints

    def train(self, per_class: int) -> Ints:
        """The first so many of each class."""
        return np.concatenate([places[:per_class] for places in self.pool])


def folds_of(labels: Ints, tested: int | None, folds: int, seed: int) -> list[Fold]:
    """Deal pictures out.

    Each class is shuffled and cut into as many parts as there are folds; a fold leaves one part out. It is tested on
    that part, or, where there is a test set, on all of that.

    Parameters
    ----------
    labels : ndarray
        (N,) class of each training picture.
    tested : int or None
        Pictures of the test set; None if there is none.
    folds, seed : int
        With a test set, one fold trains on all pictures.

    Examples
    --------
    >>> fold = folds_of(np.array([0, 1, 0, 1]), None, folds=2, seed=0)[0]
    >>> sorted([*fold.train(1).tolist(), *fold.test.tolist()])
    [0, 1, 2, 3]
    """
    generator = np.random.default_rng(seed)
    parts = []
    for number in range(int(labels.max()) + 1):
        mixed = generator.permutation(np.flatnonzero(labels == number))
        parts.append(np.array_split(mixed, folds))
    found = []
    for left_out in range(folds):
        test = np.concatenate([part[left_out] for part in parts]) if tested is None else np.arange(tested)
        if folds == 1:
            pool = tuple(part[0] for part in parts)
        else:  # from the next part on, so that the first pictures of two folds are others
            order = [(left_out + step) % folds for step in range(1, folds)]
            pool = tuple(np.concatenate([part[place] for place in order]) for part in parts)
        found.append(Fold(pool, test))
    return found


def room(counts: Sequence[int], folds: int) -> int:
    """The most training pictures of each class that every fold has, for classes of so many pictures.

    Examples
    --------
    >>> room([10, 7], folds=5), room([10, 7], folds=1)
    (5, 7)
    """
    smallest = min(counts)
    return smallest if folds == 1 else smallest - -(-smallest // folds)


def default_sizes(most: int) -> tuple[int, ...]:
    """All, and again and again half of them: at most four numbers.

    Examples
    --------
    >>> default_sizes(32), default_sizes(1)
    ((4, 8, 16, 32), (1,))
    """
    return tuple(sorted({max(most >> halving, 1) for halving in range(4)}))


def sizes_of(asked: int | Iterable[int] | None, most: int, folds: int) -> tuple[int, ...]:
    """Numbers of training pictures, checked."""
    if asked is None:
        return default_sizes(most)
    numbers = [asked] if isinstance(asked, int | np.integer) else list(asked)
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int | np.integer) or number < 1:
            raise ParameterError(f"per_class is whole numbers from 1, for example (15, 30); found {number!r}.")
        if number > most:
            raise DataError(
                f"{number} training pictures of each class were asked for, and the smallest class has {most} in each "
                f"of {folds} folds; ask for fewer, or give more pictures."
            )
    if not numbers:
        raise ParameterError("per_class is at least one number, for example (15, 30); found none.")
    return tuple(sorted({int(number) for number in numbers}))
