"""Whether a part of the positions tells the time of all, for those who run the whole network at every position."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from functools import partial
from typing import Any

from benchmarks.measure import Action, others, timed
from benchmarks.networks import load, photograph
from benchmarks.peers import Question, batch_costs, best_batches, captum_module, everywhere
from benchmarks.tables import Table, number, seconds

__all__ = ["measure", "tables"]

SIZE, STRIDE = 50, 8


def measure(networks: Sequence[str], device: str = "cpu") -> dict[str, Any]:
    """A whole sweep of Captum (default, best batch) and of the loop, between two pieces that tell its time."""
    captum_module()
    found: dict[str, Any] = {}
    for name in networks:
        print(f"  {name}", flush=True)
        net = load(name, device)
        question = Question(net, photograph(net), SIZE, STRIDE)
        best = best_batches(batch_costs(question))
        pieces = everywhere(question, best)
        wholes: dict[str, Action] = {
            "captum": partial(question.captum, 1),
            "captum best": partial(question.captum, best["captum"]),
            "loop": partial(question.loop, question.places, best["loop"]),
        }
        found[name] = {}
        for kind, whole in wholes.items():
            piece, count = pieces.actions[kind], pieces.counts[kind]
            watch = others()
            told = [timed(piece, device), timed(piece, device)]
            spent = timed(whole, device)
            told += [timed(piece, device), timed(piece, device)]
            scale = (len(question.places) + (kind != "loop")) / count
            found[name][kind] = {
                "told": round(statistics.median(told) * scale, 4),
                "whole": round(spent, 4),
                "others": round(watch(), 3),
            }
    return {"size": SIZE, "stride": STRIDE, "networks": found}


def tables(results: dict[str, Any]) -> list[Table]:
    """What was told and what it took."""
    rows = [
        (name, kind, seconds(one["told"]), seconds(one["whole"]), number(100 * (one["told"] / one["whole"] - 1), " %"))
        for name, kinds in results["networks"].items()
        for kind, one in kinds.items()
    ]
    head = ("network", "who", "told by a part", "whole sweep", "off by")
    note = f"One whole sweep each, size {results['size']} and stride {results['stride']}."
    return [Table("Does a part of the positions tell the time of all?", head, rows, note)]
