"""The tiny network."""

from twins.tiny import network

__all__ = ["network"]
