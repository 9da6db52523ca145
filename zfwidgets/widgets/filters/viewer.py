"""`FilterViewer`: Fig. 6, the first layers of one network or of two."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as W
import numpy as np
from numpy.typing import NDArray

from zfwidgets.backend import FilterReportRequest, Request, SecondLayerRequest, SecondProjections
from zfwidgets.imaging import filter_mosaic
from zfwidgets.imaging.mosaic import Mosaic
from zfwidgets.widgets.filters import words
from zfwidgets.widgets.filters.options import SECONDS, SORTS, FilterOptions, ordered
from zfwidgets.widgets.parts import controls
from zfwidgets.widgets.parts.figures import SIDE, PictureFigure
from zfwidgets.widgets.parts.strip import left_out
from zfwidgets.widgets.parts.style import PASSING

if TYPE_CHECKING:
    from zfwidgets.methods.filters import FilterReport

__all__ = ["FilterViewer"]

_ENOUGH = 16
_PICTURES = 64
"""Over which filters are found dead; a filter that says nothing of 64 pictures says nothing."""


class FilterViewer(FilterOptions):
    """First-layer filters, what is wrong with them, and what the second layer makes of them (Fig. 6).

    Every filter is one tile; a click chooses one, and so do the arrow keys on *Filter*. With a second network both are
    shown in the same order, and the same place is chosen in both: largest beside largest.

    Parameters
    ----------
    backend : Backend
        A network that begins with a convolution on RGB pictures, and pictures over which filters may be dead.
    other : Backend, optional
        A second network.
    **options
        Traits: ``sort``, ``place``, ``shared``, ``second``, ``radius``; and those of `ipywidgets.VBox`.

    Examples
    --------
    >>> from zfwidgets.backend import Backend
    >>> with Backend("zfnet-scenes", device="cpu") as backend:
    ...     viewer = FilterViewer(backend, sort="size", place=2)
    ...     done = viewer.wait()
    >>> viewer.result.filters.shape, viewer.chosen == (int(viewer.result.rms.argsort()[-2]),)
    ((32, 3, 7, 7), True)
    """

    MAIN = "report"
    ALSO = ("second",)
    SENTENCE = (
        "One filter that outshines the rest, dead grey ones, a second layer of checks: what clipping, smaller filters "
        "and a smaller stride mend (Zeiler and Fergus, section 4.1, Fig. 6)."
    )

    def _build(self) -> W.Widget:
        count = len(self._backends)
        self._reports: list[FilterReport | None] = [None] * count
        self._projected: list[SecondProjections | None] = [None] * count
        self._orders: list[NDArray[np.int64]] = [np.arange(0)] * count
        self._mosaics: list[Mosaic | None] = [None] * count
        self._passing: int | None = None
        self._layer1 = [PictureFigure("Layer 1", hover=True) for _ in range(count)]
        self._layer2 = [PictureFigure("Layer 2") for _ in range(count)]
        for which, panel in enumerate(self._layer1):
            panel.on_click(self._by_hand(lambda x, y, which=which: self._touch(which, x, y)))
            panel.on_hover(self._by_hand(lambda x, y, which=which: self._pass_over(which, x, y)))
        self._cards, self._table = W.HTML(), W.HTML()
        left = W.VBox([self._controls(), self._cards])
        left.add_class("zf-side")
        maps = W.Box([panel for pair in zip(self._layer1, self._layer2, strict=True) for panel in pair])
        maps.add_class("zf-maps")
        notes = W.VBox([self._table])
        notes.add_class("zf-notes")
        self.observe(lambda _: self._redraw(), ["sort", "shared", "second", "radius"])
        self.observe(lambda _: self._settle(), "place")
        body = W.Box([left, maps, notes])
        body.add_class("zf-row")
        return body

    def _controls(self) -> W.VBox:
        self._place_control = controls.slider("Filter", 1, 1)
        shared = W.ToggleButton(
            description="Shared scale",
            tooltip="One scale for all filters, so that a large one is seen to be; else each its own",
        )
        return controls.group(
            self._bind(controls.choice("Sort by", SORTS, "size"), "sort"),
            self._bind(self._place_control, "place"),
            self._bind(controls.choice("Layer 2 by", SECONDS, "weights"), "second"),
            self._bind(shared, "shared"),
        )

    # Questions -----------------------------------------------------------------------------------------------

    def _questions_to(self, which: int) -> dict[str, Request]:
        if not self.awake:
            return {}
        keys = _spread_out(self._backends[which].image_set.keys())
        questions: dict[str, Request] = {"report": FilterReportRequest(keys, self.radius)}
        report = self._reports[which]
        if self.second == "projection" and report is not None and report.patterns is not None:
            questions["second"] = SecondLayerRequest(keys, report.patterns.layer)
        return questions

    def _of_both(self) -> tuple[str, ...]:
        """None: each network's filters are dead over pictures of its own."""
        return ()

    # Answers -------------------------------------------------------------------------------------------------

    def _show_of(self, which: int, slot: str, value: Any) -> None:
        if slot == "report":
            self._reports[which] = value
            self._place_control.max = max(len(report.filters) for report in self._reports if report is not None)
        else:
            self._projected[which] = value
        self._redraw()

    def _redraw(self) -> None:
        """All panels, from what is known."""
        for which, report in enumerate(self._reports):
            if report is not None:
                self._draw_first(which, report)
                self._draw_second(which, report)
        self._table.value = words.comparison(self.results) if self.results else ""
        self._mark()

    def _draw_first(self, which: int, report: FilterReport) -> None:
        self._orders[which] = ordered(report, self.sort)
        tiles = filter_mosaic(report.filters[self._orders[which]], shared=self.shared)
        panel, self._mosaics[which] = self._layer1[which], tiles
        panel.show(tiles.clear)
        boxes = np.array([tiles.box(place) for place in range(tiles.count)], float)
        panel.cells(np.unique(boxes[:, 0] + boxes[:, 2] / 2), np.unique(boxes[:, 1] + boxes[:, 3] / 2))
        height, width = report.filters.shape[2:]
        facts = f"{len(report.filters)} of {height} x {width}, stride {report.stride[0]}"
        self._caption(panel, "Layer 1", report, facts, escape(words.first_foot(report, self._limit(report))))

    def _draw_second(self, which: int, report: FilterReport) -> None:
        panel = self._layer2[which]
        if report.patterns is None:
            panel.blank()
            self._caption(panel, "Layer 2", report, "none", "no second convolution reads these filters alone")
            return
        projected = self._projected[which]
        if self.second == "projection":
            if projected is None or projected.layer != report.patterns.layer:
                return  # what is shown stays until the answer comes
            pixels, foot = projected.pixels, "each map's strongest activation, with its own contrast"
            dark = int((~(projected.values > 0)).sum())
            foot += f"; {dark} answer to none" if dark else ""
        else:
            pixels, foot = report.patterns.pixels, "sums of layer 1's filters, each with its own contrast"
        order = np.arange(len(pixels))
        if self.sort == "aliasing":
            order = np.argsort(-report.patterns.aliasing, kind="stable")
        shown = order[: _room(*pixels.shape[2:])]
        panel.show(filter_mosaic(pixels[shown]).clear)
        some = f"{len(shown)} of {len(order)}" if len(shown) < len(order) else f"{len(order)}"
        self._caption(panel, "Layer 2", report, f"{some} maps of {report.patterns.layer}", foot)

    def _mark(self) -> None:
        """The chosen filters, and the one under the mouse, in every panel."""
        cards = []
        for which, report in enumerate(self._reports):
            tiles = self._mosaics[which]
            if report is None or tiles is None:
                continue
            place = min((self.place if self._passing is None else self._passing), tiles.count) - 1
            self._layer1[which].boxes([tiles.box(place)], *([] if self._passing is None else [PASSING]))
            cards.append(words.card(report, int(self._orders[which][place]), self._limit(report)))
        self._cards.value = "".join(cards)

    def _limit(self, report: FilterReport) -> float | None:
        """The magnitude of full colour, where all filters share one."""
        sound = report.filters[~report.broken]
        return float(np.abs(sound).max(initial=0.0)) if self.shared else None

    def _caption(self, panel: PictureFigure, layer: str, report: FilterReport, facts: str, foot: str) -> None:
        """Which network a panel is of takes the place of its facts, where there are two."""
        panel.title(layer, facts if self._other is None else report.network)
        panel.foot(foot if self._other is None else f"{escape(facts)}; {foot}")

    # Hands ---------------------------------------------------------------------------------------------------

    def _touch(self, which: int, x: float, y: float) -> None:
        tiles = self._mosaics[which]
        place = None if tiles is None else tiles.at(x, y)
        if place is not None:
            self.place = place + 1
            self._settle()

    def _settle(self) -> None:
        """What is chosen is shown, wherever the mouse has been before."""
        self._passing = None
        self._mark()

    def _pass_over(self, which: int, x: float, y: float) -> None:
        tiles = self._mosaics[which]
        place = None if tiles is None else tiles.at(x, y)
        self._passing = None if place is None else place + 1
        self._mark()

    def offer_images(self) -> None:
        """Its filters are dead over the pictures that the backends were made with, whatever comes later."""

    def _facts(self) -> str:
        seen = [report.responses for report in self.results if report.responses is not None]
        if not seen:
            return ""
        skipped = dict(one for responses in seen for one in responses.skipped)
        return f"{max(responses.pictures for responses in seen)} pictures looked at{left_out(skipped)}"

    @property
    def results(self) -> tuple[FilterReport, ...]:
        """The reports that are there, this network's first."""
        return tuple(report for report in self._reports if report is not None)

    @property
    def result(self) -> FilterReport | None:
        """This network's report; None until there is any."""
        return self._reports[0]

    @property
    def chosen(self) -> tuple[int, ...]:
        """Number of the filter that is looked at, in each network."""
        return tuple(int(order[min(self.place, len(order)) - 1]) for order in self._orders if len(order))


def _room(height: int, width: int) -> int:
    """How many tiles a panel holds, each pixel twice as large if sixteen of them fit so, else as it is."""
    for side in (SIDE // 2, SIDE):
        count = max(side // (height + 1), 1) * max(side // (width + 1), 1)
        if count >= _ENOUGH:
            break
    return count


def _spread_out(keys: tuple[str, ...]) -> tuple[str, ...]:
    """At most so many pictures, evenly from all: a folder may be sorted by class."""
    places = np.linspace(0, len(keys) - 1, min(len(keys), _PICTURES)).round().astype(int)
    return tuple(keys[place] for place in places)
