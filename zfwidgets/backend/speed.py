"""How fast a network runs on this machine, learned from what ran, to say how long the next sweep will take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from zfwidgets.errors import NetworkError

if TYPE_CHECKING:
    from zfwidgets.backend.facts import DistantNetwork
    from zfwidgets.network import Network

__all__ = ["Speed", "Work"]

_HALF = 1.0
"""Seconds of a sweep that says as much as all before it: a machine gets busy and idle again, but a sweep of a few
positions mostly times what surrounds it."""


class Work:
    """Multiply-adds of sweeps, counted when somebody needs them: the exact count walks through the whole geometry.

    Examples
    --------
    >>> from torch import nn
    >>> from zfwidgets.imaging import Preprocess
    >>> from zfwidgets.network import Network
    >>> net = Network(nn.Sequential(nn.Conv2d(3, 2, 16), nn.Flatten()), preprocess=Preprocess(size=16), device="cpu")
    >>> work = Work(net)
    >>> work.at_most(8, 4), work.counted(8, 4), work.exact(8, 4) == work.counted(8, 4)
    (13824, None, True)
    """

    def __init__(self, network: Network | DistantNetwork) -> None:
        self._network = network
        self._counted: dict[tuple[int, int], int | None] = {}

    def exact(self, size: int, stride: int) -> int | None:
        """What the plan of a sweep costs; None for a network that cannot be traced."""
        if (size, stride) not in self._counted:
            try:
                self._counted[size, stride] = self._network.occlusion_cost(size, stride).chosen
            except NetworkError:
                self._counted[size, stride] = None
        return self._counted[size, stride]

    def counted(self, size: int, stride: int) -> int | None:
        """The exact count if it is known by now."""
        return self._counted.get((size, stride))

    def at_most(self, size: int, stride: int) -> int | None:
        """The whole network at each position: at once, and never too little."""
        each = self._network.multiply_adds
        if each is None:
            return None
        # As many as `grid` has, without its module, which needs torch: every stride, and one flush with the end.
        rows, columns = (-((size - extent) // stride) + 1 for extent in self._network.input_size)
        return each * rows * columns

    @property
    def counts(self) -> dict[tuple[int, int], int | None]:
        """All exact counts that are known by now, by size and stride."""
        return dict(self._counted)

    def take_over(self, counts: Mapping[tuple[int, int], int | None]) -> None:
        """Know also what another has counted."""
        self._counted |= counts


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

    def take_over(self, other: Speed) -> None:
        """Believe what another has learned."""
        self._start, self._learned = other._start, dict(other._learned)

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
