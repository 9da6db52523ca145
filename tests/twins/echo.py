"""A viewer that asks one thing, and a backend whose answers a test gives by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import MagicMock, create_autospec

import ipywidgets as W
import pytest

from zfwidgets.backend import Answer, Backend, Request, Ticket
from zfwidgets.widgets.parts.values import Whole
from zfwidgets.widgets.viewer.base import Viewer

__all__ = ["Asked", "Echo", "asked", "echo", "spec"]


class Echo(Viewer):
    """Asks one thing: its number."""

    number = Whole(1, 1, "number")
    MAIN = "echo"
    SENTENCE = "It repeats."

    def _build(self) -> W.Widget:
        self._seen: list[Any] = []
        return self._bind(W.IntSlider(1, 1, 9, description="Number"), "number")

    def _questions(self) -> dict[str, Request]:
        return {"echo": (self.image, self.number)}  # type: ignore[dict-item]

    def _show(self, slot: str, value: Any) -> None:
        if value == "broken":
            raise RuntimeError("cannot draw <this>")
        self._seen.append(value)

    @property
    def result(self) -> Any:
        return self._seen[-1] if self._seen else None


class Asked:
    """The questions that reached the backend, and the way to answer each."""

    def __init__(self, backend: MagicMock) -> None:
        self.requests: list[Any] = []
        self.tickets: list[MagicMock] = []
        self._deliver: list[Callable[[Answer], None]] = []
        backend.submit.side_effect = self._submit

    def _submit(self, request: Any, deliver: Callable[[Answer], None], owner: Any = None) -> Any:
        self.requests.append(request)
        self._deliver.append(deliver)
        self.tickets.append(create_autospec(Ticket, instance=True))
        return self.tickets[-1]

    def answer(self, place: int, kind: Any, value: Any = None, error: Exception | None = None) -> None:
        self._deliver[place](Answer(self.requests[place], kind, value, error, seconds=0.5))


@pytest.fixture
def spec() -> MagicMock:
    backend = create_autospec(Backend, instance=True)
    backend.images = ("a", "b")
    backend.seconds.return_value = backend.seconds_at_most.return_value = None
    backend.seconds_foreseen.return_value = None
    return backend


@pytest.fixture
def asked(spec: MagicMock) -> Asked:
    return Asked(spec)


@pytest.fixture
def echo(spec: MagicMock, asked: Asked) -> Echo:
    return Echo(spec)
