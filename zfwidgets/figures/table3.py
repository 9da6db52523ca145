"""Table 3: layers taken away and widths changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from zfwidgets.figures.canvas import COLOURS, GREY, charts, drawn, legend, stacked, table_picture
from zfwidgets.figures.result import Claim, PaperFigure, Pixels, Table

if TYPE_CHECKING:
    from zfwidgets.backend import Backend
    from zfwidgets.training.studies import AblationTable, Comparison

__all__ = ["table3"]

_COLUMNS = ("training error", "validation error")
_VERDICTS = {"same direction": True, "opposite": False, "not told apart": None}
_WHY = (
    "All errors, those of the best five too. After so few steps the whole network still gets many of its own training "
    "scenes wrong: it has learnt too little, not too much, and what is shallower learns sooner. The paper trained for "
    "70 epochs on 1.28 million pictures."
)


def table3(backend: Backend, effort: float = 1.0, study: AblationTable | None = None) -> PaperFigure:
    """The stored results of 21 small networks on scenes, and their directions beside the paper's.

    Parameters
    ----------
    backend : Backend
        Not asked: ``zfwidgets study table3`` trains the networks again.
    effort : float
        There is nothing to save: the results are stored.
    study : AblationTable, optional
        Other results than those that ship.
    """
    from zfwidgets.training.studies import AblationTable

    study = AblationTable.open() if study is None else study
    every = study.comparisons()
    rows = [row for row in every if row.column in _COLUMNS]
    table = _table(study)
    return PaperFigure(
        "Table 3: architecture changes",
        "Taking away layers 3 and 4, or 6 and 7, costs little (validation error 40.5 to 45.4 and 44.8 %), all four a "
        "lot (71.3 %): depth matters. Wider layers 6 and 7 overfit; wider layers 3 to 5 help (38.4 to 37.5 %; section "
        "4.3).",
        f"{len(study.variants)} variants of a small network, {len(study.recipe['seeds'])} seeds each, "
        f"{study.recipe['epochs']} epochs on scenes of 64 pixels: errors cannot be compared, directions can. A "
        "direction counts where all seeds have it; otherwise it is not told apart from chance.",
        (*map(_claim, rows), _all_in_all(every)),
        stacked(_picture(rows), table_picture(table)),
        table,
    )


def _claim(row: Comparison) -> Claim:
    way = "rises" if row.paper > 0 else "falls"
    return Claim(
        f"{row.variant}: the {row.column} {way}",
        f"{row.difference:+.1f} +- {row.uncertainty:.1f} points, {row.verdict}",
        _VERDICTS[row.verdict],
        f"{row.paper:+.1f}",
    )


def _all_in_all(rows: Sequence[Comparison]) -> Claim:
    same, opposite, unclear = (sum(row.verdict == verdict for row in rows) for verdict in _VERDICTS)
    return Claim(
        "all in all, every direction of the table: the depth of the whole matters more than any one section",
        f"of {len(rows)} directions {same} are the paper's, {opposite} opposite, {unclear} not told apart",
        same == len(rows),
        note=_WHY,
    )


def _table(study: AblationTable) -> Table:
    head = ("errors in per cent", "training", "validation", "validation, best 5")
    rows = []
    for variant in study.variants:
        numbers = zip(study.mean(variant), study.spread(variant), strict=True)
        rows.append((variant, *(f"{mean:.1f} +- {spread:.1f}" for mean, spread in numbers)))
    return Table(head, tuple(rows))


def _picture(rows: list[Comparison]) -> Pixels:
    figure, [axes] = charts(1, len(_COLUMNS), height=0.5, sharey=True)
    for axis, column in zip(axes, _COLUMNS, strict=True):
        shown = [row for row in rows if row.column == column]
        places = np.arange(len(shown))
        ours, theirs = [row.difference for row in shown], [row.paper for row in shown]
        spread = [row.uncertainty for row in shown]
        axis.barh(places - 0.2, ours, 0.38, xerr=spread, label="here, scenes", color=COLOURS[0], ecolor="#444444")
        axis.barh(places + 0.2, theirs, 0.38, label="paper, ImageNet", color=COLOURS[1])
        axis.set_yticks(places, [row.variant for row in shown])
        axis.axvline(0, color=GREY, linewidth=1)
        axis.grid(axis="y", visible=False)
        axis.set(title=f"change of the {column}", xlabel="per cent")
    axes[0].invert_yaxis()  # both share it
    legend(axes[-1], below=0.25)
    return drawn(figure)
