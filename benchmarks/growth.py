"""How the cost of a map grows with the picture, with finer steps and with the depth of the network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

import zfwidgets as zf
from benchmarks.measure import interleaved, timed
from benchmarks.networks import load
from benchmarks.peers import Question
from benchmarks.tables import Table, number, seconds, times

__all__ = ["measure", "plot", "readme", "tables"]

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "growth.png"
SIDES, STEPS, DEPTHS = (64, 96, 128, 192, 256, 384, 512, 768, 1024), (1, 2, 4, 8, 16, 32), (1, 2, 4, 8, 12, 16, 24, 32)
TIMED = {"side": (64, 96, 128, 192, 256, 384), "step": (4, 8, 16, 32), "depth": (1, 2, 4, 8, 16, 32)}
NETWORK = "squeezenet1_1"
SIZE = 32  # of the square; half of the smallest picture
WIDTH, STACK_SIDE = 32, 96
PANELS = {
    "side": f"Side of the picture, pixels\n{NETWORK}, stride 8",
    "step": f"Stride, pixels\n{NETWORK}, 224 x 224",
    "depth": f"Convolutions, 3 x 3\n{WIDTH} channels, {STACK_SIDE} x {STACK_SIDE}",
}
LINES = {
    "bound": ("least for an exact answer", {"color": "#bbbbbb", "linewidth": 6}),
    "dense": ("whole network each time", {"color": "#d55e00", "marker": "o", "ms": 5}),
    "chosen": ("zfwidgets", {"color": "#0072b2", "marker": "o", "ms": 5}),
}
"""Vermilion and blue of Okabe and Ito: they stay apart for all eyes."""
KINDS = ("dense", "chosen", "bound")
FONTS = {"font.size": 13, "axes.labelsize": 13, "xtick.labelsize": 12, "ytick.labelsize": 12}


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
            point: dict[str, Any] = {"at": value, **{kind: float(getattr(cost, kind)) for kind in KINDS}}
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
                *(number(point[kind] / 1e9) for kind in KINDS),
                times(point["dense"] / point["chosen"]),
                seconds(spent.get("dense")),
                seconds(spent.get("chosen")),
            ))  # fmt: skip
    head = ("at", "dense, 10^9 multiply-adds", "chosen", "bound", "dense / chosen", "plain loop", "zfwidgets")
    note = f"Square of {SIZE} pixels. Plots: `docs/{PICTURE.name}`."
    return [Table("How the cost of a map grows", head, rows, note)]


def readme(results: dict[str, Any], gpu: dict[str, Any] | None = None) -> list[Table]:
    """The README's table: seconds by side of the picture, and the plots."""
    rows = [
        (f"{point['at']} x {point['at']}", seconds(dense), seconds(chosen), times(dense / chosen))
        for point in results["side"]
        if "seconds" in point
        for dense, chosen in [(point["seconds"]["dense"], point["seconds"]["chosen"])]
    ]
    head = (f"picture ({NETWORK}, square of {SIZE}, stride 8)", "plain loop", "zfwidgets", "ratio")
    words = "How the cost of a map grows with the picture, with finer strides and with the depth of the network"
    return [Table("", head, rows, f"![{words}](docs/{PICTURE.name})")]


def plot(results: dict[str, Any], target: Path = PICTURE) -> None:
    """Three panels of multiply-adds above three of seconds, to be read at half their size too."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(FONTS):
        figure = Figure(figsize=(10, 6.6), dpi=120, facecolor="white", layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(2, 3, sharex="col")
        for column, (axis, points) in enumerate(results.items()):
            above, below = axes[0][column], axes[1][column]
            for kind, (label, style) in LINES.items():
                above.plot([p["at"] for p in points], [p[kind] for p in points], label=label, **style)
                _clocked(below, [(p["at"], p["seconds"][kind]) for p in points if kind in p.get("seconds", {})], kind)
            below.set_xlabel(PANELS[axis])
            for panel in (above, below):
                _scaled(panel, [p["at"] for p in points])
        axes[0][0].set_ylabel("multiply-adds")
        axes[1][0].set_ylabel("seconds, measured")
        figure.legend(
            *axes[0][0].get_legend_handles_labels(),
            loc="outside upper center",
            ncols=3,
            frameon=False,
            title=f"What one occlusion map costs, square of {SIZE} pixels",
        )
        target.parent.mkdir(exist_ok=True)
        figure.savefig(target)


def _clocked(panel: Any, points: Sequence[tuple[float, float]], kind: str) -> None:
    """A line of seconds with words at its ends: above the dearer line, below the cheaper one, away from the slope."""
    from matplotlib.patheffects import withStroke

    if not points:
        return
    up = 1 if kind == "dense" else -1
    aside = -11 * up if points[-1][1] > points[0][1] else 11 * up
    style = LINES[kind][1]
    panel.plot(*zip(*points, strict=True), **style)
    for x, y in (points[0], points[-1]):
        panel.annotate(
            seconds(float(f"{y:.2g}")),
            (x, y),
            textcoords="offset points",
            xytext=(aside, 8 if up > 0 else -20),
            ha="center",
            color=style["color"],
            path_effects=[withStroke(linewidth=3, foreground="white")],
        )


def _scaled(panel: Any, at: Sequence[int]) -> None:
    """Both axes grow by factors; few ticks, in plain numbers where they are short."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator, ScalarFormatter

    panel.set_xscale("log", base=2)
    panel.set_yscale("log")
    panel.margins(0.22, 0.2)
    panel.grid(True, color="#e4e4e4", linewidth=0.8)
    panel.spines[["top", "right"]].set_visible(False)
    powers = [value for value in at if value & (value - 1) == 0]
    panel.xaxis.set_major_locator(FixedLocator(powers if len(powers) < 6 else powers[:: 2 if len(powers) % 2 else 1]))
    panel.xaxis.set_major_formatter(ScalarFormatter())
    panel.yaxis.set_major_locator(LogLocator(numticks=5))
    if panel.get_ylim()[1] < 1e6:
        panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    for one in (panel.xaxis, panel.yaxis):
        one.set_minor_locator(NullLocator())
