"""Projections against Captum's `NeuronDeconvolution` and against the hooks that everybody writes: the paper's Fig. 2.

Both peers run whole pictures through the network and back, so a unit costs them the same as any other of its layer,
and some of them tell the time of all.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import zfwidgets as zf
from benchmarks.measure import Action, Timing, interleaved, timed
from benchmarks.networks import load
from benchmarks.occlusion import WrongAnswerError
from benchmarks.peers import captum_module
from benchmarks.tables import NONE, Table, seconds, times

__all__ = ["Sheet", "measure", "readme", "tables"]

LAYERS = {
    "alexnet": ("features.1", "features.4", "features.7", "features.9", "features.11"),
    "zfnet": ("features.1", "features.5", "features.9", "features.11", "features.13"),
    "squeezenet1_1": ("features.1", "features.4", "features.7", "features.9", "features.12"),
    "resnet18": ("relu", "layer1", "layer2", "layer3", "layer4"),
    "vgg16": ("features.3", "features.8", "features.15", "features.22", "features.29"),
}
"""Five modules of each network: all convolutions after their relu, or the last ones before the maps shrink."""

MAPS = 16
MIRRORED = ("photo/astronaut", "photo/chelsea", "photo/coffee")
BATCHES = {"cpu": (1, 4, 16), "cuda": (4, 16, 48), "mps": (1, 4, 16)}
FEW = 3  # units of each layer and round; a batch of the hooks may have more
CHECKED = 3  # of each layer
TOLERANCE, SWITCHED = 1e-4, 0.1
"""Of the projection's largest pixel: for most units, and for any. Where two cells of a pooling window are alike to
within rounding, either may be the switch: on ZFNet the hooks in 64 bits differ by 0.02 from themselves in 32."""

SINGLES = 5  # times as many rounds for what takes milliseconds


@dataclass(frozen=True, eq=False)  # tensors have no single equality
class Sheet:
    """What Fig. 2 shows, as every contestant gets it.

    Attributes
    ----------
    net : Network
        Captum gets its module as it is, the hooks a copy whose relus do not work in place.
    pictures : Tensor
        (N, 3, H, W) model inputs.
    units : dict
        By layer, the strongest unit of each feature map in each picture.
    """

    net: zf.Network
    pictures: Tensor
    units: dict[str, list[zf.Unit]]

    @classmethod
    def of(cls, net: zf.Network, pictures: Tensor, layers: Sequence[str], maps: int = MAPS) -> Sheet:
        """Feature maps evenly spread over each layer."""
        recorded = zf.record(net, pictures, layers).activations
        units = {}
        for layer in layers:
            found = recorded[layer]
            channels = np.linspace(0, found.shape[1] - 1, maps).round().astype(int).tolist()
            units[layer] = [
                zf.Unit(image, layer, channel, *divmod(int(found[image, channel].argmax()), found.shape[3]))
                for channel, image in product(channels, range(len(pictures)))
            ]
        return cls(net, pictures, units)

    def some(self, layer: str, count: int) -> list[zf.Unit]:
        """That many units of a layer, evenly spread."""
        units = self.units[layer]
        return [units[number] for number in np.linspace(0, len(units) - 1, count).round().astype(int)]

    def ours(self) -> list[zf.Projection]:
        """The package's answer: all units in one call, the forward pass of all pictures in it."""
        return zf.project_units(self.net, self.pictures, [unit for units in self.units.values() for unit in units])

    def captum(self, units: Sequence[zf.Unit]) -> Tensor:
        """(B, 3, H, W): one call for each unit, as Captum asks for."""
        found = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # each call says that it sets hooks
            for unit in units:
                peer = captum_module().NeuronDeconvolution(self.net.module, self.net.module.get_submodule(unit.layer))
                picture = self.pictures[unit.image : unit.image + 1]
                found.append(peer.attribute(picture, (unit.channel, unit.row, unit.column)).detach())
        return torch.cat(found)

    def hooks(self, module: nn.Module, units: Sequence[zf.Unit], batch: int) -> Tensor:
        """(B, 3, H, W): units of one layer in batches of pictures, no further up than the layer and back."""
        found = [self._hooks(module, units[first : first + batch]) for first in range(0, len(units), batch)]
        return torch.cat(found)

    def _hooks(self, module: nn.Module, units: Sequence[zf.Unit]) -> Tensor:
        batch = self.pictures[[unit.image for unit in units]].requires_grad_()
        with _until(module.get_submodule(units[0].layer)) as reached, suppress(_ReachedError):
            module(batch)
        maps = reached[0]
        places = [[unit.channel, unit.row, unit.column] for unit in units]
        channels, rows, columns = torch.tensor(places, device=maps.device).T
        chosen = maps[torch.arange(len(units), device=maps.device), channels, rows, columns]
        (found,) = torch.autograd.grad(chosen, batch, chosen.detach())
        return found


