"""The README's Python runs as it stands, and its pictures are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest


def test_its_python_runs_from_top_to_bottom(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # it records a training
    text = (repository / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) >= 3
    names: dict[str, object] = {}
    try:
        for block in blocks:
            exec(compile(block, "README.md", "exec"), names)
        assert names["m"].probability().shape == (19, 19)  # type: ignore[attr-defined]
        assert names["series"].epochs[-1] == 64  # type: ignore[attr-defined]
        assert names["p"].pixels.shape[0] == 3  # type: ignore[attr-defined]
    finally:
        names["viewer"].close()  # type: ignore[attr-defined]
        names["backend"].close()  # type: ignore[attr-defined]


def test_its_pictures_are_there_and_small(repository: Path) -> None:
    text = (repository / "README.md").read_text(encoding="utf-8")
    pictures = [repository / path for path in re.findall(r"!\[[^]]*\]\((?!https?:)([^)]+)\)", text)]
    assert pictures
    assert all(path.stat().st_size <= 300_000 for path in pictures)
