"""What `feature_probe` returns, beside the paper's Table 7; needs no torch."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zfwidgets.errors import ParameterError, unknown_name
from zfwidgets.imaging.checks import whole_or_none

__all__ = ["PAPER", "Probe", "Score", "paper"]


class Score(NamedTuple):
    """Mean and standard deviation of the accuracy over folds, shares from 0 to 1; one fold has no deviation (NaN)."""

    mean: float
    std: float

    def __str__(self) -> str:
        spread = "" if np.isnan(self.std) else f" +- {100 * self.std:.1f}"
        return f"{100 * self.mean:.1f}{spread}"


PAPER: Mapping[str, Mapping[int, tuple[float, float]]] = {
    "svm": {
        1: (0.448, 0.246),
        2: (0.662, 0.396),
        3: (0.723, 0.460),
        4: (0.766, 0.513),
        5: (0.862, 0.656),
        7: (0.855, 0.717),
    },
    "softmax": {5: (0.829, 0.657), 7: (0.854, 0.726)},
}
"""Table 7: classifier and the paper's layer to accuracy on Caltech-101 (30 pictures a class) and Caltech-256 (60)."""

_NUMBERED = re.compile(r"(?:conv|pool|fc)(\d)")


def paper(classifier: str, layer: str) -> tuple[float, float] | None:
    """What Table 7 says of a layer; its layers 1, 2 and 5 end with a pool (Fig. 3).

    Examples
    --------
    >>> paper("svm", "pool5"), paper("svm", "features.3")
    ((0.862, 0.656), None)
    """
    numbered = _NUMBERED.fullmatch(layer)
    return PAPER[classifier].get(int(numbered[1])) if numbered else None


@dataclass(frozen=True, eq=False)  # arrays have no single equality
class Probe:
    """How well a linear classifier tells K classes apart by each layer's features.

    Attributes
    ----------
    layers : tuple of str
        In the order asked for.
    classes : tuple of str
        Names, sorted.
    per_class : tuple of int
        S numbers of training pictures of each class, ascending.
    folds : int
        F.
    classifier : {"svm", "softmax"}
    pool : int or None
        Side of the grid that maps were averaged over; None: every cell of a map is a feature.
    confusion : mapping
        Layer to (S, F, K, K) int64: how many test pictures of the class in the row were taken for that in the column.
        A partial result lacks the layers that are still to come.
    test_set : bool
        Whether every fold was tested on the same pictures, a test set; else each on those that it left out.
    """

    layers: tuple[str, ...]
    classes: tuple[str, ...]
    per_class: tuple[int, ...]
    folds: int
    classifier: str
    pool: int | None
    confusion: Mapping[str, NDArray[np.int64]]
    test_set: bool = False

    @property
    def complete(self) -> bool:
        """Whether all layers are known."""
        return len(self.confusion) == len(self.layers)

    @property
    def known(self) -> tuple[str, ...]:
        """The layers that are known, in order."""
        return tuple(name for name in self.layers if name in self.confusion)

    @property
    def chance(self) -> float:
        """The accuracy of guessing."""
        return 1 / len(self.classes)

    def recall(self, layer: str) -> NDArray[np.float64]:
        """(S, F, K): share of each class's test pictures that were recognised; NaN for a class without any.

        Raises
        ------
        UnknownNameError
            For a layer that is not known.
        """
        if layer not in self.confusion:
            raise unknown_name("layer", layer, self.known)
        found = self.confusion[layer]
        tested = found.sum(-1)
        right = np.diagonal(found, axis1=-2, axis2=-1)
        return np.where(tested > 0, right / np.maximum(tested, 1), np.nan)

    def accuracy(self, layer: str) -> NDArray[np.float64]:
        """(S, F): mean over classes of `recall`, so that a class counts the same however many pictures it has."""
        return np.asarray(np.nanmean(self.recall(layer), axis=-1))

    def score(self, layer: str, per_class: int | None = None) -> Score:
        """Mean and spread over folds; with the most training pictures by default.

        Raises
        ------
        ParameterError, UnknownNameError
            For a number of pictures or a layer that is not known.
        """
        over = self.accuracy(layer)[self.place(per_class)]
        return Score(float(over.mean()), float(over.std(ddof=1)) if len(over) > 1 else float("nan"))

    def place(self, per_class: int | None) -> int:
        """Where a number of training pictures stands among those known; the last for None."""
        if per_class is None:
            return len(self.per_class) - 1
        if whole_or_none(per_class) not in self.per_class:
            raise ParameterError(
                f"Training pictures of each class were {', '.join(map(str, self.per_class))}; found {per_class!r}."
            )
        return self.per_class.index(per_class)

    def table(self) -> str:
        """Accuracy of every layer in per cent beside the paper's Table 7, as text.

        Examples
        --------
        >>> confusion = {"conv1": np.array([[[[3, 1], [2, 2]]]])}
        >>> print(Probe(("conv1",), ("cat", "dog"), (4,), 1, "svm", None, confusion).table())
        svm on  4 per class  Caltech-101, 30  Caltech-256, 60
        conv1   62.5         44.8             24.6
        """
        rows = list(self._rows())
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
        return "\n".join(line.rstrip() for line in lines)

    def _rows(self) -> Iterator[tuple[str, ...]]:
        yield f"{self.classifier} on", *(f"{n} per class" for n in self.per_class), "Caltech-101, 30", "Caltech-256, 60"
        for layer in self.known:
            known = paper(self.classifier, layer)
            theirs = ("-", "-") if known is None else tuple(f"{100 * value:.1f}" for value in known)
            yield layer, *(str(self.score(layer, n)) for n in self.per_class), *theirs
