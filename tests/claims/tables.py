"""Claims of Tables 2 to 7 and of Fig. 9: what architecture and layers are worth."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

from claims.ledger import Claim, Finding, Near
from claims.worlds import PROBED, Photographs, Scenes

from zfwidgets.models.registry import embedded_manifest
from zfwidgets.training import studies
from zfwidgets.training.studies import AblationTable

World = Scenes | Photographs

table2_first = Claim(
    "table2-first-layer",
    "Table 2",
    "7 x 7 filters in steps of 2 classify better than 11 x 11 in steps of 4.",
    "validation top-1 error 38.4 against 40.5 %",
    "Stored study of Fig. 6 (`zfwidgets study fig6`), one seed each: two pairs of networks, with and without clipping.",
)
Claim(
    "table2-many",
    "Table 2",
    "Several such networks together are better than one.",
    "top-5 error 14.7 % with six, 16.5 % with one",
    "Would need several networks trained alike; none are stored.",
)
table2_errors = Claim(
    "table2-errors",
    "Table 2",
    "The network of Fig. 3 was the best single one on ImageNet 2012.",
    "38.4 % top-1, 16.5 % top-5",
    "Needs ImageNet. What stands here are the embedded networks' own errors on their own tasks, to know "
    "what the other rows "
    "were measured with.",
)


@table2_first.on("scenes")
def _(world: Scenes) -> Finding:
    networks = json.loads((Path(studies.__file__).parent / "fig6.json").read_text())["networks"]
    errors = {name: 100 * entry["validation_error"] for name, entry in networks.items()}
    ours, theirs = ([error for name, error in errors.items() if name.startswith(size)] for size in ("7x7", "11x11"))
    text = f"validation errors {_listed(ours)} against {_listed(theirs)} %"
    return Finding(text, {"smaller errors": max(ours) < min(theirs)})


@table2_errors.on("scenes")
def _(world: Scenes) -> Finding:
    return _error("zfnet-scenes")


@table2_errors.on("photographs")
def _(world: Photographs) -> Finding:
    return _error("zfnet-photos")


def _error(name: str) -> Finding:
    entry = embedded_manifest()[name]
    return Finding(f"{name}: {100 * (1 - entry['accuracy']):.1f} % of {entry['accuracy_of']}")


def _listed(percents: list[float]) -> str:
    return ", ".join(f"{one:.1f}" for one in percents)


_TABLE3 = {
    "without 3, 4": "Taking layers 3 and 4 away costs a little.",
    "without 6, 7": "Taking layers 6 and 7 away costs a little on validation (and less error on training).",
    "without 3, 4, 6, 7": "Taking both away costs much: the depth of the whole matters.",
    "6, 7 half as wide": "Layers 6 and 7 at half their width change little.",
    "6, 7 twice as wide": "At twice their width they fit training pictures better and overfit.",
    "3, 4, 5 wider": "Wider layers 3, 4, 5 are better, on training pictures above all.",
}


def _add_variant(variant: str, says: str) -> None:
    paper = [row for row in AblationTable.open().comparisons() if row.variant == variant]
    claim = Claim(
        f"table3-{variant}",
        "Table 3",
        says,
        "; ".join(f"{row.column} {row.paper:+.1f}" for row in paper),
        "Change of each error in per cent, against the whole network.",
    )

    @claim.on("scenes")
    def _(world: Scenes) -> Finding:
        rows = [row for row in AblationTable.open().comparisons() if row.variant == variant]
        text = "; ".join(f"{row.column} {row.difference:+.1f} +- {row.uncertainty:.1f}" for row in rows)
        found = {"same direction": True, "opposite": False}
        return Finding(text, {row.column: found.get(row.verdict) for row in rows})


for _variant, _says in _TABLE3.items():
    _add_variant(_variant, _says)

table3 = Claim(
    "table3-all",
    "Table 3",
    "All in all: every direction of the table.",
    "18 changes of an error",
    "Stored study (`zfwidgets study table3`): 21 small networks on 3,000 scenes, three seeds. After 560 "
    "steps the whole "
    "network still gets every seventh of its own training scenes wrong: it has learnt too little, not "
    "too much, and what is "
    "shallower learns sooner. The paper trained for 70 epochs on 1.28 million pictures.",
)


@table3.on("scenes")
def _(world: Scenes) -> Finding:
    rows = AblationTable.open().comparisons()
    verdicts = [row.verdict for row in rows]
    counts = {name: verdicts.count(name) for name in ("same direction", "opposite", "not told apart")}
    text = f"of {len(rows)} directions {counts['same direction']} are the paper's, {counts['opposite']} are opposite, "
    text += f"{counts['not told apart']} are not told apart from chance"
    parts: dict[str, bool | None] = {"the paper's directions": True if counts["same direction"] else None}
    parts["all of them"] = counts["same direction"] == len(rows)
    return Finding(text, parts, counts)


tables45 = Claim(
    "tables4-5-pretrained",
    "Tables 4, 5",
    "Features learnt for other classes beat those that were not learnt, by far.",
    "Caltech-101 86.5 against 46.5 %, Caltech-256 74.2 against 38.8 %",
    "The paper's network without pretraining learns from the few pictures; ours keeps its random weights, and the "
    "classifier alone learns. Photographs: see Table 7.",
)
Claim(
    "table6-pascal",
    "Table 6",
    "The features also serve pictures with several objects, though they were learnt from pictures of one.",
    "PASCAL 2012: mean 79.0",
    "Needs PASCAL and detectors of several classes in one picture.",
)
table7 = Claim(
    "table7-depth",
    "Table 7",
    "The deeper the layer, the more its features tell about classes.",
    "SVM on layers 1 to 5: 44.8, 66.2, 72.3, 76.6, 86.2 % (Caltech-101)",
    "Layers 1, 2 and 5 with their pools. Scenes: ten kinds of things never taught, 16 training pictures of each. "
    "Photographs: the classes that were taught, photographs that were not, 15 of each.",
)
fig9 = Claim(
    "fig9-few",
    "Fig. 9",
    "With learnt features few training pictures are enough: six of each class beat what was best before with 60.",
    "six pictures of each class",
    "Here: the fewest with learnt features against the most with random ones, layer 5.",
)


@tables45.on("scenes")
@tables45.on("photographs")
def _(world: World) -> Finding:
    learnt, random = world.probes
    layers = [name for name in PROBED if name in learnt.layers]
    text = f"layer 5: {learnt.score('pool5')} against {random.score('pool5')} %, guessing {100 * learnt.chance:.1f} %"
    parts = {"at every layer": all(learnt.score(name).mean > random.score(name).mean for name in layers)}
    numbers = {"learnt": Near(learnt.score("pool5").mean, 0.02), "random": Near(random.score("pool5").mean, 0.03)}
    return Finding(text, parts, numbers)


@table7.on("scenes")
@table7.on("photographs")
def _(world: World) -> Finding:
    learnt, _ = world.probes
    scores = [learnt.score(name) for name in PROBED]
    text = f"layers 1 to 5: {', '.join(map(str, scores))} %"
    if "fc7" in learnt.layers:
        text += f"; layer 7: {learnt.score('fc7')} %"
    parts = {
        "every layer is better than the one before": all(low.mean < high.mean for low, high in pairwise(scores)),
        "layer 5 is better than layer 1": scores[-1].mean > scores[0].mean,
    }
    return Finding(text, parts, {name: Near(score.mean, 0.02) for name, score in zip(PROBED, scores, strict=True)})


@fig9.on("scenes")
@fig9.on("photographs")
def _(world: World) -> Finding:
    learnt, random = world.probes
    few, most = learnt.per_class[0], learnt.per_class[-1]
    one, other = learnt.score("pool5", few), random.score("pool5")
    curve = ", ".join(f"{size}: {100 * learnt.score('pool5', size).mean:.1f}" for size in learnt.per_class)
    text = f"{few} of each with learnt features {one} %, {most} with random ones {other} %; learnt, {curve} %"
    scores = [learnt.score("pool5", size).mean for size in learnt.per_class]
    parts = {
        "few pictures with learnt features beat many without": one.mean > other.mean,
        "more pictures are better": all(low < high for low, high in pairwise(scores)),
    }
    return Finding(text, parts, {"few": Near(one.mean, 0.03)})
