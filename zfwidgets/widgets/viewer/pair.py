"""`PairViewer`: a viewer that may show a second network beside the first.

A viewer says what it asks of one network (`_questions_to`) and how it shows an answer of one (`_show_of`); with a
second network both are done twice, under slots of their own, on the thread of each backend. One control flow: the
newest question wins in each slot, `cancel`, `close` and `wait` mean both networks.
"""

from __future__ import annotations

from typing import Any, TypeVar

from zfwidgets.backend import Backend, Request
from zfwidgets.errors import ParameterError, ZfwidgetsError
from zfwidgets.imaging import Crossing
from zfwidgets.widgets.viewer.base import Viewer

__all__ = ["FIRST", "SECOND", "PairViewer"]

FIRST, SECOND = 0, 1
_THEIRS = "other "
"""What the slots of the second network begin with."""
_LENDING = "other"
"""The place of an error that keeps pictures from the second network."""

SomeError = TypeVar("SomeError", bound=Exception)


class PairViewer(Viewer):
    """Shows answers of one backend, or of two to the same questions.

    Parameters
    ----------
    backend : Backend
        The network and its pictures.
    other : Backend, optional
        A second network. Pictures that it does not hold are lent to it under their keys.
    **options
        Traits of the viewer and of `ipywidgets.VBox` (``layout=...``).

    Raises
    ------
    ParameterError
        If `other` is no Backend.
    """

    def __init__(self, backend: Backend, other: Backend | None = None, **options: Any) -> None:
        if not isinstance(other, Backend | None):
            raise ParameterError(
                f"The second network comes as a Backend, not {type(other).__name__}; try other=Backend(name)."
            )
        self._other = other
        self._shares: dict[int, float] = {}
        self._crossed: tuple[str, Crossing] | None = None
        super().__init__(backend, **options)
        if other is not None:
            self.add_class("zf-two")  # the words below its pictures take more room, which is kept

    # What a viewer says about itself -------------------------------------------------------------------------

    def _questions_to(self, which: int) -> dict[str, Request]:
        """What must be known of a network, `FIRST` or `SECOND`, by slot; pure."""
        raise NotImplementedError

    def _show_of(self, which: int, slot: str, value: Any) -> None:
        """Draw an answer of a network."""
        raise NotImplementedError

    def _refused_of(self, which: int, slot: str, error: Exception) -> bool:
        """Whether the viewer says in its own place that this part of a network's answer does not exist."""
        return False

    def _of_both(self) -> tuple[str, ...]:
        """Keys of the pictures that both networks are asked about."""
        return (self.image,)

    # What it finds here --------------------------------------------------------------------------------------

    @property
    def _backends(self) -> tuple[Backend, ...]:
        """One, or two."""
        return (self._backend,) if self._other is None else (self._backend, self._other)

    @property
    def _names(self) -> tuple[str, ...]:
        """Of the networks; two of one name are told apart."""
        names = tuple(backend.network.name for backend in self._backends)
        return names if len({*names}) == len(names) else (names[FIRST], f"{names[SECOND]} (second)")

    def _crossing(self, key: str) -> Crossing:
        """From the first network's input to the second's, for one picture."""
        if self._crossed is None or self._crossed[0] != key:
            mine, theirs = (backend.network.preprocess for backend in self._backends)
            # Its size matters only where the two do not see the same: to know it means to read the picture.
            crossing = Crossing(mine, theirs, (1, 1))
            if not crossing.same:
                crossing = Crossing(mine, theirs, self._backend.picture(key).size)
            self._crossed = (key, crossing)
        return self._crossed[1]

    def _answered_by(self, which: int, slot: str) -> Any:
        """The question whose answer is shown; None before there is any."""
        return self._answered.get(_slot(which, slot))

    def _ask_anew(self, which: int, *slots: str) -> None:
        """What a network is to answer once more, though the question is the same."""
        for slot in slots:
            self._asked.pop(_slot(which, slot), None)

    def _tell_share(self, which: int, share: float) -> None:
        """How far a network's main answer is; the line on the page is about both."""
        if self._progress == 0:  # both were asked anew
            self._shares = {}
        self._shares[which] = share
        self._progress = sum(self._shares.values()) / len(self._backends)

    # Control flow --------------------------------------------------------------------------------------------

    def _questions(self) -> dict[str, Request]:
        questions = self._questions_to(FIRST)
        if self._other is None:
            return questions
        second = self._questions_to(SECOND)
        self._errors.pop(_LENDING, None)
        try:
            for key in self._of_both() if second else ():
                self._backend.lend(key, self._other)
        except ZfwidgetsError as error:
            self._errors[_LENDING] = self._told(_slot(SECOND, ""), error)
            return questions  # the first network goes on
        return questions | {_slot(SECOND, slot): request for slot, request in second.items()}

    def _slots(self) -> tuple[str, ...]:
        slots = super()._slots()
        return slots if self._other is None else (*slots, *(_slot(SECOND, slot) for slot in slots))

    def _backend_of(self, slot: str) -> Backend:
        which, _ = _split(slot)
        return self._backends[which]

    def _show(self, slot: str, value: Any) -> None:
        self._show_of(*_split(slot), value)

    def _refused(self, slot: str, error: Exception) -> bool:
        return self._refused_of(*_split(slot), error)

    def _told(self, slot: str, error: SomeError) -> SomeError:
        """An error of the second network names it."""
        which, _ = _split(slot)
        if which == FIRST or not isinstance(error, ZfwidgetsError):
            return error
        return type(error)(f"Second network, {self._names[SECOND]}: {error}")

    def _foreseen(self, request: Request) -> float | None:
        asked = self._asked.get(_slot(SECOND, self.MAIN))
        both = [super()._foreseen(request)]
        if self._other is not None and asked is not None:
            both.append(self._other.seconds_foreseen(asked[1]))
        known = [seconds for seconds in both if seconds is not None]
        return sum(known) if known else None


def _slot(which: int, slot: str) -> str:
    return slot if which == FIRST else _THEIRS + slot


def _split(slot: str) -> tuple[int, str]:
    return (SECOND, slot.removeprefix(_THEIRS)) if slot.startswith(_THEIRS) else (FIRST, slot)
