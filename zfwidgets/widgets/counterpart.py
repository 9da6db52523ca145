"""What of a second network stands beside a layer, a map or a class of the first, and the sentence that says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zfwidgets.network import Network

__all__ = ["Counterpart", "channel_beside", "class_beside", "layer_beside"]


@dataclass(frozen=True)
class Counterpart:
    """A layer of the second network.

    Attributes
    ----------
    layer : str or None
        Its name; None where there is none to be had.
    words : str
        Why this one, where it has another name; else "".
    """

    layer: str | None
    words: str = ""


def layer_beside(mine: Network, theirs: Network, layer: str | None, name: str) -> Counterpart:
    """The layer of the same name; where there is none, the one at the same share of the depth.

    Parameters
    ----------
    mine, theirs : Network
        The two networks.
    layer : str or None
        Of the first one; None for a network that cannot be looked into.
    name : str
        What the second one is called.

    Returns
    -------
    Counterpart
        A layer with places where `layer` has places.

    Examples
    --------
    >>> from zfwidgets.models import load_network
    >>> scenes, squeezenet = load_network("zfnet-scenes"), load_network("squeezenet1_1", weights=None)
    >>> print(layer_beside(scenes, squeezenet, "conv5", "it").words)
    it has no layer conv5: shown is features.11, as deep (after 86 % of its layers with places).
    >>> layer_beside(scenes, scenes, "conv5", "it")
    Counterpart(layer='conv5', words='')
    """
    if layer is None:
        return Counterpart(None, "The first network has no layer to compare.")
    if theirs.trace_problem is not None:
        return Counterpart(None, f"{name} cannot be looked into: {theirs.trace_problem}")
    spatial = mine.layers[layer].spatial
    if layer in theirs.layers and theirs.layers[layer].spatial == spatial:
        return Counterpart(str(theirs.layers[layer].name))
    kind = "with places" if spatial else "without places"
    names = _menu(theirs, spatial)
    if not names:
        return Counterpart(None, f"{name} has no layer {kind} to stand beside {layer}.")
    share = _depth(mine, layer, spatial)
    found = min(names, key=lambda one: abs(_depth(theirs, one, spatial) - share))
    depth = f"after {100 * _depth(theirs, found, spatial):.0f} % of its layers {kind}"
    return Counterpart(found, f"{name} has no layer {layer}: shown is {found}, as deep ({depth}).")


def channel_beside(theirs: Network, layer: str | None, channel: int, name: str) -> tuple[int | None, str]:
    """The map of the same number, or None and why where there is no such map."""
    if layer is None:
        return None, ""
    count = theirs.layers[layer].channels
    if channel < count:
        return channel, ""
    return None, f"{layer} of {name} has {count} maps and no #{channel}: its strongest is shown."


def class_beside(mine: Network, theirs: Network, target: int) -> int | None:
    """The class of the same name, or None."""
    name = mine.classes[target]
    return theirs.classes.index(name) if name in theirs.classes else None


def _menu(net: Network, spatial: bool) -> list[str]:
    """Layers with places, or those without."""
    return [name for name in net.menu if net.layers[name].spatial == spatial]


def _depth(net: Network, layer: str, spatial: bool) -> float:
    """Which share of these layers is behind when this one is done."""
    order = {name: place for place, name in enumerate(net.layers)}
    passed = order[net.layers[layer].name]
    places = [order[net.layers[name].name] for name in _menu(net, spatial)]
    return sum(place <= passed for place in places) / max(len(places), 1)
