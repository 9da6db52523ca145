"""Table 1: do features of different faces change alike when the same part is hidden?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zfwidgets.figures.canvas import COLOURS, charts, drawn, stacked, table_picture
from zfwidgets.figures.common import some
from zfwidgets.figures.result import Claim, PaperFigure, Pixels, Table
from zfwidgets.methods.correspondence.result import PAPER

if TYPE_CHECKING:
    from zfwidgets.backend import Backend
    from zfwidgets.methods.correspondence import Correspondence
    from zfwidgets.network import Network

__all__ = ["compared", "table1"]

_UNSEEN_SEED = 3
_LEAST = 0.005
"""A step of the order that is smaller is not told apart: about what it differs by with other faces."""


def table1(backend: Backend, effort: float = 1.0, faces: int = 24) -> PaperFigure:
    """Delta of each part at a middle layer and at the last layers, beside the paper's.

    Parameters
    ----------
    backend : Backend
        Whose network.
    effort : float
        1 compares all faces, less a share of them.
    faces : int
        How many, at least two.
    """
    net = backend.network
    d = compared(net, some(faces, effort, 4), _UNSEEN_SEED)
    table = _table(d)
    return PaperFigure(
        "Table 1: correspondence",
        "Delta, the share of cells whose changes differ in sign between two dogs: at layer 5 right eye 0.067, left "
        "eye 0.069, nose 0.079, random 0.107; at layer 7 the four are alike, 0.069, 0.068, 0.069 and 0.073 (section "
        "4.3).",
        f"{net.name}, {len(d.seen)} frontal faces of the scenes world that it has never seen, aligned, ten random "
        "places in each. sign(0) is a symbol of its own. Bars: the mean over pairs, and 95 % of resamples of faces.",
        _claims(d),
        stacked(_picture(d), table_picture(table)),
        table,
    )


def compared(net: Network, count: int, seed: int) -> Correspondence:
    """Frontal faces, each part hidden, at a middle layer, at the last map and at the layer before the scores."""
    from zfwidgets.data import frontal_faces
    from zfwidgets.methods.correspondence import correspondence
    from zfwidgets.methods.correspondence.placing import default_layers, telling_layer

    faces = frontal_faces(count, seed=seed)
    layers = dict.fromkeys((telling_layer(net), *default_layers(net)))
    return correspondence(net, faces.images, faces.landmarks, layers=list(layers))


def _claims(d: Correspondence) -> tuple[Claim, ...]:
    means = {layer: {part: value.mean for part, value in d.delta[layer].items()} for layer in d.layers}
    last = d.layers[-1]
    claims = [_order(layer, means[layer]) for layer in d.layers[:-1]]
    spread = {layer: _spread(found) for layer, found in means.items()}
    first, most = d.layers[0], max(spread[layer] for layer in d.layers[:-1])
    claims.append(
        Claim(
            f"at {last} the four are alike: the lowest lies {spread[last]:.2f} below random places, as a share of "
            f"these; at {first} {spread[first]:.2f} (paper: {_spread(_paper(1)):.2f} at layer 7, "
            f"{_spread(_paper(0)):.2f} at layer 5)",
            spread[last] < most / 2,
        )
    )
    return tuple(claims)


def _order(layer: str, found: dict[str, float]) -> Claim:
    eyes = max(found["left eye"], found["right eye"])
    least = min(found["nose"] - eyes, found["random"] - found["nose"])
    close = abs(least) < _LEAST
    words = f"eyes {eyes:.3f}, nose {found['nose']:.3f}, random {found['random']:.3f}"
    return Claim(
        f"eyes correspond best, then the nose, random places least: at {layer} {words}"
        + (", too close to tell apart" if close else ""),
        None if close else least > 0,
    )


def _spread(found: dict[str, float]) -> float:
    """How far the lowest of the four that the paper has lies below random places, as a share of these."""
    return (found["random"] - min(found[part] for part in PAPER)) / found["random"]


def _paper(place: int) -> dict[str, float]:
    return {part: values[place].mean for part, values in PAPER.items()}


def _table(d: Correspondence) -> Table:
    rows = []
    for part in d.parts:
        theirs = PAPER.get(part)
        paper = ("-", "-") if theirs is None else tuple(str(value) for value in theirs)
        rows.append((part, *(str(d.delta[layer][part]) for layer in d.layers), *paper))
    return Table(("Delta", *d.layers, "paper, layer 5", "paper, layer 7"), tuple(rows))


def _picture(d: Correspondence) -> Pixels:
    figure, [axes] = charts(1, len(d.layers), height=0.42, sharey=True)
    for axis, layer in zip(axes, d.layers, strict=True):
        means = np.array([d.delta[layer][part].mean for part in d.parts])
        ends = np.array([d.interval(layer, part) for part in d.parts])
        axis.bar(d.parts, means, color=COLOURS[0])
        axis.errorbar(d.parts, means, yerr=abs(ends.T - means), fmt="none", ecolor="#222222", capsize=3)
        axis.set_title(layer)
        axis.tick_params(axis="x", rotation=40)
        axis.grid(axis="x", visible=False)
    axes[0].set_ylabel("Delta")
    return drawn(figure)
