"""How the cost of a map grows with the picture, with finer steps and with the depth of the network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

import zfwidgets as zf
from benchmarks.measure import interleaved, timed
from benchmarks.networks import load
from benchmarks.peers import Question
from benchmarks.tables import Table, number, seconds, times

__all__ = ["measure", "plot", "tables"]

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "growth.png"
SIDES, STEPS, DEPTHS = (64, 96, 128, 192, 256, 384, 512, 768, 1024), (1, 2, 4, 8, 16, 32), (1, 2, 4, 8, 12, 16, 24, 32)
TIMED = {"side": (64, 96, 128, 192, 256, 384), "step": (4, 8, 16, 32), "depth": (1, 2, 4, 8, 16, 32)}
NETWORK = "squeezenet1_1"
SIZE = 32  # of the square; half of the smallest picture
WIDTH, STACK_SIDE = 32, 96
PANELS = {
    "side": f"Side of the picture, pixels\n({NETWORK}, stride 8)",
    "step": f"Stride, pixels\n({NETWORK}, 224 x 224)",
    "depth": f"Convolutions, 3 x 3\n({WIDTH} channels, {STACK_SIDE} x {STACK_SIDE}, stride 8)",
}
LINES = {
    "dense": ("whole network at every position", "#b2182b"),
    "chosen": ("zfwidgets", "#1f5fa8"),
    "bound": ("least for an exact answer", "#777777"),
}


def measure(device: str = "cpu", repeats: int = 5) -> dict[str, Any]:
    """Multiply-adds of the plans along three axes, and seconds of a few points."""
    net = load(NETWORK, device)

    def resized(side: int) -> zf.Network:
        return zf.Network(net.module, preprocess=zf.Preprocess(size=side), device=device, name=NETWORK)

    asked = {
        "side": [(side, resized(side), 8) for side in SIDES],
        "step": [(step, net, step) for step in STEPS],
        "depth": [(depth, _stack(depth, device), 8) for depth in DEPTHS],
    }
    found: dict[str, Any] = {}
    for axis, points in asked.items():
        print(f"  {axis}", flush=True)
        found[axis] = []
        for value, network, stride in points:
            cost = network.occlusion_cost(SIZE, stride)
            point: dict[str, Any] = {"at": value, **{kind: float(getattr(cost, kind)) for kind in LINES}}
            if value in TIMED[axis]:
                point["seconds"] = _seconds(network, stride, device, repeats)
            found[axis].append(point)
    return found


def _stack(depth: int, device: str) -> zf.Network:
    """Nothing but 3 x 3 convolutions: windows grow by two pixels with each."""
    layers: list[nn.Module] = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for index in range(depth):
            convolution = nn.Conv2d(WIDTH if index else 3, WIDTH, 3, padding=1)
            nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
            layers += [convolution, nn.ReLU()]
        head = nn.Linear(WIDTH, 10)
    module = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), head).eval()
    return zf.Network(module, preprocess=zf.Preprocess(size=STACK_SIDE), device=device, name=f"{depth} convolutions")


def _seconds(net: zf.Network, stride: int, device: str, repeats: int) -> dict[str, float]:
    """Ours, and the plain loop scaled from some of the positions (a quarter of them, 64 at most)."""
    side = net.input_size[0]
    clean = torch.randn(3, side, side, generator=torch.Generator().manual_seed(0)).to(net.device)
    question = Question(net, clean, SIZE, stride)
    places = question.part(min(64, -(-len(question.places) // 4)))
    batch = min((1, 4, 16), key=lambda batch: timed(lambda: question.loop(places, batch), device))
    found = interleaved(
        {"dense": lambda: question.loop(places, batch), "chosen": question.ours}, repeats, device=device
    )
    scale = len(question.places) / len(places)
    return {
        "dense": float(f"{found['dense'].median * scale:.4g}"),
        "chosen": float(f"{found['chosen'].median:.4g}"),
    }


def tables(results: dict[str, Any]) -> list[Table]:
    """All points."""
    rows = []
    for axis, points in results.items():
        for point in points:
            spent = point.get("seconds", {})
            rows.append((
                f"{PANELS[axis].partition(chr(10))[0].lower()} {point['at']}",
                *(number(point[kind] / 1e9) for kind in LINES),
                times(point["dense"] / point["chosen"]),
                seconds(spent.get("dense")),
                seconds(spent.get("chosen")),
            ))  # fmt: skip
    head = ("at", "dense, 10^9 multiply-adds", "chosen", "bound", "dense / chosen", "plain loop", "zfwidgets")
    note = f"Square of {SIZE} pixels. Plots: `docs/{PICTURE.name}`."
    return [Table("How the cost of a map grows", head, rows, note)]


def _beside(kind: str, dearest: bool) -> dict[str, Any]:
    """Where a point's label stands: the dearer above its line, the cheaper below."""
    from matplotlib.patheffects import withStroke

    offset = (0, 7) if dearest else (0, -15)
    return {
        "textcoords": "offset points",
        "xytext": offset,
        "ha": "center",
        "fontsize": 8.5,
        "color": LINES[kind][1],
        "path_effects": [withStroke(linewidth=3, foreground="white")],
    }


def plot(results: dict[str, Any], target: Path = PICTURE) -> None:
    """Three panels of multiply-adds above three of seconds."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import FixedLocator, NullLocator, ScalarFormatter

    figure = Figure(figsize=(11, 6.2), dpi=100, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, 3, sharex="col")
    for column, (axis, points) in enumerate(results.items()):
        at = [point["at"] for point in points]
        above, below = axes[0][column], axes[1][column]
        for kind, (label, colour) in LINES.items():
            style = "--" if kind == "bound" else "-"
            above.plot(at, [point[kind] for point in points], style, color=colour, marker="o", ms=4, label=label)
            spent = {point["at"]: point["seconds"] for point in points if kind in point.get("seconds", {})}
            clocked = [(x, one[kind]) for x, one in spent.items()]
            if clocked:
                below.plot(*zip(*clocked, strict=True), color=colour, marker="o", ms=4)
            for x, y in clocked:
                below.annotate(
                    f"{y:.2g} s" if y < 99.5 else f"{y:.0f} s", (x, y), **_beside(kind, y == max(spent[x].values()))
                )
        below.set_xlabel(PANELS[axis])
        for panel in (above, below):
            panel.set_xscale("log", base=2)
            panel.set_yscale("log")
            panel.margins(0.08, 0.16)
            panel.grid(True, color="#e4e4e4", linewidth=0.8)
            panel.spines[["top", "right"]].set_visible(False)
            panel.xaxis.set_major_locator(FixedLocator(at if len(at) < 8 else [v for v in at if v & (v - 1) == 0]))
            panel.xaxis.set_minor_locator(NullLocator())
            panel.xaxis.set_major_formatter(ScalarFormatter())
    axes[0][0].set_ylabel("multiply-adds of a map")
    axes[1][0].set_ylabel("seconds, measured")
    axes[0][0].legend(frameon=False, fontsize=9, loc="upper left")
    figure.suptitle(f"One occlusion map, square of {SIZE} pixels: what it costs", fontsize=12)
    target.parent.mkdir(exist_ok=True)
    figure.savefig(target)
