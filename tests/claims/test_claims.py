"""Every claim of the paper is measured again and compared with what `docs/claims.md` says.

``ZFWIDGETS_WRITE_CLAIMS=1`` writes instead; with ``ZFWIDGETS_REAL`` photographs that do not ship are measured too
(see tests/real), else what was found of them last stays.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from claims.ledger import COMMAND, Ledger, differences, page, verdict, write
from claims.photographs import PHOTOGRAPHS, Photographs

import zfwidgets as zf
from zfwidgets.figures import NAMES, Claim, make
from zfwidgets.models.registry import embedded_manifest

WRITES = os.environ.get("ZFWIDGETS_WRITE_CLAIMS") == "1"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "claims.md"
KEPT = Path(__file__).with_name("measured.json")
ADVICE = f"if that is meant, write it anew: {COMMAND}"
SAMPLED = {"fig7": 0.2}
"""How much of a figure a normal run makes, where all of it takes long."""
WEIGHTS = {"scenes": embedded_manifest()["zfnet-scenes"]["sha256"], "photographs": Photographs.weights}


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return Ledger(KEPT)


@pytest.fixture(scope="module")
def scenes() -> Iterator[zf.Backend]:
    with zf.Backend("zfnet-scenes", device="cpu") as backend:
        yield backend


@pytest.fixture(scope="module")
def photographs() -> Photographs:
    return Photographs()


def keep_or_compare(ledger: Ledger, name: str, column: str, claims: Iterable[Claim], sample: bool = False) -> None:
    found = {claim.says: claim for claim in claims}
    if WRITES:
        ledger.put(name, column, found.values(), WEIGHTS[column])
        return
    kept = ledger.kept(name, column)
    told = [
        words
        for says in dict.fromkeys([*kept, *found])
        for words in differences(kept.get(says), found.get(says), sample)
    ]
    assert not told, ADVICE


@pytest.mark.parametrize("name", NAMES)
def test_on_scenes(name: str, ledger: Ledger, scenes: zf.Backend) -> None:
    effort = 1.0 if WRITES else SAMPLED.get(name, 1.0)
    made = make(name, scenes, effort)
    assert len({claim.says for claim in made.claims}) == len(made.claims)
    keep_or_compare(ledger, name, "scenes", made.claims, sample=effort < 1)


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_on_photographs(name: str, ledger: Ledger, photographs: Photographs) -> None:
    keep_or_compare(ledger, name, "photographs", PHOTOGRAPHS[name](photographs))


def test_what_is_kept_is_of_these_figures_and_of_the_weights_that_ship(ledger: Ledger) -> None:
    assert list(ledger.rows) == list(NAMES)
    cells = [
        (f"{name} on {column}", column, cell["weights"])
        for name, found in ledger.rows.items()
        for row in found.values()
        for column, cell in row.items()
    ]
    stale = {where for where, column, weights in cells if weights != WEIGHTS[column]}
    assert not stale, f"measured with other weights than those that ship: {', '.join(sorted(stale))}; {ADVICE}"


def test_the_page_says_what_is_kept(ledger: Ledger) -> None:
    if WRITES:
        write(PAGE, page(ledger.rows))
    assert PAGE.read_text("utf-8") == page(ledger.rows), ADVICE


def test_a_difference_is_told_and_rounding_is_none() -> None:
    def told(now: str, agrees: bool | None = True, sample: bool = False) -> int:
        kept = Claim("a", "7 of 1,000 in 0.50 (0.40 to 0.60) at conv4", True)
        return len(differences(kept, Claim("a", now, agrees), sample))

    assert told("7 of 1,000 in 0.51 (0.41 to 0.60) at conv4") == 0
    assert told("8 of 1,000 in 0.50 (0.40 to 0.60) at conv4") == told("7 of 1,000 in 0.52 (0.40 to 0.60) at conv4") == 1
    assert told("7 of 1,000 in 0.50 (0.40 to 0.60) at conv5") == 1
    assert told("7 of 1,000 in 0.50 (0.40 to 0.60) at conv4", None) == 1
    assert told("2 of 200 in 0.65 (0.60 to 0.70) at conv4", None, sample=True) == 0
    assert told("2 of 200 in 0.65 (0.61 to 0.70) at conv4", None, sample=True) == 1
    assert told("2 of 200 in 0.65 (0.60 to 0.70) at conv4", False, sample=True) == 1
    assert differences(None, Claim("b", "1", True)) == ["b: is new"]


def test_verdicts() -> None:
    assert verdict([True]) == verdict([True, True]) == "agrees"
    assert verdict([True, False]) == verdict([None, True]) == "agrees in part"
    assert verdict([False, None]) == "does not agree"
    assert verdict([None]) == verdict([]) == "no verdict"
