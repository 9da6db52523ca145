"""How another process gets the network that this one means."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zfwidgets.errors import ParameterError

if TYPE_CHECKING:
    from zfwidgets.imaging import Preprocess
    from zfwidgets.network import Network

__all__ = ["ModuleSource", "NetworkSource", "Source", "source_of"]


@dataclass(frozen=True)
class NetworkSource:
    """A network by name, loaded where it is used.

    Attributes
    ----------
    name : str
        As `load_network` knows it.
    weights : str
        ``"default"``, or a path that the other process can read.

    Examples
    --------
    >>> NetworkSource("zfnet-scenes").load("cpu").default_layer
    'conv5'
    """

    name: str
    weights: str = "default"

    def load(self, device: str = "auto") -> Network:
        """The network, on a device of this process."""
        from zfwidgets.models import load_network

        return load_network(self.name, weights=self.weights, device=device)


@dataclass(frozen=True, eq=False)  # modules have no single equality
class ModuleSource:
    """A network that exists in this process: its module goes over, with all that belongs to it."""

    module: Any
    preprocess: Preprocess
    classes: tuple[str, ...]
    name: str

    def load(self, device: str = "auto") -> Network:
        """The network, on a device of this process."""
        from zfwidgets.network import Network

        return Network(self.module, preprocess=self.preprocess, classes=self.classes, device=device, name=self.name)


Source = NetworkSource | ModuleSource


def source_of(network: str | Source | Network) -> Source:
    """What to send for a network; a name stays a name, so that this process need not load it.

    Raises
    ------
    ParameterError
        If it is none of these.
    """
    if isinstance(network, str):
        return NetworkSource(network)
    if isinstance(network, NetworkSource | ModuleSource):
        return network
    if not hasattr(network, "module"):
        raise ParameterError(
            f"A network is a name or a Network, not {type(network).__name__}; wrap it with Network(...)."
        )
    module = network.module if network.device.type == "cpu" else copy.deepcopy(network.module).cpu()
    return ModuleSource(module, network.preprocess, network.classes, network.name)
