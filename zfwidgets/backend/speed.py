"""How fast a network runs on this machine, learned from what ran, to say how long the next sweep will take."""

from __future__ import annotations

__all__ = ["Speed"]

_NEWEST = 0.5
"""Weight of the newest sweep: a machine gets busy and idle again, and squares of one size do not run like another's."""


class Speed:
    """Multiply-adds per second, for each precision.

    Examples
    --------
    >>> speed = Speed()
    >>> speed.seconds(1e9) is None
    True
    >>> speed.start(5e9)
    >>> speed.seconds(1e9)
    0.2
    >>> speed.learn(1e9, 0.1)  # a whole sweep says more than the first measurement
    >>> speed.seconds(1e9), speed.seconds(1e9, "fast")
    (0.1, 0.1)
    """

    def __init__(self) -> None:
        self._start: float | None = None
        self._learned: dict[str, float] = {}

    @property
    def known(self) -> bool:
        """Whether anything has been measured."""
        return self._start is not None

    def start(self, rate: float) -> None:
        """What to believe until a sweep has been timed, in multiply-adds per second."""
        self._start = rate

    def learn(self, multiply_adds: float, seconds: float, precision: str = "exact") -> None:
        """A whole sweep has taken so long."""
        rate = multiply_adds / max(seconds, 1e-6)
        before = self._learned.get(precision, rate)
        self._learned[precision] = before * (rate / before) ** _NEWEST
        self._start = self._start or rate

    def seconds(self, multiply_adds: float, precision: str = "exact") -> float | None:
        """How long a sweep will take; None as long as nothing has been measured."""
        rate = self._learned.get(precision) or self._learned.get("exact") or self._start
        return multiply_adds / rate if rate else None
