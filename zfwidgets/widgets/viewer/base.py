"""`Viewer`: the one control flow of all viewers.

1. A trait changes; its validation has refused what cannot be.
2. `_questions` resolves the traits into frozen requests, one for each slot; an equal one is not asked again.
3. `backend.submit`; the worker's answers go into the inbox, known answers on this thread at once.
4. The kernel's loop drains the inbox; an answer older than what is shown is dropped; `_show` draws the others.
5. A question that takes long waits for the person's word (`Patience`); a script that waits has given it.
6. Errors appear in the strip below, the last good picture stays, the next good value recovers.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from html import escape
from typing import Any

import ipywidgets as W
import traitlets as T

from zfwidgets.backend import Answer, Backend, Inbox, Request, Ticket
from zfwidgets.errors import ParameterError, ZfwidgetsError, unknown_name
from zfwidgets.widgets.parts.binding import Offering, bind
from zfwidgets.widgets.parts.controls import image_options
from zfwidgets.widgets.parts.first_sight import tell_again_in
from zfwidgets.widgets.parts.loop import call_soon
from zfwidgets.widgets.parts.patience import Patience
from zfwidgets.widgets.parts.strip import Strip, time_left
from zfwidgets.widgets.parts.style import duration, style_sheet
from zfwidgets.widgets.parts.tree import close_tree
from zfwidgets.widgets.parts.values import Seconds, check_assignment, check_names

__all__ = ["Viewer"]

_CONTROL = "control"
"""The place of an error that is no slot's: a value that was refused."""


