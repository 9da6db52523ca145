"""What a process must know of a network that lives elsewhere: its layers, classes and sizes. Needs no torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from zfwidgets.errors import NetworkError, unknown_name
from zfwidgets.imaging.checks import class_number

if TYPE_CHECKING:
    from zfwidgets.imaging import Preprocess
    from zfwidgets.network import Network

__all__ = ["DistantNetwork", "NetworkFacts", "facts_of", "fidelity_sentence", "layer_facts"]


@dataclass(frozen=True)
class NetworkFacts:
    """What travels: see the attributes of these names of `Network`; `layers` are those of its menu."""

    name: str
    classes: tuple[str, ...]
    preprocess: Preprocess
    input_size: tuple[int, int]
    layer_names: tuple[str, ...]
    layers: Mapping[str, Any]
    menu: tuple[str, ...]
    default_layer: str | None
    trace_problem: str | None
    multiply_adds: int | None
    device: str


def facts_of(network: Network, device: str) -> NetworkFacts:
    """The facts of a network, with its device in words."""
    spatial = any(network.layers[name].spatial for name in network.menu)
    return NetworkFacts(
        network.name,
        network.classes,
        network.preprocess,
        network.input_size,
        tuple(network.layers),
        {name: layer_facts(network, name) for name in network.menu},
        network.menu,
        network.default_layer if spatial else None,
        network.trace_problem,
        network.multiply_adds,
        device,
    )


def layer_facts(network: Network, name: str) -> SimpleNamespace:
    """What `Layer` says of a layer, and how faithful its projections are, in words."""
    layer = network.layers[name]
    return SimpleNamespace(**asdict(layer), spatial=layer.spatial, sentence=fidelity_sentence(network, name))


def fidelity_sentence(network: Network | DistantNetwork, layer: str) -> str:
    """How faithful a layer's projections are, in words, wherever the network lives."""
    if isinstance(network, DistantNetwork):
        return str(network.layers[layer].sentence)
    from zfwidgets.methods import fidelity_report

    return fidelity_report(network, layer).sentence


class DistantNetwork:
    """Stands where a `Network` would: answers from facts, and asks the process that has the network for more.

    Parameters
    ----------
    facts : NetworkFacts
        What is known.
    ask : callable
        ``ask("layer", name)`` and ``ask("cost", size, stride)`` reach the other process.
    """

    version = 0
    """The network elsewhere is nobody's to train: its answers stay true."""

    def __init__(self, facts: NetworkFacts, ask: Callable[..., Any]) -> None:
        self.name, self.classes, self.preprocess = facts.name, facts.classes, facts.preprocess
        self.input_size, self.menu = facts.input_size, facts.menu
        self.trace_problem, self.multiply_adds = facts.trace_problem, facts.multiply_adds
        self.layers = _DistantLayers(facts, ask)
        self._default_layer, self._ask, self._device = facts.default_layer, ask, facts.device

    def __repr__(self) -> str:
        return f"DistantNetwork({self.name}, {len(self.classes)} classes, {len(self.layers)} layers, {self._device})"

    @property
    def default_layer(self) -> str:
        """As `Network.default_layer`."""
        if self._default_layer is None:
            raise NetworkError(
                self.trace_problem
                or f"{self.name} has no feature maps; occlusion maps of probabilities work all the same."
            )
        return self._default_layer

    def class_index(self, asked: str | int) -> int:
        """As `Network.class_index`."""
        return class_number(asked, self.classes)

    def occlusion_cost(self, size: int, stride: int) -> SimpleNamespace:
        """As `Network.occlusion_cost`, of which only ``chosen`` is known here."""
        chosen = self._ask("cost", size, stride)
        if chosen is None:
            raise NetworkError(self.trace_problem or f"{self.name} is not traced.")
        return SimpleNamespace(chosen=chosen)

    def input(self, image: Any) -> Any:
        """There is none here."""
        raise NetworkError(
            f"{self.name} lives on the cluster; ask it by requests: backend.compute(ScoresRequest(key))."
        )


class _DistantLayers(Mapping[str, Any]):
    def __init__(self, facts: NetworkFacts, ask: Callable[..., Any]) -> None:
        self._names, self._problem, self._ask = facts.layer_names, facts.trace_problem, ask
        self._known = dict(facts.layers)

    def __getitem__(self, name: str) -> Any:
        if name not in self._names:
            if self._problem is not None:
                raise NetworkError(self._problem)
            raise unknown_name("layer", name, self._names)
        if name not in self._known:
            self._known[name] = self._ask("layer", name)
        return self._known[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
