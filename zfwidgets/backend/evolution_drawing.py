"""Drawing Fig. 4: what the strongest activations of some maps look like at one epoch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zfwidgets.errors import Cancelled
from zfwidgets.imaging import signed_picture
from zfwidgets.imaging.growth import cell_picture, hatched

if TYPE_CHECKING:
    from zfwidgets.backend.backend import Backend
    from zfwidgets.data import ImageSet
    from zfwidgets.methods.evolution.result import Exemplar
    from zfwidgets.network import Network

__all__ = ["EvolutionBlock", "EvolutionCell", "drawn_block"]

Pixels = NDArray[np.uint8]

_CONTRAST = 0.99
"""Share of a projection's values that enhanced contrast draws in proportion; stronger ones get full colour."""


@dataclass(frozen=True, eq=False)  # arrays have no single equality
class EvolutionCell:
    """One map at one epoch.

    Attributes
    ----------
    channel : int
    exemplar : Exemplar or None
        None: dead, no picture excites the map.
    enhanced, plain : ndarray
        The projection, uint8 (CELL, CELL, 3), with and without enhanced contrast; hatched for a dead map.
    patch : ndarray
        What the unit sees, of the same shape.
    """

    channel: int
    exemplar: Exemplar | None
    enhanced: Pixels
    plain: Pixels
    patch: Pixels


@dataclass(frozen=True, eq=False)
class EvolutionBlock:
    """Some maps of a layer at one epoch.

    Attributes
    ----------
    epoch : int
    layer : str
    cells : tuple of EvolutionCell
        In the order they were asked for.
    problems : tuple of str
        What cannot be shown, and why; a cross stands in its place.
    """

    epoch: int
    layer: str
    cells: tuple[EvolutionCell, ...]
    problems: tuple[str, ...] = ()


def drawn_block(
    backend: Backend,
    net: Network,
    epoch: int,
    layer: str,
    cells: Sequence[tuple[int, Exemplar | None]],
    pictures: ImageSet | None,
    cancelled: Callable[[], bool],
) -> EvolutionBlock:
    """Draw some maps of one layer, all projections together.

    Parameters
    ----------
    backend : Backend
        Where pictures are that are not in `pictures`.
    net : Network
        That of the epoch.
    epoch, layer, cells
        As in `EvolutionBlockRequest`.
    pictures : ImageSet or None
        Where the pictures are; None: the backend's own.
    cancelled : callable
        True raises `Cancelled`.
    """
    from zfwidgets.backend.top_drawing import Looks, crossed, enhanced
    from zfwidgets.backend.top_requests import Peak

    if cancelled():
        raise Cancelled("The block was cancelled before it began.")
    wanted = [(channel, Peak(*exemplar)) for channel, exemplar in cells if exemplar is not None]
    looks = Looks(backend, layer, pictures, net)
    looks.look(wanted, cancelled)
    found = []
    for channel, exemplar in cells:
        if exemplar is None:
            dead = hatched()
            found.append(EvolutionCell(channel, None, dead, dead, dead))
            continue
        look = (channel, Peak(*exemplar))
        signal, patch = looks.signals.get(look), looks.patches.get(look)
        gone = cell_picture(crossed(16, 16))
        found.append(
            EvolutionCell(
                channel,
                exemplar,
                gone if signal is None else cell_picture(enhanced(signal, _CONTRAST)),
                gone if signal is None else cell_picture(signed_picture(signal)),
                gone if patch is None else cell_picture(patch),
            )
        )
    sentences = dict.fromkeys(looks.problems.values())
    if looks.refused is not None:
        sentences[looks.refused] = None
    return EvolutionBlock(epoch, layer, tuple(found), tuple(sentences))
