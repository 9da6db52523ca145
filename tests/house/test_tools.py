"""Lint, format and types, as tests: the one command of the README covers them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


def run(repository: Path, *command: str) -> None:
    done = subprocess.run([sys.executable, "-m", *command], cwd=repository, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("command", [("check", "--no-cache"), ("format", "--check", "--no-cache")], ids=" ".join)
def test_ruff_has_nothing_to_say(command: tuple[str, ...], repository: Path) -> None:
    run(repository, "ruff", *command, ".")


@pytest.mark.slow
def test_mypy_has_nothing_to_say(repository: Path, tmp_path: Path) -> None:
    run(repository, "mypy", "--cache-dir", str(tmp_path))
