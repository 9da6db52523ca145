"""``zfwidgets train``: the embedded network, made again with one command."""

from __future__ import annotations

import argparse
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
        help="train the embedded network from scratch",
        description="Train zfnet-scenes on scenes drawn on the spot. The defaults give the network that ships.",
    )
    parser.add_argument("--out", default="trained", metavar="FOLDER", help="where the network goes (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of scenes, weights and order (%(default)s)")
    parser.add_argument("--epochs", type=int, default=10, help="passes over the pictures (%(default)s)")
    parser.add_argument("--pictures", type=int, default=20_000, help="scenes to learn from (%(default)s)")
    parser.add_argument("--processes", type=int, default=2, help="that draw the scenes (%(default)s)")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in the folder")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    # Here and not above: the other commands must not wait for torch.
    from ..training.embedded import EmbeddedRecipe, train_embedded

    recipe = EmbeddedRecipe(seed=options.seed, epochs=options.epochs, pictures=options.pictures)
    entry = train_embedded(options.out, recipe, resume=options.resume, processes=options.processes, on_epoch=_report)
    print(f"{entry['accuracy']:.1%} right on {entry['accuracy_of']}; written to {options.out}/{entry['file']}")
    return 0


def _report(epoch: Epoch) -> None:
    print(
        f"epoch {epoch.epoch}: rate {epoch.rate:g}, loss {epoch.loss:.3f}, "
        f"validation {epoch.validation_loss:.3f}, {epoch.validation_accuracy:.1%} right",
        flush=True,
    )
