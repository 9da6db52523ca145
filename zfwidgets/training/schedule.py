"""How the rate of the gradient descent changes while a training runs."""

from __future__ import annotations

import math

__all__ = ["one_cycle"]

_RISE = 0.15
_FIRST = 1 / 25
_LAST = 1e-5


def one_cycle(step: int, steps: int, peak: float) -> float:
    """The rate of a step: up to the peak in the first 15 % of the steps, down to nearly nothing until the last.

    Both ways along half a cosine (Smith and Topin 2018).

    Parameters
    ----------
    step : int
        From 0.
    steps : int
        Of the whole training.
    peak : float
        The highest rate.

    Examples
    --------
    >>> [round(one_cycle(step, 101, 1.0), 2) for step in (0, 15, 100)]
    [0.04, 1.0, 0.0]
    """
    top = _RISE * (steps - 1)
    if step <= top:
        return _between(_FIRST * peak, peak, step / max(top, 1e-9))
    return _between(peak, _LAST * peak, (step - top) / max(steps - 1 - top, 1e-9))


def _between(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * min(share, 1.0))) / 2
