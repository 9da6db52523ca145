"""Which questions are asked at once, and which wait for a person's word because they take long."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass

from zfwidgets.backend import Backend, Request

__all__ = ["Decision", "Patience"]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Decision:
    """What becomes of one question.

    Attributes
    ----------
    wanted : Request
        The question.
    asked : Request or None
        What is asked: the question itself, a quicker one in its place, or nothing.
    seconds : float or None
        How long the wanted one will take, if it waits.
    limit : float or None
        How long one may take without being confirmed.
    """

    wanted: Request
    asked: Request | None
    seconds: float | None
    limit: float | None

    @property
    def waits(self) -> bool:
        """Whether it waits for a word."""
        return self.asked is not self.wanted


class Patience:
    """Decides once for each question; a decision to wait stands until the question, the limit or the word changes."""

    def __init__(self, backend_of: Callable[[str], Backend]) -> None:
        self._backend_of = backend_of
        self._decisions: dict[str, Decision] = {}
        self._agreed: dict[str, Request] = {}

    def decide(self, slot: str, wanted: Request, limit: float | None) -> Decision:
        """What to ask in a slot."""
        known = self._decisions.get(slot)
        if known is None or known.wanted != wanted or (known.waits and known.limit != limit):
            known = self._decisions[slot] = self._decided(slot, wanted, limit)
        return known

    def agree(self) -> None:
        """The person's word: what waits may be asked."""
        for slot, decision in list(self._decisions.items()):
            if decision.waits:
                self._agreed[slot] = decision.wanted
                del self._decisions[slot]

    def keep(self, slots: Collection[str]) -> None:
        """Forget all other slots."""
        self._decisions = {slot: decision for slot, decision in self._decisions.items() if slot in slots}

    @property
    def waiting(self) -> Decision | None:
        """A question that waits, or None."""
        return next((decision for decision in self._decisions.values() if decision.waits), None)

    def _decided(self, slot: str, wanted: Request, limit: float | None) -> Decision:
        backend = self._backend_of(slot)
        if limit is None or self._agreed.get(slot) == wanted or self._within(backend, wanted, limit):
            return Decision(wanted, wanted, None, limit)
        quicker: Request | None = getattr(wanted, "first", None)
        if quicker is not None and not self._within(backend, quicker, limit):
            quicker = None
        return Decision(wanted, quicker, backend.seconds(wanted), limit)

    def _within(self, backend: Backend, request: Request, limit: float) -> bool:
        """Whether it is asked without a word; the exact time is found out only where it decides."""
        try:
            for told in (backend.seconds_at_most, backend.seconds):
                seconds = told(request)
                if seconds is None or seconds <= limit:
                    return True
        except Exception:  # an estimate is never in the way: the question itself tells what is wrong
            _LOG.debug("No estimate for %r", request, exc_info=True)
            return True
        return False
