"""``python -m benchmarks``: measure what the README promises and write it down.

Writes ``benchmarks/results/<device>.json`` and the table in the README. Times are medians on whatever machine this is;
the file names it. ``--real FOLDER`` (or ``ZFWIDGETS_REAL``) adds SqueezeNet v1.1 with real weights.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import zfwidgets as zf
from benchmarks import page
from zfwidgets.data.scenes import draw

HERE = Path(__file__).resolve().parent
README = HERE.parent / "README.md"
TABLE = re.compile(r"(<!-- benchmarks: [^>]*-->\n).*?(<!-- end of benchmarks -->)", re.DOTALL)
REPEATS = 7


def median(action: Callable[[], float], repeats: int = REPEATS) -> float:
    """Median of what an action measures, after one warm-up."""
    action()
    return statistics.median(action() for _ in range(repeats))


def timed(action: Callable[[], object]) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def first_partial(net: zf.Network, image: Any, size: int, stride: int) -> float:
    """Seconds from the question to the first, coarse map."""
    arrived: list[float] = []
    start = time.perf_counter()

    def note(_partial: zf.OcclusionMap) -> None:
        arrived.append(time.perf_counter() - start)

    zf.occlusion_map(net, image, size=size, stride=stride, on_partial=note)
    return arrived[0]


def embedded() -> dict[str, float]:
    """The embedded network: sweep, first partial, one projection, pictures to maps."""
    net = zf.load_network("zfnet-scenes", device="cpu")
    image = net.input(draw(3, 5).image)
    return {
        "zfnet-scenes: occlusion map, size 24, stride 4 (361 positions)": median(
            lambda: timed(lambda: zf.occlusion_map(net, image, size=24, stride=4))
        ),
        "zfnet-scenes: first coarse map of it": median(lambda: first_partial(net, image, 24, 4)),
        "zfnet-scenes: one projection from conv5, forward pass included": median(
            lambda: timed(lambda: zf.project(net, image, "conv5", 3))
        ),
    }


def real(folder: Path) -> dict[str, float]:
    """SqueezeNet v1.1 on a photograph."""
    weights = folder / "weights" / "squeezenet1_1.safetensors"
    if not weights.exists():
        print(f"no SqueezeNet: {weights} is not there")
        return {}
    net = zf.load_network("squeezenet1_1", weights=weights, device="cpu")
    image = net.input(zf.samples()["photo/chelsea"])
    return {
        "SqueezeNet v1.1: occlusion map, size 50, stride 8 (529 positions)": median(
            lambda: timed(lambda: zf.occlusion_map(net, image, size=50, stride=8)), 3
        ),
        "SqueezeNet v1.1: first coarse map of it": median(lambda: first_partial(net, image, 50, 8), 3),
    }


def fresh(code: str) -> float:
    """Seconds that code takes in a new interpreter, its start not counted."""
    program = f"import time; t = time.perf_counter(); {code}; print(time.perf_counter() - t)"
    return float(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout)


def browser() -> dict[str, float]:
    """The Explorer in Chromium."""
    if page.chromium() is None:
        print("no browser figures: no Chromium found")
        return {}
    with page.opened() as (explorer, usable):
        move = page.moves(explorer, "Occluder size")
        gap = page.drag(explorer, "Occluder size")
    return {
        "`zfwidgets` to a usable page, cold": usable,
        "slider move to changed pixels (median of 20)": move,
        "longest time without a new picture in a drag of 30 moves": gap,
    }


def device() -> str:
    """The machine in words."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = re.search(r"model name\s*:\s*(.+)", file.read())
    name = model[1] if model else platform.processor()
    return f"{name}, {torch.get_num_threads()} threads, torch {torch.__version__}"


def table(results: dict[str, Any]) -> str:
    """The README's table."""
    rows = "".join(f"| {what} | {seconds:.3g} s |\n" for what, seconds in results["seconds"].items())
    return f"Measured on {results['device']}:\n\n| what | time |\n|---|---|\n{rows}"


def main() -> None:
    """Measure, write, show."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--real", type=Path, default=Path(os.environ.get("ZFWIDGETS_REAL", "real")))
    options = parser.parse_args()
    seconds = {
        **embedded(),
        **real(options.real),
        "import zfwidgets": median(lambda: fresh("import zfwidgets")),
        **browser(),
    }
    results = {"device": device(), "seconds": {what: round(value, 4) for what, value in seconds.items()}}
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "cpu.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    text = README.read_text(encoding="utf-8")
    README.write_text(TABLE.sub(lambda found: found[1] + table(results) + found[2], text), encoding="utf-8")
    print(table(results))


if __name__ == "__main__":
    main()
