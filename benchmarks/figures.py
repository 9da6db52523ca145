"""`zfwidgets figures`: every figure and table of the paper, one after the other in a new process."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from typing import Any

from benchmarks.tables import Table, seconds

__all__ = ["LIMIT", "measure", "tables"]

LIMIT = 300
"""Seconds that all of them may take on two cores."""

_LINE = re.compile(r"^\d+ of \d+  (\w+): .* ([\d.]+) s$", re.MULTILINE)


def measure(repeats: int = 5) -> dict[str, Any]:
    """Seconds by figure, and of the whole command with start and imports; the fastest of at most three rounds."""
    rounds = []
    for _ in range(min(repeats, 3)):
        with tempfile.TemporaryDirectory() as folder:
            begun = time.perf_counter()
            command = [sys.executable, "-m", "zfwidgets", "figures", "--out", folder]
            said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            rounds.append((time.perf_counter() - begun, dict(_LINE.findall(said))))
    whole, each = min(rounds, key=lambda one: one[0])
    return {"whole": whole, "figures": {name: float(spent) for name, spent in each.items()}}


def tables(results: dict[str, Any]) -> list[Table]:
    """The whole against its limit, then each."""
    rows = [(f"`zfwidgets figures`, all of them (limit {LIMIT} s)", seconds(results["whole"]))]
    rows += [(name, seconds(spent)) for name, spent in results["figures"].items()]
    return [Table("", ("figure", "time"), rows)]
