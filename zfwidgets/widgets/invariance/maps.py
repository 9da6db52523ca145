"""The four panels of Fig. 5 side by side: they only draw what they are given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import ipywidgets as W
import numpy as np
from numpy.typing import NDArray

from zfwidgets.widgets.invariance.options import UNITS
from zfwidgets.widgets.parts.curves import COLOURS, Curve, CurveFigure, chip
from zfwidgets.widgets.parts.figures import Panel
from zfwidgets.widgets.parts.style import number, printed

if TYPE_CHECKING:
    from zfwidgets.methods import InvarianceCurves

__all__ = ["InvarianceMaps", "Seen"]


@dataclass(frozen=True)
class Seen:
    """Curves of one network, and what to call them.

    Attributes
    ----------
    curves : InvarianceCurves
    network : str
    layers : tuple of (str or None)
        The shallow one and the deep one.
    factor : float
        Of its amounts: a shift of one pixel is more of a smaller input.
    """

    curves: InvarianceCurves
    network: str
    layers: tuple[str | None, str | None]
    factor: float = 1.0


class InvarianceMaps(W.Box):
    """Distance at the shallow layer, at the deep layer, probability, and the areas under all of them."""

    def __init__(self) -> None:
        self._layers = (CurveFigure("Shallow layer"), CurveFigure("Deep layer"))
        self._probability = CurveFigure("Probability")
        self._table = W.HTML()
        self._areas = Panel("Area under the curves", self._table)
        self._tops: dict[tuple[object, ...], float] = {}
        super().__init__([*self._layers, self._probability, self._areas])
        self.add_class("zf-maps")

    def draw(
        self,
        seen: Sequence[Seen],
        names: Sequence[str],
        chosen: int,
        amount: float,
        euclidean: bool,
        classes: Sequence[str],
    ) -> None:
        """All panels.

        Parameters
        ----------
        seen : sequence of Seen
            One network, or two: the second is dashed.
        names : sequence of str
            Of the pictures.
        chosen : int
            The picture that stands out.
        amount : float
            Where the cursor is.
        euclidean : bool
            Distances as they are.
        classes : sequence of str
            What the probabilities are of, for each picture.
        """
        for place in (0, 1):
            self._draw_layer(place, seen, chosen, amount, euclidean)
        self._draw_probability(seen, chosen, amount, classes)
        self._table.value = _table(seen, names, chosen)
        self._areas.foot("mean height of each curve; distances are relative: 0 the same, 1 nothing in common")

    def dips(self, seen: Seen, chosen: int) -> list[float]:
        """Where the deep layer's features of the chosen picture come back."""
        layer = seen.layers[1]
        if layer is None or seen.curves.transform != "rotate" or not seen.curves.complete:
            return []
        found: list[float] = seen.curves.dips(layer)[chosen].tolist()
        return found

    def _draw_layer(self, place: int, seen: Sequence[Seen], chosen: int, amount: float, euclidean: bool) -> None:
        panel, kind = self._layers[place], ("shallow", "deep")[place]
        shown = [one for one in seen if one.layers[place] is not None]
        if not shown:
            panel.title(f"No {kind} layer")
            panel.foot("This network cannot be looked into.")
            return
        curves, top = [], 1.0 if not euclidean else 0.0
        for number_of, one in enumerate(shown):
            layer = one.layers[place] or ""
            heights = one.curves.distances[layer] if euclidean else one.curves.relative[layer]
            curves += _curves(one, heights, chosen, dashed=number_of > 0)
            if euclidean:
                top = max(top, self._top(one, layer))
        marks = self.dips(shown[0], chosen) if place else []
        low, high = _range(shown[0])
        panel.draw(curves, low, high, top or 1.0, UNITS[shown[0].curves.transform], amount, marks)
        panel.title(
            f"{kind.capitalize()}: {_and(one.layers[place] or '' for one in shown)}", _distance_words(euclidean)
        )
        note = "; triangles: it comes back" if marks else ""
        panel.foot(_reading(curves, amount, seen) + note)

    def _top(self, one: Seen, layer: str) -> float:
        """The top of an axis of Euclidean distances: kept, so that it does not follow partial answers."""
        curves = one.curves
        key = (one.network, layer, curves.transform, len(curves.known), curves.clean_logits.tobytes())
        known = curves.distances[layer][curves.known]
        self._tops = {key: max(self._tops.get(key, 0.0), float(known.max(initial=0.0)) * 1.05)} | {
            other: top for other, top in self._tops.items() if other[0] != one.network or other[1] != layer
        }
        return self._tops[key]

    def _draw_probability(self, seen: Sequence[Seen], chosen: int, amount: float, classes: Sequence[str]) -> None:
        curves: list[Curve] = []
        for place, one in enumerate(seen):
            curves += _curves(one, one.curves.probability, chosen, dashed=place > 0)
        low, high = _range(seen[0])
        self._probability.draw(curves, low, high, 1.0, UNITS[seen[0].curves.transform], amount)
        self._probability.title(f"P({classes[chosen]})", "each picture its own class" if len(set(classes)) > 1 else "")
        self._probability.foot(_reading(curves, amount, seen))


