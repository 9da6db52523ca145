"""Results of the study of Table 3, and how their directions compare with the paper's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import DataError
from .common import RESULTS, read_results

__all__ = ["COLUMNS", "KIND", "PAPER", "AblationTable", "Comparison", "Run"]

KIND = "table3"
COLUMNS = ("training error", "validation error", "validation error, best 5")

_KRIZHEVSKY, _FIG3 = (35.1, 40.5, 18.1), (33.1, 38.4, 16.5)
PAPER: dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "without 3, 4": ((41.8, 45.4, 22.1), _KRIZHEVSKY),
    "without 6, 7": ((27.4, 44.8, 22.4), _KRIZHEVSKY),
    "without 3, 4, 6, 7": ((71.1, 71.3, 50.1), _KRIZHEVSKY),
    "6, 7 half as wide": ((38.2, 40.2, 17.6), _FIG3),
    "6, 7 twice as wide": ((22.0, 38.8, 17.0), _FIG3),
    "3, 4, 5 wider": ((18.8, 37.5, 16.0), _FIG3),
}
"""Table 3, ImageNet-2012, per cent: the variant, and the whole network that it was made from."""


class Run(NamedTuple):
    """One network: which, and the shares of pictures that it gets wrong; its number of weights."""

    variant: str
    seed: int
    training_error: float
    validation_error: float
    validation_error_5: float
    parameters: int


class Comparison(NamedTuple):
    """One difference to the whole network, in per cent: here (mean and standard error), in the paper, and together."""

    variant: str
    column: str
    difference: float
    uncertainty: float
    paper: float
    verdict: str


@dataclass(frozen=True)
class AblationTable:
    """Errors of every variant with every seed.

    Attributes
    ----------
    recipe : dict
        How they were trained.
    runs : tuple of Run
        In the order of seeds and variants; fewer than planned where the study was interrupted.

    Examples
    --------
    >>> table = AblationTable.open()
    >>> table.mean("whole").shape, table.variants[:2]
    ((3,), ('whole', 'without 3, 4'))
    """

    recipe: dict[str, Any]
    runs: tuple[Run, ...]

    @classmethod
    def open(cls, path: str | Path | None = None) -> AblationTable:
        """Stored results; without a path those that ship with the package.

        Raises
        ------
        DataError
            If the file is missing, damaged or of another kind.
        """
        path = RESULTS / "table3.json" if path is None else Path(path)
        content = read_results(path, KIND)
        try:
            return cls(content["recipe"], tuple(Run(**run) for run in content["runs"]))
        except (KeyError, TypeError) as cause:
            raise DataError(f"{path} is damaged ({cause}); delete it and run the study again.") from cause

    @property
    def variants(self) -> tuple[str, ...]:
        """In the order of the table."""
        return tuple(dict.fromkeys(run.variant for run in self.runs))

    def errors(self, variant: str) -> NDArray[np.float64]:
        """(S, 3) errors of `COLUMNS` in per cent, a row for each seed."""
        runs = [run for run in self.runs if run.variant == variant]
        return 100 * np.array([[run.training_error, run.validation_error, run.validation_error_5] for run in runs])

    def mean(self, variant: str) -> NDArray[np.float64]:
        """(3,) over the seeds, in per cent."""
        return np.asarray(self.errors(variant).mean(0), np.float64)

    def spread(self, variant: str) -> NDArray[np.float64]:
        """(3,) standard deviation over the seeds, in per cent; NaN for a single one."""
        errors = self.errors(variant)
        return np.asarray(errors.std(0, ddof=1), np.float64) if len(errors) > 1 else np.full(3, np.nan)

    def comparisons(self) -> tuple[Comparison, ...]:
        """Each variant against the whole network, seed by seed, beside the paper's difference.

        The verdict is ``"same direction"`` or ``"opposite"`` where all seeds, at least two, differ in this way, else
        ``"not told apart"``.
        """
        whole = self.errors("whole")
        found = []
        for variant in self.variants:
            if variant not in PAPER:
                continue
            seeds = min(len(whole), len(errors := self.errors(variant)))
            differences = errors[:seeds] - whole[:seeds]
            mean = differences.mean(0)
            error = differences.std(0, ddof=1) / np.sqrt(seeds) if seeds > 1 else np.full(3, np.nan)
            paper = np.subtract(*PAPER[variant])
            for place, column in enumerate(COLUMNS):
                agreeing = differences[:, place] * paper[place]
                alike = "same direction" if (agreeing > 0).all() else "opposite" if (agreeing < 0).all() else None
                verdict = alike if alike is not None and seeds > 1 else "not told apart"
                numbers = (float(mean[place]), float(error[place]), float(paper[place]))
                found.append(Comparison(variant, column, *numbers, verdict))
        return tuple(found)

    def __str__(self) -> str:
        """The table as text: mean and spread over the seeds, in per cent."""
        lines = [f"{'':20}  {'weights':>8}  {'training':>14}  {'validation':>14}  {'best 5':>14}"]
        for variant in self.variants:
            size = next(run.parameters for run in self.runs if run.variant == variant)
            numbers = zip(self.mean(variant), self.spread(variant), strict=True)
            cells = "  ".join(f"{mean:6.1f} +- {spread:4.1f}" for mean, spread in numbers)
            lines.append(f"{variant:20}  {size:8,}  {cells}")
        return "\n".join(lines)
