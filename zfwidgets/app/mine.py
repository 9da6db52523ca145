"""``zfwidgets mine``: the strongest activations of every feature map over a folder of pictures, into one file."""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zfwidgets.app.connect import connected
from zfwidgets.errors import DataError

if TYPE_CHECKING:
    from zfwidgets.methods.top_activations import Progress, TopActivations
    from zfwidgets.network import Network

__all__ = ["add_parser"]

_PURPOSE = """\
Look at a folder of pictures once and keep, for every feature map, its
strongest activations. Ctrl-C keeps what is done; the same command goes on
from there."""

_EXAMPLES = """examples:
  zfwidgets mine --images photos --out top9.safetensors
  zfwidgets mine --images photos --out top9.safetensors \\
      --scheduler tcp://head:8786
  zfwidgets mine --images photos --out part-3.safetensors --shard 3/10
  zfwidgets mine --merge part-*.safetensors --out top9.safetensors

exit status: 0; 1 when a cluster set pictures aside; 2 when it cannot be done;
130 after Ctrl-C
"""


_SAID_BEFORE = argparse.SUPPRESS
"""What ``zfwidgets`` itself was told before the word ``mine``, or its default."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``mine`` to the command line.

    Parameters
    ----------
    commands : argparse sub-parsers
        What ``parser.add_subparsers()`` returned; ``options.run(options)`` then does the work.
    """
    parser = commands.add_parser(
        "mine",
        help="find the strongest activations of every feature map",
        description=_PURPOSE,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--network", default=_SAID_BEFORE, metavar="NAME", help="default: zfnet-scenes")
    parser.add_argument("--weights", default=_SAID_BEFORE, metavar="FILE", help="weights of the network, from a file")
    parser.add_argument("--device", default="auto", help="cpu, cuda or mps (default: the fastest there is)")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--images", metavar="DIR", help="the folder of pictures")
    what.add_argument("--merge", nargs="+", metavar="FILE", help="put files of --shard together instead")
    parser.add_argument("--out", required=True, metavar="FILE", help="the file to write")
    parser.add_argument("--layers", nargs="+", metavar="NAME", help="default: every layer with places")
    parser.add_argument("--k", type=_whole, default=9, help="activations to keep of each map (%(default)s)")
    parser.add_argument("--per-image", type=_whole, default=1, help="at most so many of one picture (%(default)s)")
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--scheduler", default=_SAID_BEFORE, metavar="ADDRESS", help="of a Dask cluster whose workers do it"
    )
    where.add_argument("--shard", type=_part, metavar="I/N", help="only the I-th of N parts, for batch systems")
    parser.add_argument("--again", action="store_true", help="begin anew, whatever is there")
    parser.set_defaults(run=_run)


