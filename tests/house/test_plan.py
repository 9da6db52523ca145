"""The plan for ImageNet is what the stored results say."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch, repository: Path) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(repository))
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "benchmarks"]:
        del sys.modules[name]


def test_it_is_what_the_results_say() -> None:
    plan = import_module("benchmarks.plan")
    assert plan.PLAN.read_text(encoding="utf-8") == plan.planned()


def test_hours_and_bytes(tmp_path: Path) -> None:
    plan, report = import_module("benchmarks.plan"), import_module("benchmarks.report")
    mining = {"net": {"pictures": 1000, "rate": 1_281_167 / 7200, "index_bytes": 1_100_000, "bytes_a_picture": 100}}
    facts = dict.fromkeys(("date", "torch", "threads", "repeats", "took_seconds", "cores_used_by_others"), 1)
    section = {"circumstances": facts, "results": {"kernels": {}, "mining": mining, "workers": {"1": 10, "2": 19}}}
    device = {"kind": "cpu", "words": "Some cpu", "slug": "some-cpu"}
    report.write({"device": device, "sections": {"cluster": section}}, tmp_path)
    text = plan.planned(tmp_path)
    assert "| net | 178 | 2.0 h | 30 min | 8 min | 2 min |" in text
    assert "| net | 1.1 MB | 100 | 156 MB |" in text
    assert "(1.90 times)" in text
    assert "2,503 shards" in text
    assert "Nothing has been measured yet" in text
