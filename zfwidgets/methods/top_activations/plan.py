"""A run in parts that can be computed anywhere, in any order, and put together in any grouping."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from zfwidgets.data import ImageSet
from zfwidgets.errors import DataError, NetworkError, ParameterError, StaleIndexError
from zfwidgets.imaging.checks import whole_number
from zfwidgets.methods.top_activations.census import Census
from zfwidgets.methods.top_activations.container import clear_away
from zfwidgets.methods.top_activations.decoding import stamp
from zfwidgets.methods.top_activations.identity import network_digest, preprocessing, same_pictures
from zfwidgets.methods.top_activations.mining import Pass
from zfwidgets.methods.top_activations.parts import Field
from zfwidgets.methods.top_activations.processes import Decoders
from zfwidgets.methods.top_activations.ranks import NOWHERE, Ranks, best
from zfwidgets.methods.top_activations.result import FORMAT, TopActivations
from zfwidgets.methods.top_activations.shares import Shares, together
from zfwidgets.network import Network, checked_network

__all__ = ["ShardSpec", "map_shard", "merge", "merged", "mined", "shards"]

_SAME = ("layers", "k", "per_image", "weights", "preprocess")
_AT_ONCE = 16
"""Parts whose ranks are in memory together."""


@dataclass(frozen=True)
class ShardSpec:
    """One part of a run: which pictures, which layers, with which network. All of it names the part's file.

    Attributes
    ----------
    keys : tuple of str
        Pictures, in order.
    layers : tuple of str
        Layers.
    k, per_image : int
        Entries of each map, and how many of them one picture may have.
    weights, preprocess : str
        Digest of the network, and its preprocessing as JSON.
    pictures : str
        Digest of the files' sizes and times when the run was planned.
    """

    keys: tuple[str, ...]
    layers: tuple[str, ...]
    k: int
    per_image: int
    weights: str
    preprocess: str
    pictures: str
    format: str = FORMAT

    def to_json(self) -> str:
        """As text; the same part gives the same text."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> ShardSpec:
        """The inverse of `to_json`.

        Raises
        ------
        DataError
            If the text is none.
        """
        try:
            found = json.loads(text)
            return cls(**{**found, "keys": tuple(found["keys"]), "layers": tuple(found["layers"])})
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"The text is no part of a run ({error}); give what ShardSpec.to_json wrote.") from error

    @property
    def name(self) -> str:
        """The file that it becomes: named by its content."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:40] + ".safetensors"


def shards(
    net: Network,
    image_set: ImageSet,
    layers: Sequence[str] | None = None,
    k: int = 9,
    per_image: int = 1,
    size: int = 512,
) -> list[ShardSpec]:
    """Cut a run into parts of at most ``size`` pictures.

    Examples
    --------
    >>> from torch import nn
    >>> from zfwidgets.imaging import Preprocess
    >>> module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 14 * 14, 2))
    >>> net = Network(module, preprocess=Preprocess(size=16), device="cpu")
    >>> pictures = ImageSet.from_arrays(np.zeros((5, 16, 16, 3), np.uint8))
    >>> [len(part.keys) for part in shards(net, pictures, size=2)]
    [2, 2, 1]
    """
    wanted = planned(net, layers, k, per_image)
    if not len(image_set):
        raise DataError("There are no pictures to mine; give a set with at least one.")
    return cut(wanted, image_set, image_set.keys(), size)


def planned(net: Network, layers: Sequence[str] | None, k: int, per_image: int) -> ShardSpec:
    """What is asked for, without any pictures yet."""
    names = wanted_layers(net, layers)
    preprocess = json.dumps(preprocessing(net), sort_keys=True)
    k, per_image = whole_number(k, "k"), whole_number(per_image, "per_image")
    return ShardSpec((), names, k, per_image, network_digest(net), preprocess, "")


def cut(wanted: ShardSpec, image_set: ImageSet, keys: Iterable[str], size: int) -> list[ShardSpec]:
    """Parts of some pictures, each of at most ``size``."""
    ordered, size = sorted(keys), whole_number(size, "size")
    return [covering(wanted, image_set, ordered[start : start + size]) for start in range(0, len(ordered), size)]


def covering(wanted: ShardSpec, image_set: ImageSet, keys: Sequence[str]) -> ShardSpec:
    """The same question about these pictures, as they are now."""
    facts = json.dumps([stamp(image_set, key) for key in keys])
    return replace(wanted, keys=tuple(keys), pictures=hashlib.sha256(facts.encode()).hexdigest())


def wanted_layers(net: Network, layers: Sequence[str] | None) -> tuple[str, ...]:
    """The layers asked for, or all of the menu that have places."""
    checked_network(net).traced()
    if layers is None:
        found = tuple(name for name in net.menu if net.layers[name].spatial)
        if not found:
            raise NetworkError(f"{net.name} has no feature maps to mine; name layers with layers=[...].")
        return found
    names = (layers,) if isinstance(layers, str) else tuple(dict.fromkeys(layers))
    if not names:
        raise ParameterError("There are no layers to mine; name at least one, or leave layers out.")
    return tuple(sorted(names, key=lambda name: net.layers[name].index))


def mined(
    spec: ShardSpec,
    net: Network,
    image_set: ImageSet,
    tick: Callable[[int, Callable[[], TopActivations]], None] = lambda done, now: None,
    cancelled: Callable[[], bool] = lambda: False,
    decoders: Decoders | None = None,
    enough: Callable[[], bool] = lambda: False,
    stopped: Callable[[TopActivations], None] = lambda so_far: None,
) -> TopActivations:
    """Do one part.

    Parameters
    ----------
    spec, net, image_set
        Of the part.
    tick : callable
        Is told how many pictures are done, and how to get what is known by then.
    cancelled : callable
        True raises `Cancelled`.
    decoders : Decoders, optional
        Processes that decode.
    enough : callable
        True ends it after the pictures under way: what comes back is of the first pictures of the part.
    stopped : callable
        Is given what is known when the part ends by an exception, whichever it is.
    """
    checked_network(net).traced()
    if spec.weights != network_digest(net) or json.loads(spec.preprocess) != preprocessing(net):
        raise StaleIndexError(f"The part was planned with another network than {net.name} is now; plan the run again.")
    version_before = net.version
    run = Pass(net, image_set, spec.keys, spec.layers, spec.k, spec.per_image, decoders)

    def now() -> TopActivations:
        census = Census(dict(run.census.digests), dict(run.census.stamps), dict(run.census.skipped))
        return TopActivations.assembled(run.ranks(), spec.keys, census, _about(spec, net))

    try:
        for done in run.run(cancelled, enough):
            tick(done, now)
    except BaseException:
        if run.sound and len(run.census) and net.version == version_before:
            stopped(now())
        raise
    if net.version != version_before:
        raise StaleIndexError(f"The weights of {net.name} changed while it was mined; mine again.")
    return now()


def _about(spec: ShardSpec, net: Network) -> dict[str, Any]:
    return {
        "layers": [[name, Field.of(net.layers[name], net.input_size).stored()] for name in spec.layers],
        "k": spec.k,
        "per_image": spec.per_image,
        "network": net.name,
        "weights": spec.weights,
        "preprocess": json.loads(spec.preprocess),
        "code": f"zfwidgets {version('zfwidgets')}",
    }


def map_shard(spec: ShardSpec, net: Network, image_set: ImageSet, folder: str | Path) -> Path:
    """Do one part and write its file; a file that is there and whole is not done again.

    Returns
    -------
    Path
        The file; its name follows from the part.
    """
    folder = Path(folder)
    path = folder / spec.name
    clear_away(folder)
    if finished(path, image_set) is None:
        mined(spec, net, image_set).save(path)
    return path


def finished(path: Path, image_set: ImageSet) -> TopActivations | None:
    """A part that is there, whole and of these pictures."""
    part = whole(path)
    return part if part is not None and same_pictures(part.census, image_set) else None


def whole(path: Path) -> TopActivations | None:
    """A part, if it is there and not damaged."""
    try:
        return TopActivations.open(path) if path.is_file() else None
    except DataError:
        return None


def merge(paths: Iterable[str | Path]) -> TopActivations:
    """Put parts together: any order and any grouping gives the same, bit for bit.

    Parameters
    ----------
    paths : iterable of path
        Files of `map_shard`, or indices.

    Raises
    ------
    DataError
        If there are none, or one is damaged.
    StaleIndexError
        If they are of different networks, layers or numbers.
    """
    return merged(TopActivations.open(path) for path in paths)


def merged(parts: Iterable[TopActivations]) -> TopActivations:
    """What `merge` does, of results."""
    waiting: list[TopActivations] = []
    for part in parts:
        waiting.append(part)
        if len(waiting) == _AT_ONCE:
            waiting = [_together(waiting)]
    if not waiting:
        raise DataError("There are no parts to merge; give at least one file.")
    return _together(waiting)


def _together(parts: Sequence[TopActivations]) -> TopActivations:
    about = _about_all([part.manifest for part in parts])
    census = Census.union(part.census for part in parts)
    kept = census.duplicates
    keys = sorted({kept.get(key, key) for part in parts for key in part.numbered()[1]})
    number = {key: place for place, key in enumerate(keys)}
    ranks: dict[str, Ranks] = {}
    for name, _ in about["layers"]:
        ranks[name] = best([_renumbered(part, name, kept, number) for part in parts], about["k"])
    return TopActivations.assembled(ranks, keys, census, about)


def _about_all(manifests: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What parts have in common, if they belong together.

    They do when the same numbers were asked of the same weights and the same preprocessing. What the network is called
    matters to nobody, and a version of this package that gives other numbers has another `FORMAT`: a run goes on after
    an upgrade, and its index names both versions.
    """
    first = manifests[0]
    for other in manifests:
        for name in _SAME:
            if other[name] != first[name]:
                raise StaleIndexError(
                    f"These parts do not belong together: {name} is {_short(first[name])} in one and "
                    f"{_short(other[name])} in another; mine all with the same network and options."
                )
    code = sorted({version for other in manifests for version in other["code"].split(", ")})
    about = {name: first[name] for name in _SAME}
    about |= {"network": min(other["network"] for other in manifests), "code": ", ".join(code)}
    several = (other.get("part") for other in manifests)
    shares = together(None if stored is None else Shares.from_stored(stored) for stored in several)
    return about if shares is None else {**about, "part": shares.stored()}


def _renumbered(part: TopActivations, layer: str, kept: dict[str, str], number: dict[str, int]) -> Ranks:
    """A part's ranks in the numbers of the whole, under the keys that are kept."""
    ranks, keys = part.numbered()
    values, images, places = ranks[layer]
    there = images >= 0
    places_of = np.array([*(number[kept.get(key, key)] for key in keys), NOWHERE], np.int64)
    return Ranks(np.where(there, values, np.float32(-np.inf)), places_of[images], np.where(there, places, NOWHERE))


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
