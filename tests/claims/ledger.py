"""What was measured of the paper's claims, kept in `measured.json`, and `docs/claims.md`, which says it.

The claims are those of `zfwidgets.figures`; a test measures again and compares, the page is written from what is kept.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from zfwidgets.figures import NAMES, Claim

__all__ = ["COLUMNS", "COMMAND", "Ledger", "differences", "page", "verdict", "write"]

COMMAND = "ZFWIDGETS_WRITE_CLAIMS=1 ZFWIDGETS_REAL=FOLDER pytest tests/claims"
COLUMNS = ("scenes", "photographs")
NOT_MEASURED = "not measured"
_NUMBER = re.compile(r"(?<![\w.])[-+]?\d[\d,]*(?:\.\d+)?(?![\w.]*\d)")
_INTERVAL = re.compile(r"[-+]?\d+\.\d+ \(([-+]?\d+\.\d+) to ([-+]?\d+\.\d+)\)")
_ROUNDING = 0.02
"""Share of a number by which another processor may round it differently."""


class Ledger:
    """What was measured, in a file: figure, then claim, then column."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: dict[str, dict[str, dict[str, Any]]] = json.loads(path.read_text("utf-8")) if path.exists() else {}

    def put(self, figure: str, column: str, claims: Iterable[Claim], weights: str) -> None:
        """Keep what a figure claims, at once: each takes a while."""
        kept = self.rows.setdefault(figure, {})
        for cells in kept.values():
            cells.pop(column, None)
        for claim in claims:
            words = {"found": claim.found, "paper": claim.paper, "note": claim.note}
            kept.setdefault(claim.says, {})[column] = {**words, "agrees": claim.agrees, "weights": weights}
        self.rows = {
            name: {says: cells for says, cells in self.rows[name].items() if cells}
            for name in NAMES
            if name in self.rows
        }
        write(self.path, json.dumps(self.rows, indent=1, ensure_ascii=False) + "\n")

    def kept(self, figure: str, column: str) -> dict[str, Claim]:
        """What a figure claimed when it was measured last, by what it says."""
        cells = {says: found[column] for says, found in self.rows.get(figure, {}).items() if column in found}
        return {
            says: Claim(says, cell["found"], cell["agrees"], cell["paper"], cell["note"])
            for says, cell in cells.items()
        }


