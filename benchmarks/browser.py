"""The Explorer in a real browser: a cold start, slider to pixels, the longest gap of a drag."""

from __future__ import annotations

from typing import Any

from benchmarks.live import HEAD
from benchmarks.measure import UnavailableError
from benchmarks.tables import Table, seconds

__all__ = ["measure", "readme", "tables"]

TELLS_OTHERS_APART = False
"""The browser's processes are not the benchmark's own: their work looks like that of other programs."""

COLD = "`zfwidgets` to a usable page, cold"
MOVE = "slider move to changed pixels (median of 20)"
GAP = "longest time without a new picture in a drag of 30 moves"


def measure() -> dict[str, Any]:
    """Seconds by what is waited for."""
    try:
        from benchmarks import page
    except ImportError as error:
        raise UnavailableError('The page needs Playwright, which is not installed; pip install -e ".[test]"') from error
    if page.chromium() is None:
        raise UnavailableError("The page needs Chromium: install it, or give its path in ZFWIDGETS_CHROMIUM.")
    with page.opened() as (explorer, usable):
        move = page.moves(explorer, "Occluder size")
        gap = page.drag(explorer, "Occluder size")
    return {name: {"median": round(value, 4)} for name, value in ((COLD, usable), (MOVE, move), (GAP, gap))}


def tables(results: dict[str, Any]) -> list[Table]:
    """What and how long."""
    return [Table("", HEAD, [(what, seconds(timing["median"])) for what, timing in results.items()])]


def readme(results: dict[str, Any], gpu: dict[str, Any] | None = None) -> list[Table]:
    """The same: it is short."""
    return tables(results)
