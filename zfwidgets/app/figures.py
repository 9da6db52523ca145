"""``zfwidgets figures``: the paper's figures and tables as pictures and one page."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

__all__ = ["add_parser"]

_PURPOSE = """\
Make the figures and tables of the paper again with the networks that come
with the package, on the CPU and offline, in some minutes: a PNG for each and
index.html, which shows them with the paper's claim, our number and whether it
agrees. Ctrl-C keeps what is done."""

_EXAMPLES = """examples:
  zfwidgets figures --out figures
  zfwidgets figures --out figures --only fig4,table1
  zfwidgets figures --out docs/figures --captions
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``figures`` to the command line.

    Parameters
    ----------
    commands : argparse sub-parsers
        What ``parser.add_subparsers()`` returned; ``options.run(options)`` then does the work.
    """
    parser = commands.add_parser(
        "figures",
        help="make the paper's figures and tables again, as pictures and one page",
        description=_PURPOSE,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", required=True, metavar="DIR", help="where they go; made if need be")
    parser.add_argument("--only", type=_names, metavar="NAMES", help="some of them, for example fig4,table1")
    parser.add_argument(
        "--captions", action="store_true", help="write claims and verdicts into each picture, and no page"
    )
    parser.set_defaults(run=_run)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _run(options: argparse.Namespace) -> int:
    # Here and not above: the other commands must not wait for torch, and a wrong name is said before it is loaded.
    from zfwidgets.figures.making import names_asked, names_to_make
    from zfwidgets.figures.page import counted
    from zfwidgets.figures.result import PaperFigure

    names, folder = names_to_make(options.only), Path(options.out).expanduser()
    left_out = [name for name in names_asked(options.only) if name not in names]
    if left_out:
        print(f"{' and '.join(left_out)} need scikit-learn (pip install 'zfwidgets[probe]') and are left out.")
    from zfwidgets.allocator import tune_allocator
    from zfwidgets.backend import Backend
    from zfwidgets.figures.writing import PAGE, write_figures

    tune_allocator()
    begun = last = time.monotonic()
    told: list[str] = []

    def tell(name: str, figure: PaperFigure) -> None:
        nonlocal last
        now = time.monotonic()
        told.append(name)
        place = f"{len(told)} of {len(names)}"
        print(f"{place}  {name}: {counted(list(figure.claims))} {now - last:.1f} s", flush=True)
        last = now

    try:
        with Backend("zfnet-scenes", device="cpu") as backend:
            made = write_figures(backend, folder, options.only, captions=options.captions, on_made=tell)
    except KeyboardInterrupt:
        print(f"\nStopped; {len(told)} of {len(names)} are in {folder}.", file=sys.stderr)
        return 130
    claims = [claim for figure in made.values() for claim in figure.claims]
    where = folder if options.captions else folder / PAGE
    print(f"{counted(claims)} {time.monotonic() - begun:.0f} s; look at {where}")
    return 0