def _whole(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def _part(text: str) -> tuple[int, int]:
    first, slash, count = text.partition("/")
    if not (slash and first.isdecimal() and count.isdecimal() and 1 <= int(first) <= int(count)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a part; pass for example 3/10, the third of ten")
    return int(first), int(count)


def _run(options: argparse.Namespace) -> int:
    out = Path(options.out).expanduser()
    if not out.absolute().parent.is_dir():
        raise DataError(f"There is no folder {str(out.absolute().parent)!r} for --out; make it first.")
    started, before = time.monotonic(), _written(out)
    if options.merge:
        top = _merged(options.merge)
        top.save(out)
    else:
        try:
            top = _mined(options, out)
        except KeyboardInterrupt:
            command = "the same command without --again" if options.again else "the same command"
            print(f"\nStopped. What is done is kept beside {out}; {command} goes on from there.", file=sys.stderr)
            return 130
    _tell(top, out, None if _written(out) == before else time.monotonic() - started)
    if options.images and not options.shard:
        print(f"look at it: {_page(options)}")
    return 0 if options.merge else _tell_set_aside(out)


def _written(file: Path) -> int | None:
    return file.stat().st_mtime_ns if file.exists() else None


def _page(options: argparse.Namespace) -> str:
    """The command that opens the page on what was mined."""
    told = ((word, getattr(options, word)) for word in ("network", "weights", "images"))
    usual = {"network": "zfnet-scenes", "weights": "default"}
    words = [part for word, value in told if value != usual.get(word) for part in (f"--{word}", value)]
    return shlex.join(["zfwidgets", *words, "--index", options.out])


def _merged(files: list[str]) -> TopActivations:
    from zfwidgets.methods.top_activations import merge

    top = merge(files)
    if top.missing:
        few = ", ".join(top.missing[:5]) + (f" and {len(top.missing) - 5} more" if len(top.missing) > 5 else "")
        raise DataError(
            f"These parts of the set are missing: {few}; mine them with --shard, and merge all files again."
        )
    return top


def _mined(options: argparse.Namespace, out: Path) -> TopActivations:
    # Here and not above: the other commands must not wait for torch. What is cheap to check comes first.
    from zfwidgets.data import ImageSet

    # Absolute, because workers elsewhere have another working folder.
    pictures = ImageSet.from_folder(Path(options.images).expanduser().resolve())
    client = connected(options.scheduler) if options.scheduler else None
    try:
        mine = _miner(client, options.shard)
        net = _network(options)
        with _Line() as line:
            return mine(
                net,
                pictures,
                options.layers,
                options.k,
                options.per_image,
                index=out,
                resume=not options.again,
                on_progress=line.tell,
            )
    finally:
        if client is not None:
            client.close()


def _miner(client: Any, part: tuple[int, int] | None) -> Callable[..., TopActivations]:
    from functools import partial

    from zfwidgets.allocator import tune_allocator

    tune_allocator()
    if client is None:
        from zfwidgets.methods.top_activations import top_activations

        return partial(top_activations, part=part)
    from zfwidgets.backend.cluster import mine_on

    return partial(mine_on, client)


def _network(options: argparse.Namespace) -> Network:
    from zfwidgets.models import load_network

    return load_network(options.network, weights=options.weights, device=options.device)


class _Line:
    """One line of progress, on a terminal."""

    def __init__(self) -> None:
        from tqdm import tqdm

        self._bar = tqdm(unit=" pictures", disable=None, smoothing=0.1)

    def __enter__(self) -> _Line:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def tell(self, progress: Progress) -> None:
        """How far it is."""
        self._bar.total = progress.total
        self._bar.update(progress.done - self._bar.n)


def _tell(top: TopActivations, out: Path, seconds: float | None) -> None:
    """What was done in so many seconds; None: nothing, the file was there."""
    facts = [f"{top.count} pictures"]
    if top.duplicates:
        facts.append(f"{len(top.duplicates)} of them twice")
    if top.skipped:
        facts.append(f"{len(top.skipped)} skipped")
    took = "was there already (--again mines anew)" if seconds is None else f"{seconds:.1f} s"
    print(f"{', '.join(facts)}; {len(top.layers)} layers; {took}; {out}, {out.stat().st_size / 1e6:.1f} MB")
    for key, reason in top.skipped[:3]:
        print(f"  skipped {key}: {reason}")
    if len(top.skipped) > 3:
        print(f"  and {len(top.skipped) - 3} more")
    if ", " in top.manifest["code"]:
        print(f"  mined by more than one version: {top.manifest['code']}")


def _tell_set_aside(out: Path) -> int:
    """The exit status: not 0 where pictures were set aside because of what they did to the workers."""
    from zfwidgets.methods.top_activations.store import set_aside

    aside = set_aside(out)
    if aside:
        key, reason = next(iter(aside.items()))
        print(
            f"zfwidgets: {len(aside)} pictures were set aside, {key!r} is one: {reason} All others are in {out}; the "
            "same command tries those again.",
            file=sys.stderr,
        )
    return 1 if aside else 0