class Viewer(W.VBox):
    """Shows answers of one backend and asks again when a trait changes.

    Parameters
    ----------
    backend : Backend
        The network and its pictures.
    **options
        Traits of the viewer and of `ipywidgets.VBox` (``layout=...``).

    Raises
    ------
    UnknownNameError
        For an option that does not exist.
    ParameterError
        For a value that cannot be.
    """

    state = T.Enum(["ready", "running", "stale", "waiting", "stopped", "error"], "ready", read_only=True)
    """``"running"``: an answer is on its way; ``"stale"``: and what is shown belongs to an older question;
    ``"waiting"``: for a word to start what takes long; ``"stopped"``: cancelled before it was whole."""

    image: Any = T.TraitType("")
    """Key of the picture."""

    confirm_above = Seconds(30.0, "confirm_above")
    """What takes longer, in seconds, waits for *Start*; None: nothing does. `wait` starts it too."""

    MAIN = ""
    """The slot whose progress the status line tells."""
    ALSO: tuple[str, ...] = ()
    """Slots without which the viewer is not ready either."""
    SENTENCE = ""
    """What to look for, and where in the paper it stands."""

    _alive = False

    def __init__(self, backend: Backend, **options: Any) -> None:
        if not isinstance(backend, Backend):
            raise ParameterError(
                f"A viewer needs a Backend, not {type(backend).__name__}; try Backend('zfnet-scenes')."
            )
        check_names(f"option of {type(self).__name__}", options, self.trait_names)
        self._backend = backend
        self._inbox = Inbox()
        self._offering = Offering()
        self._asked: dict[str, tuple[int, Request]] = {}
        self._shown: dict[str, int] = {}
        self._answered: dict[str, Any] = {}
        self._tickets: dict[str, Ticket | None] = {}
        self._patience = Patience(self._backend_of)
        self._serial = 0
        self._errors: dict[str, Exception] = {}
        self._stopped: set[str] = set()
        self._seconds = 0.0
        self._started = 0.0
        self._progress = 1.0
        self._given = set(options)
        traits = self._defaults() | options
        ours = {name: value for name, value in traits.items() if name not in W.VBox.class_trait_names()}
        super().__init__(**{name: value for name, value in traits.items() if name not in ours})
        for name, value in ours.items():
            setattr(self, name, value)
        self._finish(self._build())

    def __setattr__(self, name: str, value: Any) -> None:
        check_assignment(self, name, self._public_traits, self._alive)
        super().__setattr__(name, value)

    def _public_traits(self) -> list[str]:
        return sorted(name for name in self.trait_names() if not name.startswith("_"))

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> Any:
        """What the page is told; one that asks for everything is deaf for a while, see `first_sight`."""
        if key is None and self._alive:
            tell_again_in(self)
        return super().get_state(key, drop_defaults)

    # What a viewer says about itself -------------------------------------------------------------------------

    def _defaults(self) -> dict[str, Any]:
        """Trait values that need the backend; in the order in which they are set."""
        return {"image": self._backend.images[0]}

    def _build(self) -> W.Widget:
        """Make the controls and figures."""
        raise NotImplementedError

    def _questions(self) -> dict[str, Request]:
        """The traits resolved into what must be known, by slot; pure."""
        raise NotImplementedError

    def _backend_of(self, slot: str) -> Backend:
        """Who answers a slot's question; see `PairViewer`, which asks two."""
        return self._backend

    def _show(self, slot: str, value: Any) -> None:
        """Draw an answer, partial or final."""
        raise NotImplementedError

    def _refused(self, slot: str, error: Exception) -> bool:
        """Whether the viewer says in its own place that this part of the answer does not exist."""
        return False

    def _told(self, slot: str, error: Exception) -> Exception:
        """An error as the strip shows it: one of two networks is named there."""
        return error

    def _slots(self) -> tuple[str, ...]:
        """Those without which the viewer is not ready."""
        return (self.MAIN, *self.ALSO)

    def _facts(self) -> str:
        """What the status line tells of the answer, for example the number of positions."""
        return ""

    def _waiting_words(self, time: str, quicker: bool) -> str:
        """What to say while a question waits; `quicker`: something was asked in its place."""
        return f"This will take about {time}. Press Start."

    @property
    def result(self) -> Any:
        """The data behind the main picture; None until there is any."""
        raise NotImplementedError

    # Control flow --------------------------------------------------------------------------------------------

    def _finish(self, body: W.Widget) -> None:
        self._strip = Strip()
        acts = {"stopped": self.go_on, "waiting": self.start}
        self._strip.button.on_click(lambda _: acts.get(self.state, self.cancel)())
        self.children = [style_sheet(), body, self._strip]
        self.add_class("zf")
        self._alive = True
        self.observe(self._changed, self._own_traits())
        self._changed(None)

    def _own_traits(self) -> list[str]:
        hidden = {*W.VBox.class_trait_names(), "state"}
        return [name for name in self.trait_names() if name not in hidden and not name.startswith("_")]

    def _changed(self, change: Any) -> None:
        if not self._alive:
            return  # closed: nobody would take the answer
        with self._inbox.lock:
            self._errors.pop(_CONTROL, None)
            self._ask()
            self._drain()

    def _ask(self) -> None:
        try:
            self._submit(self._questions())
        except ZfwidgetsError as error:
            self._errors[_CONTROL] = error
        self._tell()

    def _submit(self, questions: dict[str, Request]) -> None:
        self._patience.keep(questions)
        for slot in set(self._asked) - set(questions):
            self._withdraw(slot)
        for slot, wanted in questions.items():
            decision = self._patience.decide(slot, wanted, self.confirm_above)
            request = decision.asked
            if request is None:
                self._withdraw(slot)
            if request is None or (slot in self._asked and self._asked[slot][1] == request):
                continue
            self._serial += 1
            self._asked[slot] = (self._serial, request)
            if slot == self.MAIN:
                self._started, self._progress = time.monotonic(), 0.0
            self._errors.pop(slot, None)
            self._stopped.discard(slot)
            deliver = partial(self._deliver, slot, self._serial)
            try:
                self._tickets[slot] = self._backend_of(slot).submit(request, deliver, owner=(id(self), slot))
            except ZfwidgetsError as error:
                self._tickets[slot], self._errors[slot] = None, self._told(slot, error)

    def _withdraw(self, slot: str) -> None:
        """Nobody wants to know any more."""
        ticket = self._tickets.pop(slot, None)
        if ticket is not None:
            ticket.cancel()
        self._asked.pop(slot, None)
        self._errors.pop(slot, None)
        self._stopped.discard(slot)

    def _deliver(self, slot: str, serial: int, answer: Answer) -> None:
        """On the worker's thread, or on this one for a known answer."""
        self._inbox.put(slot, (serial, answer))
        if self._alive:
            call_soon(self._drain)

    def _drain(self) -> None:
        with self._inbox.lock:
            while self._alive and (letters := self._inbox.take()):
                # Only the newest picture of a slot is worth drawing: the way to the browser is the slow part.
                newest = {slot: place for place, (slot, _) in enumerate(letters)}
                for place, (slot, (serial, answer)) in enumerate(letters):
                    if answer.last or newest[slot] == place:
                        self._receive(slot, serial, answer)
                self._ask()

    def _receive(self, slot: str, serial: int, answer: Answer) -> None:
        current = self._asked.get(slot, (0, None))[0] == serial
        if current and answer.last:
            self._tickets[slot] = None
            self._seconds = answer.seconds if slot == self.MAIN else self._seconds
        if answer.kind in ("partial", "final"):
            if serial < self._shown.get(slot, 0):
                return
            self._shown[slot], self._answered[slot] = serial, answer.request
            self._errors.pop(slot, None)
            self._try(slot, partial(self._show, slot, answer.value))
        elif current and answer.kind == "cancelled":
            self._stopped.add(slot)
        elif current and answer.error is not None and self._refused(slot, answer.error):
            self._shown[slot] = serial  # what the viewer says in its own place is an answer
        elif current and answer.error is not None:
            self._errors[slot] = self._told(slot, answer.error)

    def _try(self, what: str, act: Callable[[], None]) -> None:
        """Draw, or answer a hand; whatever goes wrong must reach the strip: a page shows nobody a traceback."""
        try:
            act()
        except Exception as error:
            self._errors[what] = error
            self._tell()

    def _by_hand(self, act: Callable[..., None]) -> Callable[..., None]:
        """A callback for clicks and drags, which lie outside of the traits' validation."""
        return lambda *where: self._try(_CONTROL, partial(act, *where))

    def cancel(self) -> None:
        """Stop computing; what is shown stays."""
        with self._inbox.lock:
            for ticket in self._tickets.values():
                if ticket is not None:
                    ticket.cancel()

    def go_on(self) -> None:
        """Ask again what was cancelled."""
        with self._inbox.lock:
            for slot in list(self._stopped):
                self._asked.pop(slot, None)
            self._ask()

    def start(self) -> None:
        """Ask what waits because it takes long."""
        with self._inbox.lock:
            self._patience.agree()
            self._ask()

    def wait(self, timeout: float | None = None) -> bool:
        """Until everything asked is answered and shown; starts what waits for a word.

        Parameters
        ----------
        timeout : float, optional
            In seconds.

        Returns
        -------
        bool
            False if the time is over, or the viewer is closed.

        Raises
        ------
        Exception
            The error that the strip shows.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while self._alive:
            self._drain()
            if self._patience.waiting is not None:
                self.start()
            if not any(self._tickets.values()):
                break
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                return False
            self._inbox.wait(left)
        error = self._first_error()
        if error is not None:
            raise error
        return self._alive

    def close(self) -> None:
        """Stop computing and take the viewer off the page."""
        if self._alive:
            self._alive = False
            self.cancel()
            close_tree(self)

    # Controls ------------------------------------------------------------------------------------------------

    def _bind(self, control: Any, trait: str, none: str | None = None) -> Any:
        """Keep a control and a trait equal; `none` is what the control calls the trait's None."""
        return bind(self, trait, control, none, offering=self._offering, refused=self._refuse)

    def _refuse(self, error: ZfwidgetsError) -> None:
        self._errors[_CONTROL] = error
        self._tell()

    def offer_images(self) -> None:
        """Offer pictures that came to the backend since; the one that is shown stays."""
        self._offering.renew(self._image_control, image_options(self._backend), self.image)

    # What the strip says -------------------------------------------------------------------------------------

    def _tell(self) -> None:
        """State, status line, progress and alert, from what is known now."""
        slots = self._slots()
        busy = any(self._tickets.get(slot) is not None for slot in slots)
        stale = any(self._shown.get(slot, 0) < self._asked.get(slot, (0, None))[0] for slot in slots)
        error = self._first_error()
        waiting = self._patience.waiting if not busy else None
        stopped = not busy and bool(self._stopped)
        state = "error" if error else "waiting" if waiting else "stopped" if stopped else "stale" if stale else ""
        self.set_trait("state", state or ("running" if busy else "ready"))
        faded = stale or (waiting is not None and waiting.asked is None)
        (self.add_class if faded and self._shown.keys() & {*slots} else self.remove_class)("zf-stale")
        if waiting is None:
            facts = [self._facts(), self._times(busy), escape(self.SENTENCE)]
        else:
            sentence = self._waiting_words(duration(waiting.seconds or 0.0), quicker=waiting.asked is not None)
            facts = [f'<span role="status">{escape(sentence)}</span>']
        self._strip.tell(self.state, facts, self._progress if busy else None, error)

    def _first_error(self) -> Exception | None:
        """The one that is shown: what a hand was refused, else that of the first of the slots."""
        places = (_CONTROL, *self._slots(), *self._errors)
        return next((self._errors[place] for place in places if place in self._errors), None)

    def _times(self, busy: bool) -> str:
        if not busy:
            return "known already" if not self._seconds else f"{self._seconds:.{1 if self._seconds > 0.1 else 2}f} s"
        asked = self._asked.get(self.MAIN)
        expected = None if asked is None else self._foreseen(asked[1])
        left = time_left(self._progress, time.monotonic() - self._started, expected)
        return f"{duration(left)} left" if left else "computing"

    def _foreseen(self, request: Request) -> float | None:
        """Seconds that the answer of the main slot will take, as far as they are known by now."""
        return self._backend.seconds_foreseen(request)

    @T.validate("image")
    def _check_image(self, proposal: Any) -> str:
        key: str = proposal["value"]
        if not self._backend.has_image(key):
            raise unknown_name("picture", key, self._backend.images)
        return key
