"""The command ``zfwidgets``: open the Explorer, mine a folder of pictures, train a network, make a study again, or the
paper's figures."""

from __future__ import annotations

import argparse
import errno
import json
import socket
import sys
import warnings
from collections.abc import Collection, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

from zfwidgets.app.connect import connected
from zfwidgets.app.page import PageSettings
from zfwidgets.errors import DataError, ParameterError, WeightsError, ZfwidgetsError, unknown_name

__all__ = ["main"]

FIRST_PORT = 8866
PORTS_TRIED = 50
PAPER_ONLY = ("zfnet", "alexnet2012")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        The words after ``zfwidgets``; those of the process when None.

    Returns
    -------
    int
        The exit status: 0, or 2 when something that was asked for cannot be had, or 130 after Ctrl-C.

    Examples
    --------
    >>> main(["--images", "/no/such/folder"])
    2
    """
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options) or 0
    except ZfwidgetsError as error:
        print(f"zfwidgets: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return status


def _parser() -> argparse.ArgumentParser:
    from zfwidgets.app import figures, mine, study, train

    parser = argparse.ArgumentParser(
        prog="zfwidgets",
        description="Open the Explorer in the browser: drag a slider, see what a network looks at.",
    )
    parser.add_argument("--port", type=_port, help=f"port on this machine (default: the first free from {FIRST_PORT})")
    parser.add_argument("--no-browser", action="store_true", help="print the address, open nothing")
    parser.add_argument("--network", default="zfnet-scenes", metavar="NAME", help="default: %(default)s")
    parser.add_argument("--weights", default="default", metavar="FILE", help="weights of the network, from a file")
    parser.add_argument("--other", metavar="NAME", help="a second network, shown beside the first")
    parser.add_argument("--other-weights", default="default", metavar="FILE", help="its weights, from a file")
    parser.add_argument("--images", metavar="DIR", help="a folder of pictures to look at")
    parser.add_argument("--index", metavar="FILE", help="of `zfwidgets mine` over these pictures: what Top 9 shows")
    parser.add_argument("--other-index", metavar="FILE", help="the same of the second network")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask cluster whose workers hold network and files")
    parser.add_argument("--theme", choices=["light", "dark"], default="light")
    parser.set_defaults(run=_explore)
    commands = parser.add_subparsers(title="other commands", metavar="COMMAND")
    mine.add_parser(commands)
    train.add_parser(commands)
    study.add_parser(commands)
    figures.add_parser(commands)
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: pass a whole number from 0 (any) to 65535")
    return int(text)


def _explore(options: argparse.Namespace) -> None:
    """Check all that can be checked in no time, then start the server (which costs a second to import)."""
    settings = replace(
        _settings(options.network, options.weights, options.images, options.scheduler, options.index),
        **_second(options),
    )
    with _listener(options.port) as listener:
        print("Starting the page ...", flush=True)
        from zfwidgets.app.server import serve

        serve(settings, listener, theme=options.theme, browser=not options.no_browser)


def _settings(
    network: str, weights: str, images: str | None, scheduler: str | None = None, index: str | None = None
) -> PageSettings:
    if scheduler is not None:  # names and paths mean what they mean there
        connected(scheduler).close()
        return PageSettings(network, weights, images, scheduler, index)
    weights = _weights(network, weights, "--weights")
    if images is not None:
        images = str(Path(images).expanduser().resolve())
        if not Path(images).is_dir():
            raise DataError(f"There is no folder at {images}: pass a folder of pictures to --images.")
        _check_pictures(images)
    return PageSettings(network, weights, images, index=_index_file(index, "--index"))


def _second(options: argparse.Namespace) -> dict[str, str]:
    """What is said of a second network, as fields of `PageSettings`."""
    network, weights, index = options.other, options.other_weights, options.other_index
    if network is None:
        for option, given in (("--other-weights", weights != "default"), ("--other-index", index is not None)):
            if given:
                raise ParameterError(f"{option} is of a second network: name it with --other.")
        return {}
    if options.scheduler is None:
        weights = _weights(network, weights, "--other-weights")
        index = _index_file(index, "--other-index")
    return {"other": network, "other_weights": weights, "other_index": index}


def _weights(network: str, weights: str, option: str) -> str:
    """The whole path of a weight file, or "default", for a network that there is."""
    if network not in _embedded_networks():
        _check_network(network, weights, option)
    if weights == "default":
        return weights
    path = Path(weights).expanduser().resolve()
    if not path.is_file():
        raise WeightsError(f"There is no weight file at {path}: check the path given to {option}.")
    _check_weights(path)
    return str(path)


def _index_file(index: str | None, option: str) -> str | None:
    """The whole path of an index."""
    if index is None:
        return None
    path = Path(index).expanduser().resolve()
    if not path.is_file():
        raise DataError(f"There is no file at {path}: pass what `zfwidgets mine` wrote to {option}.")
    _check_index(path)
    return str(path)


def _embedded_networks() -> Collection[str]:
    """The names that need no torch to be known."""
    manifest: dict[str, object] = json.loads((files("zfwidgets") / "models/embedded/manifest.json").read_text())
    return manifest.keys()


def _check_network(network: str, weights: str, option: str) -> None:
    from zfwidgets.models import list_networks  # loads torch and torchvision: only for names that are not embedded

    if network not in list_networks():
        raise unknown_name("network", network, list_networks())
    if weights == "default" and network in PAPER_ONLY:
        raise WeightsError(f"{network} has no published weights: pass a file of them with {option}.")


def _check_weights(path: Path) -> None:
    from zfwidgets.models.weights import read_weights  # loads torch

    with warnings.catch_warnings():  # torch remarks on foreign files, where one sentence is enough
        warnings.simplefilter("ignore")
        read_weights(path)  # a .safetensors file is mapped into memory: no more than its header is read


def _check_index(path: Path) -> None:
    from zfwidgets.methods.top_activations import TopActivations  # loads torch

    TopActivations.open(path)


def _check_pictures(folder: str) -> None:
    from zfwidgets.data import ImageSet  # loads torch

    ImageSet.from_folder(folder)


def _listener(port: int | None) -> socket.socket:
    """A socket on this machine only: the port asked for, or else the first free one."""
    tried = range(FIRST_PORT, FIRST_PORT + PORTS_TRIED) if port is None else [port]
    for number in tried:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", number))
            listener.listen(128)
        except OSError as error:
            listener.close()
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            continue
        listener.setblocking(False)
        return listener
    if port is not None:
        raise ParameterError(f"Port {port} is taken or not allowed: pass another, or leave --port out for a free one.")
    raise ParameterError(
        f"The ports from {tried[0]} to {tried[-1]} are taken: pass another one with --port (0: any free one)."
    )
