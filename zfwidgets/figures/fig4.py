"""Fig. 4: how features evolve while a network learns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zfwidgets.errors import ParameterError
from zfwidgets.figures.canvas import stacked, table_picture
from zfwidgets.figures.common import climbs, ladder, rises, some
from zfwidgets.figures.result import Claim, PaperFigure, Table
from zfwidgets.imaging import as_image
from zfwidgets.methods.intervals import UNKNOWN, Estimate, share_of

if TYPE_CHECKING:
    from zfwidgets.backend import Backend
    from zfwidgets.methods.evolution.result import FeatureEvolution, LayerEvolution

__all__ = ["evolution_claims", "fig4"]

_FEW, _LATE = 10, 40
"""The paper: lower layers need a few epochs, upper ones 40 to 50."""


def fig4(backend: Backend, effort: float = 1.0) -> PaperFigure:
    """The strongest activation of some maps at each checkpoint, and when each layer settles, of both series that ship.

    Parameters
    ----------
    backend : Backend
        Of a network whose series ships: the picture is of it.
    effort : float
        1 draws three maps of each layer, less a share of them.

    Raises
    ------
    ParameterError
        If no evolution ships for the network.
    """
    from zfwidgets.methods.evolution.embedded import EMBEDDED, embedded_evolution
    from zfwidgets.models import CheckpointSeries
    from zfwidgets.widgets import EvolutionViewer

    name = backend.network.name
    series = {one: embedded_evolution(CheckpointSeries.embedded(one)) for one in EMBEDDED}
    known = {one: found for one, found in series.items() if found is not None}
    if name not in known:
        raise ParameterError(f"No evolution ships for {name}: those of {' and '.join(known)} can be drawn.")
    viewer = EvolutionViewer(backend)
    try:
        viewer.wait()
        sheet = np.asarray(as_image(viewer.as_png(rows=some(3, effort, 1))))
    finally:
        viewer.close()
    table = _table(known)
    return PaperFigure(
        "Fig. 4: evolution of features",
        "Lower layers converge within a few epochs, upper ones need 40 to 50; sudden jumps are a change of the "
        "training picture from which the strongest activation comes (section 4).",
        f"{name} at its checkpoints: maps below each other, epochs from left to right, contrast enhanced; a white "
        "corner: the strongest activation has just jumped to another picture. By filters a layer has settled when the "
        "mean cosine to their final form stays above 0.9.",
        evolution_claims(known[name]),
        stacked(sheet, table_picture(table)),
        table,
    )


def evolution_claims(evolution: FeatureEvolution) -> tuple[Claim, ...]:
    """Of one network's series: when its filters settle, and its exemplars."""
    from zfwidgets.methods.evolution.embedded import pictures_in_words

    names = list(evolution.layers)
    number = [np.inf if epoch is None else epoch for epoch in evolution.settled.values()]
    final = [_final(layer) for layer in list(evolution.layers.values())[::-1]]
    words = ", ".join("never" if np.isinf(epoch) else str(epoch) for epoch in number)
    last, before = evolution.epochs[-1], evolution.epochs[-2]
    tied = number == sorted(number) and not rises(number)
    return (
        Claim(
            "the lower the layer, the earlier its filters settle",
            f"{names[0]} to {names[-1]} at epochs {words} of {last}{', which does not tell all apart' if tied else ''}",
            None if tied else rises(number),
        ),
        Claim(
            "the lowest layer settles within a few epochs",
            f"at epoch {words.partition(',')[0]}",
            bool(number[0] <= _FEW),
            "a few epochs",
        ),
        Claim(
            "the upper layers need at least 40 epochs",
            f"{names[-1]} settles at {number[-1]:g}",
            bool(number[-1] >= _LATE),
            "40 to 50 epochs",
        ),
        Claim(
            "the lower the layer, the more of its maps have their final picture before the end",
            f"{ladder([share.value for share in final])} of the maps of {names[-1]} to {names[0]} at epoch {before}, "
            f"{names[-1]} {final[0]}, {names[0]} {final[-1]}",
            climbs(final),
            note=f"Pictures: {pictures_in_words(evolution.name)}.",
        ),
    )


def _final(layer: LayerEvolution) -> Estimate:
    """Share of the maps alive at the end that have their final picture one checkpoint before."""
    alive = int((layer.values[-1] > 0).sum())
    return share_of(np.arange(alive) < round(layer.final[-2] * alive)) if alive else UNKNOWN


def _table(known: dict[str, FeatureEvolution]) -> Table:
    epochs = sorted({epoch for evolution in known.values() for epoch in evolution.epochs})
    rows = []
    for evolution in known.values():
        for layer, found in evolution.layers.items():
            share = dict(zip(evolution.epochs, found.similarity, strict=True))
            cells = (f"{share[epoch]:.2f}" if epoch in share else "-" for epoch in epochs)
            settled = evolution.settled[layer]
            rows.append((f"{evolution.name} {layer}", *cells, "-" if settled is None else str(settled)))
    return Table(("similarity at epoch", *map(str, epochs), "settled"), tuple(rows))
