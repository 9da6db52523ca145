"""Scrubbing through an embedded series (Fig. 4): an epoch that nobody has asked for yet, and one that is known."""

from __future__ import annotations

import time
from typing import Any

import zfwidgets as zf
from benchmarks.measure import Timing
from benchmarks.tables import Table, seconds

__all__ = ["HEAD", "measure", "tables"]

HEAD = ("zfnet-scenes: the blocks of Fig. 4, 16 maps of each of five layers", "time")


def measure(device: str = "cpu", repeats: int = 5) -> dict[str, Any]:
    """Seconds by what is waited for; on the kernel's side, the way to the browser excluded."""
    cold, again = [], []
    for _ in range(repeats):
        with zf.Backend("zfnet-scenes", device=device) as backend:
            viewer = zf.EvolutionViewer(backend, awake=False)
            cold.append(_shown(viewer))
            viewer.wait()
            again += [_moved(viewer, epoch) for epoch in viewer.result.epochs]
            viewer.close()
    found = {"cold: network opened, pictures drawn, all projected": cold, "an epoch that is known": again}
    return {name: Timing.of(times).stored() for name, times in found.items()}


def _shown(viewer: zf.EvolutionViewer) -> float:
    """Seconds until the first epoch's blocks are all there."""
    started = time.perf_counter()
    viewer.awake = True
    while viewer.state != "ready" or viewer.result is None:
        viewer._drain()
        time.sleep(0.002)
    return time.perf_counter() - started


def _moved(viewer: zf.EvolutionViewer, epoch: int) -> float:
    started = time.perf_counter()
    viewer.epoch = epoch
    assert viewer.state == "ready"
    return time.perf_counter() - started


def tables(results: dict[str, Any]) -> list[Table]:
    """What and how long."""
    return [Table("", HEAD, [(what, seconds(timing["median"])) for what, timing in results.items()])]
