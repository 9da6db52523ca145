"""The chain of clicks through the Explorer: a place, its units, a projection, its nine pictures, their occlusion."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING

import ipywidgets as W

from zfwidgets.errors import ParameterError, ZfwidgetsError
from zfwidgets.widgets.viewer.trail import Sight, Trail

if TYPE_CHECKING:
    from zfwidgets.app.explorer import Explorer
    from zfwidgets.app.following import Following
    from zfwidgets.widgets import FeatureViewer, TopActivationsViewer

__all__ = ["Chain"]

_HINT = "Click a place of the picture in Features, or follow a link: the way back appears here."


class Chain:
    """Leads from the unit that is shown to what other tabs know of it, and remembers the way.

    Parameters
    ----------
    page : Explorer
        Whose tabs they are.
    titles : mapping
        Attributes of the page with the titles of their tabs.
    followers : sequence of Following
        Tabs that show the page's unit.

    Attributes
    ----------
    trail : Trail
    bar : ipywidgets.Box
        The trail, and the links that lead on; nothing for a network that cannot be looked into.
    """

    def __init__(self, page: Explorer, titles: Mapping[str, str], followers: Sequence[Following]) -> None:
        self._page, self._followers = page, followers
        self._inside = False
        self.trail = Trail(self._show, titles, _HINT)
        self._unit = W.HTML()
        self._links = {
            "place": self._link("Units here", "The strongest units that look at the middle of the square", self.look),
            "features": self._link("Projection", "This map, and its strongest unit sent down to the pixels", self.unit),
            "top": self._link("Top 9", "The nine pictures that excite this map most", self.nine),
            "occlusion": self._link("Occlusion", "What hiding places of this picture does to this map", self.hide),
        }
        links = W.Box([self._unit, *self._links.values()])
        links.add_class("zf-links")
        self.bar = W.Box([self.trail, links])
        self.bar.add_class("zf-chain")
        if page.features is None or page.top is None:
            self.bar.add_class("zf-gone")
            return
        page.features.record_steps(self.step)
        page.top.record_steps(self.step)
        page.top.on_found(self.refresh)
        for viewer in (page.features, page.occlusion):
            viewer.observe(lambda _: self.refresh(), ["layer", "channel"])

    def refresh(self) -> None:
        """Name the map that the links are about, and leave out those that lead to what is in front."""
        hidden, tab = self._page.occlusion, self._page.tab
        if self._page.features is None:
            return
        chosen = self._chosen()
        self._unit.value = f'<span class="zf-soft">{escape(f"{chosen[0]} #{chosen[1]}")}</span>'
        needless = {
            "place": tab != "occlusion",
            "features": tab in ("features", "occlusion"),  # which shows a projection itself
            "top": tab == "top",
            "occlusion": tab == "occlusion" and (hidden.layer, hidden.channel) == chosen,
        }
        for name, link in self._links.items():
            (link.add_class if needless[name] else link.remove_class)("zf-gone")

    @contextmanager
    def step(self) -> Iterator[None]:
        """Do something that leads on; the trail remembers what was shown before and after it."""
        if self._inside:  # one click is one step, whatever it sets off
            yield
            return
        before, self._inside = self.sight(), True
        try:
            yield
        finally:
            self._inside = False
        self.trail.step(before, self.sight())

    def sight(self) -> Sight:
        """What the page shows now."""
        (features, top), hidden = self._traced(), self._page.occlusion
        return Sight(
            self._page.tab,
            self._page.image,
            features.layer,
            features.channel,
            features.position,
            features.pixel,
            top.channel,
            (hidden.layer, hidden.channel),
        )

    def look(self, pixel: tuple[int, int] | None = None) -> None:
        """List the strongest units at a pixel; None: in the middle of the square that hides."""
        features, _ = self._traced()
        if pixel is None:
            square = self._page.occlusion
            pixel = (square.row + square.size // 2, square.column + square.size // 2)
        with self.step():
            features.pixel = pixel
            self._page.tab = "features"

    def unit(self) -> None:
        """Show the map and its projection."""
        features, _ = self._traced()
        with self.step():
            features.channel = self._chosen()[1]
            self._page.tab = "features"

    def nine(self) -> None:
        """Show the nine pictures that excite the map most."""
        features, top = self._traced()
        with self.step():
            top.channel = features.channel
            self._page.tab = "top"

    def hide(self) -> None:
        """Show what hiding places of the picture does to the map."""
        (features, _), hidden = self._traced(), self._page.occlusion
        with self.step():
            features.channel = self._chosen()[1]
            hidden.layer = features.layer
            hidden.channel = features.channel
            self._page.tab = "occlusion"

    def _chosen(self) -> tuple[str, int]:
        """Layer and map that the links are about: of a page of Fig. 2, the map that is shown large."""
        features, top = self._traced()
        shown = top.found_channel() if self._page.tab == "top" else None
        return features.layer, int(features.channel) if shown is None else shown

    def _traced(self) -> tuple[FeatureViewer, TopActivationsViewer]:
        features, top = self._page.features, self._page.top
        if features is None or top is None:
            raise ParameterError("This network cannot be looked into, so it has no units to go on to.")
        return features, top

    def _show(self, sight: Sight) -> None:
        """A sight once more. What resets what: a picture the unit, a layer the map, a map of Fig. 2 the one shown."""
        (features, top), hidden = self._traced(), self._page.occlusion
        self._page.image = sight.image
        features.layer = sight.layer
        top.channel = sight.nine
        features.channel = sight.channel
        features.position = sight.position
        features.pixel = sight.pixel
        hidden.layer, hidden.channel = sight.hidden
        for follower in self._followers:
            follower.lead()
        self._page.tab = sight.tab

    def _link(self, text: str, tooltip: str, act: Callable[[], None]) -> W.Button:
        def pressed(_: W.Button) -> None:
            try:
                act()
            except ZfwidgetsError as error:
                self._page.say(str(error))

        button = W.Button(description=text, tooltip=tooltip)
        button.on_click(pressed)
        return button
