"""The tiny network and its backend."""

from twins.tiny import backend, network, pictures

__all__ = ["backend", "network", "pictures"]
