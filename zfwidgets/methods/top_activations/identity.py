"""Telling whether a network and a set of pictures are those that something was made from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from weakref import WeakKeyDictionary

import torch

from zfwidgets.data import ImageSet
from zfwidgets.errors import ImageError, StaleIndexError
from zfwidgets.methods.top_activations.census import Census, content_digest
from zfwidgets.methods.top_activations.decoding import stamp
from zfwidgets.network import Network

__all__ = ["check_network", "check_pictures", "network_digest", "preprocessing", "same_pictures"]

_DIGESTS: WeakKeyDictionary[Network, tuple[int, str]] = WeakKeyDictionary()
"""A network's version and digest: every shard asks for it, and half a gigabyte takes a third of a second."""

_LOOKED_AT = 16
"""Pictures without a file that are compared, evenly spread over the set: any of them may take long to draw."""


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
        values = tensor.detach().cpu().contiguous()
        found.update(f"{name} {values.dtype} {tuple(values.shape)}".encode())
        found.update(values.reshape(-1).view(torch.uint8).numpy())
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


def check_pictures(census: Census, image_set: ImageSet) -> None:
    """Raise `StaleIndexError` if pictures were added, taken away or changed."""
    known, found = set(census.digests) | set(census.skipped), set(image_set.keys())
    for what, keys in (("added", found - known), ("taken away", known - found)):
        if keys:
            raise StaleIndexError(
                f"The index was mined over other pictures: {len(keys)} were {what}, {min(keys)!r} is one; mine again."
            )
    stamps = {key: stamp(image_set, key) for key in sorted(known)}
    changed = [key for key, now in stamps.items() if now and _changed(census, key, now)]
    without = [key for key, now in stamps.items() if not now and key in census.digests]
    for key in [*changed, *without[:: max(-(-len(without) // _LOOKED_AT), 1)]]:
        if _digest(image_set, key) != census.digests.get(key):
            raise StaleIndexError(f"The index was mined over other pictures: {key!r} has changed; mine again.")


def same_pictures(census: Census, image_set: ImageSet) -> bool:
    """Whether the pictures without files, which no stamp speaks for, are all what they were."""
    without = [key for key in census.digests if not census.stamps.get(key, 0)]
    return all(_digest(image_set, key) == census.digests[key] for key in without)


def _changed(census: Census, key: str, now: int) -> bool:
    """Whether a file is another than it was; one that was left out unseen has no stamp to compare."""
    known = census.stamps.get(key, 0)
    return now != known and (key in census.digests or known != 0)


def _digest(image_set: ImageSet, key: str) -> bytes | None:
    try:
        return content_digest(image_set[key])
    except ImageError:
        return None
