"""A tab that shows the unit of the page: layer, map and place, as they are in the tab *Features*."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from zfwidgets.widgets.parts.loop import call_soon

if TYPE_CHECKING:
    from zfwidgets.widgets import FeatureViewer
    from zfwidgets.widgets.viewer.unit_options import UnitViewer

__all__ = ["Following"]


class Following:
    """Keeps the unit of a tab and that of the page equal.

    The page leads. In the tab in front a hand leads: another layer or picture there shows the map that is strongest in
    it, and as soon as that is known it is the page's.

    Parameters
    ----------
    features : FeatureViewer
        Whose unit is the page's.
    viewer : UnitViewer
        The tab.
    """

    def __init__(self, features: FeatureViewer, viewer: UnitViewer) -> None:
        self._features, self._viewer = features, viewer
        self._setting = False
        self.lead()
        features.observe(lambda _: self.lead(), ["layer", "channel", "position"])
        viewer.observe(lambda _: self._pictured(), "image")
        viewer.observe(lambda _: self._moved(), ["layer", "channel", "position"])
        viewer.on_found(self._soon)

    def lead(self) -> None:
        """Show the page's unit in the tab."""
        with self._once() as free:
            if free:
                features, viewer = self._features, self._viewer
                viewer.layer = features.layer
                viewer.channel = features.channel
                viewer.position = features.position

    def _pictured(self) -> None:
        """Another picture: of a tab that nobody sees, the page knows the map."""
        if not self._viewer.awake:
            self.lead()

    def _moved(self) -> None:
        """A hand in the tab, or what a layer or picture has reset there."""
        with self._once() as free:
            if free:
                self._features.layer = self._viewer.layer
                if self._viewer.channel is not None:
                    self._tell(int(self._viewer.channel))

    def _soon(self) -> None:
        """The tab is drawing under its lock: another viewer is told when that is over, where there is a loop."""
        if not call_soon(self._found):
            self._found()

    def _found(self) -> None:
        """The map that was left open is known."""
        channel = self._viewer.found_channel()
        with self._once() as free:
            if free and self._viewer.channel is None and channel is not None:
                self._tell(channel)

    def _tell(self, channel: int) -> None:
        self._features.channel = channel
        self._features.position = self._viewer.position

    @contextmanager
    def _once(self) -> Iterator[Any]:
        """What is set here is answered by no echo."""
        free, self._setting = not self._setting, True
        try:
            yield free
        finally:
            self._setting = not free
