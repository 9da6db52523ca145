"""Results are kept in a file for each device; the full table and the README's are rendered from these files alone."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable
from dataclasses import asdict
from importlib import import_module, metadata
from inspect import signature
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from benchmarks.measure import others
from benchmarks.settings import Machine, Settings
from benchmarks.tables import Table, generic, joined, number

__all__ = ["FOLDER", "README", "SECTIONS", "quote", "quoted", "ran", "read", "rendered", "section", "tables", "write"]

# A new comparison is a module with `measure`, which takes by name what it needs of the settings and returns what JSON
# can hold, and its line here. It may bring `tables(results)` for the full table, `readme(results, gpu_results)` for
# the README's, and `plot(results)` for pictures.
SECTIONS = {
    "live": "benchmarks.live",
    "page": "benchmarks.browser",
    "occlusion": "benchmarks.occlusion",
    "projections": "benchmarks.projections",
    "growth": "benchmarks.growth",
    "memory": "benchmarks.memory",
    "allocator": "benchmarks.allocator",
    "whole": "benchmarks.whole",
    "mining": "benchmarks.mining",
    "cluster": "benchmarks.cluster",
    "correspondence": "benchmarks.correspondence",
    "probes": "benchmarks.probes",
    "training": "benchmarks.training",
    "invariance": "benchmarks.invariance",
    "scrubbing": "benchmarks.scrubbing",
    "figures": "benchmarks.figures",
}

HERE = Path(__file__).resolve().parent
FOLDER = HERE / "results"
README = HERE.parent / "README.md"
BUSY = 0.3
"""Cores that other programs may use before the README says so; a section may have run some rounds again."""

MARKED = re.compile(r"(<!-- benchmarks: [^>]*-->\n).*?(<!-- end of benchmarks -->)", re.DOTALL)

Results = dict[str, Any]


def section(name: str) -> ModuleType | None:
    """The module of a section; None if it is not there yet."""
    module = SECTIONS[name]
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        return None


def ran(name: str, module: ModuleType, settings: Settings) -> Results:
    """Measure one section: its results and the circumstances."""
    measure: Callable[..., Results] = module.measure
    wanted = {key: value for key, value in asdict(settings).items() if key in signature(measure).parameters}
    load, watch, start = os.getloadavg()[0], others(), time.perf_counter()
    results = measure(**wanted)
    circumstances = {
        "date": time.strftime("%Y-%m-%d %H:%M"),
        "torch": torch.__version__,
        "captum": _version("captum"),
        "threads": torch.get_num_threads(),
        "repeats": settings.repeats,
        "load_at_start": round(load, 2),
        "cores_used_by_others": round(watch(), 2) if getattr(module, "TELLS_OTHERS_APART", True) else None,
        "took_seconds": round(time.perf_counter() - start, 1),
    }
    return {"circumstances": circumstances, "results": results}


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def read(machine: Machine, folder: Path = FOLDER) -> Results:
    """What is known of a device; the sections that have run."""
    file = folder / f"{machine.slug}.json"
    known: Results = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {"sections": {}}
    return {"device": asdict(machine), "sections": known["sections"]}


def write(known: Results, folder: Path = FOLDER) -> None:
    """Keep it, as figures and as the full table."""
    folder.mkdir(exist_ok=True)
    slug = known["device"]["slug"]
    order = [name for name in SECTIONS if name in known["sections"]]
    known = {**known, "sections": {name: known["sections"][name] for name in order}}
    (folder / f"{slug}.json").write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    (folder / f"{slug}.md").write_text(rendered(known), encoding="utf-8")


def rendered(known: Results) -> str:
    """The full table of one device."""
    parts = [f"# Measured on {known['device']['words']}\n"]
    for name, kept in known["sections"].items():
        facts = kept["circumstances"]
        parts.append(f"## {name}\n")
        parts.append(
            f"{facts['date']}, torch {facts['torch']}, {facts['threads']} threads, {facts['repeats']} rounds; took "
            f"{number(facts['took_seconds'])} s; other programs used {number(facts['cores_used_by_others'])} cores.\n"
        )
        parts += [table.markdown() for table in tables(name, kept["results"])]
    return "\n".join(parts)


def tables(name: str, results: Results) -> list[Table]:
    """The tables of one section."""
    module = section(name)
    found: list[Table] = module.tables(results) if module and hasattr(module, "tables") else generic("", results)
    return found


def quoted(folder: Path = FOLDER) -> str:
    """The README's tables: the newest CPU in `folder`, with the newest GPU beside it if there is one."""
    files = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.json"))]
    here, there = (_newest(files, kinds) for kinds in (("cpu",), ("cuda", "mps")))
    if here is None:
        return "Nothing has been measured yet: `python -m benchmarks`.\n"
    short: list[Table] = []
    for name, kept in here["sections"].items():
        module = section(name)
        if module is not None and hasattr(module, "readme"):
            beside = there["sections"].get(name) if there else None
            short += module.readme(kept["results"], beside["results"] if beside else None)
    facts = max((kept["circumstances"] for kept in here["sections"].values()), key=lambda facts: facts["date"])
    device = here["device"]
    parts = [
        f"Measured on {device['words']} ({facts['threads']} threads, torch {facts['torch']}"
        f"{', GPU: ' + there['device']['words'] if there else ''}); medians.\n"
        f"All figures: `benchmarks/results/{device['slug']}.md`.{_disturbed(here)}\n",
        *(table.markdown() for table in joined(short)),
    ]
    return "\n".join(parts)


def _disturbed(known: Results) -> str:
    busy = max(kept["circumstances"]["cores_used_by_others"] or 0 for kept in known["sections"].values())
    return f"\nOther programs used up to {number(busy)} cores meanwhile." if busy > BUSY else ""


def _newest(files: list[Results], kinds: tuple[str, ...]) -> Results | None:
    own = [file for file in files if file["device"]["kind"] in kinds and file["sections"]]
    if not own:
        return None
    return max(own, key=lambda file: max(kept["circumstances"]["date"] for kept in file["sections"].values()))


def quote(folder: Path = FOLDER, readme: Path = README) -> None:
    """Put the tables between the README's markers."""
    text = readme.read_text(encoding="utf-8")
    tables = quoted(folder)
    readme.write_text(MARKED.sub(lambda found: found[1] + tables + found[2], text), encoding="utf-8")
