"""What takes long waits for a word: nothing runs before, and anything the person does instead counts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest.mock import MagicMock

import pytest
from twins.echo import Asked, Echo

from zfwidgets.backend import Backend
from zfwidgets.backend.speed import Speed
from zfwidgets.errors import ParameterError
from zfwidgets.widgets import OcclusionViewer


@pytest.fixture
def slow(spec: MagicMock) -> MagicMock:
    """Numbers from 5 on take two minutes."""
    spec.seconds.side_effect = spec.seconds_foreseen.side_effect = lambda request: 120.0 if request[1] >= 5 else 0.1
    spec.seconds_at_most.side_effect = lambda request: 300.0 if request[1] >= 4 else 0.2
    return spec


@pytest.fixture
def echo(slow: MagicMock, asked: Asked) -> Echo:
    echo = Echo(slow)
    asked.answer(0, "final", "one")
    assert echo.wait(1)
    return echo


def test_a_long_question_is_not_asked_until_start_is_pressed(echo: Echo, asked: Asked) -> None:
    echo.number = 5
    assert (echo.state, len(asked.requests)) == ("waiting", 1)
    assert "This will take about 2 min. Press Start." in echo._strip.status.value
    assert echo._strip.button.description == "Start" and "zf-idle" not in echo._strip.button._dom_classes
    assert "zf-stale" in echo._dom_classes and echo.result == "one"
    echo._strip.button.click()
    assert asked.requests == [("a", 1), ("a", 5)] and echo.state == "stale"
    assert "120 s left" in echo._strip.status.value or "2 min left" in echo._strip.status.value
    asked.answer(1, "final", "five")
    assert echo.wait(1) and (echo.state, echo.result) == ("ready", "five")


def test_the_exact_time_is_found_out_only_where_it_decides(echo: Echo, asked: Asked, slow: MagicMock) -> None:
    echo.number = 2
    slow.seconds.assert_not_called()
    echo.number = 4
    slow.seconds.assert_called_once_with(("a", 4))
    assert asked.requests[-1] == ("a", 4)


def test_another_value_asks_at_once(echo: Echo, asked: Asked) -> None:
    echo.number = 5
    echo.number = 2
    assert asked.requests == [("a", 1), ("a", 2)] and echo.state == "stale"


def test_going_back_to_what_is_shown_is_no_waiting(echo: Echo, asked: Asked) -> None:
    echo.number = 5
    echo.number = 1
    asked.answer(1, "final", "one")
    assert echo.wait(1) and echo.state == "ready"


def test_the_word_holds_for_this_question_only(echo: Echo, asked: Asked) -> None:
    echo.number = 5
    echo.start()
    echo.number = 6
    assert echo.state == "waiting" and len(asked.requests) == 2
    asked.tickets[1].cancel.assert_called_once_with()
    asked.answer(1, "cancelled")
    echo._drain()
    assert echo.state == "waiting"


def test_a_decision_stands_while_a_person_thinks(echo: Echo, asked: Asked, slow: MagicMock) -> None:
    echo.number = 5
    slow.seconds.side_effect = lambda request: 0.1  # another viewer's sweep has shown that the machine is quick
    echo._drain()
    echo._ask()
    assert echo.state == "waiting" and len(asked.requests) == 1


def test_a_script_that_waits_has_given_its_word(echo: Echo, asked: Asked) -> None:
    echo.number = 5
    assert echo.wait(0.01) is False
    assert asked.requests[-1] == ("a", 5)


def test_no_limit_no_waiting_and_a_limit_may_change(slow: MagicMock, asked: Asked) -> None:
    echo = Echo(slow, number=7, confirm_above=None)
    assert asked.requests == [("a", 7)]
    echo.confirm_above = 10
    assert len(asked.requests) == 1 and echo.state == "stale"
    echo.number = 8
    assert echo.state == "waiting"
    echo.confirm_above = 200
    assert asked.requests == [("a", 7), ("a", 8)]


def test_the_first_question_may_wait_too(slow: MagicMock, asked: Asked) -> None:
    echo = Echo(slow, number=9)
    assert (asked.requests, echo.state, echo.result) == ([], "waiting", None)


@pytest.mark.parametrize("error", [ParameterError("x"), RuntimeError("y")])
def test_an_estimate_that_fails_is_never_in_the_way(slow: MagicMock, asked: Asked, error: Exception) -> None:
    slow.seconds_at_most.side_effect = error
    echo = Echo(slow, number=9)
    assert asked.requests == [("a", 9)] and echo.state == "stale"


def test_an_error_comes_before_waiting(echo: Echo) -> None:
    echo.number = 5
    with pytest.raises(ParameterError):
        echo.number = -1
    assert echo.state == "waiting"


@pytest.fixture
def two_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which a sweep of 25 positions takes two minutes, and others in proportion."""
    monkeypatch.setattr(Speed, "learn", lambda *given: None)
    monkeypatch.setattr(Speed, "seconds", _seconds)


def _seconds(speed: Speed, work: float, precision: str = "exact") -> float:
    return work / speed.unit * (0.01 if precision == "preview" else 1.0)  # type: ignore[attr-defined]


@pytest.fixture
def viewer(backend: Backend, two_minutes: None) -> Iterator[OcclusionViewer]:
    work = backend.work.exact(8, 4)
    assert work is not None
    backend.speed.unit = work / 120  # type: ignore[attr-defined]
    viewer = OcclusionViewer(backend, size=8, stride=16)
    assert viewer.wait(20) and viewer.state == "ready"
    yield viewer
    viewer.close()


def test_a_long_sweep_says_what_to_do(viewer: OcclusionViewer) -> None:
    before = viewer.result
    viewer.stride = 4
    viewer._drain()
    assert viewer.state == "waiting" and viewer.result is before
    assert "about 2 min. Make the stride larger, or press Start." in viewer._strip.status.value
    viewer.stride = 16
    assert viewer.wait(20) and viewer.state == "ready"
    viewer.stride = 4
    viewer.start()
    assert viewer.wait(20) and viewer.result.complete and viewer.result.known.size == 25


def test_a_known_answer_waits_for_nobody(viewer: OcclusionViewer) -> None:
    viewer.stride = 4
    assert viewer.wait(20)
    viewer.stride = 16
    assert viewer.wait(20)
    viewer.stride = 4
    assert viewer.state == "ready" and viewer.result.stride == 4


def test_the_rest_goes_on_while_a_sweep_waits(viewer: OcclusionViewer) -> None:
    viewer.stride = 4
    before: Any = viewer._bars.value
    viewer.row = 3
    while any(viewer._tickets.values()):
        viewer._inbox.wait(1)
        viewer._drain()
    assert viewer._bars.value != before and viewer.state == "waiting"
