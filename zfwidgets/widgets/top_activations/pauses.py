"""When a page that fills by itself is drawn again."""

from __future__ import annotations

import time

__all__ = ["Pauses"]

_PATIENCE = 2.0
"""The page is drawn again after so many times the seconds that drawing it took: most of the time is for the work that
fills it."""


class Pauses:
    """The pauses between two drawings of a page.

    Examples
    --------
    >>> pauses = Pauses()
    >>> pauses.due
    True
    >>> pauses.begin()
    >>> time.sleep(0.01)
    >>> pauses.drawn()
    >>> pauses.due
    False
    """

    def __init__(self) -> None:
        self._begun: float | None = None
        self._next = 0.0

    @property
    def due(self) -> bool:
        """Whether the pause is over."""
        return time.monotonic() >= self._next

    def begin(self) -> None:
        """The page is being drawn."""
        self._begun = time.monotonic()

    def drawn(self) -> None:
        """The page is whole. What was not begun is somebody's own wish, after which there is no pause."""
        if self._begun is not None:
            now = time.monotonic()
            self._next, self._begun = now + _PATIENCE * (now - self._begun), None
