"""``python -m benchmarks``: measure the package against its peers, in turns, and write it down.

Writes ``benchmarks/results/<device>.json``, the same as a table, and the README's table. Each section that runs
replaces what was known of it; the others keep their figures.
"""

from __future__ import annotations

import argparse
import sys

import torch

from benchmarks import report
from benchmarks.measure import UnavailableError
from benchmarks.networks import NAMES
from benchmarks.settings import Settings, machine


def main() -> None:
    """Measure, write, say how long it took."""
    options = _options()
    if options.threads:
        torch.set_num_threads(options.threads)
    settings = Settings(2 if options.quick else options.repeats, options.device, tuple(options.networks))
    known = report.read(machine(options.device))
    failed = False
    for name in [] if options.render else options.only:
        module = report.section(name)
        if module is None:
            print(f"{name}: not written yet")
            continue
        print(f"{name} ...", flush=True)
        try:
            found = report.ran(name, module, settings)
        except UnavailableError as error:
            print(f"{name}: {error}")
            failed = True
            continue
        if hasattr(module, "plot"):
            module.plot(found["results"])
        known["sections"][name] = found
        for table in report.tables(name, found["results"]):
            print(table.markdown())
        print(f"{name}: {found['circumstances']['took_seconds']:.0f} s", flush=True)
        if settings.networks == NAMES:
            report.write(known)
    if settings.networks != NAMES:
        print("Nothing is written: figures are kept of all networks together.")
    else:
        report.write(known)
        report.quote()
    sys.exit(int(failed))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    sections = list(report.SECTIONS)
    parser.add_argument("--only", nargs="+", choices=sections, default=sections, help="sections to run; all of them")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or mps")
    parser.add_argument("--threads", type=int, help="of torch; its own choice by default")
    parser.add_argument("--repeats", type=int, default=5, help="rounds of each comparison; 5")
    parser.add_argument("--quick", action="store_true", help="two rounds, for a first look")
    parser.add_argument("--networks", nargs="+", choices=NAMES, default=NAMES, help="some only: shown, not kept")
    parser.add_argument("--render", action="store_true", help="measure nothing, write the tables again")
    return parser.parse_args()


if __name__ == "__main__":
    main()
