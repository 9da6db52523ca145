"""What of a second network stands beside a layer, a unit or a class of the first, and the sentence that says so."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zfwidgets.imaging import Crossing

if TYPE_CHECKING:
    from zfwidgets.network import Network

__all__ = [
    "Counterpart",
    "UnitBeside",
    "box_back",
    "channel_beside",
    "class_beside",
    "layer_beside",
    "place_beside",
    "unit_beside",
]


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


def layer_beside(
    mine: Network, theirs: Network, layer: str | None, name: str, among: Collection[str] | None = None
) -> Counterpart:
    """The layer of the same name; where there is none, the one at the same share of the depth.

    Parameters
    ----------
    mine, theirs : Network
        The two networks.
    layer : str or None
        Of the first one; None for a network that cannot be looked into.
    name : str
        What the second one is called.
    among : collection of str, optional
        The layers of the second one of which something is known; all by default.

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
    known = layer in theirs.layers and theirs.layers[layer].spatial == spatial
    if known and (among is None or theirs.layers[layer].name in among):
        return Counterpart(str(theirs.layers[layer].name))
    kind = "with places" if spatial else "without places"
    names = [one for one in _menu(theirs, spatial) if among is None or one in among]
    if not names:
        return Counterpart(None, f"{name} has no layer {kind} to stand beside {layer}.")
    share = _depth(mine, layer, spatial)
    found = min(names, key=lambda one: abs(_depth(theirs, one, spatial) - share))
    depth = f"after {100 * _depth(theirs, found, spatial):.0f} % of its layers {kind}"
    lacks = f"{layer} of {name} is not followed" if known else f"{name} has no layer {layer}"
    return Counterpart(found, f"{lacks}: shown is {found}, as deep ({depth}).")


def channel_beside(theirs: Network, layer: str | None, channel: int, name: str) -> tuple[int | None, str]:
    """The map of the same number, or None and why where there is no such map."""
    if layer is None:
        return None, ""
    count = theirs.layers[layer].channels
    if channel < count:
        return channel, ""
    return None, f"{layer} of {name} has {count} maps and no #{channel}: its strongest is shown."


@dataclass(frozen=True)
class UnitBeside:
    """A unit of the second network.

    Attributes
    ----------
    layer : str or None
        None where there is none to be had.
    channel : int or None
        None: the strongest, at the position if there is one.
    position : (row, column) or None
        None: the map's maximum.
    words : tuple of str
        What had to be chosen, and why.
    """

    layer: str | None
    channel: int | None
    position: tuple[int, int] | None
    words: tuple[str, ...]


def unit_beside(
    mine: Network,
    theirs: Network,
    unit: tuple[str, int, tuple[int, int] | None],
    crossing: Crossing,
    names: Sequence[str],
    chosen: str | None = None,
) -> UnitBeside:
    """The map of the same number in the layer beside, at the same place of the picture.

    Parameters
    ----------
    mine, theirs : Network
        The two networks.
    unit : (layer, channel, position)
        Of the first one; position None: each map's own maximum.
    crossing : Crossing
        From the first input to the second.
    names : (str, str)
        What they are called.
    chosen : str, optional
        A layer of the second one, in place of the layer beside.

    Examples
    --------
    >>> from zfwidgets.models import load_network
    >>> scenes, photos = load_network("zfnet-scenes"), load_network("zfnet-photos")
    >>> crossing = Crossing(scenes.preprocess, photos.preprocess, (96, 96))
    >>> unit_beside(scenes, photos, ("conv5", 3, (1, 2)), crossing, ("scenes", "photos"))
    UnitBeside(layer='conv5', channel=3, position=(1, 2), words=())
    """
    (layer, channel, position), name = unit, names[1]
    found = layer_beside(mine, theirs, layer, name)
    if chosen is not None:  # then the first one's layer is the one beside it, unless that was chosen too
        here = layer_beside(theirs, mine, chosen, names[0])
        found = Counterpart(chosen, here.words if here.layer == mine.layers[layer].name else "")
    if found.layer is None:
        return UnitBeside(None, None, None, (found.words,))
    there, why = channel_beside(theirs, found.layer, channel, name)
    place, where = (
        (None, "") if position is None else place_beside(mine, theirs, layer, found.layer, position, crossing)
    )
    words = (
        found.words,
        why and (f"{why[:-1]} at this place." if place and theirs.layers[found.layer].spatial else why),
        where and f"{name}: {where}",
    )
    return UnitBeside(found.layer, there, place, tuple(sentence for sentence in words if sentence))


def place_beside(
    mine: Network, theirs: Network, here: str, there: str, position: tuple[int, int], crossing: Crossing
) -> tuple[tuple[int, int], str]:
    """The cell whose receptive field is centred nearest to the same place of the picture, and what to say of it."""
    one, two = mine.layers[here], theirs.layers[there]
    sides = (two.height, two.width)
    if not (all(one.stride) and all(two.stride)):  # a field of all has no place: the same share of the map
        shares = ((at + 0.5) / side for at, side in zip(position, (one.height, one.width), strict=True))
        return _cell([share * side - 0.5 for share, side in zip(shares, sides, strict=True)], sides), ""
    y, x = (one.offset[a] + position[a] * one.stride[a] + one.receptive_field[a] / 2 for a in (0, 1))
    x, y = crossing.there(x, y)
    size = theirs.preprocess.size
    seen = 0 <= x <= size and 0 <= y <= size
    cells = [
        (at - two.offset[axis] - two.receptive_field[axis] / 2) / two.stride[axis] for axis, at in enumerate((y, x))
    ]
    return _cell(cells, sides), "" if seen else "this place lies outside of what it sees; shown is the nearest one."


def _cell(at: list[float], sides: tuple[int, int]) -> tuple[int, int]:
    row, column = (min(max(round(cell), 0), side - 1) for cell, side in zip(at, sides, strict=True))
    return row, column


def box_back(box: tuple[int, int, int, int], crossing: Crossing) -> tuple[float, float, float, float]:
    """A box (top, left, height, width) in the second input, in the first."""
    top, left, height, width = box
    (x0, y0), (x1, y1) = crossing.back(float(left), float(top)), crossing.back(left + width, top + height)
    return y0, x0, y1 - y0, x1 - x0


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
