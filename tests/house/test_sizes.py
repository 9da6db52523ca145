"""Files and functions stay small enough to read in one go, and say nothing that is not meant to stay."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
OURS = [*(REPOSITORY / "zfwidgets").rglob("*.py"), *(REPOSITORY / "benchmarks").rglob("*.py")]
TESTS = list((REPOSITORY / "tests").rglob("*.py"))
FILE_LINES = 400
FUNCTION_LINES = 60


def name_of(file: Path) -> str:
    return str(file.relative_to(REPOSITORY))


@pytest.mark.parametrize("file", sorted([*OURS, *TESTS]), ids=name_of)
def test_a_file_is_at_most_400_lines(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= FILE_LINES


@pytest.mark.parametrize("file", sorted(OURS), ids=name_of)
def test_a_function_is_at_most_60_lines(file: Path) -> None:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    long = [
        f"{node.name} ({node.end_lineno - node.lineno + 1})"
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, functions) and node.end_lineno - node.lineno + 1 > FUNCTION_LINES
    ]
    assert not long


@pytest.mark.parametrize("file", sorted([*OURS, *TESTS]), ids=name_of)
def test_nothing_is_left_for_later(file: Path) -> None:
    words = "TO[D]O|FIXM[E]|HAC[K]|X{3}"
    assert not re.findall(rf"\b({words})\b", file.read_text(encoding="utf-8"))
