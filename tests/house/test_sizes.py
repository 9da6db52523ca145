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


def code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its docstring, which may say as much as a user needs."""
    lines = (function.end_lineno or 0) - function.lineno + 1
    first = function.body[0]
    has_docstring = ast.get_docstring(function) is not None
    return lines - ((first.end_lineno or 0) - first.lineno + 1 if has_docstring else 0)


@pytest.mark.parametrize("file", sorted(OURS), ids=name_of)
def test_a_function_is_at_most_60_lines(file: Path) -> None:
    functions = [
        node
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert not [f"{node.name} ({code_lines(node)})" for node in functions if code_lines(node) > FUNCTION_LINES]


@pytest.mark.parametrize("file", sorted([*OURS, *TESTS]), ids=name_of)
def test_nothing_is_left_for_later(file: Path) -> None:
    words = "TO[D]O|FIXM[E]|HAC[K]|X{3}"
    assert not re.findall(rf"\b({words})\b", file.read_text(encoding="utf-8"))
