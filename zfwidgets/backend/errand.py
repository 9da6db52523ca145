"""Something long that a person starts and may end, on a thread of its own: a training beside the page that shows it."""

from __future__ import annotations

import atexit
import logging
from collections.abc import Callable
from threading import Lock, Thread
from typing import Any

from zfwidgets.backend.answers import told

__all__ = ["Errand"]

_LOG = logging.getLogger(__name__)
_PATIENCE = 60.0
"""Seconds that an interpreter that ends waits for it."""


class Errand:
    """Runs a function on a thread, never twice at once.

    Parameters
    ----------
    act : callable
        What to do; it may raise.
    stop : callable
        Asks it to end; called when the interpreter ends meanwhile, which would abort with a message otherwise.

    Attributes
    ----------
    error : Exception or None
        What the last run raised: in a thread nobody sees it.

    Examples
    --------
    >>> done = []
    >>> errand = Errand(lambda: done.append("bread"), stop=lambda: None)
    >>> errand.start()
    True
    >>> errand.join(), done, errand.error
    (True, ['bread'], None)
    """

    def __init__(self, act: Callable[[], Any], stop: Callable[[], None]) -> None:
        self._act, self._stop = act, stop
        self._thread: Thread | None = None
        self._lock = Lock()
        self.error: Exception | None = None

    @property
    def running(self) -> bool:
        """Whether it is under way."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> bool:
        """Begin, unless it is under way; whether it began."""
        with self._lock:
            if self.running:
                return False
            self.error = None
            self._thread = Thread(target=self._run, name="zfwidgets errand", daemon=True)
            atexit.register(self._end)
            self._thread.start()
        return True

    def join(self, timeout: float | None = None) -> bool:
        """Wait for its end; False if the time is over."""
        if self._thread is not None:
            self._thread.join(timeout)
        return not self.running

    def _run(self) -> None:
        try:
            self._act()
        except BaseException as error:
            _LOG.debug("An errand failed", exc_info=True)
            self.error = told(error)
        finally:
            atexit.unregister(self._end)

    def _end(self) -> None:
        self._stop()
        self.join(_PATIENCE)
