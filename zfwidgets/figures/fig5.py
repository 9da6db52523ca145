"""Fig. 5: pictures moved, and how far their features go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zfwidgets.figures.canvas import COLOURS, charts, drawn
from zfwidgets.figures.common import UNSEEN_SEED, beyond, every, names_of, per_cent, some
from zfwidgets.figures.result import Claim, PaperFigure, Pixels
from zfwidgets.imaging import NEUTRAL
from zfwidgets.methods.intervals import mean_of

if TYPE_CHECKING:
    from zfwidgets.backend import Backend
    from zfwidgets.data import ImageSet
    from zfwidgets.methods import InvarianceCurves
    from zfwidgets.network import Network

__all__ = ["fig5", "invariance_claims", "moved"]

_UNITS = {"translate": "pixels down", "scale": "times as large", "rotate": "degrees"}
_SHOWN = ("scene-7/00011", "scene-7/00000", "scene-7/00002", "scene-7/00005", "scene-7/00009")
_STRAIGHT = 0.9
"""Squared correlation of distance and amount from which on a curve counts as nearly straight."""
_STABLE = 0.8
"""Share of its probability that a class must keep over the whole range, for the answer to be stable."""
_SYMMETRIC = "clock"
"""A class of scenes whose things look the same at every quarter."""


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
    unseen = scenes(some(16, effort, 4), seed=UNSEEN_SEED)
    labels = names_of(unseen)
    measured = moved(net, unseen, labels if set(labels) <= set(net.classes) else None)
    keys = [key for key in _SHOWN if backend.has_image(key)] or list(backend.images[:5])
    shown = {kind: invariance_curves(net, [backend.picture(key) for key in keys], kind) for kind in _UNITS}
    return PaperFigure(
        "Fig. 5: invariance to shifts, enlargement and rotation",
        "At layer 1 small moves change the features at once; at layer 7 they change slowly, nearly in proportion to "
        "shift and scale. The answer is stable under both, and not under rotation but for objects with a symmetry "
        "(section 4, five pictures; curves without numbers).",
        f"{net.name}, five pictures as in the paper (a clock among them); the numbers are means over {len(unseen)} "
        "scenes that it has never seen.",
        (*invariance_claims(measured), _symmetry_claim(net, effort)),
        _picture(shown, [backend.label(key) or key for key in keys]),
    )


def moved(net: Network, pictures: ImageSet, targets: Sequence[str] | None) -> dict[str, InvarianceCurves]:
    """Curves of all three transforms, with the layers of the paper."""
    from zfwidgets.methods import invariance_curves

    images = [pictures[key] for key in pictures]
    return {kind: invariance_curves(net, images, kind, targets=targets) for kind in _UNITS}


def invariance_claims(measured: Mapping[str, InvarianceCurves]) -> tuple[Claim, ...]:
    """Of the curves of one network under each transform."""
    shallow, deep = measured["rotate"].layers[0], measured["rotate"].layers[-1]
    half = {kind: (_half_way(curves, shallow), _half_way(curves, deep)) for kind, curves in measured.items()}
    line = {
        kind: (_straight(measured[kind], shallow), _straight(measured[kind], deep)) for kind in ("translate", "scale")
    }
    ways = "; ".join(f"{kind} {_told(one)} and {_told(two)} {_UNITS[kind]}" for kind, (one, two) in half.items())
    pictures = len(measured["rotate"].targets)
    return (
        Claim(
            "layer 1 goes sooner than layer 7 under each transform",
            f"half-way at {ways}, for {shallow} and {deep}; {pictures} pictures",
            all(one < two for one, two in half.values()),
            note="Half-way: the move at which the mean distance is half of its largest.",
        ),
        Claim(
            "layer 7 goes nearly in proportion to shift and enlargement, layer 1 does not",
            f"{deep} {line['translate'][1]:.2f} and {line['scale'][1]:.2f}, {shallow} {line['translate'][0]:.2f} and "
            f"{line['scale'][0]:.2f}",
            all(two > _STRAIGHT > one for one, two in line.values()),
            note=f"Squared correlation of mean distance and amount; above {_STRAIGHT:g} is nearly straight.",
        ),
        *_answer_claims(measured),
    )


def _answer_claims(measured: Mapping[str, InvarianceCurves]) -> tuple[Claim, ...]:
    """What becomes of the class, as a share of its probability for the picture itself."""
    area, stable, words = {}, {}, {}
    for kind, curves in measured.items():
        itself = curves.probability[:, np.abs(curves.amounts - NEUTRAL[kind]).argmin()]
        area[kind] = curves.area()
        more = mean_of(area[kind] - _STABLE * itself).within(-_STABLE, 1.0)
        stable[kind] = beyond(more, 0.0)
        words[kind] = (
            f"{area[kind].mean():.2f} of {itself.mean():.2f}, {per_cent(area[kind].mean() / itself.mean())}; above "
            f"{per_cent(_STABLE, 0)} of it by {more}"
        )
    note = (
        f"Mean probability of the class over the range, and for the picture itself; {per_cent(_STABLE, 0)} is stable. "
        "No verdict where the interval over pictures has both."
    )
    unstable = None if stable["rotate"] is None else not stable["rotate"]
    lost = [mean_of(area[kind] - area["rotate"]).within(-1.0, 1.0) for kind in ("translate", "scale")]
    return (
        Claim("the answer is stable under shifts", words["translate"], stable["translate"], note=note),
        Claim("the answer is stable under enlargement", words["scale"], stable["scale"]),
        Claim("the answer is not stable under rotation", words["rotate"], unstable),
        Claim(
            "rotation costs more than shifts and enlargement",
            f"{area['rotate'].mean():.2f} against {area['translate'].mean():.2f} and {area['scale'].mean():.2f}; more "
            f"by {lost[0]} and {lost[1]}",
            every(beyond(one, 0.0) for one in lost),
        ),
    )


def _mean_curve(curves: InvarianceCurves, layer: str) -> tuple[Any, Any]:
    """Mean distance over pictures by how far they are from where they were, whichever way; 1 is the largest."""
    away = np.abs(curves.amounts - NEUTRAL[curves.transform])
    if curves.transform == "rotate":
        away = np.minimum(away, 360 - away)
    steps = np.unique(away)
    mean = curves.distances[layer].mean(0)
    return steps, np.array([mean[away == step].mean() for step in steps]) / (mean.max() or 1)


def _half_way(curves: InvarianceCurves, layer: str) -> float:
    """Infinite where it is never reached, because nothing changes."""
    steps, heights = _mean_curve(curves, layer)
    return float(min(steps[heights >= 0.5], default=np.inf))


def _told(step: float) -> str:
    return "not reached" if np.isinf(step) else f"{step:.3g}"


def _straight(curves: InvarianceCurves, layer: str) -> float:
    steps, heights = _mean_curve(curves, layer)
    return float(np.corrcoef(steps, heights)[0, 1] ** 2) if heights.any() else 0.0


def _symmetry_claim(net: Network, effort: float) -> Claim:
    """An object with a symmetry comes back at every quarter; others do not."""
    from zfwidgets.data import scenes
    from zfwidgets.methods import invariance_curves, shallow_and_deep

    unseen = scenes(some(128, effort, 32), seed=UNSEEN_SEED)
    clocks = [key for key in unseen if unseen.label(key) == _SYMMETRIC]
    others = [key for key in unseen.keys()[:16] if unseen.label(key) != _SYMMETRIC]
    layer, back = shallow_and_deep(net)[-1], []
    for keys in (clocks, others):
        curves = invariance_curves(net, [unseen[key] for key in keys], "rotate", np.arange(45, 360, 45), [layer])
        distances = curves.distances[layer]
        back.append(mean_of(distances[:, 1::2].mean(1) / distances[:, ::2].mean(1)))
    return Claim(
        "an object with a rotational symmetry is known again where it comes back onto itself",
        f"{_SYMMETRIC}s {back[0]}, others {back[1]}; {len(clocks)} and {len(others)} scenes",
        beyond(back[1], back[0]),
        note=f"Distance of {layer} at 90, 180 and 270 degrees, as a share of that at 45, 135, 225 and 315.",
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
