"""Does a unit's picture notice when the weights are random? (Adebayo et al. 2018.)"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from zfwidgets.errors import Cancelled, NetworkError, ParameterError
from zfwidgets.imaging.checks import whole_number
from zfwidgets.methods.activations import record_for_projections
from zfwidgets.methods.deconvnet import Descent, check_rules
from zfwidgets.methods.projection import RULES, Projection, Unit
from zfwidgets.methods.recording import Recording
from zfwidgets.methods.rules.compare import lively_unit
from zfwidgets.methods.rules.result import MEASURES, WeightRandomisation
from zfwidgets.methods.rules.similarity import cosine, rank_correlation, reached
from zfwidgets.network import Network
from zfwidgets.network.operations import Operation
from zfwidgets.network.passage import Rule

__all__ = ["weight_randomisation"]


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
        If a layer with weights does not know how to begin anew.

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
    seed = whole_number(seed, "seed", 0)
    recording, unit = lively_unit(net, image, layer, channel, position)
    with net.lock:
        copied = copy.deepcopy(net.module)
        stages = _stages(net, layer)
        drawn = _drawn(net, [path for paths in stages.values() for path in paths], seed)
    random = Network(copied, preprocess=net.preprocess, classes=net.classes, device=net.device, name=net.name)
    original = _pictures(net, recording, unit, rules, None)
    values = {rule: projection.value for rule, projection in original.items()}
    found: dict[str, list[Projection]] = {rule: [] for rule in rules}
    result = _result(tuple(stages), original, found, seed)
    for paths in stages.values():
        if cancelled():
            raise Cancelled("The check was cancelled.")
        for path in paths:
            random.module.get_submodule(path).load_state_dict(drawn[path].state_dict())
        again = record_for_projections(random, recording.inputs[0], [layer])
        for rule, projection in _pictures(random, again, unit, rules, values).items():
            found[rule].append(projection)
        result = _result(tuple(stages), original, found, seed)
        if on_partial is not None and not result.complete:
            on_partial(result)
    return result


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
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for part in parts.values():
            part.reset_parameters()  # type: ignore[operator]
    return parts


def _pictures(
    net: Network, recording: Recording, unit: Unit, rules: Sequence[Rule], values: Mapping[str, float] | None
) -> dict[str, Projection]:
    """By rule; `values` are sent down in place of the activation."""
    graph = net.traced()
    for index in graph.ancestors([net.layers[unit.layer].index]):
        graph.nodes[index].operation.refresh()
    with net.lock, torch.inference_mode():
        return {
            rule: Descent(net, recording, unit.layer, rule, "sum").project(
                [unit], values=None if values is None else [values[rule]]
            )[0]
            for rule in rules
        }


def _result(
    layers: tuple[str, ...], original: Mapping[str, Projection], found: Mapping[str, list[Projection]], seed: int
) -> WeightRandomisation:
    measured = {measure: {rule: np.full(len(layers), np.nan, np.float32) for rule in found} for measure in MEASURES}
    for rule, some in found.items():
        first = reached(original[rule])
        for stage, projection in enumerate(some):
            now = reached(projection)
            measured["rank"][rule][stage] = rank_correlation(now, first)
            measured["magnitude"][rule][stage] = rank_correlation(np.abs(now), np.abs(first))
            measured["cosine"][rule][stage] = cosine(now, first)
    projections = {rule: tuple(some) for rule, some in found.items()}
    return WeightRandomisation(layers, original, projections, **measured, seed=seed)
