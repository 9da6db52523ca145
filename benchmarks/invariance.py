"""Invariance curves against what a person would write: Pillow turns the picture, the network sees one at a time.

And against the network alone, on as many pictures that lie ready: nothing that asks it about all of them is faster.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
import torch
from PIL import Image

import zfwidgets as zf
from benchmarks.measure import interleaved
from benchmarks.networks import load
from benchmarks.occlusion import WrongAnswerError
from benchmarks.tables import NONE, Table, number, seconds, times
from zfwidgets.errors import Cancelled
from zfwidgets.network.side_by_side import side_by_side

__all__ = ["Loop", "measure", "readme", "tables"]

_NETWORK = "alexnet"
_LAYERS = {"conv1": "features.1", "fc7": "classifier.5"}
_ANGLES = np.linspace(0, 360, 121)
_PICTURES = 5
_BATCH = 32
"""Of the network alone: the size at which it is fastest."""
_ALIKE = 0.999
"""Correlation that the two answers must reach: Pillow rounds to whole levels after turning."""


class Loop:
    """Turn, normalise, run, for each picture and each angle; hooks keep the features.

    Parameters
    ----------
    net : Network
        Its module, as it is.
    layers : mapping
        Layer to the submodule whose output it is.
    """

    def __init__(self, net: zf.Network, layers: dict[str, str]) -> None:
        self.net, self.layers = net, layers
        self.kept: dict[str, torch.Tensor] = {}

    def curves(self, pictures: Sequence[Image.Image], angles: Sequence[float]) -> tuple[dict[str, Any], Any]:
        """Distances {layer: (N, A)} and probabilities (N, A) of the class predicted for each picture."""
        module = self.net.module.eval()
        hooks = [
            module.get_submodule(path).register_forward_hook(self._keep(name)) for name, path in self.layers.items()
        ]
        distances = {name: np.zeros((len(pictures), len(angles))) for name in self.layers}
        shares = np.zeros((len(pictures), len(angles)))
        try:
            for place, picture in enumerate(pictures):
                seen = self.net.preprocess.crop(picture)
                target = int(self._run(seen).argmax())
                clean = dict(self.kept)
                for column, angle in enumerate(angles):
                    turned = self._run(seen.rotate(float(angle), Image.Resampling.BILINEAR))
                    shares[place, column] = float(turned.softmax(0)[target])
                    for name in self.layers:
                        distances[name][place, column] = float((self.kept[name] - clean[name]).norm())
        finally:
            for hook in hooks:
                hook.remove()
        return distances, shares

    def _run(self, seen: Image.Image) -> torch.Tensor:
        levels = torch.from_numpy(np.array(seen)).permute(2, 0, 1).float().div(255)
        with torch.inference_mode():
            logits: torch.Tensor = self.net.module(self.net.preprocess.normalise(levels)[None].to(self.net.device))[0]
        return logits

    def _keep(self, name: str) -> Any:
        # A copy, because an in-place operation may come after.
        return lambda _module, _inputs, output: self.kept.__setitem__(name, output.clone())


def measure(device: str = "cpu", repeats: int = 5) -> dict[str, Any]:
    """Seconds of all ways for all pictures and angles, and of ours until its first curves; what "fast" is off by."""
    zf.tune_allocator()
    net = load(_NETWORK, device)
    photographs = zf.samples()
    pictures = [photographs[key] for key in photographs.keys()[:_PICTURES]]
    loop = Loop(net, _LAYERS)

    def ours(angles: Any = _ANGLES, precision: str = "exact") -> zf.InvarianceCurves:
        return zf.invariance_curves(net, pictures, "rotate", angles, list(_LAYERS), border="black", precision=precision)

    exact, fast = ours(), ours(precision="fast")
    alike = _compared(ours(_ANGLES[::10]), *loop.curves(pictures, _ANGLES[::10]))
    actions = {
        "loop": lambda: loop.curves(pictures, _ANGLES),
        "ours": ours,
        "fast": lambda: ours(precision="fast"),
        "forward": partial(_forward, net, torch.stack([net.input(picture) for picture in pictures])),
    }
    timings = interleaved(
        actions,
        repeats,
        warm={name: lambda: None for name in actions if name != "forward"},  # each has given an answer already
        device=device,
    )
    return {
        "network": _NETWORK,
        "pictures": _PICTURES,
        "angles": len(_ANGLES),
        "correlation": alike,
        "precision": fast.precision,
        "off": _off(exact, fast),
        "seconds": {kind: timing.stored() for kind, timing in timings.items()},
        "first": round(min(_first(net, pictures) for _ in range(repeats)), 4),
    }


def _forward(net: zf.Network, batch: torch.Tensor) -> None:
    """Class scores of as many pictures, those of a batch again and again, side by side on the cores."""
    graph = net.traced()
    graph.refresh()
    ready = batch[torch.arange(_BATCH) % len(batch)].contiguous(memory_format=torch.channels_last)
    count = len(_ANGLES) * len(batch)
    sizes = [min(_BATCH, count - start) for start in range(0, count, _BATCH)]
    for _ in side_by_side(lambda size: graph.run(ready[:size], {graph.output}, repeated=True), sizes):
        pass


def _off(exact: zf.InvarianceCurves, fast: zf.InvarianceCurves) -> dict[str, float]:
    """The largest error of distances, as a share of the largest distance of their layer, and of probabilities."""
    distances = [abs(found - fast.distances[name]).max() / found.max() for name, found in exact.distances.items()]
    probability = abs(exact.probability - fast.probability).max()
    return {"distance": round(float(max(distances)), 4), "probability": round(float(probability), 4)}


def _first(net: zf.Network, pictures: Sequence[Image.Image]) -> float:
    """Seconds until the first partial answer."""
    told: list[float] = []
    start = time.perf_counter()
    with suppress(Cancelled):
        zf.invariance_curves(
            net,
            pictures,
            "rotate",
            _ANGLES,
            list(_LAYERS),
            on_partial=lambda _: told.append(time.perf_counter() - start),
            cancelled=lambda: bool(told),
        )
    return told[0]


def _compared(found: zf.InvarianceCurves, distances: dict[str, Any], shares: Any) -> float:
    """The smallest correlation of the two answers."""
    pairs = [(found.distances[name], distances[name]) for name in distances] + [(found.probability, shares)]
    alike = min(float(np.corrcoef(one.ravel(), other.ravel())[0, 1]) for one, other in pairs)
    if not alike >= _ALIKE:
        raise WrongAnswerError(f"The curves of the package and of the loop correlate with {alike:.4f} only.")
    return round(alike, 5)


def tables(results: dict[str, Any]) -> list[Table]:
    """Both precisions against the loop; what the network alone takes of that."""
    loop, ours, fast, forward = _medians(results)
    work = f"{results['network']}, {results['pictures']} pictures x {results['angles']} angles"
    return [
        Table(
            "Invariance curves of Fig. 5 against a loop of Pillow and batches of one",
            ("what", "loop", "zfwidgets", "ratio", "fast", "ratio", "first curves"),
            [
                (
                    work,
                    *(seconds(loop), seconds(ours), times(loop / ours)),
                    *(seconds(fast), times(fast and loop / fast), seconds(results["first"])),
                )
            ],
            f"The two answers correlate with {results['correlation']}." + _ceiling(results, forward, loop, ours),
        )
    ]


def _medians(results: dict[str, Any]) -> tuple[float, float, float | None, float | None]:
    """Of the loop, ours, fast and the network alone; None for what was not measured, or is not fast on this machine."""
    spent = {kind: timing["median"] for kind, timing in results["seconds"].items()}
    fast = spent.get("fast") if results.get("precision") == "fast" else None
    return spent["loop"], spent["ours"], fast, spent.get("forward")


def _ceiling(results: dict[str, Any], forward: float | None, loop: float, ours: float) -> str:
    if forward is None:
        return ""
    told = (
        f" The network alone takes {seconds(forward)} for as many pictures, {number(100 * forward / ours, ' %')} of "
        f"ours: no exact answer is more than {times(loop / forward)} as fast as the loop."
    )
    if results["precision"] != "fast":
        return told
    off = results["off"]
    return (
        f"{told} Fast (16-bit numbers): distances are off by up to {number(100 * off['distance'], ' %')} of the "
        f"largest, probabilities by {off['probability']}."
    )


def readme(results: dict[str, Any], beside: dict[str, Any] | None) -> list[Table]:
    """The same, short."""
    loop, ours, fast, forward = _medians(results)
    work = f"{results['network']}, {results['pictures']} pictures x {results['angles']} angles"
    both = seconds(loop), seconds(ours), f"**{times(loop / ours)}**"
    return [
        Table(
            "",
            ("invariance curves of Fig. 5", "Pillow and batches of one", "zfwidgets", "ratio", "fast", "ratio"),
            [(work, *both, seconds(fast), f"**{times(loop / fast)}**" if fast else NONE)],
            _ceiling(results, forward, loop, ours).strip(),
        )
    ]
