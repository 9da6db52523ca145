"""Tables 4 to 7: what each layer knows about classes that it was never taught."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from zfwidgets.figures.canvas import COLOURS, GREY, charts, drawn, legend, stacked, table_picture
from zfwidgets.figures.common import beyond, every, ladder, names_of, some
from zfwidgets.figures.result import Claim, PaperFigure, Pixels, Table
from zfwidgets.methods.probing.difference import accuracy_difference

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from zfwidgets.backend import Backend
    from zfwidgets.data import ImageSet
    from zfwidgets.methods.probing import Probe

__all__ = ["LADDER", "probe_claims", "tables4to7"]

LADDER = ("pool1", "pool2", "conv3", "conv4", "pool5")
"""The paper's layers 1 to 5: a convolution counts with its pool (Fig. 3)."""


def tables4to7(backend: Backend, effort: float = 1.0, pictures: ImageSet | None = None) -> PaperFigure:
    """A linear classifier on every layer, of the network and of the same one with random weights.

    Parameters
    ----------
    backend : Backend
        Whose network.
    effort : float
        1 takes 200 scenes of things that it was never taught, less a share of them.
    pictures : ImageSet, optional
        With labels; these instead.
    """
    from zfwidgets.data import unseen_scenes
    from zfwidgets.methods.probing import feature_probe, untaught

    net = backend.network
    pictures = unseen_scenes(some(200, effort, 50) // 10 * 10) if pictures is None else pictures
    labels = names_of(pictures)
    inputs = [net.input(pictures[key]) for key in pictures]
    learnt, random = (feature_probe(asked, (inputs, labels)) for asked in (net, untaught(net)))
    table = _table(learnt, random)
    return PaperFigure(
        "Tables 4 to 7: features for other classes",
        "A network trained on ImageNet, kept as it is, with a new classifier: 86.5 % on Caltech-101 against 46.5 % not "
        "pretrained (Table 4), 74.2 against 38.8 % on Caltech-256 (Table 5), mean 79.0 on PASCAL 2012 (Table 6). By "
        "layer, an SVM on 1, 2, 3, 4, 5 and 7 gives 44.8, 66.2, 72.3, 76.6, 86.2 and 85.5 % on Caltech-101 (Table 7).",
        f"{net.name}, a linear SVM, {len(labels)} pictures of {len(set(labels))} kinds of things that it was never "
        f"taught, mean and spread over {learnt.folds} folds. The network without pretraining keeps random weights; the "
        "paper's learns from the few pictures.",
        (*probe_claims(learnt, random), _PASCAL),
        stacked(_picture(learnt, random), table_picture(table)),
        table,
    )


def probe_claims(learnt: Probe, random: Probe) -> tuple[Claim, ...]:
    """Of a network and of the same one with random weights, on the same pictures and layers."""
    layers = [name for name in LADDER if name in learnt.layers] or list(learnt.layers)
    scores = [100 * learnt.score(name).mean for name in layers]
    deep = layers[-1]
    steps = {pair: beyond(accuracy_difference(learnt, learnt, pair), 0.0) for pair in pairwise(layers)}
    alike = ", ".join(" and ".join(pair) for pair, more in steps.items() if more is None)
    leads = {name: accuracy_difference(random, learnt, (name, name)) for name in learnt.layers}
    worst = min(leads, key=lambda name: leads[name].value)
    spread = ", ".join(str(learnt.score(name)) for name in layers)
    return (
        Claim(
            "the deeper the layer, the more its features tell about classes (Table 7)",
            f"{layers[0]} to {deep} {ladder(scores, 1)} % ({spread} over folds)"
            + (f"; not told apart: {alike}" if alike else ""),
            every(steps.values()),
            "44.8, 66.2, 72.3, 76.6, 86.2 % on Caltech-101",
            "Layers 1, 2 and 5 with their pools. Told apart by 95 % of their differences fold by fold.",
        ),
        Claim(
            "features that were learnt beat those that were not, at every layer (Tables 4, 5)",
            f"{learnt.score(deep)} against {random.score(deep)} % at {deep}, guessing {100 * learnt.chance:.1f} %; the "
            f"smallest lead is that of {worst}, {learnt.score(worst)} against {random.score(worst)} %",
            every(beyond(lead, 0.0) for lead in leads.values()),
            "86.5 against 46.5 % on Caltech-101, 74.2 against 38.8 % on Caltech-256",
        ),
    )


_PASCAL = Claim(
    "the features also serve pictures with several objects (Table 6)",
    "not measured: it takes PASCAL, and detectors of several classes in one picture",
    None,
    "PASCAL 2012: mean 79.0",
)


def _table(learnt: Probe, random: Probe) -> Table:
    from zfwidgets.methods.probing import paper

    rows = []
    for layer in learnt.layers:
        theirs = paper("svm", layer)
        numbers = ("-", "-") if theirs is None else tuple(f"{100 * value:.1f}" for value in theirs)
        rows.append((layer, str(learnt.score(layer)), str(random.score(layer)), *numbers))
    return Table(("accuracy in per cent", "here", "random weights", "Caltech-101", "Caltech-256"), tuple(rows))


def _picture(learnt: Probe, random: Probe) -> Pixels:
    figure, [[axis]] = charts(1, 1, height=0.45)
    for probe, name, colour in ((learnt, "trained", COLOURS[0]), (random, "random weights", COLOURS[1])):
        scores = [probe.score(layer) for layer in probe.layers]
        means, spread = ([100 * getattr(score, part) for score in scores] for part in ("mean", "std"))
        axis.errorbar(
            probe.layers, means, np.nan_to_num(spread), marker="o", capsize=3, label=f"here, {name}", color=colour
        )
    _theirs(axis, learnt.layers)
    axis.axhline(100 * learnt.chance, linestyle=":", color=GREY, label="guessing")
    axis.set(ylabel="accuracy, per cent", ylim=(0, 100))
    legend(axis, columns=3)
    return drawn(figure)


def _theirs(axis: Axes, layers: tuple[str, ...]) -> None:
    from zfwidgets.methods.probing import paper

    for place, name, colour in ((0, "Caltech-101", COLOURS[2]), (1, "Caltech-256", COLOURS[3])):
        known = [(layer, 100 * found[place]) for layer in layers if (found := paper("svm", layer)) is not None]
        if known:
            names, heights = zip(*known, strict=True)
            axis.plot(names, heights, "--s", label=f"paper, {name}", color=colour)
