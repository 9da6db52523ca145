"""What a person waits for: maps, first coarse maps, a projection, the import."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import zfwidgets as zf
from benchmarks.measure import Timing, fresh, interleaved
from benchmarks.networks import load, photograph
from benchmarks.tables import Table, seconds
from zfwidgets.data.scenes import draw

__all__ = ["HEAD", "measure", "readme", "tables"]

HEAD = ("what a person waits for", "time")


def measure(device: str = "cpu", repeats: int = 5) -> dict[str, Any]:
    """Seconds by what is waited for."""
    small, large = zf.load_network("zfnet-scenes", device=device), load("alexnet", device)
    scene, photo = small.input(draw(3, 5).image), photograph(large)
    sweeps = {
        "zfnet-scenes: occlusion map, size 24, stride 4 (361 positions)": partial(
            zf.occlusion_map, small, scene, size=24, stride=4
        ),
        "AlexNet: occlusion map, size 50, stride 8 (529 positions)": partial(
            zf.occlusion_map, large, photo, size=50, stride=8
        ),
    }
    projections = {
        "zfnet-scenes: one projection from conv5, forward pass included": partial(zf.project, small, scene, "conv5", 3),
        "AlexNet: one projection from conv5, forward pass included": partial(zf.project, large, photo, "conv5", 3),
    }
    found = interleaved({**sweeps, **projections}, repeats, device=device)
    found |= {
        f"{name.partition(',')[0]}, its first coarse picture": _first(ask, repeats) for name, ask in sweeps.items()
    }
    found["`import zfwidgets` in a new interpreter"] = Timing.of([fresh("import zfwidgets") for _ in range(repeats)])
    return {name: timing.stored() for name, timing in found.items()}


def _first(sweep: partial[zf.OcclusionMap], repeats: int) -> Timing:
    """Seconds from the question to the first, coarse map."""

    def wait() -> float:
        arrived: list[float] = []
        start = time.perf_counter()
        sweep(on_partial=lambda _: arrived.append(time.perf_counter() - start))
        return arrived[0]

    wait()
    return Timing.of([wait() for _ in range(repeats)])


def tables(results: dict[str, Any]) -> list[Table]:
    """What and how long."""
    return [Table("", HEAD, [(what, seconds(timing["median"])) for what, timing in results.items()])]


def readme(results: dict[str, Any], gpu: dict[str, Any] | None = None) -> list[Table]:
    """The same: it is short."""
    return tables(results)
