"""``zfwidgets train``: an embedded network, made again with one command."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..training.train import Epoch

__all__ = ["add_parser"]


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``train`` to the command line.

    Parameters
    ----------
    commands : argparse sub-parsers
        What ``parser.add_subparsers()`` returned; ``options.run(options)`` then does the work.
    """
    parser = commands.add_parser(
        "train",
        help="train an embedded network from scratch",
        description="Train a network that ships, with a checkpoint for each epoch of Fig. 4. Scenes are drawn on the "
        "spot; zfnet-photos needs a folder of photographs. The defaults give the network that ships. Ctrl-C costs the "
        "epoch under way; the same command with --resume goes on.",
    )
    parser.add_argument("--network", default="zfnet-scenes", metavar="NAME", help="zfnet-scenes or zfnet-photos")
    parser.add_argument("--images", metavar="DIR", help="for zfnet-photos: holds train and val, a folder per class")
    parser.add_argument("--out", default="trained", metavar="FOLDER", help="where the network goes (%(default)s)")
    parser.add_argument("--seed", type=int, help="of scenes, weights and order (1)")
    parser.add_argument("--epochs", type=int, help="passes over the pictures (64)")
    parser.add_argument("--pictures", type=int, help="scenes to learn from (6000)")
    parser.add_argument("--processes", type=int, default=2, help="that draw or decode the pictures (%(default)s)")
    parser.add_argument("--resume", action="store_true", help="go on where it was stopped")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    # Here and not above: the other commands must not wait for torch.
    from ..training.embedded import train_embedded

    try:
        entry = train_embedded(
            options.out,
            options.network,
            images=options.images,
            epochs=options.epochs,
            pictures=options.pictures,
            seed=options.seed,
            resume=options.resume,
            processes=options.processes,
            on_epoch=_report,
        )
    except KeyboardInterrupt:
        print("\nStopped. Once an epoch is finished, the same command with --resume goes on after it.", file=sys.stderr)
        return 130
    print(f"{entry['accuracy']:.1%} right on {entry['accuracy_of']}; written to {options.out}/{entry['file']}")
    return 0


def _report(epoch: Epoch) -> None:
    print(
        f"epoch {epoch.epoch}: rate {epoch.rate:g}, loss {epoch.loss:.3f}, "
        f"validation {epoch.validation_loss:.3f}, {epoch.validation_accuracy:.1%} right",
        flush=True,
    )
