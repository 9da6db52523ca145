"""Telling whether a network and a set of pictures are those that something was made from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any
from weakref import WeakKeyDictionary

import torch

from zfwidgets.data import ImageSet
from zfwidgets.errors import ImageError, NetworkError, StaleIndexError
from zfwidgets.methods.top_activations.census import Census, content_digest
from zfwidgets.methods.top_activations.decoding import stamp
from zfwidgets.network import Network

__all__ = ["check_network", "check_pictures", "network_digest", "preprocessing", "same_pictures", "unchanged"]

_DIGESTS: WeakKeyDictionary[Network, tuple[int, str]] = WeakKeyDictionary()
"""A network's version and digest: every shard asks for it, and half a gigabyte takes a third of a second."""


def network_digest(net: Network) -> str:
    """SHA-256 of a network's weights and of what it does with them."""
    version = net.version
    known = _DIGESTS.get(net)
    if known is None or known[0] != version:
        known = _DIGESTS[net] = (version, _network_digest(net))
    return known[1]


def _network_digest(net: Network) -> str:
    found = hashlib.sha256()
    graph = net.traced()
    found.update(json.dumps([[node.name, node.operation.kind, node.inputs] for node in graph.nodes]).encode())
    for name, tensor in net.module.state_dict().items():
        if not isinstance(tensor, torch.Tensor):
            raise NetworkError(
                f"{net.name} holds {name!r}, which is no tensor (a quantised network?), so an index could not tell "
                "its weights; mine the network that it was made of."
            )
        values = tensor.detach().cpu().contiguous()
        found.update(f"{name} {values.dtype} {tuple(values.shape)}".encode())
        found.update(values.reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()


def preprocessing(net: Network) -> dict[str, Any]:
    """A network's preprocessing as JSON."""
    return {**asdict(net.preprocess), "mean": list(net.preprocess.mean), "std": list(net.preprocess.std)}


def check_network(manifest: Mapping[str, Any], net: Network) -> None:
    """Raise `StaleIndexError` if it is not the network of a manifest."""
    if manifest["weights"] != network_digest(net):
        raise StaleIndexError(
            f"The index was mined with other weights than {net.name} has now (it is of {manifest['network']!r}); "
            "mine again."
        )
    if manifest["preprocess"] != preprocessing(net):
        raise StaleIndexError(f"The index was mined with another preprocessing than {net.name} has now; mine again.")


def check_pictures(census: Census, image_set: ImageSet, most: int | None = None) -> None:
    """Raise `StaleIndexError` if pictures were added, taken away or changed.

    Files whose stamp is another than it was, and pictures without a file, are decoded: all of them, or as many as
    ``most``, evenly spread.
    """
    known, found = set(census.digests) | set(census.skipped), set(image_set.keys())
    for what, keys in (("added", found - known), ("taken away", known - found)):
        if keys:
            raise StaleIndexError(
                f"The index was mined over other pictures: {len(keys)} were {what}, {min(keys)!r} is one; mine again."
            )
    doubtful = [key for key in sorted(known) if _doubtful(census, key, stamp(image_set, key))]
    for key in _spread(doubtful, most):
        if _digest(image_set, key) != census.digests.get(key):
            raise StaleIndexError(f"The index was mined over other pictures: {key!r} has changed; mine again.")


def _doubtful(census: Census, key: str, now: int) -> bool:
    """Whether its stamp does not say that a picture is what it was; one left out unseen has none to compare."""
    known = census.stamps.get(key, 0)
    if key in census.digests:
        return now == 0 or now != known
    return now not in (0, known) and known != 0


def _spread(keys: Sequence[str], most: int | None) -> list[str]:
    """At most so many of them, evenly spread."""
    if most is None or len(keys) <= most:
        return list(keys)
    return [keys[place * len(keys) // most] for place in range(most)]


def unchanged(census: Census, image_set: ImageSet) -> bool:
    """Whether all of these pictures are there and are what they were; those without files are decoded."""
    every = (*census.digests, *census.skipped)
    same = all(key in image_set and stamp(image_set, key) == census.stamps.get(key, 0) for key in every)
    return same and same_pictures(census, image_set)


def same_pictures(census: Census, image_set: ImageSet) -> bool:
    """Whether the pictures without files, which no stamp speaks for, are all what they were."""
    without = [key for key in census.digests if not census.stamps.get(key, 0)]
    return all(_digest(image_set, key) == census.digests[key] for key in without)


def _digest(image_set: ImageSet, key: str) -> bytes | None:
    try:
        return content_digest(image_set[key])
    except ImageError:
        return None
