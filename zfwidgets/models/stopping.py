"""The file by which a training that records into a folder is asked to end, whichever process runs it."""

from __future__ import annotations

from pathlib import Path

from zfwidgets.errors import DataError

__all__ = ["ask_to_stop", "asked_to_stop", "forget_stop"]

_FILE = "stop"


def ask_to_stop(folder: Path) -> None:
    """Ask for an end after the epoch that runs.

    Raises
    ------
    DataError
        If the folder cannot be written to.
    """
    try:
        (folder / _FILE).touch()
    except OSError as cause:
        raise DataError(
            f"{folder / _FILE} cannot be written ({cause.strerror}), so the training cannot be told to stop; end its "
            "process."
        ) from cause


def asked_to_stop(folder: Path) -> bool:
    """Whether somebody asked for an end."""
    return (folder / _FILE).exists()


def forget_stop(folder: Path) -> None:
    """A training begins: what its predecessor was asked is over."""
    (folder / _FILE).unlink(missing_ok=True)
