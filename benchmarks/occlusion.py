"""Occlusion maps against Captum and against the plain loop, and what bounds them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import zfwidgets as zf
from benchmarks.measure import Action, interleaved
from benchmarks.networks import load, photograph
from benchmarks.peers import Question, batch_costs, best_batches, captum_module, everywhere
from benchmarks.tables import NONE, Table, number, seconds, times

__all__ = ["WrongAnswerError", "measure", "readme", "tables"]

SIZES = (16, 32, 50, 75)
STRIDE = 8
KINDS = ("exact", "fast", "preview")
SHORTCUT_SIZES = (16, 50)
CHECKED = 12
TOLERANCE = 3e-5  # of the largest logit


class WrongAnswerError(RuntimeError):
    """The package's logits are not those of the module: there is nothing to time."""


def measure(networks: Sequence[str], device: str = "cpu", repeats: int = 5) -> dict[str, Any]:
    """Seconds of whole sweeps, by network and size of the square.

    Those who run the whole network at every position (Captum, the loop, ``plan="dense"``) are timed at some of the
    positions and scaled, see the section ``whole``.
    """
    captum_module()
    found = {}
    for name in networks:
        print(f"  {name}", flush=True)
        found[name] = _network(name, device, repeats)
    return {"stride": STRIDE, "networks": found}


def _network(name: str, device: str, repeats: int) -> dict[str, Any]:
    net = load(name, device)
    clean = photograph(net)
    questions = {size: Question(net, clean, size, STRIDE) for size in SIZES}
    answers, missing = _answers(questions)
    costs = batch_costs(questions[50])
    best = best_batches(costs)
    peers = everywhere(questions[50], best)
    ours = {kind: _sweep(questions[answer.size], kind.split()[0]) for kind, answer in answers.items()}
    ready = dict.fromkeys(ours, lambda: None)  # each has given an answer already
    timings = interleaved({**peers.actions, **ours}, repeats, warm=ready, device=device)
    each = {kind: timings[kind].scaled(1 / count) for kind, count in peers.counts.items()}
    sizes = {}
    for size, question in questions.items():
        spent = {kind: timing.scaled(len(question.places)) for kind, timing in each.items()}
        spent |= {kind: timings[f"{kind} {size}"] for kind in KINDS if f"{kind} {size}" in timings}
        sizes[str(size)] = {
            "positions": len(question.places),
            "seconds": {kind: timing.stored() for kind, timing in spent.items()},
            "correlation": {kind: _likeness(answers, kind, size) for kind in KINDS[1:] if f"{kind} {size}" in answers},
            "multiply_adds": _cost(net, size),
        }
    return {"best_batch": best, "seconds_per_position": costs, "not_available": missing, "sizes": sizes}


def _answers(questions: dict[int, Question]) -> tuple[dict[str, zf.OcclusionMap], dict[str, str]]:
    """What the package says, by ``"exact 50"``, and why a precision is missing; a wrong answer stops everything."""
    answers, missing = {}, {}
    for size, question in questions.items():
        answers[f"exact {size}"] = _checked(question, question.ours())
        for precision in KINDS[1:] if size in SHORTCUT_SIZES else ():
            try:
                answers[f"{precision} {size}"] = question.ours(precision=precision)
            except zf.ZfwidgetsError as error:
                missing[precision] = str(error)
    return answers, missing


def _checked(question: Question, answer: zf.OcclusionMap) -> zf.OcclusionMap:
    """The answer, if it is the network's own at some of the positions."""
    indices = np.linspace(0, len(question.places) - 1, CHECKED).round().astype(int)
    corners = np.stack(np.meshgrid(answer.rows, answer.columns, indexing="ij"), -1).reshape(-1, 2)
    truth = question.loop(question.places[indices], 1).cpu().numpy()
    found = answer.logits.reshape(-1, truth.shape[1])[indices]
    error = float(np.abs(found - truth).max() / np.abs(truth).max())
    if not (np.array_equal(corners, question.places) and error <= TOLERANCE):
        raise WrongAnswerError(
            f"{question.net.name}, size {question.size}: logits differ by {error:.1e} of the largest one from those "
            f"of the module, and {TOLERANCE:.0e} is allowed."
        )
    return answer