def write(path: Path, text: str) -> None:
    """To a temporary name, then renamed: nobody sees half a file."""
    beside = path.with_suffix(".writing")
    with open(beside, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def differences(kept: Claim | None, found: Claim | None, sample: bool = False) -> list[str]:
    """What a new measurement says otherwise than the one that is kept; nothing where they agree.

    Words are the same, numbers but for rounding. A quick sample may leave open what the whole tells, and its numbers
    are others: only its intervals must meet those that are kept.

    Examples
    --------
    >>> was = Claim("rises", "0.50 (0.40 to 0.60) of 500", True)
    >>> differences(was, Claim("rises", "0.51 (0.41 to 0.60) of 500", True))
    []
    >>> differences(was, Claim("rises", "0.50 (0.40 to 0.60) of 100", None), sample=True)
    []
    >>> differences(was, Claim("rises", "0.50 (0.40 to 0.60) of 100", False))
    ['rises: agrees, now does not agree', 'rises: 0.50 (0.40 to 0.60) of 500, now 0.50 (0.40 to 0.60) of 100']
    """
    if kept is None or found is None:
        claim = kept or found
        assert claim is not None
        return [f"{claim.says}: {'is new' if kept is None else 'is gone'}"]
    told = []
    if kept.agrees is not found.agrees and not (sample and None in (kept.agrees, found.agrees)):
        told.append(f"{kept.says}: {kept.verdict}, now {found.verdict}")
    if not (_meet if sample else _alike)(kept.found, found.found):
        told.append(f"{kept.says}: {kept.found}, now {found.found}")
    return told


def _alike(was: str, now: str) -> bool:
    if _NUMBER.sub("#", was) != _NUMBER.sub("#", now):
        return False
    return all(_near(one, other) for one, other in zip(_NUMBER.findall(was), _NUMBER.findall(now), strict=True))


def _near(was: str, now: str) -> bool:
    """Counts are the same; of other numbers the last digit may be another."""
    if "." not in was and "." not in now:
        return was == now
    digits = min(len(number.partition(".")[2]) for number in (was, now))
    one, other = (float(number.replace(",", "")) for number in (was, now))
    return abs(one - other) <= max(1.01 * 10**-digits, _ROUNDING * abs(one))


def _meet(was: str, now: str) -> bool:
    pairs = zip(_INTERVAL.findall(was), _INTERVAL.findall(now), strict=True)
    return all(float(one[0]) <= float(other[1]) and float(other[0]) <= float(one[1]) for one, other in pairs)


def verdict(agrees: Iterable[bool | None]) -> str:
    """In words, of one claim on all kinds of pictures."""
    found = set(agrees)
    if True in found:
        return "agrees" if found == {True} else "agrees in part"
    return "does not agree" if False in found else "no verdict"


def page(rows: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """`docs/claims.md`."""
    claims = [(name, says, cells) for name, found in rows.items() for says, cells in found.items()]
    verdicts = [verdict(cell["agrees"] for cell in cells.values()) for _, _, cells in claims]
    counts = {word: verdicts.count(word) for word in dict.fromkeys(verdicts)}
    summary = ", ".join(f"*{word}* {count}" for word, count in sorted(counts.items(), key=lambda item: -item[1]))
    lines = [
        "# The paper's claims, measured",
        "",
        f"{len(claims)} claims of Zeiler and Fergus (2014): {summary}.",
        "",
        f"Written by the tests (`{COMMAND}`), never by hand.",
        "What stands under *scenes* are the claims of `zfwidgets figures` and of the notebooks: the same functions,",
        "pictures and numbers. Each test run measures it again and fails if it finds something else (Fig. 7: on a",
        "fifth of the pictures, within the intervals; studies that were stored are read again, not made again).",
        "",
        "*Scenes*: `zfnet-scenes`, on pictures drawn by code that it has not seen. *Photographs*: `zfnet-photos` on",
        "validation photographs of Tiny-ImageNet, of the 40 classes that it was taught (also in Fig. 9 and Tables 4-7,",
        "up to 40 of each), in Fig. 8 and Table 1 SqueezeNet v1.1 on dogs; measured only where these are at hand.",
        "Intervals hold 95 %: Wilson's for shares, Bonett and Price's for differences of shares, Student's for means",
        "over pictures or maps (bent by their skewness, Hall 1992), for differences of Deltas (leaving out each",
        "picture in turn) and of accuracies (fold by fold). Both networks are small; what is compared are directions,",
        "not ImageNet's numbers. *In part*: not on all pictures.",
        "*No verdict*: too close to tell, or not measured.",
        "",
        "| | the paper says | its number | ours on scenes | ours on photographs | verdict, and why |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for (name, says, cells), word in zip(claims, verdicts, strict=True):
        ours = [cells[column]["found"] if column in cells else NOT_MEASURED for column in COLUMNS]
        paper = next(iter(cells.values()))["paper"] or "-"
        notes = dict.fromkeys(cell["note"] for cell in cells.values() if cell["note"])
        why = " ".join([f"**{word}**.", *_apart(cells), *notes])
        lines.append(f"| {' | '.join(map(_cell, [_where(name), says, paper, *ours, why]))} |")
    return "\n".join(lines) + "\n"


def _where(name: str) -> str:
    number = name.lstrip("figtables").replace("to", " to ")
    return f"{'Fig.' if name.startswith('fig') else 'Tables' if 'to' in name else 'Table'} {number}"


def _apart(cells: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Which pictures say what, where they do not say the same."""
    if len({cell["agrees"] for cell in cells.values()}) < 2:
        return []
    words = [f"{column}: {Claim('', '', cell['agrees']).verdict}" for column, cell in cells.items()]
    return [f"On {', on '.join(sorted(words, reverse=True))}."]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", "<br>")
