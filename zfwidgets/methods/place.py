"""From a pixel to units: which cell of a layer looks straight at it, and what is strongest there."""

from __future__ import annotations

from typing import Any

import numpy as np

from zfwidgets.errors import ParameterError
from zfwidgets.imaging.checks import whole_number
from zfwidgets.methods.activations import record_for_projections
from zfwidgets.methods.deconvnet import activations_of
from zfwidgets.methods.projection import UnitsAt
from zfwidgets.methods.recording import Recording
from zfwidgets.network import Network, checked_network
from zfwidgets.network.geometry import Window, receptive_field

__all__ = ["units_at"]


def units_at(net: Network, image: Any, layer: str, pixel: tuple[int, int], count: int = 6) -> UnitsAt:
    """The strongest units of a layer at one place of a picture.

    The receptive fields of a deep layer are so large that nearly every unit sees nearly every pixel. Meant are the
    units that look straight at it: those of the cell whose field is centred nearest to the pixel, of two equally near
    ones the upper left.

    Parameters
    ----------
    net : Network
        A network that can be traced.
    image : picture, tensor (3, H, W) or Recording
        A recording of one picture saves its forward pass.
    layer : str
        A layer with places.
    pixel : (row, column)
        Of the model input, whole numbers from its top left corner. Where a point of the picture itself lies in it, says
        ``net.preprocess.to_input(x, y, picture.size)``.
    count : int
        How many units at most, from 1.

    Returns
    -------
    UnitsAt
        Without any unit where nothing is above 0 there.

    Raises
    ------
    ParameterError
        If the pixel lies outside of what the network sees, no unit of the layer sees it, or every one sees everything;
        or for a count that is not a whole number from 1.
    UnknownNameError
        For a layer that does not exist.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from zfwidgets.imaging import Preprocess
    >>> module = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 7 * 7, 2))
    >>> net = Network(module, preprocess=Preprocess(size=16), device="cpu")
    >>> found = units_at(net, torch.ones(3, 16, 16), "conv1", pixel=(5, 8))
    >>> found.position, found.box
    ((2, 3), (4, 6, 3, 3))
    """
    layers, count = checked_network(net).layers, whole_number(count, "count")
    recording = image if isinstance(image, Recording) else record_for_projections(net, image, [layer])
    if len(recording) != 1:
        raise ParameterError(f"units_at takes one picture, found {len(recording)}.")
    field = receptive_field(net.traced(), layers[layer].index, recording.forward.shapes)
    maps = activations_of(recording, layer)[0]
    if maps.ndim != 3 or not all(window.jump for window in field):
        near = [name for name in net.menu if all(layers[name].stride)]
        raise ParameterError(
            f"Every unit of {layer} sees the whole picture, so none belongs to one place of it; try "
            f"{', '.join(near) or 'another network'}."
        )
    place = _checked_pixel(pixel, recording.inputs.shape[2:])
    row, column = (_facing(window, at, extent) for window, at, extent in zip(field, place, maps.shape[1:], strict=True))
    if row is None or column is None:
        raise ParameterError(f"No unit of {layer} sees the pixel {place}: it lies between, or beyond, their fields.")
    values = maps[:, row, column]
    best = np.argsort(-values, kind="stable")[:count]
    best = best[values[best] > 0]
    box = (field[0].start(row), field[1].start(column), field[0].size, field[1].size)
    return UnitsAt(layer, place, (row, column), box, best, values[best])


def _facing(window: Window, pixel: int, extent: int) -> int | None:
    """Along one axis, the cell whose window is centred nearest to a pixel; None if that does not hold the pixel."""
    # In half pixels, so that all is whole; of two equally near cells the first.
    ahead = 2 * (pixel - window.offset) - (window.size - 1)
    cell = min(max(-(-(ahead - window.jump) // (2 * window.jump)), 0), extent - 1)
    return cell if 0 <= pixel - window.start(cell) < window.size else None


def _checked_pixel(pixel: Any, size: tuple[int, ...]) -> tuple[int, int]:
    height, width = size
    pair = isinstance(pixel, tuple | list) and len(pixel) == 2
    whole = pair and all(isinstance(at, int | np.integer) and not isinstance(at, bool) for at in pixel)
    if not whole or not (0 <= pixel[0] < height and 0 <= pixel[1] < width):
        raise ParameterError(
            f"A pixel is (row, column), from (0, 0) to ({height - 1}, {width - 1}) in what the network sees of the "
            f"picture; found {pixel!r}."
        )
    return int(pixel[0]), int(pixel[1])
