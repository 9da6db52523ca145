"""Does a unit's picture notice when the weights are random? (Adebayo et al. 2018.)"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import nn

from zfwidgets.errors import Cancelled, NetworkError, ParameterError
from zfwidgets.methods.activations import record_for_projections
from zfwidgets.methods.deconvnet import Descent, check_rules
from zfwidgets.methods.options import checked_seed
from zfwidgets.methods.projection import RULES, Projection, Unit
from zfwidgets.methods.recording import Recording
from zfwidgets.methods.rules.compare import lively_unit
from zfwidgets.methods.rules.result import MEASURES, WeightRandomisation
from zfwidgets.methods.similarity import Likeness, reached
from zfwidgets.network import Network
from zfwidgets.network.operations import Operation
from zfwidgets.network.operations.filters import Rectification
from zfwidgets.network.passage import Rule

__all__ = ["weight_randomisation"]

_OTHERS = 8
"""Other maps that a picture is compared with: their mean moves by some hundredths with more."""


def weight_randomisation(
    net: Network,
    image: Any,
    layer: str,
    channel: int,
    position: tuple[int, int] | None = None,
    rules: Sequence[Rule] = RULES,
    seed: int = 0,
    *,
    on_partial: Callable[[WeightRandomisation], None] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> WeightRandomisation:
    """Take a unit's picture again and again, while more and more of the layers that make it lose their weights.

    First the unit's own layer gets random weights, then also the one below, and so on down to the first. A picture that
    tells what the network has learned must change at once; one that stays alike tells of the picture and of where its
    maxima were. Layers above the unit have no part in its picture.

    The random weights are those that a layer of its kind begins with (its own ``reset_parameters``, batch norm
    included): what an untrained network of this architecture would have. Normal numbers as large as the trained
    weights give the same curves, see the tests. All this happens to a copy; the network is left as it is.

    The same activation is sent down at every stage, and the unit's own relu lets it pass, as it does in the trained
    network: whether a random unit happens to be silent is not the question.

    Parameters
    ----------
    net, image, layer, channel, position
        As in `project`. The place stays that of the trained network's unit, also where the random one's maximum is
        elsewhere.
    rules : sequence of {"deconvnet", "desalinet", "guided", "gradient"}
        As in `project`; each takes its pictures of the same random networks.
    seed : int
        Of the random weights: the same seed gives the same weights.
    on_partial : callable, optional
        Is given what is known after each stage.
    cancelled : callable, optional
        Asked between stages; True raises `Cancelled`.

    Returns
    -------
    WeightRandomisation

    Raises
    ------
    RefusedError, UnknownNameError
        As in `project`.
    ParameterError
        If the unit is silent in this picture.
    NetworkError
        If a layer with weights does not know how to begin anew, or keeps some of them.

    References
    ----------
    Adebayo et al. 2018, "Sanity checks for saliency maps", section 3.1: cascading randomisation.

    Examples
    --------
    >>> from torch import nn
    >>> from zfwidgets.imaging import Preprocess
    >>> below = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 5, 3))
    >>> module = nn.Sequential(*below, nn.Flatten(), nn.Linear(125, 2))
    >>> net = Network(module, preprocess=Preprocess(size=16), device="cpu")
    >>> found = weight_randomisation(net, torch.rand(3, 16, 16), "conv2", 1, rules=("deconvnet", "gradient"))
    >>> found.layers, found.similarity("gradient", "cosine").shape, found.complete
    (('conv2', 'conv1'), (2,), True)
    """
    if not rules or isinstance(rules, str):
        raise ParameterError(f"rules is a list of at least one of {', '.join(RULES)}; found {rules!r}.")
    for name in rules:
        check_rules(name, "sum")
    seed = checked_seed(seed)
    recording, unit = lively_unit(net, image, layer, channel, position)
    with net.lock:
        copied = copy.deepcopy(net.module)
        stages = _stages(net, layer)
        drawn = _drawn(net, [path for paths in stages.values() for path in paths], seed)
    random = Network(copied, preprocess=net.preprocess, classes=net.classes, device=net.device, name=net.name)
    value = float(recording.activations[layer][(0, channel, *_place(recording, unit))])
    original = _pictures(net, recording, unit, rules, value)
    likeness = {rule: Likeness(reached(projection)) for rule, projection in original.items()}
    others = _others(net, recording, unit, rules, likeness, value)
    found: dict[str, list[Projection]] = {rule: [] for rule in original}
    measured = {measure: {rule: np.full(len(stages), np.nan, np.float32) for rule in original} for measure in MEASURES}

    def result() -> WeightRandomisation:
        known = {measure: {rule: line.copy() for rule, line in lines.items()} for measure, lines in measured.items()}
        projections = {rule: tuple(some) for rule, some in found.items()}
        return WeightRandomisation(tuple(stages), original, projections, **known, others=others, seed=seed)

    for stage, paths in enumerate(stages.values()):
        if cancelled():
            raise Cancelled("The check was cancelled.")
        for path in paths:
            random.module.get_submodule(path).load_state_dict(drawn[path].state_dict())
        again = record_for_projections(random, recording.inputs[0], [layer])
        for rule, projection in _pictures(random, again, unit, rules, value).items():
            found[rule].append(projection)
            for measure, alike in likeness[rule](reached(projection)).items():
                measured[measure][rule][stage] = alike
        if on_partial is not None and stage < len(stages) - 1:
            on_partial(result())
    return result()


def _stages(net: Network, layer: str) -> dict[str, list[str]]:
    """Layers from the top down, each with the paths of the modules whose weights belong to it.

    A layer is one of the network's menu with all that leads up to it from the one before (a block), or each module by
    itself where the menu makes no difference. A module that is called several times loses its weights with its last
    call.
    """
    graph, start = net.traced(), net.layers[layer].index
    nodes = sorted(graph.ancestors([start]), reverse=True)
    homes = {net.layers[name].index: name for name in net.menu} | {start: layer}
    paths = {id(part): path for path, part in net.module.named_modules()}
    stages: dict[str, list[str]] = {}
    home, seen = layer, set()
    for index in nodes:
        home = homes.get(index, home)
        for part in _parts(net, graph.nodes[index].operation):
            if id(part) not in seen:
                seen.add(id(part))
                stages.setdefault(home, []).append(paths[id(part)])
    if not stages:
        raise ParameterError(f"There are no weights between {layer!r} and the pixels; choose a layer above it.")
    ((_, first), *others) = stages.items()
    return stages if others else {path: [path] for path in first}


def _parts(net: Network, operation: Operation) -> list[nn.Module]:
    """The modules that hold what an operation has learned."""
    module = getattr(operation, "module", None)
    owned = {id(parameter) for parameter in operation.parameters()}
    if isinstance(module, nn.Module):
        parts = [module]
    else:
        held = [(part, part.parameters(recurse=False)) for part in net.module.modules()]
        parts = [part for part, some in held if any(id(parameter) in owned for parameter in some)]
    for part in parts:
        if not hasattr(part, "reset_parameters"):
            raise NetworkError(
                f"{net.name} cannot begin anew: its {type(part).__name__} has weights and no reset_parameters; choose "
                "a layer below it."
            )
    return parts


def _drawn(net: Network, paths: Sequence[str], seed: int) -> dict[str, nn.Module]:
    """The same parts with the random weights that they begin with, all drawn at once and from the top down."""
    parts: dict[str, nn.Module] = {path: copy.deepcopy(net.module.get_submodule(path)).cpu() for path in paths}
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        for part in parts.values():
            for parameter in part.parameters():
                parameter.fill_(float("nan"))  # what is still there afterwards was not drawn anew
            part.reset_parameters()  # type: ignore[operator]
    for path, part in parts.items():
        _check_lost(net, path, part)
    return parts


def _check_lost(net: Network, path: str, part: nn.Module) -> None:
    """Raise `NetworkError` for weights that a part still has: those of weight norm know nothing of the reset."""
    for name, parameter in part.named_parameters():
        if parameter.isnan().any():
            raise NetworkError(
                f"{net.name} cannot begin anew: {path} keeps its {name} through reset_parameters; take weight norm and "
                "the like off (remove_weight_norm, remove_parametrizations), or choose a layer below it."
            )


def _place(recording: Recording, unit: Unit) -> tuple[int, ...]:
    return (unit.row, unit.column) if recording.activations[unit.layer].ndim == 4 else ()


def _pictures(
    net: Network, recording: Recording, unit: Unit, rules: Sequence[Rule], value: float
) -> dict[str, Projection]:
    """By rule; `value` is sent down, whatever the unit's own is in this network."""
    net.traced().refresh([net.layers[unit.layer].index])
    with net.lock, torch.inference_mode():
        return {rule: _descent(net, recording, unit, rule).project([unit], values=[value])[0] for rule in rules}


