"""Questions about a network's first filters, frozen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from zfwidgets.backend.requests import Cancelled, Partial

# Who asks needs no torch: it is loaded where a request runs.
if TYPE_CHECKING:
    from zfwidgets.backend.backend import Backend
    from zfwidgets.methods.filters import FilterReport

__all__ = ["FilterReportRequest", "SecondLayerRequest", "SecondProjections"]


@dataclass(frozen=True)
class FilterReportRequest:
    """What are the first filters like, and which are dead over these pictures? Answered by `FilterReport`.

    What the weights alone tell comes first, as a partial answer. The pictures are some of the backend's own, see
    `Backend.image_set`; those that cannot be read are left out.
    """

    images: tuple[str, ...]
    radius: float
    quick: ClassVar[bool] = False

    def run(self, backend: Backend, on_partial: Partial = None, cancelled: Cancelled = None) -> FilterReport:
        from zfwidgets.methods.filters import filter_report

        net = backend.network
        if on_partial is not None:
            on_partial(filter_report(net, radius=self.radius))
        return filter_report(net, backend.image_set.only(self.images), radius=self.radius, cancelled=cancelled)


@dataclass(frozen=True, eq=False)  # arrays have no single equality
class SecondProjections:
    """What excites the second convolution most, projected to pixels.

    Attributes
    ----------
    layer : str
        Its name, as in `Patterns`.
    pixels : ndarray
        (G, 3, h, w) float32, signed; zero for a map that no picture excites.
    values : ndarray
        (G,) the activations.
    """

    layer: str
    pixels: NDArray[np.float32]
    values: NDArray[np.float32]


@dataclass(frozen=True)
class SecondLayerRequest:
    """What does each map of the second convolution answer to, among these pictures? Answered by `SecondProjections`."""

    images: tuple[str, ...]
    layer: str
    quick: ClassVar[bool] = False

    def run(self, backend: Backend, on_partial: Partial = None, cancelled: Cancelled = None) -> SecondProjections:
        from zfwidgets.methods import Unit, project_units
        from zfwidgets.methods.top_activations import top_activations

        net = backend.network
        pictures = backend.image_set.only(self.images)
        top = top_activations(net, pictures, [self.layer], k=1, cancelled=cancelled)[self.layer]
        lit = np.flatnonzero(top.values[:, 0] > 0)
        keys = sorted(set(top.images[lit, 0].tolist()))
        units = [
            Unit(keys.index(top.images[channel, 0]), self.layer, int(channel), *map(int, top.positions[channel, 0]))
            for channel in lit
        ]
        height, width = net.layers[self.layer].receptive_field
        pixels = np.zeros((len(top.values), 3, height, width), np.float32)
        if units:
            found = project_units(net, [backend.input(key) for key in keys], units)
            for channel, projection in zip(lit, found, strict=True):
                pixels[channel] = projection.pixels
        return SecondProjections(self.layer, pixels, top.values[:, 0])
