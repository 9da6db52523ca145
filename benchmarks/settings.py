"""What a person may choose on the command line, and the machine it runs on."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks.networks import NAMES

__all__ = ["Machine", "Settings", "machine"]


@dataclass(frozen=True)
class Settings:
    """Given to every section, which takes by name what it needs.

    Attributes
    ----------
    repeats : int
        Rounds of each comparison.
    device : str
        As torch names it.
    networks : tuple of str
        Which networks are compared.
    """

    repeats: int = 5
    device: str = "cpu"
    networks: tuple[str, ...] = NAMES


@dataclass(frozen=True)
class Machine:
    """Where the figures come from.

    Attributes
    ----------
    kind : str
        ``cpu``, ``cuda`` or ``mps``.
    words : str
        For people.
    slug : str
        Names the file of results.
    """

    kind: str
    words: str
    slug: str


def machine(device: str) -> Machine:
    """The machine as it computes on a device.

    Examples
    --------
    >>> machine("cpu").slug.endswith("-cpu")
    True
    """
    kind = torch.device(device).type
    if kind == "cuda":
        words = torch.cuda.get_device_name(device)
    else:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        words = f"{_processor()}, {cores} cores"
    return Machine(kind, words, re.sub(r"[^a-z0-9]+", "-", f"{words} {kind}".lower()))


def _processor() -> str:
    file = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*:\s*(.+)", file.read_text(encoding="utf-8")) if file.exists() else None
    return found[1].strip() if found else platform.processor() or platform.machine()
