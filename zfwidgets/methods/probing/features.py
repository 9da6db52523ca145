"""What layers say of pictures, taken in batches at the speed of the forward pass, and kept by content."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save
from torch import Tensor

from zfwidgets.errors import Cancelled, NetworkError, ParameterError
from zfwidgets.methods.probing.labelled import Labelled
from zfwidgets.methods.top_activations.container import atomically
from zfwidgets.methods.top_activations.identity import network_digest
from zfwidgets.network import Network

__all__ = ["Kept", "extract", "feature_count", "groups", "kept_in"]

Features = NDArray[np.float32]

_BATCH = {"cpu": 16}
_ELSEWHERE = 64
_MOST_BYTES = 2**32
_TOGETHER_BYTES = 2**30


class Kept(Protocol):
    """Features (N, D) by the digest of what they depend on."""

    def get(self, digest: str) -> Features | None:
        """The features, if they are known."""

    def put(self, digest: str, features: Features) -> None:
        """Keep them."""


class InMemory:
    """Features in a dict, for as long as its owner keeps that."""

    def __init__(self, known: MutableMapping[str, Features]) -> None:
        self.known = known

    def get(self, digest: str) -> Features | None:
        """The features, if they are known."""
        return self.known.get(digest)

    def put(self, digest: str, features: Features) -> None:
        """Keep them."""
        self.known[digest] = features


class InFolder:
    """Features in a folder, one file of safetensors for each digest; a damaged one is as good as none."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, digest: str) -> Features | None:
        """The features, if they are known."""
        try:
            return cast(Features, load_file(self.folder / f"{digest}.safetensors")["features"])
        except (OSError, SafetensorError, KeyError):
            return None

    def put(self, digest: str, features: Features) -> None:
        """Keep them."""
        with atomically(self.folder / f"{digest}.safetensors") as file:
            file.write(save({"features": features}))


def kept_in(cache: Any) -> Kept | None:
    """Where features are kept: nowhere, in a dict, in a folder, or in what can `get` and `put`.

    Raises
    ------
    ParameterError
        For anything else.
    """
    if isinstance(cache, MutableMapping):
        return InMemory(cache)
    if isinstance(cache, str | os.PathLike):
        return InFolder(Path(cache))
    if cache is None or (hasattr(cache, "get") and hasattr(cache, "put")):
        return cast("Kept | None", cache)
    raise ParameterError(f"cache is a dict, a folder or None; found {type(cache).__name__}.")


def feature_count(net: Network, layer: str, pool: int | None) -> int:
    """Numbers that a layer says of a picture."""
    found = net.layers[layer]
    if pool is None or min(found.height, found.width) <= pool:
        return found.channels * found.height * found.width
    return found.channels * pool * pool


def groups(net: Network, layers: Sequence[str], pictures: int, pool: int | None) -> list[tuple[str, ...]]:
    """Layers whose features of all pictures fit into memory together.

    Raises
    ------
    ParameterError
        If those of one layer do not fit.
    """
    found: list[list[str]] = []
    used = _TOGETHER_BYTES + 1
    for layer in layers:
        size = 4 * pictures * feature_count(net, layer, pool)
        if size > _MOST_BYTES:
            raise ParameterError(
                f"The features of {pictures} pictures at {layer!r} take {size / 2**30:.1f} GB; average its maps over a "
                "grid, for example with pool=6, or give fewer pictures."
            )
        if used + size > _TOGETHER_BYTES:
            found.append([])
            used = 0
        found[-1].append(layer)
        used += size
    return [tuple(group) for group in found]


