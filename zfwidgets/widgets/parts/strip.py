"""The line below every viewer: its state, what is known of the answer, the time left, one button, errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import ipywidgets as W

from zfwidgets.errors import ZfwidgetsError

__all__ = ["Strip", "left_out", "time_left"]

_STATES = {"stale": "updating"}
"""What a state is called, where that is not its own name."""
_MOST_NAMED = 3
"""Pictures left out that are named; of the others the number."""
_EARLY, _SOON = 0.05, 5.0
"""Share done, and seconds, before which nobody foretells an end that was not known beforehand."""
_BUTTONS = {"stopped": "Go on", "waiting": "Start", "running": "Cancel", "stale": "Cancel"}


class Strip(W.Box):
    """State, facts and a button, always in sight; an error stands above them.

    Attributes
    ----------
    status, alert : ipywidgets.HTML
    button : ipywidgets.Button
        "Cancel", "Go on" or "Start", whatever makes sense in the state; hidden when nothing does.
    """

    def __init__(self) -> None:
        self.alert, self.status = W.HTML(), W.HTML()
        self.button = W.Button(description="Cancel", tooltip="Stop computing, what is shown stays; or go on; or start")
        self.button.add_class("zf-idle")
        self.alert.add_class("zf-alert")
        super().__init__([self.alert, self.status, self.button])
        self.add_class("zf-strip")

    def tell(self, state: str, facts: Sequence[str], progress: float | None, error: Exception | None) -> None:
        """Show all of it; `facts` are HTML, `progress` is a share or None when nothing runs."""
        line = "" if progress is None else f'<div class="zf-progress" style="width:{100 * progress:.0f}%"></div>'
        name = f'<span class="zf-state {state}">{_STATES.get(state, state)}</span>'
        words = " &middot; ".join(fact for fact in facts if fact)
        self.status.value = f'{line}{name} <span class="zf-num">{words}</span>'
        self.alert.value = f'<div class="zf-error" role="alert">{escape(_sentence(error))}</div>' if error else ""
        needed = progress is not None or state in ("stopped", "waiting")
        (self.button.remove_class if needed else self.button.add_class)("zf-idle")
        self.button.description = _BUTTONS.get(state, "Cancel")
        (self.add_class if state == "waiting" else self.remove_class)("zf-waiting")


def left_out(skipped: Mapping[str, str]) -> str:
    """Pictures that cannot be read, for the end of a fact, as HTML; "" where there are none.

    Parameters
    ----------
    skipped : mapping of str to str
        Key of a picture to the reason.

    Examples
    --------
    >>> left_out({}), left_out({"a.png": "It is gone."})
    ('', ' &middot; left out, because it cannot be read: <span title="It is gone.">a.png</span>')
    """
    if not skipped:
        return ""
    names = [f'<span title="{escape(why)}">{escape(key)}</span>' for key, why in skipped.items()]
    more = [f"{len(names) - _MOST_NAMED} more"] if len(names) > _MOST_NAMED else []
    *others, last = [*names[:_MOST_NAMED], *more]
    listed = f"{', '.join(others)} and {last}" if others else last
    return f" &middot; left out, because {'it' if len(names) == 1 else 'they'} cannot be read: {listed}"


def time_left(done: float, passed: float, expected: float | None) -> float:
    """Seconds to come; 0 if nobody knows.

    What was expected (the work and the speed of earlier answers) counts for less as more of this answer is done. The
    first steps alone foretell nothing: they pay for what all others find ready.

    Examples
    --------
    >>> time_left(0.0, 1.0, 10.0), time_left(0.5, 10.0, 10.0), time_left(0.5, 10.0, None), time_left(0.0, 3.0, None)
    (9.0, 7.5, 10.0, 0.0)
    >>> time_left(0.01, 1.0, None), time_left(0.01, 6.0, None)
    (0.0, 594.0)
    """
    if not 0 < done < 1:
        return max((expected or 0.0) - passed, 0.0)
    if expected is None and done < _EARLY and passed < _SOON:
        return 0.0
    seen = passed / done
    return (1 - done) * (seen if expected is None else done * seen + (1 - done) * expected)


def _sentence(error: Exception) -> str:
    if isinstance(error, ZfwidgetsError):
        return str(error)
    return f"Something went wrong that should not ({type(error).__name__}: {error}); change a value to try again."
