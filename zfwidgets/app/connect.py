"""From an address on the command line to a client of a Dask cluster."""

from __future__ import annotations

from typing import Any

from zfwidgets.errors import NetworkError

__all__ = ["connected"]

PATIENCE = 10
"""Seconds until a scheduler must have answered."""


def connected(address: str) -> Any:
    """A client of the cluster whose scheduler is at this address.

    Raises
    ------
    NetworkError
        If Dask is not installed, the address is none, or nobody answers.

    Examples
    --------
    >>> connected("nowhere://")
    Traceback (most recent call last):
    zfwidgets.errors.NetworkError: 'nowhere://' is no address of a scheduler; try for example tcp://localhost:8786...
    """
    try:
        from distributed import Client
        from distributed.comm.addressing import get_address_host_port
    except ImportError as error:
        raise NetworkError("--scheduler needs Dask; try: pip install 'zfwidgets[dask]'.") from error
    try:
        get_address_host_port(address)
    except ValueError as error:  # a client that cannot even ask takes its leave slowly, and in a traceback
        raise NetworkError(
            f"{address!r} is no address of a scheduler; try for example tcp://localhost:8786: "
            "`dask scheduler` prints its own."
        ) from error
    try:
        return Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise NetworkError(
            f"No Dask scheduler answers at {address!r}; start one with `dask scheduler`, it prints its address."
        ) from error
