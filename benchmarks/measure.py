"""How things are timed: side by side in one process, in turns, so that a busy minute of the machine hits all alike."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import psutil
import torch

__all__ = ["QUIET", "Action", "Timing", "UnavailableError", "fresh", "interleaved", "others", "peak_memory", "timed"]

Action = Callable[[], object]

QUIET = 0.15
"""Cores that other programs may use in a round of measurements before it is run again."""


class UnavailableError(RuntimeError):
    """Something that a comparison needs is not installed; the sentence says how to get it."""


@dataclass(frozen=True)
class Timing:
    """Seconds of one action over its rounds.

    Attributes
    ----------
    median, low, high : float
        Of all rounds.
    rounds : int
        How often it was timed.
    others : float
        Cores that other programs used meanwhile, on average: well above zero, the times are those of a busy machine.
    """

    median: float
    low: float
    high: float
    rounds: int
    others: float = 0.0

    @classmethod
    def of(cls, seconds: list[float], others: float = 0.0) -> Timing:
        """Of at least one measurement."""
        return cls(statistics.median(seconds), min(seconds), max(seconds), len(seconds), others)

    def scaled(self, factor: float) -> Timing:
        """The same for so many times the work."""
        return Timing(self.median * factor, self.low * factor, self.high * factor, self.rounds, self.others)

    def stored(self) -> dict[str, float]:
        """As it is written to a file: four digits are more than a clock is worth."""
        return {
            name: value if isinstance(value, int) else float(f"{value:.4g}") for name, value in asdict(self).items()
        }


def timed(action: Action, device: torch.device | str = "cpu") -> float:
    """Seconds of one call, until the device has finished."""
    kind = torch.device(device).type
    _synchronise(kind)
    start = time.perf_counter()
    action()
    _synchronise(kind)
    return time.perf_counter() - start


def _synchronise(kind: str) -> None:
    if kind == "cuda":
        torch.cuda.synchronize()
    elif kind == "mps":
        torch.mps.synchronize()


def interleaved(
    actions: Mapping[str, Action],
    repeats: int = 5,
    *,
    warm: Mapping[str, Action] | None = None,
    device: torch.device | str = "cpu",
) -> dict[str, Timing]:
    """Time actions against each other: each round runs each of them once, in an order that rotates.

    A round in which other programs were at work is run again, until as many rounds have been lost as are wanted; from
    then on every round counts.

    Parameters
    ----------
    actions : mapping
        What to time, by name.
    repeats : int
        Rounds.
    warm : mapping, optional
        What runs once before, untimed, in place of an action itself: a smaller piece of the same work.
    device : torch.device or str
        Waited for before a clock is read.

    Returns
    -------
    dict of Timing

    Examples
    --------
    >>> found = interleaved({"sum": lambda: sum(range(10000)), "nothing": lambda: None}, repeats=3)
    >>> found["sum"].rounds, found["sum"].median > found["nothing"].median
    (3, True)
    """
    for name, action in actions.items():
        (warm or {}).get(name, action)()
    rounds: list[tuple[float, dict[str, float]]] = []
    names, lost = list(actions), 0
    while len(rounds) < repeats and names:
        first = (len(rounds) + lost) % len(names)
        watch = others()
        seconds = {name: timed(actions[name], device) for name in names[first:] + names[:first]}
        busy = watch()
        if busy > QUIET and lost < repeats:
            lost += 1
        else:
            rounds.append((busy, seconds))
    busy = statistics.mean(busy for busy, _ in rounds) if rounds else 0.0
    return {name: Timing.of([seconds[name] for _, seconds in rounds], busy) for name in names}


def others() -> Callable[[], float]:
    """Start watching; the answer tells how many cores other programs have used since, on average."""
    start, clock = _elsewhere(), time.perf_counter()

    def used() -> float:
        passed = time.perf_counter() - clock
        # The system counts in hundredths of a second: shorter times cannot be told.
        return max(0.0, _elsewhere() - start) / passed if passed > 0.2 else 0.0

    return used


def _elsewhere() -> float:
    """Seconds of work that this machine has done for anybody but this process and its children."""
    total: Any = psutil.cpu_times()
    busy = sum(getattr(total, kind, 0.0) for kind in ("user", "nice", "system", "steal"))
    return float(busy - sum(os.times()[:4]))


def fresh(code: str) -> float:
    """Seconds that code takes in a new interpreter, its start not counted."""
    return float(_run(f"import time; t = time.perf_counter(); {code}; print(time.perf_counter() - t)"))


def peak_memory(code: str) -> float:
    """MB that a new interpreter held at most while it ran this code (``ru_maxrss``)."""
    unit = 1e-6 if sys.platform == "darwin" else 1024e-6  # bytes there, kibibytes elsewhere
    peak = "resource.getrusage(resource.RUSAGE_SELF).ru_maxrss"
    return float(_run(f"{code}\nimport resource; print({peak} * {unit})"))


def _run(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"A new interpreter failed: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout.split()[-1]