class _ReachedError(Exception):
    """The layer has been computed."""


@contextmanager
def _until(layer: nn.Module) -> Iterator[list[Tensor]]:
    """Keep what a module gives, and go no further."""
    reached: list[Tensor] = []

    def stop(_: nn.Module, __: tuple[Tensor, ...], output: Tensor) -> None:
        reached.append(output)
        raise _ReachedError

    handle = layer.register_forward_hook(stop)
    try:
        yield reached
    finally:
        handle.remove()


def hooked(module: nn.Module) -> nn.Module:
    """A copy whose relus send down the positive part of the signal, and its response norms all of it."""

    def rectified(_: nn.Module, __: tuple[Tensor, ...], signals: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (signals[0].clamp(min=0),)

    def passed(_: nn.Module, __: tuple[Tensor, ...], signals: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return signals

    twin = copy.deepcopy(module).requires_grad_(False)
    for part in twin.modules():
        if isinstance(part, nn.ReLU):
            part.inplace = False
            part.register_full_backward_hook(rectified)
        elif isinstance(part, nn.LocalResponseNorm):
            part.register_full_backward_hook(passed)
    return twin


def measure(networks: Sequence[str], device: str = "cpu", repeats: int = 5) -> dict[str, Any]:
    """Seconds of a whole sheet by network, of each peer's units by layer, and of one unit alone."""
    captum_module()
    found = {}
    for name in networks:
        print(f"  {name}", flush=True)
        net = load(name, device)
        found[name] = _network(Sheet.of(net, _pictures(net), LAYERS[name]), repeats)
    return {"maps": MAPS, "networks": found}


def _pictures(net: zf.Network) -> Tensor:
    """(9, 3, 224, 224): the photographs that come with the package, three of them mirrored too."""
    samples = zf.samples()
    photographs = {name: net.input(samples[name]) for name in samples}
    return torch.stack([*photographs.values(), *(photographs[name].flip(-1) for name in MIRRORED)])


def _network(sheet: Sheet, repeats: int) -> dict[str, Any]:
    net, device, module = sheet.net, sheet.net.device, hooked(sheet.net.module)
    difference = _checked(sheet, sheet.ours(), module)
    batches = {layer: _best_batch(sheet, module, layer) for layer in sheet.units}
    actions: dict[str, Action] = {"ours": sheet.ours}
    for layer, batch in batches.items():
        actions[f"captum {layer}"] = partial(sheet.captum, sheet.some(layer, FEW))
        actions[f"hooks {layer}"] = partial(sheet.hooks, module, sheet.some(layer, max(batch, FEW)), batch)
    ready = dict.fromkeys(actions, lambda: None)  # the check and the search have run them all
    timings = interleaved(actions, repeats, warm=ready, device=device)
    each = {
        layer: {
            "captum": timings[f"captum {layer}"].scaled(1 / FEW),
            "hooks": timings[f"hooks {layer}"].scaled(1 / max(batch, FEW)),
        }
        for layer, batch in batches.items()
    }
    counts = {layer: len(units) for layer, units in sheet.units.items()}
    whole = {
        peer: _sum([spent[peer].scaled(counts[layer]) for layer, spent in each.items()]) for peer in ("captum", "hooks")
    }
    last = sheet.some(list(sheet.units)[-1], 3)[1]
    picture = sheet.pictures[last.image]
    recording = zf.record(net, picture, [last.layer])
    singles: dict[str, Action] = {
        "picture": partial(zf.project, net, picture, last.layer, last.channel),
        "recording": partial(zf.project, net, recording, last.layer, last.channel),
    }
    alone = interleaved(singles, SINGLES * repeats, device=device)
    return {
        "pictures": len(sheet.pictures),
        "units": sum(counts.values()),
        "difference": difference,
        "seconds": {kind: timing.stored() for kind, timing in ({"ours": timings["ours"]} | whole).items()},
        "seconds_per_unit": {
            layer: {peer: timing.stored() for peer, timing in spent.items()} for layer, spent in each.items()
        },
        "best_batch": batches,
        "one_unit": {"layer": last.layer} | {kind: timing.stored() for kind, timing in alone.items()},
    }


def _sum(timings: Sequence[Timing]) -> Timing:
    """One after the other."""
    first = timings[0]
    median, low, high = (sum(getattr(timing, kind) for timing in timings) for kind in ("median", "low", "high"))
    return Timing(median, low, high, first.rounds, first.others)


def _best_batch(sheet: Sheet, module: nn.Module, layer: str) -> int:
    """Units that the hooks take at once for the least time each; larger ones are not tried once it grows."""
    costs: dict[int, float] = {}
    for batch in BATCHES[sheet.net.device.type]:
        action = partial(sheet.hooks, module, sheet.some(layer, batch), batch)
        action()
        costs[batch] = timed(action, sheet.net.device) / batch
        if costs[batch] > 1.2 * min(costs.values()):
            break
    return min(costs, key=lambda batch: costs[batch])


def _checked(sheet: Sheet, answer: Sequence[zf.Projection], module: nn.Module, captum: bool = True) -> dict[str, float]:
    """How far the package's pixels are from the peers', of a projection's largest: of most units and of the worst."""
    known = dict(zip((unit for units in sheet.units.values() for unit in units), answer, strict=True))
    off: list[float] = []
    for layer in sheet.units:
        units = [unit for unit in sheet.some(layer, 4 * CHECKED) if known[unit].value > 0][:CHECKED]
        if not units:
            raise WrongAnswerError(f"{sheet.net.name}: all units of layer {layer!r} are silent; choose other maps.")
        found = torch.from_numpy(np.stack([known[unit].canvas() for unit in units]))
        truths = [sheet.hooks(module, units, 1).cpu()]
        if captum and not _normed(sheet.net, layer):
            # Captum sends down a one instead of the activation.
            values = torch.tensor([known[unit].value for unit in units])
            truths.append(sheet.captum(units).cpu() * values[:, None, None, None])
        for truth in truths:
            off += ((found - truth).abs().amax((1, 2, 3)) / truth.abs().amax((1, 2, 3))).tolist()
    median, worst = float(np.median(off)), float(np.max(off))
    if not (median <= TOLERANCE and worst <= SWITCHED):
        raise WrongAnswerError(
            f"{sheet.net.name}: pixels differ by {median:.1e} of the largest one from those of the peers, at worst by "
            f"{worst:.1e}; {TOLERANCE:.0e} is allowed, {SWITCHED} at worst."
        )
    return {"median": float(f"{median:.2g}"), "worst": float(f"{worst:.2g}")}


def _normed(net: zf.Network, layer: str) -> bool:
    """Whether a response norm lies below: Captum takes its derivative, the paper leaves it out on the way down."""
    graph = net.traced()
    return any(
        graph.nodes[index].operation.kind == "response norm" for index in graph.ancestors([net.layers[layer].index])
    )


def tables(results: dict[str, Any]) -> list[Table]:
    """Whole sheets, one unit, and what a unit costs the peers in each layer."""
    return [_sheets(results), _units(results)]


def _sheets(results: dict[str, Any]) -> Table:
    head = (
        "network", "units", "Captum", "hooks", "**zfwidgets**", "x Captum", "x hooks", "one unit of the last layer",
        "without the forward pass", "difference",
    )  # fmt: skip
    rows = []
    for name, found in results["networks"].items():
        spent, one = _medians(found["seconds"]), found["one_unit"]
        rows.append((
            name,
            str(found["units"]),
            seconds(spent["captum"]),
            seconds(spent["hooks"]),
            seconds(spent["ours"]),
            times(spent["captum"] / spent["ours"]),
            times(spent["hooks"] / spent["ours"]),
            seconds(one["picture"]["median"]),
            seconds(one["recording"]["median"]),
            f"{found['difference']['median']:.0e} (at worst {found['difference']['worst']:.0e})",
        ))  # fmt: skip
    note = (
        f"The strongest unit of {results['maps']} feature maps, evenly spread over each of five layers, in each of "
        "nine pictures (the package's photographs, three of them mirrored too), forward passes included; medians. "
        "*Captum*: `NeuronDeconvolution`, one call for each unit. *Hooks*: backward hooks on the relus and autograd, "
        "whole pictures in batches, forward no further than the layer. Both are timed at some units of each layer "
        "and scaled. All three give the same pixels (signals add where windows of a pool overlap; *difference*: of the "
        "projection's largest pixel, over some units; the worst are those below which two cells of a window are alike "
        "to within rounding, and each takes another for the switch), except that Captum sends down a one instead of "
        "the activation, and in ZFNet the derivative of the response norm, which the paper leaves out. The unit of the "
        "last layer is the strongest of one map, by `zf.project`: from a picture, and from a recording of it."
    )
    return Table("Projections: a sheet as in Fig. 2", head, rows, note)


def _units(results: dict[str, Any]) -> Table:
    rows = [
        (name, layer, seconds(spent["captum"]["median"]), f"{seconds(spent['hooks']['median'])} ({batch})")
        for name, found in results["networks"].items()
        for (layer, spent), batch in zip(found["seconds_per_unit"].items(), found["best_batch"].values(), strict=True)
    ]
    head = ("network", "layer", "Captum", "hooks")
    return Table("One unit of the sheet", head, rows, "Best batch size in brackets.")


def readme(results: dict[str, Any], gpu: dict[str, Any] | None = None) -> list[Table]:
    """The README's table."""
    head = ["projections of Fig. 2", "Captum", "hooks", "zfwidgets", "ratio", "one unit", "on the GPU", "ratio"]
    rows = []
    for name, found in results["networks"].items():
        here = _medians(found["seconds"])
        there = _medians(gpu["networks"][name]["seconds"]) if gpu and name in gpu["networks"] else {}
        rows.append((
            f"{name}, {found['units']} units",
            seconds(here["captum"]),
            seconds(here["hooks"]),
            seconds(here["ours"]),
            f"**{times(here['captum'] / here['ours'])}**",
            seconds(found["one_unit"]["picture"]["median"]),
            seconds(there.get("ours")),
            times(there["captum"] / there["ours"]) if there else NONE,
        ))  # fmt: skip
    note = (
        f"The strongest unit of {results['maps']} feature maps of each of five layers in each of nine pictures, one "
        "call; Captum unit by unit (ratio), the hooks in batches of the best size; the same pixels. *One unit*: of the "
        "last layer, forward pass included."
    )
    return [Table("", head, rows, note)]


def _medians(stored: dict[str, dict[str, float]]) -> dict[str, float]:
    return {kind: timing["median"] for kind, timing in stored.items()}
