"""The tiny network and its backend; a viewer and a backend of which a test gives the answers."""

from twins.echo import asked, echo, spec
from twins.tiny import backend, cousin, network, pictures

__all__ = ["asked", "backend", "cousin", "echo", "network", "pictures", "spec"]
