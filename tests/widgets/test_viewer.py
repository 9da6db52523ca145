"""The control flow that all viewers share, with a spec of a backend and answers by hand."""

from __future__ import annotations

from typing import Any
from unittest.mock import MagicMock

import ipywidgets as W
import pytest
from twins.echo import Asked, Echo

from zfwidgets.errors import ParameterError, UnknownNameError
from zfwidgets.widgets.parts import loop


def test_it_asks_at_once_and_never_the_same_twice(echo: Echo, asked: Asked) -> None:
    echo.number = 1
    assert asked.requests == [("a", 1)]
    echo.number = 2
    echo.image = "b"
    assert asked.requests == [("a", 1), ("a", 2), ("b", 2)]


def test_its_state_follows_the_answers(echo: Echo, asked: Asked) -> None:
    states = [echo.state]
    asked.answer(0, "partial", "coarse")
    echo._drain()
    states.append(echo.state)
    asked.answer(0, "final", "fine")
    assert echo.wait(1)
    states.append(echo.state)
    echo.number = 2
    states.append(echo.state)
    assert states == ["stale", "running", "ready", "stale"]
    assert echo._seen == ["coarse", "fine"]


def test_answers_older_than_the_one_shown_are_dropped(echo: Echo, asked: Asked) -> None:
    echo.number = 2
    asked.answer(1, "partial", "new")
    echo._drain()
    asked.answer(0, "partial", "old")
    echo._drain()
    assert echo._seen == ["new"]


def test_a_superseded_answer_is_shown_while_nothing_newer_is(echo: Echo, asked: Asked) -> None:
    echo.number = 2
    asked.answer(0, "partial", "old")
    echo._drain()
    assert (echo._seen, echo.state) == (["old"], "stale")


def test_of_many_partial_answers_only_the_newest_is_drawn(echo: Echo, asked: Asked) -> None:
    for value in range(5):
        asked.answer(0, "partial", value)
    echo._drain()
    assert echo._seen == [4]


def test_an_error_goes_to_the_strip_and_the_next_good_value_recovers(echo: Echo, asked: Asked) -> None:
    asked.answer(0, "final", "good")
    echo.wait(1)
    echo.number = 2
    asked.answer(1, "error", error=ParameterError("A <script> went wrong; try another."))
    with pytest.raises(ParameterError, match="went wrong"):
        echo.wait(1)
    assert echo.state == "error" and echo.result == "good"
    assert 'role="alert"' in echo._strip.alert.value and "&lt;script&gt;" in echo._strip.alert.value
    echo.number = 3
    asked.answer(2, "final", "better")
    assert echo.wait(1)
    assert (echo.state, echo.result, echo._strip.alert.value) == ("ready", "better", "")


def test_a_failure_while_drawing_is_seen_too(echo: Echo, asked: Asked) -> None:
    asked.answer(0, "final", "broken")
    with pytest.raises(RuntimeError):
        echo.wait(1)
    assert "RuntimeError: cannot draw &lt;this&gt;" in echo._strip.alert.value


def test_the_error_of_an_older_question_is_nobodys_business(echo: Echo, asked: Asked) -> None:
    echo.number = 2
    asked.answer(0, "error", error=ParameterError("old"))
    echo._drain()
    assert echo.state == "stale"


def test_cancel_stops_and_the_same_question_can_be_asked_again(echo: Echo, asked: Asked) -> None:
    echo._strip.button.click()
    asked.tickets[0].cancel.assert_called_once_with()
    asked.answer(0, "cancelled")
    echo._drain()
    assert echo.state == "stopped"
    assert echo._strip.button.description == "Go on"
    echo._strip.button.click()
    assert asked.requests == [("a", 1), ("a", 1)]
    assert echo.state != "stopped"
    asked.answer(1, "final", "value")
    echo._drain()
    assert echo.state == "ready"


def test_wait_gives_up_in_time(echo: Echo) -> None:
    assert echo.wait(0.02) is False


def test_answers_are_drained_on_the_kernels_loop(echo: Echo, asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    shell = MagicMock()
    monkeypatch.setattr(loop, "get_ipython", lambda: shell)
    asked.answer(0, "final", "value")
    shell.kernel.io_loop.add_callback.assert_called_once_with(echo._drain)
    assert echo._seen == []
    shell.kernel.io_loop.add_callback.call_args.args[0]()
    assert echo._seen == ["value"]


def test_control_and_trait_are_the_same(echo: Echo, asked: Asked) -> None:
    slider = echo.children[1]
    slider.value = 4
    assert echo.number == 4
    echo.number = 30
    assert (slider.value, slider.max) == (30, 30)
    assert asked.requests[-1] == ("a", 30)


def test_unknown_options_and_attributes_are_refused(spec: MagicMock, asked: Asked, echo: Echo) -> None:
    with pytest.raises(UnknownNameError, match="no option of Echo 'numbr'; the nearest are 'number'"):
        Echo(spec, numbr=3)
    with pytest.raises(UnknownNameError, match=r"there are for example '[a-z]"):
        Echo(spec, qqq=3)
    with pytest.raises(UnknownNameError, match="no attribute of Echo 'numbr'; the nearest are 'number'"):
        echo.numbr = 3  # type: ignore[attr-defined]


def test_layout_is_passed_through(spec: MagicMock, asked: Asked) -> None:
    assert Echo(spec, layout=W.Layout(width="50%")).layout.width == "50%"


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), 1.5, "4", None, True, [4]])
def test_what_is_no_whole_number_is_refused_and_nothing_changes(echo: Echo, asked: Asked, value: Any) -> None:
    with pytest.raises(ParameterError, match="The number is a whole number of at least 1; found"):
        echo.number = value
    assert (echo.number, len(asked.requests)) == (1, 1)


def test_a_viewer_needs_a_backend() -> None:
    with pytest.raises(ParameterError, match="needs a Backend, not str"):
        Echo("zfnet-scenes")  # type: ignore[arg-type]


def test_after_close_late_answers_are_harmless(echo: Echo, asked: Asked) -> None:
    echo.close()
    asked.tickets[0].cancel.assert_called_once_with()
    asked.answer(0, "final", "late")
    echo._drain()
    assert echo._seen == []


def test_a_closed_viewer_asks_nothing_and_waits_for_nothing(echo: Echo, asked: Asked) -> None:
    echo.close()
    echo.number = 2
    assert asked.requests == [("a", 1)] and not echo.wait()
