"""What the rule lab returns; needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zfwidgets.errors import unknown_name
from zfwidgets.methods.projection import Projection
from zfwidgets.methods.rules.ways import FAITHFUL

__all__ = ["MEASURES", "RuleComparison", "WeightRandomisation"]

MEASURES = {
    "rank": "rank correlation",
    "magnitude": "rank correlation of magnitudes",
    "cosine": "cosine",
}
"""How the likeness of two pictures is measured, with the name that a person reads."""


@dataclass(frozen=True, eq=False, repr=False)  # arrays have no single equality, and say too much
class RuleComparison:
    """One unit by different ways, each compared with the faithful one.

    Attributes
    ----------
    projections : mapping
        Name of a way (`WAYS`) to `Projection`, the faithful one first; all of one box.
    cosine, rank, error : mapping
        Name of a way to its cosine and rank correlation with the faithful picture, and to the length of the difference
        in lengths of the faithful picture; NaN where a way leaves nothing.
    """

    projections: Mapping[str, Projection]
    cosine: Mapping[str, float]
    rank: Mapping[str, float]
    error: Mapping[str, float]

    def __repr__(self) -> str:
        return f"RuleComparison({_unit(self.faithful)}: {', '.join(self.projections)})"

    @property
    def faithful(self) -> Projection:
        """The paper's own way."""
        return self.projections[FAITHFUL]

    def difference(self, way: str) -> NDArray[np.float32]:
        """(3, h, w): a way's pixels minus the faithful ones."""
        if way not in self.projections:
            raise unknown_name("way", way, self.projections)
        return self.projections[way].pixels - self.faithful.pixels


@dataclass(frozen=True, eq=False, repr=False)
class WeightRandomisation:
    """A unit's picture while the layers below it lose their weights, from its own layer down to the pixels.

    Attributes
    ----------
    layers : tuple of str
        S layers from the top down; at stage s the weights of the first s + 1 are random.
    original : mapping
        Rule to the `Projection` with the trained weights.
    projections : mapping
        Rule to the projections of the stages that are done; the same activation is sent down at every stage.
    rank, magnitude, cosine : mapping
        Rule to (S,) float32, how like each stage's picture is to the original one: Spearman's rank correlation of the
        values and of their magnitudes, and the cosine. NaN where a stage is not done yet, or where nothing comes down
        because relus cut every signal off.
    others : mapping
        Measure (`MEASURES`) and rule to the mean likeness of other maps' units at the same place, with the trained
        weights: how alike two pictures are that have the place and nothing else in common. NaN where there is none.
    seed : int
        Of the random weights.
    """

    layers: tuple[str, ...]
    original: Mapping[str, Projection]
    projections: Mapping[str, tuple[Projection, ...]]
    rank: Mapping[str, NDArray[np.float32]]
    magnitude: Mapping[str, NDArray[np.float32]]
    cosine: Mapping[str, NDArray[np.float32]]
    others: Mapping[str, Mapping[str, float]]
    seed: int

    def __repr__(self) -> str:
        unit, stages = next(iter(self.original.values())), f"{self.done} of {len(self.layers)} layers random"
        return f"WeightRandomisation({_unit(unit)}, {stages}, seed {self.seed}: {', '.join(self.original)})"

    @property
    def done(self) -> int:
        """Stages that are done."""
        return min(len(some) for some in self.projections.values())

    @property
    def complete(self) -> bool:
        """Whether all are."""
        return self.done == len(self.layers)

    def similarity(self, rule: str, measure: str = "rank") -> NDArray[np.float32]:
        """(S,): one of `MEASURES` for one rule, stage by stage."""
        if measure not in MEASURES:
            raise unknown_name("measure", measure, MEASURES)
        by_rule: Mapping[str, NDArray[np.float32]] = getattr(self, measure)
        if rule not in by_rule:
            raise unknown_name("rule of this check", rule, by_rule)
        return by_rule[rule]


def _unit(projection: Projection) -> str:
    row, column = projection.position
    return f"{projection.layer} #{projection.channel} at ({row}, {column})"
