"""Claims of Figs. 1 to 6: what maps look at, how they grow, what moves them, and what first layers are like."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from claims.ledger import Claim, Finding, Near
from claims.worlds import UNSEEN, Photographs, Scenes, purity

import zfwidgets as zf
from zfwidgets.methods.evolution.embedded import embedded_evolution
from zfwidgets.methods.intervals import mean_of
from zfwidgets.methods.top_activations.embedded import embedded_index, embedded_pictures
from zfwidgets.models import CheckpointSeries
from zfwidgets.training import studies

World = Scenes | Photographs

fig1 = Claim(
    "fig1-deconvnet",
    "Fig. 1",
    "A deconvnet maps one activation back to pixels: unpool with the switches of this picture, rectify, filter.",
    "a drawing, no number",
)


@fig1.on("scenes")
def _(world: Scenes) -> Finding:
    return _stages(world.net, world.one_of_each["scene-3/00000"])


@fig1.on("photographs")
def _(world: Photographs) -> Finding:
    return _stages(world.net, zf.samples()["photo/chelsea"])


def _stages(net: zf.Network, picture: Any) -> Finding:
    layer = net.default_layer
    recording = zf.record(net, [picture], [layer])
    channel = int(recording.activations[layer][0].max((1, 2)).argmax())
    stages = zf.projection_stages(net, recording, layer, channel).stages
    whole = zf.project(net, recording, layer, channel).canvas()
    difference = float(np.abs(stages[-1].whole() - whole).max() / np.abs(whole).max())
    parts = {
        "one unit at the start": np.count_nonzero(stages[0].signal) == 1,
        "after an unpooling there is a signal at switches only": all(
            bool(one.switches[one.signal != 0].all()) for one in stages if one.switches is not None
        ),
        "nothing is negative after a rectification": all(
            bool((one.signal >= 0).all()) for one in stages if one.step == "rectify"
        ),
        "the pixels are signed": bool(stages[-1].signal.min() < 0 < stages[-1].signal.max()),
        "the last step is the projection": difference < 1e-5,
    }
    text = f"{len(stages)} steps from {layer} to the pixels of a picture, each as described"
    return Finding(text, parts, {"steps": len(stages)})


fig2_purity = Claim(
    "fig2-purity",
    "Fig. 2",
    "The higher the layer, the more class-specific: what strongly excites a map of layers 4 and 5 is "
    "one kind of thing.",
    "pictures, no number",
    "Share of the commonest class among the nine pictures that excite a map most, mean over the maps of a layer.",
)


@fig2_purity.on("scenes")
def _(world: Scenes) -> Finding:
    top, pictures = embedded_index(world.net), embedded_pictures()
    if top is None:
        return Finding("the index that ships is of other weights")
    layers = [name for name in world.net.menu if name.startswith("conv")]
    return _rising({name: purity(top[name].images, pictures.label) for name in layers}, len(pictures), 16)


@fig2_purity.on("photographs")
def _(world: Photographs) -> Finding:
    found = {name: purity(world.top[name].images, world.all.label) for name in world.top.layers}
    return _rising(found, len(world.all), 40)


def _rising(found: dict[str, float], pictures: int, classes: int) -> Finding:
    text = ", ".join(f"{name} {share:.2f}" for name, share in found.items())
    shares = list(found.values())
    parts = {
        "every layer is purer than the one before": all(low < high for low, high in pairwise(shares)),
        "the last is purest": max(shares) == shares[-1],
    }
    numbers = {name: Near(share, 0.01) for name, share in found.items()}
    return Finding(f"{text} (of {pictures:,} pictures of {classes} classes)", parts, numbers)


fig2_object = Claim(
    "fig2-object",
    "Fig. 2",
    "Projections from layer 5 show the discriminative parts of the object and leave out the background.",
    "pictures, no number",
    "Share of the projection's energy (sum of squares) that lies in the object's box, against the box's share of the "
    "picture; the strongest unit of conv5 in each picture.",
)


@fig2_object.on("scenes")
def _(world: Scenes) -> Finding:
    pictures, boxes, _ = world.boxed
    return _energy(world.net, pictures, boxes)


@fig2_object.on("photographs")
def _(world: Photographs) -> Finding:
    pictures, boxes, _ = world.boxed
    return _energy(world.net, pictures, boxes)


def _energy(net: zf.Network, pictures: zf.ImageSet, boxes: dict[str, Any]) -> Finding:
    inside, area = [], []
    for key in pictures:
        picture = pictures[key]
        recording = zf.record(net, [picture], ["conv5"])
        channel = int(recording.activations["conv5"][0].max((1, 2)).argmax())
        energy = (zf.project(net, recording, "conv5", channel).canvas().astype(float) ** 2).sum(0)
        (left, top), (right, bottom) = (
            net.preprocess.to_input(*boxes[key][start : start + 2], picture.size) for start in (0, 2)
        )
        rows, columns = slice(max(round(top), 0), round(bottom)), slice(max(round(left), 0), round(right))
        inside.append(energy[rows, columns].sum() / energy.sum())
        area.append(energy[rows, columns].size / energy.size)
    share, more = mean_of(inside), mean_of(np.subtract(inside, area))
    text = f"{share} of the energy, on {np.mean(area):.2f} of the picture; {len(inside)} pictures"
    return Finding(text, {"more of it lies on the object": more.low > 0}, {"share": share, "more": more})


fig2_learnt = Claim(
    "fig2-learnt",
    "Fig. 2",
    "Projections show what the network has learnt to look for.",
    "pictures, no number",
    "Later work doubts it (Mahendran and Vedaldi 2016, Nie et al. 2018); the check is that of Adebayo et al. (2018): "
    "how alike the picture of conv5's strongest unit stays (cosine) when conv5, and when every layer, is at random.",
)


@fig2_learnt.on("scenes")
@fig2_learnt.on("photographs")
def _(world: World) -> Finding:
    pictures, *_ = world.boxed
    top, every = [], []
    for key in pictures.keys()[:16]:
        recording = zf.record(world.net, [pictures[key]], ["conv5"])
        channel = int(recording.activations["conv5"][0].max((1, 2)).argmax())
        check = zf.weight_randomisation(world.net, recording.inputs[0], "conv5", channel, rules=("deconvnet",))
        cosine = np.nan_to_num(check.similarity("deconvnet", "cosine"))  # nothing comes down: nothing is left
        top.append(float(cosine[0]))
        every.append(float(cosine[-1]))
    upper, all_of_them = mean_of(top), mean_of(every)
    text = f"{upper} with conv5 at random, {all_of_them} with all layers; {len(top)} pictures"
    parts = {
        "what conv5 has learnt matters (cosine below 0.5)": upper.high < 0.5,
        "what all layers have learnt matters (cosine below 0.5)": all_of_them.high < 0.5,
    }
    return Finding(text, parts, {"conv5": upper, "all": all_of_them})


fig3 = Claim(
    "fig3-architecture",
    "Fig. 3",
    "Five convolutions, three fully connected layers, 224 x 224 pixels.",
    "62,357,608 parameters; maps of 110, 55, 26, 13, 13, 6 rows",
    "The paper's own network, built anew: no pictures are involved.",
)


@fig3.on("scenes")
def _(world: Scenes) -> Finding:
    table = zf.architecture(zf.Network(zf.ZFNet(), name="ZFNet"))
    rows = [table[name].height for name in ("conv1", "pool1", "conv2", "pool2", "conv5", "pool5")]
    parts = {"parameters": table.parameters == 62_357_608, "maps": rows == [110, 55, 26, 13, 13, 6]}
    text = f"{table.parameters:,} parameters; maps of {', '.join(map(str, rows))} rows"
    return Finding(text, parts, {"parameters": table.parameters})


fig4 = Claim(
    "fig4-evolution",
    "Fig. 4",
    "Lower layers converge within a few epochs, upper ones only after 40 to 50.",
    "a few epochs; 40 to 50",
    "Settled: from which epoch on the filters' mean cosine with their final form is 0.9 or more. Final "
    "exemplars: share of "
    "the maps that are most excited by the same picture as at the end.",
)


@fig4.on("scenes")
def _(world: Scenes) -> Finding:
    return _evolution("zfnet-scenes", "An easier task, done within ten epochs: the order shows in the exemplars.")


@fig4.on("photographs")
def _(world: Photographs) -> Finding:
    return _evolution("zfnet-photos", "Exemplars are drawn scenes: its own photographs may not be passed on.")


def _evolution(name: str, note: str) -> Finding:
    found = embedded_evolution(CheckpointSeries.embedded(name))
    if found is None:
        return Finding("the evolution that ships is of other checkpoints")
    layers = [layer for layer in found.layers if layer.startswith("conv")]
    settled = [found.settled[layer] or found.epochs[-1] for layer in layers]
    place = found.epochs.index(40)
    final = [float(found[layer].final[place]) for layer in layers]
    text = (
        f"conv1 to conv5 settled at epochs {', '.join(map(str, settled))} of {found.epochs[-1]}; final exemplars at "
        f"epoch 40 in {', '.join(f'{share:.2f}' for share in final)} of the maps"
    )
    parts = {
        "conv1's filters settle before all others": settled[0] < min(settled[1:]),
        "conv5 settles after epoch 30": settled[-1] > 30,
        "the lower the layer, the sooner its exemplars stay": all(low > high for low, high in pairwise(final)),
    }
    numbers = {f"settled {layer}": epoch for layer, epoch in zip(layers, settled, strict=True)}
    return Finding(text, parts, numbers, note)


fig5_layers = Claim(
    "fig5-layers",
    "Fig. 5",
    "Small transformations change layer 1 at once and layer 7 little, quasi-linearly for shifts and enlargements.",
    "curves, no number",
    "Half-way: how far a picture is moved until the mean distance of its features is half of its "
    "largest. Straight: the "
    "squared correlation of mean distance and amount.",
)
fig5_output = Claim(
    "fig5-output",
    "Fig. 5",
    "The output is stable to shifts and enlargements, but not to rotation.",
    "curves, no number",
    "Mean probability of the true class over the whole range of each.",
)
fig5_symmetry = Claim(
    "fig5-symmetry",
    "Fig. 5",
    "An object with a rotational symmetry is known again where it comes back onto itself.",
    "curves, no number",
    "Distance of fc7's features at 90, 180 and 270 degrees, as a share of that at 45, 135, 225 and 315; clocks against "
    "things of other classes.",
)


@fig5_layers.on("scenes")
@fig5_layers.on("photographs")
def _(world: World) -> Finding:
    half, straight = {}, {}
    for transform, curves in world.moved.items():
        away = np.abs(curves.amounts - (transform == "scale"))
        if transform == "rotate":
            away = np.minimum(away, 360 - away)
        steps = np.unique(away)
        for place, layer in (("shallow", curves.layers[0]), ("deep", curves.layers[-1])):
            mean = curves.distances[layer].mean(0)
            heights = np.array([mean[away == step].mean() for step in steps]) / mean.max()
            half[transform, place] = float(steps[np.argmax(heights >= 0.5)])
            straight[transform, place] = float(np.corrcoef(steps, heights)[0, 1] ** 2)
    words = {"translate": "shift (pixels)", "scale": "enlargement", "rotate": "turn (degrees)"}
    ways = "; ".join(
        f"{words[way]} half-way at {half[way, 'shallow']:.3g} and {half[way, 'deep']:.3g}, "
        f"straight {straight[way, 'shallow']:.2f} and {straight[way, 'deep']:.2f}"
        for way in words
    )
    linear = all(straight[way, "deep"] > max(0.9, straight[way, "shallow"]) for way in ("translate", "scale"))
    parts = {
        "layer 1 goes sooner than layer 7 under each": all(half[way, "shallow"] < half[way, "deep"] for way in words),
        "layer 7 nearly straight (above 0.9) for shifts and enlargements, and straighter than layer 1": linear,
    }
    pictures = len(world.moved["scale"].targets)
    numbers = {f"{way} {place}": Near(value, 0.02) for (way, place), value in straight.items()}
    return Finding(f"layers 1 and 7, {pictures} pictures: {ways}", parts, numbers)


@fig5_output.on("scenes")
@fig5_output.on("photographs")
def _(world: World) -> Finding:
    areas = {way: float(curves.area().mean()) for way, curves in world.moved.items()}
    text = f"shift {areas['translate']:.2f}, enlargement {areas['scale']:.2f}, rotation {areas['rotate']:.2f}"
    parts = {
        "rotation costs more than a shift": areas["rotate"] < areas["translate"],
        "rotation costs more than an enlargement": areas["rotate"] < areas["scale"],
    }
    return Finding(text, parts, {way: Near(area, 0.01) for way, area in areas.items()})


@fig5_symmetry.on("scenes")
def _(world: Scenes) -> Finding:
    every = zf.scenes(128, seed=UNSEEN)
    clocks = [every[key] for key in every if every.label(key) == "clock"]
    others = [world.one_of_each[key] for key in world.one_of_each if world.one_of_each.label(key) != "clock"]
    back = []
    for pictures in (clocks, others):
        curves = zf.invariance_curves(world.net, pictures, "rotate", np.arange(45, 360, 45), layers=["fc7"])
        distances = curves.distances["fc7"]
        back.append(distances[:, 1::2].mean(1) / distances[:, ::2].mean(1))
    clock, other = mean_of(back[0]), mean_of(back[1])
    text = f"clocks {clock}, others {other}; {len(clocks)} and {len(others)} scenes"
    note = "Photographs: which of them are symmetric is not known."
    return Finding(text, {"clocks come back more than others": clock.high < other.low}, {"clocks": clock}, note)


fig6_clipping = Claim(
    "fig6-clipping",
    "Fig. 6a",
    "Without clipping of filters a few dominate the first layer.",
    "a picture, no number",
    "Stored study (`zfwidgets study fig6`): four small networks, 560 steps; a few hundred steps are not "
    "ImageNet's 70 epochs.",
)
fig6_filters = Claim(
    "fig6-filters",
    "Fig. 6b, c",
    "Filters of 11 x 11 in steps of 4 leave some dead and miss middle frequencies; those of 7 x 7 in "
    "steps of 2 do not.",
    "a picture, no number",
    "Stored study, as above. After so few steps no filter is dead in any of them.",
)
fig6_aliasing = Claim(
    "fig6-aliasing",
    "Fig. 6d, e",
    "The second layer shows aliasing behind steps of 4 pixels, and does not behind steps of 2.",
    "a picture, no number",
    "Stored study, as above. Part of it is geometry: untrained filters alias too.",
)


def _choices() -> dict[str, dict[str, float]]:
    networks = json.loads((Path(studies.__file__).parent / "fig6.json").read_text())["networks"]
    return {name: entry["figures"] for name, entry in networks.items()}


def _ranges(key: str, one: str, two: str) -> tuple[str, tuple[float, float], tuple[float, float]]:
    """Lowest and highest of the networks whose names have one word, and of those that have the other."""
    found = []
    for word in (one, two):
        values = [figures[key] for name, figures in _choices().items() if word in name]
        found.append((min(values), max(values)))
    spans = [f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}" for low, high in found]
    return f"{key} {spans[0]} against {spans[1]}", *found


@fig6_clipping.on("scenes")
def _(world: Scenes) -> Finding:
    text, clipped, free = _ranges("dominance", ", clipped", "not clipped")
    over, *_ = _ranges("over", ", clipped", "not clipped")
    parts = {
        "without clipping the largest filter outgrows the median one more": clipped[1] < free[0],
        "it is more than twice as large": free[0] > 2,
    }
    return Finding(
        f"clipped against not: largest filter over median ({text}), filters beyond the radius ({over})", parts
    )


@fig6_filters.on("scenes")
def _(world: Scenes) -> Finding:
    dead, ours, theirs = _ranges("dead", "7x7", "11x11")
    mid, our_mid, their_mid = _ranges("mid", "7x7", "11x11")
    parts = {
        "fewer dead filters": ours[1] < theirs[0] or (None if ours == theirs else False),
        "more middle frequencies": our_mid[0] > their_mid[1] or (None if our_mid[1] > their_mid[0] else False),
    }
    return Finding(f"7 x 7 against 11 x 11: {dead}; share of middle frequencies ({mid})", parts)


@fig6_aliasing.on("scenes")
def _(world: Scenes) -> Finding:
    text, ours, theirs = _ranges("pattern aliasing", "7x7", "11x11")
    return Finding(f"7 x 7 against 11 x 11: {text}", {"less aliasing": ours[1] < theirs[0]})
