"""`import zfwidgets` is fast, silent and brings nothing heavy with it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ["torch", "torchvision", "numpy", "PIL", "ipywidgets", "bqplot", "voila", "matplotlib", "pandas"]


def fresh(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run code in a new interpreter, away from the repository, with warnings as errors."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment, timeout=120)


def test_import_takes_less_than_50_ms(tmp_path: Path) -> None:
    code = "import time; start = time.perf_counter(); import zfwidgets; print(time.perf_counter() - start)"
    seconds = min(float(fresh(code, tmp_path).stdout) for _ in range(5))
    assert seconds < 0.05


def test_import_is_silent_and_loads_nothing_heavy(tmp_path: Path) -> None:
    done = fresh(f"import sys, zfwidgets; print([name for name in {HEAVY} if name in sys.modules])", tmp_path)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "[]", "")


@pytest.mark.parametrize("name", ["errors", "app.cli"])
def test_what_the_command_line_needs_first_does_without_torch(name: str, tmp_path: Path) -> None:
    done = fresh(f"import sys, zfwidgets.{name}; print('torch' in sys.modules)", tmp_path)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "False", "")


@pytest.mark.parametrize("name", ["imaging", "network", "methods", "backend"])
def test_the_numbers_do_without_widgets(name: str, tmp_path: Path) -> None:
    code = f"import sys, zfwidgets.{name}; print([m for m in ('ipywidgets', 'bqplot') if m in sys.modules])"
    done = fresh(code, tmp_path)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr
