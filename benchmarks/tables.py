"""Tables in Markdown, and how their numbers are written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["NONE", "Table", "generic", "joined", "number", "seconds", "times"]

NONE = "-"
"""What a cell shows when there is no figure."""


@dataclass(frozen=True)
class Table:
    """A title, a head, rows of words, and a sentence below."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""

    def markdown(self) -> str:
        """Ready to be pasted; the first column holds words, the others numbers."""
        if any(len(row) != len(self.head) for row in self.rows):
            raise ValueError(f"Table {self.title!r} has {len(self.head)} columns, but a row of another length.")
        rules = ["---", *("--:" for _ in self.head[1:])]
        lines = [f"| {' | '.join(row)} |" for row in (self.head, rules, *self.rows)]
        parts = [f"**{self.title}**\n"] if self.title else []
        parts += ["\n".join(lines) + "\n"]
        parts += [f"{self.note}\n"] if self.note else []
        return "\n".join(parts)


def joined(tables: Iterable[Table]) -> list[Table]:
    """Neighbours with the same title and head become one table."""
    found: list[Table] = []
    for table in tables:
        if found and (found[-1].title, list(found[-1].head)) == (table.title, list(table.head)):
            last = found.pop()
            note = "\n".join(part for part in (last.note, table.note) if part)
            table = Table(table.title, table.head, [*last.rows, *table.rows], note)
        found.append(table)
    return found


def number(value: float | None, unit: str = "") -> str:
    """Three digits, never with an exponent; `NONE` for None.

    Examples
    --------
    >>> number(0.012345), number(12.34, "x"), number(1234.5), number(None)
    ('0.0123', '12.3x', '1234', '-')
    """
    if value is None:
        return NONE
    if abs(value) >= 1000:
        return f"{value:.0f}{unit}"
    return f"{value:.3g}{unit}"


def seconds(value: float | None) -> str:
    """Seconds, or milliseconds below a tenth of a second.

    Examples
    --------
    >>> seconds(0.0041), seconds(1.5), seconds(None)
    ('4.1 ms', '1.5 s', '-')
    """
    if value is None:
        return NONE
    return number(value * 1000, " ms") if value < 0.1 else number(value, " s")


def times(value: float | None) -> str:
    """How many times as fast, with two digits below ten.

    Examples
    --------
    >>> times(4.567), times(34.2), times(None)
    ('4.6x', '34x', '-')
    """
    if value is None:
        return NONE
    return f"{value:.1f}x" if value < 9.95 else f"{value:.0f}x"


def generic(title: str, results: dict[str, Any]) -> list[Table]:
    """A table of whatever a section has found, for one that draws none itself."""
    rows = [(name, _word(value)) for name, value in _flat("", results)]
    return [Table(title, ("what", "found"), rows)]


def _flat(prefix: str, value: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _flat(f"{prefix}, {name}" if prefix else str(name), inner)
    else:
        yield prefix, value


def _word(value: Any) -> str:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return number(value) if is_number or value is None else str(value)
