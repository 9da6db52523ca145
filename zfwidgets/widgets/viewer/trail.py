"""The way that clicks have taken, as a row of buttons that lead back; and what a viewer does to leave one behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from html import escape

import ipywidgets as W

__all__ = ["Sight", "Steps", "Trail", "crumb"]

MOST = 40
"""Sights that are remembered; the oldest go first."""
_LONG = 32
"""Letters of a button; the end of a file's name says more than its beginning."""


@dataclass(frozen=True)
class Sight:
    """What a page shows, as far as clicks lead from one such thing to the next: enough to show it again.

    Attributes
    ----------
    tab, image : str
        The tab in front, and the key of the picture.
    layer, channel, position
        The unit of the feature viewer; position None: the map's maximum.
    pixel : (row, column) or None
        The place of the picture whose units are listed.
    nine : int or None
        The map that is large in the viewer of Fig. 2, as far as one was chosen.
    hidden : (layer, channel)
        The map that the occlusion viewer sums up; channel None: the strongest.
    """

    tab: str
    image: str
    layer: str
    channel: int
    position: tuple[int, int] | None = None
    pixel: tuple[int, int] | None = None
    nine: int | None = None
    hidden: tuple[str | None, int | None] = (None, None)


def crumb(sight: Sight, before: Sight | None, titles: Mapping[str, str]) -> str:
    """What a sight is called after the one before it, by what is new in it.

    Examples
    --------
    >>> first = Sight("features", "scene/3", "conv4", 0, pixel=(9, 4))
    >>> second = Sight("features", "scene/3", "conv4", 17, (5, 6), pixel=(9, 4))
    >>> third = Sight("top", "scene/3", "conv4", 17, (5, 6), pixel=(9, 4), nine=17)
    >>> titles = {"features": "Features", "top": "Top 9"}
    >>> crumb(first, None, titles), crumb(second, first, titles), crumb(third, second, titles)
    ('scene/3', 'conv4 #17 at (5, 6)', 'Top 9 of conv4 #17')
    """
    if before is None or sight.image != before.image:
        return sight.image
    title = titles[sight.tab]
    if sight.tab == "top" and sight.nine is not None:
        return f"{title} of {sight.layer} #{sight.nine}"
    if sight.tab == "occlusion" and sight.hidden[1] is not None:
        return f"{title} of {sight.hidden[0]} #{sight.hidden[1]}"
    if sight.tab != "features":
        return title
    if sight.pixel not in (None, before.pixel):
        return f"row {sight.pixel[0]}, column {sight.pixel[1]}"
    return f"{sight.layer} #{sight.channel}" + (f" at {sight.position}" if sight.position is not None else "")


class Steps:
    """For viewers whose clicks lead on: to another unit, or to another picture."""

    _stepping: Callable[[], AbstractContextManager[None]] = nullcontext

    def record_steps(self, stepping: Callable[[], AbstractContextManager[None]]) -> None:
        """Have each such click done inside of a context, which sees what is shown before and after it."""
        self._stepping = stepping


class Trail(W.Box):
    """Where the clicks led, first to last; a press goes back there, and what lay ahead stays until the next step.

    Parameters
    ----------
    show : callable
        Shows a sight again.
    titles : mapping
        The tabs' titles.
    hint : str
        What stands there before the first step.

    Examples
    --------
    >>> trail = Trail(print, {"features": "Features"}, "Click a place.")
    >>> sights = [Sight("features", "scene/3", "conv4", channel) for channel in (0, 17, 5)]
    >>> trail.step(sights[0], sights[1])
    >>> trail.back()  # doctest: +ELLIPSIS
    Sight(tab='features', image='scene/3', layer='conv4', channel=0, ...)
    True
    >>> trail.step(sights[0], sights[2])
    >>> trail.labels, trail.forward()
    (['scene/3', 'conv4 #5'], False)
    """

    def __init__(self, show: Callable[[Sight], None], titles: Mapping[str, str], hint: str) -> None:
        self._show, self._titles = show, titles
        self._sights: tuple[Sight, ...] = ()
        self._place = 0
        self._buttons: list[W.Button] = []
        # One style and one layout for all: each widget costs the page three messages.
        self._look = {"style": W.ButtonStyle(), "layout": W.Layout()}
        super().__init__([W.HTML(f'<span class="zf-soft">{escape(hint)}</span>')])
        self.add_class("zf-trail")

    @property
    def sights(self) -> tuple[Sight, ...]:
        """All of them, first to last."""
        return self._sights

    @property
    def place(self) -> int:
        """Which one was reached last, by a step or by going back."""
        return self._place

    @property
    def labels(self) -> list[str]:
        """What the sights are called."""
        before = (None, *self._sights)
        return [crumb(sight, last, self._titles) for last, sight in zip(before, self._sights, strict=False)]

    def step(self, before: Sight, after: Sight) -> None:
        """A click led on from one sight to another; what lay ahead is forgotten.

        Sliders and lists may have moved since the last step: then what was left is a sight of its own.
        """
        if after == before:
            return
        kept = self._sights[: self._place + 1]
        left = () if kept and kept[-1] == before else (before,)
        self._sights = (*kept, *left, after)[-MOST:]
        self._place = len(self._sights) - 1
        self._draw()

    def back(self) -> bool:
        """Show the sight before this one; False where there is none."""
        return self.go(self._place - 1)

    def forward(self) -> bool:
        """Show the sight after this one, if the last move was back; False where there is none."""
        return self.go(self._place + 1)

    def go(self, place: int) -> bool:
        """Show a sight, counted from 0 for the first; False where there is none."""
        if not 0 <= place < len(self._sights):
            return False
        self._place = place
        self._draw()
        self._show(self._sights[place])
        return True

    def _draw(self) -> None:
        while len(self._buttons) < len(self._sights):
            self._add()
        shown = self._buttons[: len(self._sights)]
        for place, (button, sight, label) in enumerate(zip(shown, self._sights, self.labels, strict=True)):
            button.description = label if len(label) <= _LONG else f"...{label[-_LONG:]}"
            here = ", you are here" if place == self._place else ""
            button.tooltip = f"{sight.image}, {self._titles[sight.tab]}, {sight.layer} #{sight.channel}{here}"
            for name, wanted in (("zf-now", place == self._place), ("zf-ahead", place > self._place)):
                (button.add_class if wanted else button.remove_class)(name)
        # Laid out from the end, so that a row too long for the page shows where one is, not where one began.
        self.children = shown[::-1]

    def _add(self) -> None:
        place = len(self._buttons)
        button = W.Button(**self._look)
        button.add_class("zf-crumb")
        button.on_click(lambda _: self.go(place))
        self._buttons.append(button)