def _descent(net: Network, recording: Recording, unit: Unit, rule: Rule) -> Descent:
    """From below the unit's own relu, which lets the signal pass in the trained network: a random one may be silent."""
    descent = Descent(net, recording, unit.layer, rule, "sum")
    node = descent.graph.nodes[descent.start]
    if isinstance(node.operation, Rectification) and node.inputs != (0,):
        (descent.start,) = node.inputs
    return descent


def _others(
    net: Network,
    recording: Recording,
    unit: Unit,
    rules: Sequence[Rule],
    likeness: Mapping[str, Likeness],
    value: float,
) -> dict[str, dict[str, float]]:
    """By measure and rule, the mean likeness of some other maps' pictures, evenly from all."""
    count = net.layers[unit.layer].channels
    channels = [place for place in range(count) if place != unit.channel]
    some = np.linspace(0, len(channels) - 1, min(len(channels), _OTHERS)).round().astype(int)
    units = [replace(unit, channel=channels[place]) for place in some]
    found: dict[str, dict[str, float]] = {measure: {} for measure in MEASURES}
    for rule in rules:
        with net.lock, torch.inference_mode():
            descent = _descent(net, recording, unit, rule)
            pieces = [[units[number] for number in piece] for piece in descent.pieces(units)] if units else []
            pictures = [p for piece in pieces for p in descent.project(piece, values=[value] * len(piece))]
        alike = [likeness[rule](reached(picture)) for picture in pictures]
        for measure in MEASURES:
            known = [one[measure] for one in alike if np.isfinite(one[measure])]
            found[measure][rule] = float(np.mean(known)) if known else float("nan")
    return found
