"""Claims of the paper, what was measured of each, and `docs/claims.md`, which says both.

A claim is made once (`Claim`), with a function for scenes and one for photographs; each gives a `Finding`. What was
found last is kept in `measured.json`; a test measures again and compares, the page is written from what is kept.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from zfwidgets.methods.intervals import Estimate

__all__ = ["CLAIMS", "COLUMNS", "COMMAND", "Claim", "Finding", "Ledger", "Near", "differences", "page", "verdict"]

COMMAND = "ZFWIDGETS_WRITE_CLAIMS=1 ZFWIDGETS_REAL=FOLDER pytest tests/claims"
COLUMNS = ("scenes", "photographs")
NOT_MEASURED = "not measured"


class Near(NamedTuple):
    """A number that other processors may round differently: how far it may lie from this."""

    value: float
    within: float


@dataclass(frozen=True)
class Finding:
    """What was measured of a claim.

    Attributes
    ----------
    text : str
        For a reader, with the numbers.
    parts : mapping of str to bool or None
        What the claim says, piece by piece: found so, not so, or (None) not told apart from chance. Without any the
        claim is not measured.
    numbers : mapping of str to number, Near or Estimate
        What a new measurement is compared with: exactly, within a distance, or by overlapping intervals.
    note : str
        Why it disagrees, or what is different here.
    sample : bool
        Whether this is a quick sample of what is kept: then only its numbers are compared.
    """

    text: str
    parts: Mapping[str, bool | None] = field(default_factory=dict)
    numbers: Mapping[str, float | Near | Estimate] = field(default_factory=dict)
    note: str = ""
    sample: bool = False

    def stored(self) -> dict[str, Any]:
        """Itself, for JSON."""
        return {
            "text": self.text,
            "parts": {name: None if so is None else bool(so) for name, so in self.parts.items()},
            "numbers": {name: _plain(value) for name, value in self.numbers.items()},
            "note": self.note,
        }


CLAIMS: list[Claim] = []
"""All claims, in the order of the page."""


class Claim:
    """One row of the page.

    Parameters
    ----------
    key : str
        Its name in `measured.json`.
    where : str
        Figure or table of the paper.
    says : str
        The claim.
    paper : str
        The paper's own numbers.
    note : str
        What holds whatever was measured.
    """

    def __init__(self, key: str, where: str, says: str, paper: str, note: str = "") -> None:
        self.key, self.where, self.says, self.paper, self.note = key, where, says, paper, note
        self.measure: dict[str, Callable[[Any], Finding]] = {}
        CLAIMS.append(self)

    def __repr__(self) -> str:
        return self.key

    def on(self, column: str) -> Callable[[Callable[[Any], Finding]], Callable[[Any], Finding]]:
        """Decorates the function that measures it on scenes or on photographs."""

        def keep(function: Callable[[Any], Finding]) -> Callable[[Any], Finding]:
            self.measure[column] = function
            return function

        return keep


class Ledger:
    """What was measured, in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: dict[str, dict[str, Any]] = json.loads(path.read_text("utf-8")) if path.exists() else {}

    def put(self, key: str, column: str, finding: Finding, weights: str) -> None:
        """Keep a finding, at once: each takes a while."""
        self.rows.setdefault(key, {})[column] = {**finding.stored(), "weights": weights}
        ordered = {claim.key: self.rows[claim.key] for claim in CLAIMS if claim.key in self.rows}
        write(self.path, json.dumps(ordered, indent=1, ensure_ascii=False, sort_keys=False) + "\n")


