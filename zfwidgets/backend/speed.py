"""How fast a network runs on this machine, learned from what ran, to say how long the next sweep will take."""

from __future__ import annotations

__all__ = ["Speed"]

_HALF = 1.0
"""Seconds of a sweep that says as much as all before it: a machine gets busy and idle again, but a sweep of a few
positions mostly times what surrounds it."""


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
    >>> speed.learn(1e11, 10.0)  # a long sweep says more than the first measurement
    >>> round(speed.seconds(1e9), 2), round(speed.seconds(1e9, "fast"), 2)
    (0.11, 0.11)
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
        # What another precision reaches says nothing about this one.
        before = self._learned.get(precision) or (self._start if precision == "exact" else None) or rate
        self._learned[precision] = before * (rate / before) ** (seconds / (seconds + _HALF))
        self._start = self._start or rate

    def seconds(self, multiply_adds: float, precision: str = "exact") -> float | None:
        """How long a sweep will take; None as long as nothing has been measured."""
        rate = self._learned.get(precision) or self._learned.get("exact") or self._start
        return multiply_adds / rate if rate else None
