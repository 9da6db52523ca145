"""A difference of two networks with its interval: whether they are told apart; needs no torch."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Difference"]


class Difference(NamedTuple):
    """The second network's number minus the first's, and the interval it lies in; NaN where nothing can be said.

    Examples
    --------
    >>> Difference(0.2, 0.1, 0.3).apart, Difference(0.2, -0.1, 0.5).apart, Difference(0.2, float("nan"), 0.3).apart
    (True, False, False)
    """

    value: float
    low: float
    high: float

    @property
    def apart(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.low > 0 or self.high < 0
