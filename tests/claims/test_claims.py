"""Every claim of the paper is measured again and compared with what `docs/claims.md` says.

``ZFWIDGETS_WRITE_CLAIMS=1`` writes instead; with ``ZFWIDGETS_REAL`` photographs that do not ship are measured too
(see tests/real), else what was found of them last stays.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from claims import figures, occlusion, tables  # noqa: F401 (they make the claims)
from claims.ledger import CLAIMS, COMMAND, Claim, Finding, Ledger, Near, differences, page, verdict, write
from claims.worlds import Photographs, Scenes

from zfwidgets.methods.intervals import Estimate

WRITES = os.environ.get("ZFWIDGETS_WRITE_CLAIMS") == "1"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "claims.md"
KEPT = Path(__file__).with_name("measured.json")
ADVICE = f"if that is meant, write it anew: {COMMAND}"


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return Ledger(KEPT)


@pytest.fixture(scope="module")
def scenes() -> Scenes:
    return Scenes(full=WRITES)


@pytest.fixture(scope="module")
def photographs() -> Photographs:
    return Photographs()


def keep_or_compare(ledger: Ledger, claim: Claim, column: str, world: Scenes | Photographs) -> None:
    found = claim.measure[column](world)
    if WRITES:
        ledger.put(claim.key, column, found, world.weights)
        return
    kept = ledger.rows.get(claim.key, {}).get(column)
    assert kept is not None, f"docs/claims.md has nothing of {claim.key}; {ADVICE}"
    assert not differences(kept, found), ADVICE


@pytest.mark.parametrize("claim", [claim for claim in CLAIMS if "scenes" in claim.measure], ids=repr)
def test_on_scenes(claim: Claim, ledger: Ledger, scenes: Scenes) -> None:
    keep_or_compare(ledger, claim, "scenes", scenes)


@pytest.mark.parametrize("claim", [claim for claim in CLAIMS if "photographs" in claim.measure], ids=repr)
def test_on_photographs(claim: Claim, ledger: Ledger, photographs: Photographs) -> None:
    keep_or_compare(ledger, claim, "photographs", photographs)


def test_what_is_kept_is_of_these_claims_and_of_the_weights_that_ship(ledger: Ledger) -> None:
    assert set(ledger.rows) == {claim.key for claim in CLAIMS if claim.measure}
    assert len({claim.key for claim in CLAIMS}) == len(CLAIMS)
    weights = {"scenes": Scenes.weights, "photographs": Photographs.weights}
    stale = [
        f"{key} on {column}"
        for key, row in ledger.rows.items()
        for column, found in row.items()
        if found["weights"] != weights[column]
    ]
    assert not stale, f"measured with other weights than those that ship: {', '.join(stale)}; {ADVICE}"


def test_the_page_says_what_is_kept(ledger: Ledger) -> None:
    if WRITES:
        write(PAGE, page(ledger.rows))
    assert PAGE.read_text("utf-8") == page(ledger.rows), ADVICE


def test_a_difference_is_told_and_rounding_is_none() -> None:
    kept = Finding("", {"a": True, "b": None}, {"n": 3, "m": Near(0.5, 0.01), "e": Estimate(0.5, 0.4, 0.6)}).stored()
    same = Finding(
        "other words", {"a": True, "b": None}, {"n": 3, "m": Near(0.509, 0.01), "e": Estimate(0.7, 0.6, 0.8)}
    )
    assert differences(kept, same) == []
    other = Finding("", {"a": False, "b": True}, {"n": 4, "m": Near(0.52, 0.01), "e": Estimate(0.7, 0.61, 0.8)})
    assert [told.split(":")[0] for told in differences(kept, other)] == ["a", "b", "n", "m", "e"]
    sample = Finding("", {"a": False}, {"n": 3, "m": Near(0.5, 0.01), "e": Estimate(0.5, 0, 1)}, sample=True)
    assert differences(kept, sample) == []
    assert differences(kept, Finding("", {"a": True, "b": None})) == [
        "n: was 3.0, is nan",
        "m: was [0.5, 0.01], is nan",
        "e: was [0.5, 0.4, 0.6], is nan",
    ]


def test_verdicts() -> None:
    def of(*parts: dict[str, bool | None]) -> str:
        return verdict([{"parts": one} for one in parts])

    assert of() == of({}) == "not measured"
    assert of({"a": True}, {}) == "agrees"
    assert of({"a": True}, {"a": False}) == of({"a": True, "b": None}) == "agrees in part"
    assert of({"a": False, "b": None}) == "does not agree"
    assert of({"a": None}) == "not told apart"
