"""What a page is told while it is still being built is told again.

A page asks for the state of all widgets, makes its models, then its views. Until the models stand it hears no change
at all (`tell_again_in`); until its view stands a bqplot mark hears none either (`WatchedImage`). Both take seconds on
a cold page, in which a first map may well be ready.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import bqplot as bq
import ipywidgets as W

from zfwidgets.widgets.parts.loop import call_later
from zfwidgets.widgets.parts.tree import widgets_of

__all__ = ["WatchedImage", "tell_again_in"]

_BUILDING = 15.0
"""Seconds that a page may need from its question to its last view."""
_AGAIN = (0.5, 1.5, 5.0, 15.0)
"""Seconds after which it is told again: soon for a quick page, late for a crowded machine."""


def tell_again_in(root: W.Widget) -> None:
    """Send what changes from now on in a widget, and in all that it is made of, a second time in a few seconds."""
    told = {widget: _state(widget) for widget in widgets_of(root)}

    def again() -> None:
        for widget, before in told.items():
            now = _state(widget)
            changed = [name for name, value in now.items() if value is not before.get(name)]
            if changed and widget.comm is not None:
                widget.send_state(changed)

    for seconds in _AGAIN:
        call_later(seconds, again)


def _state(widget: W.Widget) -> dict[str, Any]:
    """The values themselves, not copies: one that was set anew is another object, however large."""
    return {name: getattr(widget, name) for name in widget.keys if name in widget._trait_values}


class WatchedImage(bq.Image):
    """An image that knows when a page last asked for all of its state."""

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> Any:
        """What the page is told; without a key: everything."""
        if key is None:
            self._asked = time.monotonic()
        return super().get_state(key, drop_defaults)

    def tell_again(self, tell: Callable[[], None]) -> None:
        """Call this a few times in the next seconds if a page may be in the middle of building its views."""
        if time.monotonic() - getattr(self, "_asked", -_BUILDING) < _BUILDING:
            for seconds in _AGAIN:
                call_later(seconds, tell)
