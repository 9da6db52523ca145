"""A network as a graph of operations with rules."""

from zfwidgets.network.network import Layer, Layers, Network, checked_network

__all__ = ["Layer", "Layers", "Network", "checked_network"]
