"""The four maps of Fig. 7 of one network: they only draw what they are given."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zfwidgets.imaging import heat_picture, label_picture, overlay, place_cells, signed_picture
from zfwidgets.widgets.parts.figures import Box, PictureFigure
from zfwidgets.widgets.parts.style import colour_bar, legend

if TYPE_CHECKING:
    from zfwidgets.methods import OcclusionMap, Projection

__all__ = ["OcclusionMaps"]

Pixels = NDArray[np.uint8]
_BORDER = 0.75
"""Where no square's centre comes, the picture is veiled, not hidden."""


class OcclusionMaps:
    """Probability, most probable label, activation, projection.

    Parameters
    ----------
    touched, looked : callable
        Told (x, y) in input pixels of a click on a map and of the cell under the mouse.
    name : str
        Of the network, where there are two; it takes the place of what else stands beside the titles.

    Attributes
    ----------
    panels : list of PictureFigure
        All four, in this order.
    base : ndarray or None
        What the network sees of the picture, uint8 (H, W, 3).
    """

    def __init__(
        self, touched: Callable[[float, float], None], looked: Callable[[float, float], None], name: str = ""
    ) -> None:
        self._name = name
        self.base: Pixels | None = None
        self._order: tuple[int, ...] = ()
        self._range: tuple[Any, float, bool] = (None, 1.0, False)
        self._probability = PictureFigure("Probability", hover=True)
        self._label = PictureFigure("Most probable label", hover=True)
        self._activation = PictureFigure("Activation", hover=True)
        self._projection = PictureFigure("Projection")
        self._label.title("Most probable label", name)
        self._panels = [self._probability, self._label, self._activation]
        self.panels = [*self._panels, self._projection]
        for panel in self._panels:
            panel.on_click(touched)
            panel.on_hover(looked)

    def draw(
        self, answer: OcclusionMap, target: int, channel: int | None, opacity: float, rescaled: bool, image: str
    ) -> None:
        """The first three panels, from one sweep."""
        half = answer.size / 2
        for panel in self._panels:
            panel.cells(answer.rows + half, answer.columns + half)
        self._draw_probability(answer, target, opacity, rescaled)
        self._draw_labels(answer, opacity)
        if answer.layer is not None and channel is not None:
            self._draw_activation(answer, channel, opacity, rescaled, image)
        else:
            self._activation.foot("This network cannot be looked into.")

    def select(self, box: Box) -> None:
        """Mark the square in every panel."""
        for panel in self._panels:
            panel.boxes([box])

    def projection(self, answer: Projection) -> None:
        """The fourth panel: what the strongest unit of the map looks like in pixels."""
        self._projection.show(signed_picture(answer.canvas()))
        self._projection.title("Projection", self._name or f"of {answer.layer} #{answer.channel}, strongest unit")
        which = f"{answer.layer} #{answer.channel}; " if self._name else ""
        self._projection.foot(
            f"{escape(which)}grey is zero; the whole picture's activation, sent down to the pixels (2.1)"
        )

    def no_projection(self, why: str) -> None:
        """Say why there is none."""
        self._projection.foot(escape(why))

    def _draw_probability(self, answer: OcclusionMap, target: int, opacity: float, rescaled: bool) -> None:
        values = answer.probability(target)
        low, high = (float(values.min()), float(values.max())) if rescaled else (0.0, 1.0)
        name = answer.net.classes[target]
        self._probability.show(self._heat(answer, values, low, high, opacity))
        self._probability.title(f"P({name})", self._name or "by the place of the square")
        self._probability.foot(
            colour_bar(low, high, f"probability; whole picture {answer.clean_probability(target):.3f}")
        )

    def _draw_labels(self, answer: OcclusionMap, opacity: float) -> None:
        drawn = label_picture(answer.top_label, answer.net.classes, order=self._order)
        self._order = drawn.order
        # A number for each cell travels through place_cells, so that flat colours sit exactly where the others do.
        cells = np.arange(answer.top_label.size, dtype=float).reshape(answer.top_label.shape)
        placed = self._placed(answer, cells)
        colours = drawn.pixels.reshape(-1, 3)[np.nan_to_num(placed).astype(int)]
        colours[np.isnan(placed)] = 160
        self._label.show(self._over(colours, placed, opacity))
        self._label.foot(legend(drawn.legend))

    def _draw_activation(self, answer: OcclusionMap, channel: int, opacity: float, rescaled: bool, image: str) -> None:
        values = answer.activation(channel)
        key = (image, answer.layer, channel, answer.net.name)
        if self._range[0] != key or (answer.complete and not self._range[2]):
            # Kept while a slider moves: a bar that follows every map would hide the change. The first whole map sets
            # it, so that it does not depend on how far a machine got before its first partial answer.
            clean = float(answer.clean_sums[channel]) if answer.clean_sums is not None else 1.0
            self._range = (key, max(clean, float(values.max()), 1e-6), answer.complete)
        low, high = (float(values.min()), float(values.max())) if rescaled else (0.0, self._range[1])
        self._activation.show(self._heat(answer, values, low, high, opacity))
        which = "strongest map" if channel == answer.channel else "map"
        self._activation.title(f"Activation of {answer.layer} #{channel}", self._name or which)
        self._activation.foot(colour_bar(low, high, "activation, summed over the map"))

    def _heat(self, answer: OcclusionMap, values: Any, low: float, high: float, opacity: float) -> Pixels:
        return self.over(answer, values, lambda placed: heat_picture(placed, low, high), opacity)

    def _placed(self, answer: OcclusionMap, values: Any) -> NDArray[np.float64]:
        assert self.base is not None
        height, width = self.base.shape[:2]
        return place_cells(values, answer.rows, answer.columns, answer.size, (height, width))

    def over(
        self, answer: OcclusionMap, values: Any, draw: Callable[[NDArray[np.float64]], Pixels], opacity: float
    ) -> Pixels:
        """Values of its cells, drawn and laid over the picture."""
        placed = self._placed(answer, values)
        return self._over(draw(placed), placed, opacity)

    def _over(self, top: Pixels, placed: NDArray[np.float64], opacity: float) -> Pixels:
        assert self.base is not None
        return overlay(self.base, top, np.where(np.isnan(placed), opacity * _BORDER, opacity))
