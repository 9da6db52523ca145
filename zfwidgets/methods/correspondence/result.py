"""What `correspondence` returns, beside the paper's Table 1; needs no torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zfwidgets.errors import unknown_name
from zfwidgets.methods.correspondence.jackknife import mean_over_pairs
from zfwidgets.methods.intervals import Estimate

__all__ = ["PAPER", "RANDOM", "Correspondence", "Delta"]

RANDOM = "random"
"""The part that is always there: places drawn at random."""
_GREY, _PALE = 128, 160


class Delta(NamedTuple):
    """Mean and standard deviation over pairs of pictures."""

    mean: float
    std: float

    def __str__(self) -> str:
        return "-" if np.isnan(self.mean) else f"{self.mean:.3f} +- {self.std:.3f}"


PAPER: Mapping[str, tuple[Delta, Delta]] = {
    "right eye": (Delta(0.067, 0.007), Delta(0.069, 0.015)),
    "left eye": (Delta(0.069, 0.007), Delta(0.068, 0.013)),
    "nose": (Delta(0.079, 0.017), Delta(0.069, 0.011)),
    RANDOM: (Delta(0.107, 0.017), Delta(0.073, 0.014)),
}
"""Table 1: part to Delta at layers 5 and 7, for five dogs and the network of Fig. 3."""


@dataclass(frozen=True, eq=False)  # arrays have no single equality
class Correspondence:
    """How alike N pictures answer to the hiding of the same part.

    Attributes
    ----------
    layers : tuple of str
        In the order asked for.
    places : tuple of str
        Part hidden in each of the R variants of a picture; ``"random"``, as often as asked for, comes last.
    distances : mapping
        Layer to (R, N, N) float32: share of the layer's cells, 0 to 1, in which the signs of the changes of two
        pictures differ. NaN on the diagonal, where a picture lacks the part, and for pictures that are still to come.
    squares : ndarray
        (N, R, 2) int64: row and column of the upper left corner of each square in the model's input; -1 where the
        picture lacks the part.
    size : int
        Side of the squares, in input pixels.
    pool : int or None
        Side of the grid over which maps were averaged before the signs were taken.
    seen : ndarray
        (N, H, W, 3) uint8: the pictures as the network saw them, nothing hidden.
    count : int
        Pictures compared so far; less than N in a partial result.
    """

    layers: tuple[str, ...]
    places: tuple[str, ...]
    distances: Mapping[str, NDArray[np.float32]]
    squares: NDArray[np.int64]
    size: int
    pool: int | None
    seen: NDArray[np.uint8]
    count: int

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts, each once; ``"random"`` last."""
        return tuple(dict.fromkeys(self.places))

    @property
    def complete(self) -> bool:
        """Whether all pictures are compared."""
        return self.count == len(self.squares)

    @cached_property
    def delta(self) -> dict[str, dict[str, Delta]]:
        """Layer to part to the (mean, std) of Table 1, over all pairs of pictures that have the part."""
        return {layer: {part: self._delta(layer, part) for part in self.parts} for layer in self.layers}

    def of(self, layer: str, part: str) -> NDArray[np.float32]:
        """(places of the part, N, N): the distances of every two pictures.

        Raises
        ------
        UnknownNameError
            For a layer or a part that was not asked about.
        """
        if layer not in self.distances:
            raise unknown_name("layer", layer, self.layers)
        if part not in self.places:
            raise unknown_name("part", part, self.parts)
        return self.distances[layer][[place == part for place in self.places]]

    def pairs(self, layer: str, part: str) -> NDArray[np.float32]:
        """(places of the part, pairs): the distance of each pair of pictures that have it.

        Raises
        ------
        UnknownNameError
            For a layer or a part that was not asked about.
        """
        chosen = self.of(layer, part)
        first, second = np.triu_indices(chosen.shape[1], 1)
        found = chosen[:, first, second]
        return found[:, ~np.isnan(found).all(0)]

    def hidden(self, part: str) -> NDArray[np.uint8]:
        """(N, H, W, 3): the pictures with a part under a grey square, for Fig. 8; of random places the first.

        A picture that lacks the part is pale.

        Raises
        ------
        UnknownNameError
            For a part that was not asked about.
        """
        if part not in self.places:
            raise unknown_name("part", part, self.parts)
        shown = self.seen.copy()
        for picture, (row, column) in zip(shown, self.squares[:, self.places.index(part)].tolist(), strict=True):
            if row < 0:
                picture[:] = picture // 4 + _PALE
            else:
                picture[row : row + self.size, column : column + self.size] = _GREY
        return shown

    def interval(self, layer: str, part: str, level: float = 0.95) -> tuple[float, float]:
        """Interval of the mean over *pictures*: pairs that share a picture are not independent.

        Student's, with the standard error from leaving out each picture in turn (Arvesen 1969, "Jackknifing
        U-statistics"), within 0 and 1. It is no bootstrap: a handful of pictures drawn again and again vary less than
        other pictures would, so that its ends hold the mean far less often than its level says.

        Parameters
        ----------
        layer, part : str
        level : float
            Between 0 and 1.

        Returns
        -------
        (float, float)
            NaN with fewer than three pictures that have the part.

        Raises
        ------
        ParameterError, UnknownNameError
        """
        shares = self.of(layer, part)
        having = ~np.isnan(shares).all((0, 1))
        found = Estimate(*mean_over_pairs(shares[:, having][:, :, having].mean(0, dtype=float), level)).within(0.0, 1.0)
        return found.low, found.high

    def table(self) -> str:
        """Delta of every layer beside the paper's Table 1, as text.

        Examples
        --------
        >>> shares = [[[np.nan, 0.1], [0.1, np.nan]], [[np.nan, 0.2], [0.2, np.nan]]]
        >>> distances = {"conv5": np.array(shares, np.float32)}
        >>> squares, seen = np.zeros((2, 2, 2), np.int64), np.zeros((2, 8, 8, 3), np.uint8)
        >>> print(Correspondence(("conv5",), ("nose", "random"), distances, squares, 4, None, seen, 2).table())
        part    conv5           paper, layer 5  paper, layer 7
        nose    0.100 +- 0.000  0.079 +- 0.017  0.069 +- 0.011
        random  0.200 +- 0.000  0.107 +- 0.017  0.073 +- 0.014
        """
        rows = list(self._rows())
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
        return "\n".join(line.rstrip() for line in lines)

    def _rows(self) -> Iterator[tuple[str, ...]]:
        yield "part", *self.layers, "paper, layer 5", "paper, layer 7"
        delta = self.delta
        for part in self.parts:
            paper = map(str, PAPER[part]) if part in PAPER else ("-", "-")
            yield part, *(str(delta[layer][part]) for layer in self.layers), *paper

    def _delta(self, layer: str, part: str) -> Delta:
        found = self.pairs(layer, part).astype(float)
        return Delta(float(found.mean()), float(found.std())) if found.size else Delta(float("nan"), float("nan"))
