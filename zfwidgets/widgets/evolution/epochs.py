"""The slider over epochs, which stops at checkpoints only, and the button that plays them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as W

from zfwidgets.widgets.parts.binding import Offering
from zfwidgets.widgets.parts.loop import call_later, call_soon

__all__ = ["EpochBar", "snapped"]

_SECONDS = 0.9
"""How long an epoch is looked at while they are played."""


class EpochBar(W.Box):
    """A slider and a play button.

    Parameters
    ----------
    moved : callable
        Told an epoch that has a checkpoint.
    """

    def __init__(self, moved: Callable[[int], None]) -> None:
        self._moved, self._offering, self._turn = moved, Offering(), 0
        self.epochs: tuple[int, ...] = ()
        self.slider = W.SelectionSlider(
            options=[("none yet", 0)],
            description="Epoch",
            style={"description_width": "initial"},
            continuous_update=True,
            tooltip="Epoch",
        )
        self.button = W.ToggleButton(description="Play", tooltip="Go through the epochs, one after the other")
        self.slider.observe(self._slid, "value")
        self.button.observe(lambda _: self._pressed(), "value")
        super().__init__([self.button, self.slider])
        self.add_class("zf-epochs")

    def offer(self, epochs: Sequence[int], missing: Sequence[int], epoch: int | None) -> None:
        """Have these epochs; the missing ones keep their places on the axis, but nothing stops there."""
        self.epochs = tuple(epochs)
        places = sorted({*epochs, *missing})
        options = [(f"{place} (missing)" if place not in self.epochs else str(place), place) for place in places]
        with self._offering:
            if options and tuple(options) != tuple(self.slider.options):
                self.slider.options = options
            if epoch in places:
                self.slider.value = epoch
        self.slider.disabled = self.button.disabled = len(self.epochs) < 2

    def shown(self) -> None:
        """The epoch is on the screen: while they are played, the next one may come."""
        if self.button.value:
            self._turn += 1
            turn = self._turn
            # Timers are the main loop's, and this may be another thread.
            call_soon(lambda: _ignore(call_later(_SECONDS, lambda: self._next(turn))))

    def stop(self) -> None:
        """Play no more."""
        self._turn += 1
        self.button.value = False

    def _pressed(self) -> None:
        self.button.description = "Pause" if self.button.value else "Play"
        if self.button.value and self.epochs:
            if self.slider.value == self.epochs[-1]:
                self._moved(self.epochs[0])
            self.shown()

    def _next(self, turn: int) -> None:
        later = [epoch for epoch in self.epochs if epoch > self.slider.value]
        if turn != self._turn or not self.button.value:
            return
        if later:
            self._moved(later[0])
        else:
            self.stop()

    def _slid(self, change: Any) -> None:
        if self._offering.under_way or not self.epochs:
            return
        epoch = snapped(change["new"], self.epochs, change["old"])
        if epoch != change["new"]:
            with self._offering:
                self.slider.value = epoch
        self._moved(epoch)


def snapped(asked: int, epochs: Sequence[int], before: int) -> int:
    """The next epoch that has a checkpoint, in the direction of the move; else the last one before it.

    Examples
    --------
    >>> snapped(10, (5, 20), before=5), snapped(10, (5, 20), before=20), snapped(30, (5, 20), before=20)
    (20, 5, 20)
    """
    later = [epoch for epoch in epochs if epoch >= asked]
    earlier = [epoch for epoch in epochs if epoch <= asked]
    if asked >= before:
        return later[0] if later else earlier[-1]
    return earlier[-1] if earlier else later[0]


def _ignore(_: bool) -> None:
    """A script has no loop; nothing plays there."""
