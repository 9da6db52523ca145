"""Fig. 5: pictures moved, and how far their features go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zfwidgets.figures.canvas import COLOURS, charts, drawn
from zfwidgets.figures.common import names_of, some
from zfwidgets.figures.result import Claim, PaperFigure, Pixels

if TYPE_CHECKING:
    from zfwidgets.backend import Backend
    from zfwidgets.methods import InvarianceCurves

__all__ = ["fig5"]

_UNITS = {"translate": "pixels down", "scale": "times as large", "rotate": "degrees"}
_SHOWN = ("scene-7/00011", "scene-7/00000", "scene-7/00002", "scene-7/00005", "scene-7/00009")
_STRAIGHT = 0.9
"""Squared correlation of distance and amount from which on a curve counts as nearly straight."""


def fig5(backend: Backend, effort: float = 1.0) -> PaperFigure:
    """Curves of the backend's pictures under three transforms, and what they say on scenes that were never seen.

    Parameters
    ----------
    backend : Backend
        Whose network; the pictures drawn are its own.
    effort : float
        1 measures 16 scenes, one of each class; less a share of them.
    """
    from zfwidgets.data import scenes
    from zfwidgets.methods import invariance_curves

    net = backend.network
    unseen = scenes(some(16, effort, 4), seed=3)
    labels = names_of(unseen)
    targets = labels if set(labels) <= set(net.classes) else None
    pictures = [unseen[key] for key in unseen]
    measured = {kind: invariance_curves(net, pictures, kind, targets=targets) for kind in _UNITS}
    keys = [key for key in _SHOWN if backend.has_image(key)] or list(backend.images[:5])
    shown = {kind: invariance_curves(net, [backend.picture(key) for key in keys], kind) for kind in _UNITS}
    return PaperFigure(
        "Fig. 5: invariance to shifts, enlargement and rotation",
        "At layer 1 small moves change the features at once; at layer 7 they change slowly, nearly in proportion to "
        "shift and scale. The answer is stable under both, and not under rotation but for objects with a symmetry "
        "(section 4, five pictures; curves without numbers).",
        f"{net.name}, five pictures as in the paper (a clock among them); the numbers are means over {len(pictures)} "
        "scenes that it has never seen. Half-way: the move at which half of the largest mean distance is reached.",
        _claims(measured, shown["rotate"], backend, keys),
        _picture(shown, [backend.label(key) or key for key in keys]),
    )


def _mean_curve(curves: InvarianceCurves, layer: str) -> tuple[Any, Any]:
    """Mean distance over pictures by how far they are from where they were, whichever way."""
    away = np.abs(curves.amounts - (1 if curves.transform == "scale" else 0))
    if curves.transform == "rotate":
        away = np.minimum(away, 360 - away)
    steps = np.unique(away)
    mean = curves.distances[layer].mean(0)
    return steps, np.array([mean[away == step].mean() for step in steps]) / mean.max()


def _half_way(curves: InvarianceCurves, layer: str) -> float:
    steps, heights = _mean_curve(curves, layer)
    return float(steps[np.argmax(heights >= 0.5)])


def _straight(curves: InvarianceCurves, layer: str) -> float:
    steps, heights = _mean_curve(curves, layer)
    return float(np.corrcoef(steps, heights)[0, 1] ** 2)


def _claims(
    measured: dict[str, InvarianceCurves], turned: InvarianceCurves, backend: Backend, keys: list[str]
) -> tuple[Claim, ...]:
    shallow, deep = turned.layers[0], turned.layers[-1]
    half = {kind: (_half_way(curves, shallow), _half_way(curves, deep)) for kind, curves in measured.items()}
    line = {
        kind: (_straight(measured[kind], shallow), _straight(measured[kind], deep)) for kind in ("translate", "scale")
    }
    stable = {kind: float(curves.area().mean()) for kind, curves in measured.items()}
    ways = "; ".join(f"{kind} {one:.3g} and {two:.3g} {_UNITS[kind]}" for kind, (one, two) in half.items())
    claims = [
        Claim(
            f"{shallow} leaves sooner than {deep}: half-way at {ways}",
            all(one < two for one, two in half.values()),
        ),
        Claim(
            f"{deep} is nearly straight under shifts and enlargement ({line['translate'][1]:.2f}, "
            f"{line['scale'][1]:.2f}), {shallow} is not ({line['translate'][0]:.2f}, {line['scale'][0]:.2f})",
            all(two > _STRAIGHT > one for one, two in line.values()),
        ),
        Claim(
            f"the answer bears shifts ({stable['translate']:.2f}) and enlargement ({stable['scale']:.2f}) better than "
            f"turns ({stable['rotate']:.2f}): mean probability of the true class",
            stable["rotate"] < min(stable["translate"], stable["scale"]),
        ),
    ]
    clocks = [place for place, key in enumerate(keys) if backend.label(key) == "clock"]
    if clocks:
        claims.append(_dial(turned, deep, clocks[0]))
    return tuple(claims)


def _dial(turned: InvarianceCurves, deep: str, clock: int) -> Claim:
    """An object with a symmetry comes back at every quarter."""
    quarters, between = np.isin(turned.amounts, (90, 180, 270)), np.isin(turned.amounts, (45, 135, 225, 315))
    relative = turned.relative[deep]
    back = relative[:, quarters].mean(1) / relative[:, between].mean(1)
    others = float(np.delete(back, clock).mean())
    return Claim(
        f"a dial comes back at each quarter: its distance there is {back[clock]:.2f} of that in between, of others "
        f"{others:.2f}",
        bool(back[clock] < 0.6 < others),
    )


def _picture(shown: dict[str, InvarianceCurves], names: list[str]) -> Pixels:
    first = next(iter(shown.values()))
    panels = [*((f"distance, {layer}", layer) for layer in first.layers), ("probability", None)]
    figure, rows = charts(len(shown), len(panels), height=1.0)
    for axes, (kind, curves) in zip(rows, shown.items(), strict=True):
        for axis, (title, layer) in zip(axes, panels, strict=True):
            heights = curves.probability if layer is None else curves.distances[layer]
            for line, name, colour in zip(heights, names, COLOURS, strict=False):
                axis.plot(curves.amounts, line, label=name, color=colour, linewidth=1.2)
            axis.set(title=title, xlabel=_UNITS[kind])
            axis.set_ylim(0, None if layer else 1.02)
            axis.tick_params(labelsize=7)
    lines, words = rows[0][0].get_legend_handles_labels()
    figure.legend(lines, words, loc="outside lower center", ncols=len(names), frameon=False, fontsize=8)
    return drawn(figure)