def _sweep(question: Question, precision: str) -> Action:
    return lambda: question.ours(precision=precision)


def _likeness(answers: dict[str, zf.OcclusionMap], kind: str, size: int) -> float:
    """Correlation of the target's logit map with the exact one."""
    exact, found = (answers[f"{one} {size}"] for one in ("exact", kind))
    pair = np.stack([answer.logits[..., exact.target].ravel() for answer in (exact, found)])
    return round(float(np.asarray(np.corrcoef(pair))[0, 1]), 6)


def _cost(net: zf.Network, size: int) -> dict[str, float] | None:
    """Multiply-adds of the dense sweep, of the chosen plan, and the fewest that an exact answer needs."""
    if not hasattr(net, "occlusion_cost"):
        return None
    cost = net.occlusion_cost(size, STRIDE)
    return {kind: float(getattr(cost, kind)) for kind in ("dense", "chosen", "bound")}


def tables(results: dict[str, Any]) -> list[Table]:
    """All of them, one row for each network and size."""
    head = (
        "network", "size", "positions", "Captum", "Captum, best batch", "plain loop", "`plan=\"dense\"`", "**exact**",
        "x Captum best", "x loop", "fewer multiply-adds", "at most", "GFLOP/s", "fast", "preview",
    )  # fmt: skip
    rows = []
    for name, found in results["networks"].items():
        best = found["best_batch"]
        for size, one in found["sizes"].items():
            spent = {kind: timing["median"] for kind, timing in one["seconds"].items()}
            cost = one["multiply_adds"]
            rows.append((
                name,
                size,
                str(one["positions"]),
                seconds(spent["captum"]),
                f"{seconds(spent['captum best'])} ({best['captum']})",
                f"{seconds(spent['loop'])} ({best['loop']})",
                seconds(spent["dense"]),
                seconds(spent["exact"]),
                times(spent["captum best"] / spent["exact"]),
                times(spent["loop"] / spent["exact"]),
                times(cost["dense"] / cost["chosen"]) if cost else NONE,
                times(cost["dense"] / cost["bound"]) if cost else NONE,
                number(2e-9 * cost["chosen"] / spent["exact"]) if cost else NONE,
                *(_shortcut(one, spent, kind) for kind in KINDS[1:]),
            ))  # fmt: skip
    note = (
        f"Whole sweeps with stride {results['stride']} over 224 x 224 pixels, medians; best batch size in brackets. "
        "*Fewer multiply-adds*: those of the dense sweep for each one of the chosen plan; *at most*: for each one that "
        "any exact answer needs. *Fast* and *preview*: seconds and correlation with the exact map of the class. "
        "The weights are random, so *preview* has less to skip than on a photograph a trained network knows."
    )
    return [Table("Occlusion maps", head, rows, note)]


def _shortcut(one: dict[str, Any], spent: dict[str, float], kind: str) -> str:
    return f"{seconds(spent[kind])} ({one['correlation'][kind]:.4f})" if kind in spent else NONE


def readme(results: dict[str, Any], gpu: dict[str, Any] | None = None) -> list[Table]:
    """The README's table: sizes 50 and 16 only."""
    head = ["occlusion map", "Captum", "zfwidgets", "ratio", "fast", "size 16: ratio", "on the GPU", "ratio"]
    rows = []
    for name, found in results["networks"].items():
        large, small = (_medians(found, size) for size in ("50", "16"))
        there = _medians(gpu["networks"][name], "50") if gpu and name in gpu["networks"] else {}
        rows.append((
            name,
            seconds(large["captum best"]),
            seconds(large["exact"]),
            f"**{_ratio(large)}**",
            seconds(large.get("fast")),
            _ratio(small),
            seconds(there.get("exact")),
            _ratio(there),
        ))  # fmt: skip
    note = (
        "All positions of a 50-pixel square, stride 8, on a 224-pixel picture; Captum with its best batch size; "
        "the same answer to within rounding."
    )
    return [Table("", head, rows, note)]


def _medians(found: dict[str, Any], size: str) -> dict[str, float]:
    return {kind: timing["median"] for kind, timing in found["sizes"][size]["seconds"].items()}


def _ratio(spent: dict[str, float]) -> str:
    return times(spent["captum best"] / spent["exact"]) if spent else NONE
