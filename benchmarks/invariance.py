"""Invariance curves against what a person would write: Pillow turns the picture, the network sees one at a time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import torch
from PIL import Image

import zfwidgets as zf
from benchmarks.measure import interleaved
from benchmarks.networks import load
from benchmarks.occlusion import WrongAnswerError
from benchmarks.tables import Table, seconds, times
from zfwidgets.errors import Cancelled

__all__ = ["Loop", "measure", "readme", "tables"]

_NETWORK = "alexnet"
_LAYERS = {"conv1": "features.1", "fc7": "classifier.5"}
_ANGLES = np.linspace(0, 360, 121)
_PICTURES = 5
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
    """Seconds of both for all pictures and angles, and of ours until its first curves."""
    net = load(_NETWORK, device)
    photographs = zf.samples()
    pictures = [photographs[key] for key in photographs.keys()[:_PICTURES]]
    loop = Loop(net, _LAYERS)

    def ours(angles: Any = _ANGLES) -> zf.InvarianceCurves:
        return zf.invariance_curves(net, pictures, "rotate", angles, list(_LAYERS), border="black")

    alike = _compared(ours(_ANGLES[::10]), *loop.curves(pictures, _ANGLES[::10]))
    timings = interleaved(
        {"loop": lambda: loop.curves(pictures, _ANGLES), "ours": ours},
        repeats,
        warm={"loop": lambda: None, "ours": lambda: None},  # each has given an answer already
        device=device,
    )
    return {
        "network": _NETWORK,
        "pictures": _PICTURES,
        "angles": len(_ANGLES),
        "correlation": alike,
        "seconds": {kind: timing.stored() for kind, timing in timings.items()},
        "first": round(min(_first(net, pictures) for _ in range(repeats)), 4),
    }


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
    """One row."""
    loop, ours = (results["seconds"][kind]["median"] for kind in ("loop", "ours"))
    work = f"{results['network']}, {results['pictures']} pictures x {results['angles']} angles"
    return [
        Table(
            "Invariance curves of Fig. 5 against a loop of Pillow and batches of one",
            ("what", "loop", "zfwidgets", "ratio", "first curves"),
            [(work, seconds(loop), seconds(ours), times(loop / ours), seconds(results["first"]))],
            f"The two answers correlate with {results['correlation']}.",
        )
    ]


def readme(results: dict[str, Any], beside: dict[str, Any] | None) -> list[Table]:
    """The same, short."""
    loop, ours = (results["seconds"][kind]["median"] for kind in ("loop", "ours"))
    work = f"{results['network']}, {results['pictures']} pictures x {results['angles']} angles"
    return [
        Table(
            "",
            ("invariance curves of Fig. 5", "Pillow and batches of one", "zfwidgets", "ratio"),
            [(work, seconds(loop), seconds(ours), f"**{times(loop / ours)}**")],
        )
    ]