def _range(one: Seen) -> tuple[float, float]:
    amounts = one.curves.amounts
    return float(amounts.min()), float(amounts.max())


def _curves(one: Seen, heights: NDArray[np.float32], chosen: int, dashed: bool) -> list[Curve]:
    x = one.curves.amounts * one.factor
    return [Curve(x, y, COLOURS[place], place == chosen, dashed) for place, y in enumerate(heights)]


def _reading(curves: Sequence[Curve], amount: float, seen: Sequence[Seen]) -> str:
    """The numbers under the cursor, for the picture that stands out."""
    found = [(curve, curve.at(amount)) for curve in curves if curve.strong]
    words = ", ".join(
        f"{chip(curve.colour)}{number(y)}{' dashed' if curve.dashed else ''}" for curve, y in found if y is not None
    )
    unit = UNITS[seen[0].curves.transform]
    return f"at {printed(amount, 'g')}{escape(unit)}: {words}" if words else ""


def _distance_words(euclidean: bool) -> str:
    return "Euclidean distance" if euclidean else "relative distance"


def _and(names: Iterable[str]) -> str:
    return " and ".join(dict.fromkeys(names))


def _table(seen: Sequence[Seen], names: Sequence[str], chosen: int) -> str:
    """Bars of all areas: a row for each picture, a column for each curve."""
    layers = [place for place in (0, 1) if seen[0].layers[place] is not None]
    head = "".join(f"<b>{escape(seen[0].layers[place] or '')}</b>" for place in layers) + "<b>P</b>"
    areas = [_areas(one, layers) for one in seen]
    rows = []
    for place, name in enumerate([*names, "mean"]):
        spot = chip(COLOURS[place]) if place < len(names) else ""
        kind = ' class="zf-now"' if place == chosen else ""
        pairs = ([one[column][place] for one in areas] for column in range(len(layers) + 1))
        cells = "".join(f'<span class="zf-both">{"".join(map(_bar, values, (0, 1)))}</span>' for values in pairs)
        rows.append(f'<span{kind} title="{escape(name)}">{spot}{escape(name)}</span>{cells}')
    note = f'<div class="zf-soft">dashed, thin bars: {escape(seen[1].network)}</div>' if len(seen) > 1 else ""
    return (
        f'<div class="zf-areas" style="--zf-columns:{len(layers) + 1}"><span></span>{head}{"".join(rows)}</div>{note}'
    )


def _areas(one: Seen, layers: Sequence[int]) -> list[list[float]]:
    """For each column the areas of all pictures, and their mean; NaN for a layer that a network does not have."""
    probability = one.curves.area()
    absent = np.full_like(probability, np.nan)
    columns = [absent if one.layers[place] is None else one.curves.area(one.layers[place]) for place in layers]
    return [[*column.tolist(), float(column.mean())] for column in (*columns, probability)]


def _bar(value: float, second: int) -> str:
    share, words = (0.0, "-") if np.isnan(value) else (value, f"{value:.2f}")
    kind = "zf-thin" if second else ""
    return f'<i class="zf-bar {kind}" style="--zf-share:{100 * share:.0f}%"></i><em>{words}</em>'