def write(path: Path, text: str) -> None:
    """To a temporary name, then renamed: nobody sees half a file."""
    beside = path.with_suffix(".writing")
    with open(beside, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def differences(kept: Mapping[str, Any], found: Finding) -> list[str]:
    """What a new measurement says otherwise than the one that is kept; nothing where they agree.

    Examples
    --------
    >>> kept = Finding("", {"falls": True}, {"share": Near(0.5, 0.1)}).stored()
    >>> differences(kept, Finding("", {"falls": True}, {"share": Near(0.55, 0.1)}))
    []
    >>> differences(kept, Finding("", {"falls": False}, {"share": Near(0.7, 0.1)}))
    ['falls: was True, is False', 'share: was [0.5, 0.1], is [0.7, 0.1]']
    """
    told, now_parts = [], found.stored()["parts"]
    if not found.sample:
        for name in dict.fromkeys([*kept["parts"], *now_parts]):
            was, now = kept["parts"].get(name, "absent"), now_parts.get(name, "absent")
            if was != now:
                told.append(f"{name}: was {was}, is {now}")
    for name in dict.fromkeys([*kept["numbers"], *found.numbers]):
        was, now = kept["numbers"].get(name), _plain(found.numbers.get(name, math.nan))
        if not _alike(was, now):
            told.append(f"{name}: was {was}, is {now}")
    return told


def verdict(findings: list[Mapping[str, Any]]) -> str:
    """In words, of all parts on all pictures."""
    parts = [part for finding in findings for part in finding["parts"].values()]
    if not parts:
        return NOT_MEASURED
    if all(parts):
        return "agrees"
    if any(parts):
        return "agrees in part"
    return "not told apart" if all(part is None for part in parts) else "does not agree"


def page(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """`docs/claims.md`."""
    verdicts = {claim.key: verdict(list(rows.get(claim.key, {}).values())) for claim in CLAIMS}
    counts = {name: list(verdicts.values()).count(name) for name in dict.fromkeys(verdicts.values())}
    summary = ", ".join(f"*{name}* {count}" for name, count in sorted(counts.items(), key=lambda item: -item[1]))
    lines = [
        "# The paper's claims, measured",
        "",
        f"{len(CLAIMS)} claims of Zeiler and Fergus (2014): {summary}.",
        "",
        f"Written by the tests (`{COMMAND}`), never by hand; each",
        "test run measures again what stands under *scenes* and fails if it finds something else (Fig. 7: on the first",
        "100 pictures, within the intervals; studies that were stored are read again, not made again).",
        "",
        "*Scenes*: `zfnet-scenes`, on pictures drawn by code that it has not seen. *Photographs*: `zfnet-photos` on",
        "validation photographs of Tiny-ImageNet, or SqueezeNet v1.1 where it says so; measured only where these",
        "are at hand. Intervals hold 95 %: Wilson's for shares, bootstrap over pictures for means. Both networks",
        "are small; what is compared are directions, not ImageNet's numbers. *In part*: some of what the claim says",
        "was found, some not.",
        "",
        "| | the paper says | its figure | ours on scenes | ours on photographs | verdict, and why |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for claim in CLAIMS:
        found = rows.get(claim.key, {})
        cells = [found[column]["text"] if column in found else NOT_MEASURED for column in COLUMNS]
        notes = [claim.note, *(found[column]["note"] for column in COLUMNS if column in found)]
        why = " ".join([f"**{verdicts[claim.key]}**.", *_failed(found), *(note for note in notes if note)])
        lines.append(f"| {' | '.join(map(_cell, [claim.where, claim.says, claim.paper, *cells, why]))} |")
    return "\n".join(lines) + "\n"


def _failed(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The parts that were not found, of a row that has others too."""
    told = []
    for column in COLUMNS:
        parts = found.get(column, {}).get("parts", {})
        if len(parts) > 1 or (parts and len(found) > 1):
            not_so = [name for name, so in parts.items() if so is False]
            unclear = [name for name, so in parts.items() if so is None]
            told += [f"Not so on {column}: {'; '.join(not_so)}."] if not_so else []
            told += [f"Not told apart on {column}: {'; '.join(unclear)}."] if unclear else []
    return told


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", "<br>")


def _plain(value: Any) -> Any:
    """For JSON: a number, [value, within] or [value, low, high]; six digits are enough to read and to compare."""
    if isinstance(value, tuple):
        return [float(f"{number:.6g}") for number in value]
    return float(f"{value:.6g}")


def _alike(was: Any, now: Any) -> bool:
    if not isinstance(was, list) or not isinstance(now, list) or len(was) != len(now):
        return isinstance(was, float | int) and isinstance(now, float | int) and math.isclose(was, now, rel_tol=1e-4)
    if len(was) == 2:
        return abs(was[0] - now[0]) <= was[1]
    return was[1] <= now[2] and now[1] <= was[2]
