"""What comes back from the worker, and the box in which it waits for the kernel's loop."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Condition, RLock
from typing import Any, Literal

from zfwidgets.errors import ZfwidgetsError

__all__ = ["Answer", "Inbox", "told"]


@dataclass(frozen=True)
class Answer:
    """One answer to a request; it carries its request, so that nobody has to guess what it belongs to.

    Attributes
    ----------
    request : Request
        What was asked.
    kind : {"partial", "final", "error", "cancelled"}
        A partial answer is coarse, better ones follow; each of the others is the last one.
    value : object
        The result; None for an error or after cancelling.
    error : Exception or None
        Errors are values here: in a thread nobody would see them raised.
    seconds : float
        Since the run began; 0 for an answer from the cache.
    """

    request: Any
    kind: Literal["partial", "final", "error", "cancelled"]
    value: Any = None
    error: Exception | None = None
    seconds: float = 0.0

    @property
    def last(self) -> bool:
        """Whether no further answer to this request follows."""
        return self.kind != "partial"


def told(error: BaseException) -> Exception:
    """An error that can be handed over: what wants to end the program would end a thread, and all would wait for it.

    Examples
    --------
    >>> told(SystemExit(1))
    ZfwidgetsError('Foreign code, of a network, of pictures or of a training, wants to end the program (SystemExit)...
    """
    if isinstance(error, Exception):
        return error
    return ZfwidgetsError(
        "Foreign code, of a network, of pictures or of a training, wants to end the program "
        f"({type(error).__name__}); let it raise an error."
    )


class Inbox:
    """Letters from the worker thread, taken out on the kernel's loop.

    Attributes
    ----------
    lock : threading.RLock
        For what the reader shares with callbacks: Jupyter runs these on more than one thread.

    Examples
    --------
    >>> inbox = Inbox()
    >>> inbox.put("picture", 1)
    >>> inbox.take(), inbox.take()
    ([('picture', 1)], [])
    """

    def __init__(self) -> None:
        self.lock = RLock()
        self._arrived = Condition()
        self._letters: list[tuple[str, Any]] = []

    def put(self, slot: str, letter: Any) -> None:
        """Add a letter; from any thread."""
        with self._arrived:
            self._letters.append((slot, letter))
            self._arrived.notify_all()

    def take(self) -> list[tuple[str, Any]]:
        """All letters in the order of arrival; the box is empty then."""
        with self._arrived:
            letters, self._letters = self._letters, []
        return letters

    def wait(self, timeout: float | None = None) -> bool:
        """Until there is a letter; False after `timeout` seconds without one."""
        with self._arrived:
            return self._arrived.wait_for(lambda: bool(self._letters), timeout)
