"""Pictures that a page is told about while it is still being built.

A page asks for the state of all widgets, builds its views, and only then listens to changes: bqplot's marks are deaf
in between, for some seconds on a cold page. What is shown meanwhile is told again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import bqplot as bq

from zfwidgets.widgets.loop import call_later

__all__ = ["AGAIN", "WatchedImage"]

_BUILDING = 10.0
"""Seconds that a page may need from its question to its last view."""
AGAIN = (1.5, 5.0)
"""Seconds after which it is told again."""


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
            for seconds in AGAIN:
                call_later(seconds, tell)
