"""Fig. 9: how many training pictures of each class a classifier needs on features that are there already."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from zfwidgets.figures.canvas import COLOURS, GREY, charts, drawn, legend
from zfwidgets.figures.common import beyond, every, ladder, listed, some, spanned
from zfwidgets.figures.result import Claim, PaperFigure, Pixels

if TYPE_CHECKING:
    from zfwidgets.backend import Backend
    from zfwidgets.data import ImageSet
    from zfwidgets.methods.probing import Probe

__all__ = ["PAPER", "few_claims", "fig9"]

PAPER: dict[str, dict[int, float]] = {
    "pretrained": {15: 65.7, 30: 70.6, 45: 72.7, 60: 74.2},
    "not pretrained": {15: 9.0, 30: 22.5, 45: 31.2, 60: 38.8},
}
"""Caltech-256 (Table 5), accuracy in per cent by training pictures of each class."""

_SIZES = (1, 2, 4, 6, 10, 16, 24)
_FEW = 6
"""The paper: with six pictures of each class the pretrained network beats what was best before."""


def fig9(backend: Backend, effort: float = 1.0, pictures: ImageSet | None = None) -> PaperFigure:
    """Accuracy against training pictures of each class, on the last map before the fully connected layers.

    Parameters
    ----------
    backend : Backend
        The network that was taught.
    effort : float
        1 takes 300 pictures, less a share of them.
    pictures : ImageSet, optional
        With labels; by default scenes of ten kinds of things that the embedded networks were never taught.
    """
    from zfwidgets.data import unseen_scenes
    from zfwidgets.methods.probing import feature_probe, untaught
    from zfwidgets.methods.probing.layers import default_layers

    net = backend.network
    pictures = unseen_scenes(some(300, effort, 50) // 10 * 10) if pictures is None else pictures
    labels = [pictures.label(key) for key in pictures]
    least = min(labels.count(name) for name in set(labels))
    sizes = tuple(size for size in _SIZES if size <= least * 4 // 5) or (1,)
    layers = default_layers(net)
    layer = [name for name in layers if net.layers[name].spatial][-1:] or layers[-1:]
    inputs = [net.input(pictures[key]) for key in pictures]
    both = [
        feature_probe(asked, (inputs, labels), layers=layer, per_class=sizes, folds=5) for asked in (net, untaught(net))
    ]
    return PaperFigure(
        "Fig. 9: accuracy against training pictures of each class",
        "On Caltech-256 a network that was trained on ImageNet recognises 65.7, 70.6, 72.7 and 74.2 % with 15, 30, 45 "
        "and 60 training pictures of each class, one that was not 9.0, 22.5, 31.2 and 38.8 %. Six pictures of each "
        "class are enough for the first to beat all that was known before.",
        f"A linear classifier on {layer[0]} of {net.name}, for {len(set(labels))} classes that it was never taught, "
        f"mean and spread over 5 folds of {len(labels)} pictures; below, the same network with random weights.",
        few_claims(both[0], both[1], layer[0]),
        _picture(both[0], both[1], layer[0]),
    )


def few_claims(learnt: Probe, random: Probe, layer: str) -> tuple[Claim, ...]:
    """Of a network and of the same one with random weights, on the same pictures, fold by fold."""
    from zfwidgets.methods.probing import accuracy_difference

    sizes, both = learnt.per_class, (layer, layer)
    trained, raw = ([probe.score(layer, size).mean for size in sizes] for probe in (learnt, random))
    few = max((size for size in sizes if size <= _FEW), default=sizes[0])
    at_few, at_most = learnt.score(layer, few), random.score(layer)
    counts = ", ".join(map(str, sizes))
    up = [low < high for low, high in pairwise(trained)]
    gain = accuracy_difference(learnt, learnt, both, (sizes[0], sizes[-1]))
    leads = {size: accuracy_difference(random, learnt, both, size) for size in sizes}
    least = min(leads, key=lambda size: leads[size].value)
    lead = accuracy_difference(random, learnt, both, (sizes[-1], few))
    return (
        Claim(
            "more training pictures are better",
            f"{counts} of each class give {ladder(trained)} at {layer}, {sum(up)} of {len(up)} steps up; "
            f"{sizes[-1]} lead {sizes[0]} by {spanned(gain)}",
            every([beyond(gain, 0.0), all(up) or None]),
            "65.7, 70.6, 72.7, 74.2 %",
            "95 % of the difference fold by fold; with a step down it is open.",
        ),
        Claim(
            "what was learnt before helps at every number of pictures",
            f"{listed(trained)} against {listed(raw)}; the smallest lead, with {least} of each, is "
            f"{spanned(leads[least])}",
            every(beyond(found, 0.0) for found in leads.values()),
            note="Each lead by 95 % of the difference fold by fold.",
        ),
        Claim(
            "a few pictures of each class and a trained network beat many without one",
            f"{few} of each {at_few} %, {sizes[-1]} and random weights {at_most} %, {spanned(lead)} more",
            beyond(lead, 0.0),
            "six beat what was best before",
            "95 % of the difference fold by fold.",
        ),
    )


def _picture(learnt: Probe, random: Probe, layer: str) -> Pixels:
    figure, [[ours, theirs]] = charts(1, 2, height=0.5, sharey=True)
    for probe, name, colour in ((learnt, "trained", COLOURS[0]), (random, "random weights", COLOURS[1])):
        scores = [probe.score(layer, size) for size in probe.per_class]
        means, spread = ([100 * getattr(score, part) for score in scores] for part in ("mean", "std"))
        ours.errorbar(probe.per_class, means, np.nan_to_num(spread), marker="o", capsize=3, label=name, color=colour)
    ours.axhline(100 * learnt.chance, linestyle=":", color=GREY, label="guessing")
    for (name, points), colour in zip(PAPER.items(), COLOURS, strict=False):
        theirs.plot(list(points), list(points.values()), marker="s", label=name, color=colour)
    ours.set(title=f"here: {layer}, {len(learnt.classes)} classes", ylabel="accuracy, per cent", ylim=(0, 100))
    theirs.set(title="paper: Caltech-256", xlim=(0, 62))
    for axis in (ours, theirs):
        axis.set_xlabel("training pictures of each class")
        legend(axis, columns=3)
    return drawn(figure)
