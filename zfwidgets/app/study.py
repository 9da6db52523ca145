"""``zfwidgets study``: Table 3 and Fig. 6 made again on scenes, with one command."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

__all__ = ["add_parser"]


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``study`` to the command line.

    Parameters
    ----------
    commands : argparse sub-parsers
        What ``parser.add_subparsers()`` returned; ``options.run(options)`` then does the work.
    """
    parser = commands.add_parser(
        "study",
        help="train the networks of Table 3 or Fig. 6 on scenes",
        description="Train small networks that differ in one thing: table3 (layers left out, widths changed, three "
        "seeds; 21 networks, about ten minutes) or fig6 (with and without clipping, 7x7 and 11x11 filters; four "
        "networks, two minutes). What a folder holds already is kept, so an interrupted study goes on.",
    )
    parser.add_argument("study", choices=["table3", "fig6"])
    parser.add_argument("--out", default="studies", metavar="FOLDER", help="where the results go (%(default)s)")
    parser.add_argument("--processes", type=int, default=2, help="that draw the scenes (%(default)s)")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    try:
        return _study(options)
    except KeyboardInterrupt:
        print(f"\nStopped. Finished networks are kept in {options.out}; the same command goes on.", file=sys.stderr)
        return 130


def _study(options: argparse.Namespace) -> int:
    # Here and not above: the other commands must not wait for torch.
    from ..training.studies import ablation, architecture_choice

    if options.study == "table3":
        path = Path(options.out, "table3.json")
        table = ablation(path, processes=options.processes, progress=True, on_run=lambda run: print(run, flush=True))
        print(f"{table}\nwritten to {path}")
        return 0
    for name, entry in architecture_choice(options.out, processes=options.processes, progress=True).items():
        print(f"{name}: {', '.join(f'{key} {value:g}' for key, value in entry['figures'].items())}")
    print(f"written to {options.out}")
    return 0
