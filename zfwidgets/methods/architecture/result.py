"""What `architecture` and `projection_stages` return; needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zfwidgets.errors import unknown_name

if TYPE_CHECKING:
    from zfwidgets.methods.projection import Projection

__all__ = ["Architecture", "ArchitectureLayer", "ProjectionStages", "Stage"]


@dataclass(frozen=True)
class ArchitectureLayer:
    """One layer: an operation with what belongs to it (a convolution with its batch norm and its relu).

    Attributes
    ----------
    name : str or None
        As in ``net.layers``, so that other methods and viewers can be asked about it; None for the picture and for
        what the network's own code computes without a module.
    kind : str
        Its main operation: ``"convolution"``, ``"max pool"``, ``"addition"``; a type's name where there is no rule.
    operations : tuple of str
        All of them, in the order they run.
    channels, height, width : int
        Size of its map; a vector has height and width 1.
    kernel, step : (int, int) or None
        Rows and columns of the window that the main operation slides, and how far it moves; None where none slides.
    receptive_field, stride : (int, int)
        Pixels that a unit sees, and how far its field moves from one unit to the next; stride (0, 0): it sees all.
    parameters : int
        Learned numbers; those that several layers share are counted at the first of them.
    multiply_adds : int
        Of one forward pass of one picture, in convolutions and linear layers.
    inputs : tuple of int
        Places of the layers that it reads, in `Architecture.layers`.
    nodes : tuple of int
        Its operations' places in the network's graph; the last one computes its map.
    """

    name: str | None
    kind: str
    operations: tuple[str, ...]
    channels: int
    height: int
    width: int
    kernel: tuple[int, int] | None
    step: tuple[int, int] | None
    receptive_field: tuple[int, int]
    stride: tuple[int, int]
    parameters: int
    multiply_adds: int
    inputs: tuple[int, ...]
    nodes: tuple[int, ...]

    @property
    def spatial(self) -> bool:
        """Whether it has places: a map of more than one cell."""
        return self.height * self.width > 1


@dataclass(frozen=True)
class Architecture:
    """All layers of a network in the order they run; the first one is the picture.

    Attributes
    ----------
    network : str
        Its name.
    layers : tuple of ArchitectureLayer
    parameters : int
        Of the whole module, each counted once; more than the layers' sum where some are not used (a head for training).
    multiply_adds : int
        The layers' sum.
    """

    network: str
    layers: tuple[ArchitectureLayer, ...]
    parameters: int
    multiply_adds: int

    def __getitem__(self, name: str) -> ArchitectureLayer:
        """The layer of that name."""
        names = {layer.name: layer for layer in self.layers if layer.name is not None}
        if name not in names:
            raise unknown_name("layer of the architecture", name, names)
        return names[name]

    @property
    def chain(self) -> bool:
        """Whether every layer reads the one before it and no other."""
        return all(layer.inputs == (place - 1,) for place, layer in enumerate(self.layers) if place)


@dataclass(frozen=True, eq=False)  # arrays have no single equality
class Stage:
    """The signal on its way down, at one place.

    Attributes
    ----------
    step : str
        What has just been done to it: ``"start"``, ``"unpool"``, ``"rectify"``, ``"filter"``, ``"split"``, ``"pass"``,
        ``"spread"`` (an average), ``"scale"`` (batch norm), ``"reshape"``; several, where branches meet, with a plus.
    undone : tuple of str
        Layers or operations whose way back that was.
    at : str
        Layer, or operation, at whose output the signal is now; ``"pixels"`` at last.
    signal : ndarray
        (C, h, w) float32, read-only: the signal in its window, zero elsewhere.
    switches : ndarray or None
        (C, h, w) bool, read-only, after an unpooling: the places of the maxima that the forward pass remembered.
    box : (top, left, height, width)
        The window's place in the map; it lies inside.
    shape : (C, H, W)
        Of the whole map; (C, 1, 1) for a vector.
    """

    step: str
    undone: tuple[str, ...]
    at: str
    signal: NDArray[np.float32]
    switches: NDArray[np.bool_] | None
    box: tuple[int, int, int, int]
    shape: tuple[int, int, int]

    def whole(self) -> NDArray[np.float32]:
        """(C, H, W): the signal in its place in the whole map."""
        top, left, height, width = self.box
        full = np.zeros(self.shape, np.float32)
        full[:, top : top + height, left : left + width] = self.signal
        return full


@dataclass(frozen=True, eq=False)  # arrays have no single equality
class ProjectionStages:
    """A projection with all that lies between the unit and the pixels.

    Attributes
    ----------
    projection : Projection
        As `project` gives it.
    stages : tuple of Stage
        From the unit, alone on its map, down to the pixels.
    """

    projection: Projection
    stages: tuple[Stage, ...]

    def __len__(self) -> int:
        return len(self.stages)
