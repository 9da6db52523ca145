"""Options that several experiments take, each checked with one message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zfwidgets.errors import ParameterError

if TYPE_CHECKING:
    from zfwidgets.network import Network

__all__ = ["checked_layers", "checked_seed"]


def checked_layers(net: Network, layers: Sequence[str]) -> tuple[str, ...]:
    """The names as they were given, each once.

    Raises
    ------
    ParameterError
        If it is no list of names.
    UnknownNameError
        For a layer that the network does not have.
    """
    if isinstance(layers, str) or not layers:
        raise ParameterError(f"Layers are a list of names, for example [{net.menu[-1]!r}]; found {layers!r}.")
    for name in layers:
        net.layers[name]
    return tuple(dict.fromkeys(layers))


def checked_seed(seed: Any) -> int:
    """A whole number from 0 to 2**32 - 1, which all random generators take, else the error that says so.

    Examples
    --------
    >>> checked_seed(np.int64(3))
    3
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**32:
        raise ParameterError(f"The seed is a whole number from 0 to {2**32 - 1}; found {seed!r}.")
    return int(seed)
