"""The allocator is told once and keeps what it was told; other systems are left alone."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest

from zfwidgets import tune_allocator

# Rounds of a buffer of 64 MiB (beyond what glibc learns to keep by itself): an untuned process faults it in each time.
ROUNDS = 5
CODE = """
import resource, sys
from zfwidgets.allocator import tune_allocator
if sys.argv[1] == "tuned" and not tune_allocator():
    sys.exit(3)
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
before = faults()
for _ in range({rounds}):
    bytearray(b"x") * 2**26
print(faults() - before)
"""


def page_faults(how: str, folder: Path) -> int:
    command = [sys.executable, "-c", CODE.format(rounds=ROUNDS), how]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode == 3:
        pytest.skip("this system has another C library than glibc")
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="page faults are counted as Linux counts them")
def test_a_buffer_given_back_is_taken_again_without_asking_the_system(tmp_path: Path) -> None:
    assert page_faults("tuned", tmp_path) < page_faults("plain", tmp_path) / 2


def fake_libc(monkeypatch: pytest.MonkeyPatch, version: Any, most: int = 2**31) -> list[tuple[int, int]]:
    """Replaces the C library by one that takes mmap thresholds up to `most`; what it was told."""
    told: list[tuple[int, int]] = []

    def mallopt(parameter: int, value: int) -> int:
        told.append((parameter, value))
        return int(parameter == -1 or value <= most)

    library = MagicMock(mallopt=MagicMock(side_effect=mallopt))
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    confstr = MagicMock(side_effect=version) if isinstance(version, Exception) else lambda name: version
    monkeypatch.setattr(os, "confstr", confstr, raising=False)
    return told


def test_both_thresholds_are_set_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    told = fake_libc(monkeypatch, "glibc 2.36")
    assert tune_allocator() and tune_allocator()
    assert told == [(-3, 2**31 - 1), (-1, 2**31 - 1)] * 2


def test_an_older_glibc_takes_the_most_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    told = fake_libc(monkeypatch, "glibc 2.17", most=2**25)
    assert tune_allocator()
    assert told == [(-3, 2**31 - 1), (-3, 2**25), (-1, 2**31 - 1)]


@pytest.mark.parametrize("version", [None, "", ValueError("unrecognized configuration name"), OSError(22, "x")])
def test_other_c_libraries_are_left_alone(monkeypatch: pytest.MonkeyPatch, version: Any) -> None:
    told = fake_libc(monkeypatch, version)
    assert tune_allocator() is False
    assert told == []


def test_systems_without_confstr_or_mallopt_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_libc(monkeypatch, "glibc 2.36")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert tune_allocator() is False
    monkeypatch.delattr(os, "confstr")
    assert tune_allocator() is False
