"""Table 1: do features of different faces change alike when the same part is hidden?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zfwidgets.figures.canvas import COLOURS, charts, drawn, stacked, table_picture
from zfwidgets.figures.common import UNSEEN_SEED, beyond, every, some
from zfwidgets.figures.result import Claim, PaperFigure, Pixels, Table
from zfwidgets.methods.correspondence.result import PAPER, RANDOM

if TYPE_CHECKING:
    from zfwidgets.backend import Backend
    from zfwidgets.methods.correspondence import Correspondence
    from zfwidgets.network import Network

__all__ = ["compared", "correspondence_claims", "order_claim", "table1"]

_POOL = 2
_WHY = (
    "A face is one class of 16 and known by its eyes, where the paper has kinds of dogs: hidden eyes still change the "
    "answer alike."
)


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
    d = compared(net, some(faces, effort, 4), UNSEEN_SEED)
    coarse = compared(net, len(d.seen), UNSEEN_SEED, pool=_POOL)
    table = _table(d)
    return PaperFigure(
        "Table 1: correspondence",
        "Delta, the share of cells whose changes differ in sign between two dogs: at layer 5 right eye 0.067, left "
        "eye 0.069, nose 0.079, random 0.107; at layer 7 the four are alike, 0.069, 0.068, 0.069 and 0.073 (section "
        "4.3).",
        f"{net.name}, {len(d.seen)} frontal faces of the scenes world that it has never seen, aligned, ten random "
        "places in each. sign(0) is a symbol of its own. Bars: the mean over pairs, and 95 % by Student, leaving out "
        "each face in turn.",
        (
            *correspondence_claims(d, _WHY),
            order_claim("at the last map, averaged over 2 x 2 places", coarse, d.layers[-2]),
        ),
        stacked(_picture(d), table_picture(table)),
        table,
    )


def compared(net: Network, count: int, seed: int, pool: int | None = None) -> Correspondence:
    """Frontal faces, each part hidden, at a middle layer, at the last map and at the layer before the scores."""
    from zfwidgets.data import frontal_faces
    from zfwidgets.methods.correspondence import correspondence
    from zfwidgets.methods.correspondence.placing import default_layers, telling_layer

    faces = frontal_faces(count, seed=seed)
    layers = dict.fromkeys((telling_layer(net), *default_layers(net)) if pool is None else default_layers(net)[:1])
    return correspondence(net, faces.images, faces.landmarks, layers=list(layers), pool=pool)


def correspondence_claims(d: Correspondence, why: str) -> tuple[Claim, ...]:
    """Of a middle layer, the last map where it was asked, and the layer before the scores; what to know of that."""
    means = {layer: {part: value.mean for part, value in d.delta[layer].items()} for layer in d.layers}
    first, last = d.layers[0], d.layers[-1]
    places = ("at a middle layer", "at the last map")
    orders = [order_claim(place, d, layer) for place, layer in zip(places, d.layers[:-1], strict=False)]
    spread = {layer: _spread(means[layer]) for layer in (first, last)}
    alike = Claim(
        "at layer 7 the four are alike",
        f"highest and lowest are {spread[last]:.2f} apart at {last}, {spread[first]:.2f} at {first}",
        spread[last] < spread[first] / 2,
        f"{_spread(_paper(1)):.2f} and {_spread(_paper(0)):.2f}",
        f"As a share of random places; less than half as at {first} is alike. {why}",
    )
    return (*orders, alike)


def order_claim(place: str, d: Correspondence, layer: str) -> Claim:
    """Each step of the order, over the same pictures: the nose after each eye, random places after the nose."""
    from zfwidgets.methods.correspondence import part_difference

    steps = {
        pair: part_difference(d, layer, pair)
        for pair in (("left eye", "nose"), ("right eye", "nose"), ("nose", RANDOM))
    }
    words = ", ".join(f"{part} {d.delta[layer][part].mean:.3f}" for part in PAPER)
    apart = ", ".join(
        f"{two} minus {one} {step.value:+.3f} ({step.low:+.3f} to {step.high:+.3f})"
        for (one, two), step in steps.items()
    )
    return Claim(
        f"eyes correspond best, then the nose, random places least, {place}",
        f"{layer}: {words}; {apart}; {len(d.seen)} faces",
        every(beyond(step, 0.0) for step in steps.values()),
        ", ".join(f"{value:.3f}" for value in _paper(0).values()),
    )


def _spread(found: dict[str, float]) -> float:
    """How far the four that the paper has lie apart, as a share of random places."""
    four = [found[part] for part in PAPER]
    return (max(four) - min(four)) / found["random"]


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