def extract(
    net: Network,
    pictures: Labelled,
    layers: Sequence[str],
    pool: int | None = None,
    kept: Kept | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    batch_size: int | None = None,
) -> dict[str, Features]:
    """Layer to (N, D): its features of each picture, in order; of a map, place after place with all its channels.

    Parameters
    ----------
    net : Network
        A network that can be traced.
    pictures : Labelled
    layers : sequence of str
    pool : int, optional
        Average maps over a grid of pool x pool places; layers with fewer places stay as they are.
    kept : mapping, optional
        Features known already, by the content of weights and pictures; new ones are added.
    cancelled : callable
        Asked between batches; True raises `Cancelled`.
    batch_size : int, optional
        The most pictures in one forward pass.

    Raises
    ------
    NetworkError
        For a layer that gives NaN or infinite values.
    Cancelled
    """
    own = _BATCH.get(net.device.type, _ELSEWHERE)
    size = own if batch_size is None else min(own, batch_size)
    if kept is None:
        return _taken(net, pictures.batches(net, size), len(pictures), layers, pool, cancelled)
    batches: Any = pictures.batches(net, size)
    room = 12 * math.prod(net.input_size) * len(pictures) <= _TOGETHER_BYTES
    if room:  # pictures that were read to be told apart need not be read again
        batches = list(batches)
    digests = _digests(net, batches, layers, pool)
    found = {layer: known for layer in layers if (known := kept.get(digests[layer])) is not None}
    missing = [layer for layer in layers if layer not in found]
    if missing:
        again = iter(batches) if room else pictures.batches(net, size)
        new = _taken(net, again, len(pictures), missing, pool, cancelled)
        for layer, features in new.items():
            kept.put(digests[layer], features)
        found |= new
    return found


def _taken(
    net: Network,
    batches: Iterator[Tensor],
    count: int,
    layers: Sequence[str],
    pool: int | None,
    cancelled: Callable[[], bool],
) -> dict[str, Features]:
    graph, indices = net.traced(), {layer: net.layers[layer].index for layer in layers}
    found: dict[str, Tensor] = {}
    start = 0
    for batch in batches:
        if cancelled():
            raise Cancelled("The probe was cancelled.")
        if graph.tabled:  # convolutions and pools are up to twice as fast with channels varying fastest
            batch = batch.contiguous(memory_format=torch.channels_last)
        # The lock is let go between: another viewer of this network may have a quick question.
        with net.lock, net.without_gradients(), net.evaluation():
            outputs = graph.run(batch, set(indices.values())).outputs
            for layer, index in indices.items():
                features = _flat(_pooled(outputs[index], pool))
                if layer not in found:
                    found[layer] = torch.empty((count, *features.shape[1:]), dtype=torch.float32)
                found[layer][start : start + len(batch)].copy_(features)
        start += len(batch)
    arrays = {layer: features.numpy() for layer, features in found.items()}
    for layer, values in arrays.items():
        # A finite sum tells at a tenth of the price that all is finite.
        if not np.isfinite(values.sum()) and not np.isfinite(values).all():
            raise NetworkError(f"The layer {layer!r} gives NaN or infinite values; ask for a lower one.")
    return arrays


def _pooled(features: Tensor, pool: int | None) -> Tensor:
    if pool is None or features.dim() != 4 or min(features.shape[2:]) <= pool:
        return features
    return F.adaptive_avg_pool2d(features, pool)


def _flat(features: Tensor) -> Tensor:
    """(n, D): place after place with all of its channels, as maps lie in memory."""
    return (features.permute(0, 2, 3, 1) if features.dim() == 4 else features).flatten(1)


def _digests(net: Network, batches: Iterable[Tensor], layers: Sequence[str], pool: int | None) -> Mapping[str, str]:
    """What each layer's features depend on: the weights, and what the network sees."""
    seen = hashlib.sha256(network_digest(net).encode())
    for batch in batches:
        for one in batch:
            seen.update(json.dumps(list(one.shape)).encode())
            seen.update(one.cpu().contiguous().numpy().data)
    found = {}
    for layer in layers:
        digest = seen.copy()
        digest.update(json.dumps([net.layers[layer].index, pool]).encode())
        found[layer] = digest.hexdigest()
    return found
