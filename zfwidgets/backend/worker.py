"""One thread that does the work of one device.

How a question travels:
1. `submit` puts it into the place of its owner; one that waited there is forgotten (the newest wins).
2. The owner's running question is told that it is superseded; it goes on until its first partial answer, because
   a picture that stays blank for a whole drag is worse than one that lags, and ends at its next check.
3. Between two batches of a long run, quick questions (a dragged square, a projection) are answered first.
4. A question that nobody waits for (the warm-up) begins when there is no other, and ends at its next check when one
   comes that is not quick.
5. Whatever happens - value, error, cancelling - is delivered as an `Answer`. The thread outlives it.
"""

from __future__ import annotations

import atexit
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Condition, Thread
from typing import Any

from zfwidgets.backend.answers import Answer, told
from zfwidgets.errors import Cancelled, NetworkError

__all__ = ["Ticket", "Worker"]

Deliver = Callable[[Answer], None]
Run = Callable[[Callable[[Any], None], Callable[[], bool]], Any]

_LOG = logging.getLogger(__name__)


class Ticket:
    """One question on its way; ``cancel()`` ends it at its next check, without any further partial answer."""

    def __init__(self, request: Any, run: Run, deliver: Deliver, owner: Hashable, unasked: bool) -> None:
        self.request, self.run, self.deliver, self.owner, self.unasked = request, run, deliver, owner, unasked
        self.quick = bool(getattr(request, "quick", False))
        self.stopped = False
        self.superseded = False
        self.partials = 0

    def cancel(self) -> None:
        """Stop as soon as possible."""
        self.stopped = True

    @property
    def over(self) -> bool:
        """Whether the run should end: cancelled, or superseded and already seen once."""
        return self.stopped or (self.superseded and self.partials > 0)


class Worker:
    """The thread; it starts with the first question.

    Examples
    --------
    >>> from queue import Queue
    >>> worker, answers = Worker("doctest"), Queue()
    >>> ticket = worker.submit("1 + 1", lambda on_partial, cancelled: 1 + 1, answers.put, owner="me")
    >>> answers.get().value
    2
    >>> worker.close()
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._changed = Condition()
        self._waiting: OrderedDict[Hashable, Ticket] = OrderedDict()
        self._running: list[Ticket] = []
        self._closing = False
        self._thread: Thread | None = None

    def submit(self, request: Any, run: Run, deliver: Deliver, owner: Hashable, *, unasked: bool = False) -> Ticket:
        """Ask; `deliver` is called on the worker's thread. What is `unasked` gives way to all else."""
        ticket = Ticket(request, run, deliver, owner, unasked)
        with self._changed:
            if self._closing:
                raise NetworkError("This backend is closed; make a new Backend to ask it anything.")
            self._supersede(owner)
            self._waiting[owner] = ticket
            if self._thread is None:
                self._thread = Thread(target=self._work, name=self.name, daemon=True)
                self._thread.start()
                # An interpreter that ends while torch computes on another thread aborts with a message.
                atexit.register(self.close)
            self._changed.notify_all()
        return ticket

    def supersede(self, owner: Hashable) -> None:
        """Forget what this owner still waits for: it has its answer from elsewhere."""
        with self._changed:
            self._supersede(owner)

    def close(self) -> None:
        """Stop what runs, answer "cancelled" to all that waits, end the thread."""
        with self._changed:
            self._closing = True
            for ticket in [*self._running, *self._waiting.values()]:
                ticket.cancel()
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
        atexit.unregister(self.close)

    def _supersede(self, owner: Hashable) -> None:
        self._waiting.pop(owner, None)
        for ticket in self._running:
            if ticket.owner == owner:
                ticket.superseded = True

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closing)
                if not self._waiting:
                    return
                ticket = self._next(quick_only=False)
            if ticket is not None:
                self._answer(ticket)
            del ticket  # while it waits for the next one, the thread keeps no answer and no network alive

    def _next(self, quick_only: bool) -> Ticket | None:
        """Take a question out of the queue, quick ones first, unasked ones last; the caller holds the lock."""
        tickets = sorted(self._waiting.values(), key=lambda ticket: (not ticket.quick, ticket.unasked))
        chosen = next((ticket for ticket in tickets if ticket.quick or not quick_only), None)
        if chosen is not None:
            del self._waiting[chosen.owner]
            self._running.append(chosen)
        return chosen

    def _answer(self, ticket: Ticket) -> None:
        started = time.perf_counter()

        def passed() -> float:
            return time.perf_counter() - started

        def on_partial(value: Any) -> None:
            if not ticket.over:
                ticket.partials += 1
                self._hand_over(ticket, Answer(ticket.request, "partial", value, seconds=passed()))

        def cancelled() -> bool:
            if not ticket.quick:
                self._answer_quick_ones()
            return ticket.over or (ticket.unasked and self._others_wait())

        try:
            if ticket.stopped:
                raise Cancelled("Stopped before it began.")
            value = ticket.run(on_partial, cancelled)
            answer = Answer(ticket.request, "final", value, seconds=passed())
        except Cancelled:
            answer = Answer(ticket.request, "cancelled", seconds=passed())
        except BaseException as error:
            _LOG.debug("%r failed", ticket.request, exc_info=True)
            answer = Answer(ticket.request, "error", error=told(error), seconds=passed())
        with self._changed:
            self._running.remove(ticket)
        self._hand_over(ticket, answer)

    def _answer_quick_ones(self) -> None:
        while True:
            with self._changed:
                ticket = self._next(quick_only=True)
            if ticket is None:
                return
            self._answer(ticket)

    def _others_wait(self) -> bool:
        with self._changed:
            return bool(self._waiting)

    def _hand_over(self, ticket: Ticket, answer: Answer) -> None:
        try:
            ticket.deliver(answer)
        except BaseException:
            # The receiver is at fault; the other owners still need this thread.
            _LOG.exception("An answer to %r could not be delivered", ticket.request)
