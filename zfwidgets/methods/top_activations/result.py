"""`TopActivations`: the strongest activations of every feature map, in memory or in a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zfwidgets.data import ImageSet
from zfwidgets.data.skipped import Skipped
from zfwidgets.errors import DataError, ParameterError, unknown_name
from zfwidgets.methods.top_activations.census import Census, joined_names, split_names
from zfwidgets.methods.top_activations.container import Container, write
from zfwidgets.methods.top_activations.parts import Field, TopEntry, TopLayer
from zfwidgets.methods.top_activations.ranks import NOWHERE, Ranks
from zfwidgets.methods.top_activations.shares import Shares
from zfwidgets.methods.top_activations.table import write_parquet

if TYPE_CHECKING:
    from zfwidgets.network import Network

__all__ = ["FORMAT", "TopActivations"]

FORMAT = "zfwidgets top activations 1"
_CENSUS = "census."
_CENSUS_BYTES = 260
"""Of one picture in memory: its key, its digest and their places in three dictionaries (measured)."""
_CHECKED_AT_ONCE = 2**20
"""Bytes of a census that are looked through when an index is opened; a longer one when it is first used."""


class TopActivations:
    """For every feature map its k strongest activations over a set of pictures: where, and how strong.

    Made by `top_activations`, `merge` or `TopActivations.open`. Ranked by value, equal values by the picture's key,
    then by position.

    Attributes
    ----------
    layers : tuple of str
        Names of the layers.
    k, per_image : int
        Entries of each map, and how many of them one picture may have.
    count : int
        Pictures seen: those that were ranked, their duplicates, and those skipped.
    skipped : tuple of Skipped
        Pictures that could not be used, each with the reason.
    duplicates : mapping
        Key to the key under which the same picture was ranked.
    manifest : dict
        What it was made from: digests of the weights and of the pictures, preprocessing, version of the code.

    Examples
    --------
    >>> from torch import nn
    >>> from zfwidgets.imaging import Preprocess
    >>> from zfwidgets.methods.top_activations import top_activations
    >>> from zfwidgets.network import Network
    >>> module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 14 * 14, 2))
    >>> net = Network(module, preprocess=Preprocess(size=16), device="cpu")
    >>> pictures = ImageSet.from_arrays(np.random.default_rng(0).integers(0, 255, (5, 16, 16, 3), np.uint8))
    >>> top = top_activations(net, pictures, k=3)
    >>> top["conv1"].values.shape, top.channel("conv1", 2)[0].box[2:]
    ((4, 3), (3, 3))
    """

    def __init__(
        self,
        ranks: Mapping[str, Ranks],
        names: Sequence[str] | None,
        container: Container | None,
        census: Census | None,
        manifest: dict[str, Any],
    ) -> None:
        self._ranks, self._container = ranks, container
        self._given_names, self._given_census = names, census
        self.manifest = manifest
        self.layers: tuple[str, ...] = tuple(name for name, _ in manifest["layers"])
        self.k: int = manifest["k"]
        self.per_image: int = manifest["per_image"]
        self.count: int = manifest["count"]
        self.skipped = tuple(Skipped(key, reason) for key, reason in manifest["skipped"])
        self._fields = {name: Field.from_stored(stored) for name, stored in manifest["layers"]}

    @classmethod
    def assembled(
        cls, ranks: Mapping[str, Ranks], keys: Sequence[str], census: Census, about: dict[str, Any]
    ) -> TopActivations:
        """A result in memory, of ranks whose pictures are numbers in a list of keys."""
        manifest = {
            **about,
            "format": FORMAT,
            "count": len(census),
            "pictures": census.pictures_digest,
            "skipped": sorted([key, reason] for key, reason in census.skipped.items()),
        }
        used = sorted(
            {int(number) for rank in ranks.values() for number in np.unique(rank.images) if number != NOWHERE}
        )
        place = np.full(len(keys) + 1, -1)
        place[used] = np.arange(len(used))
        stored = {}
        for name, (values, images, places) in ranks.items():
            there = images != NOWHERE
            stored[name] = Ranks(
                np.where(there, values, np.float32(np.nan)),
                place[np.where(there, images, len(keys))],
                np.where(there, places, -1),
            )
        return cls(stored, [keys[number] for number in used], None, census, manifest)

    @classmethod
    def open(cls, path: str | Path, net: Network | None = None, image_set: ImageSet | None = None) -> TopActivations:
        """An index that was written; what is not asked for stays on the disk.

        Parameters
        ----------
        path : path
            The file.
        net, image_set : optional
            Checked against what the index was made from, see `check`.

        Raises
        ------
        DataError
            If the file is missing, damaged or no index.
        StaleIndexError
            If the index is another network's, or of other pictures.
        """
        container = Container(Path(path), _later(Path(path)))
        if container.manifest.get("format") != FORMAT:
            raise DataError(
                f"{str(path)!r} is {container.manifest.get('format')!r}, not {FORMAT!r}; mine it again with this "
                "version."
            )
        ranks = {
            name: Ranks(*(container[f"{name}/{part}"] for part in Ranks._fields))
            for name, _ in container.manifest["layers"]
        }
        top = cls(ranks, None, container, None, container.manifest)
        if net is not None or image_set is not None:
            top.check(net, image_set)
        return top

    def save(self, path: str | Path) -> Path:
        """Write one safetensors file: either the old one is there or the new one, whole.

        Raises
        ------
        DataError
            If it cannot be written; nothing is left behind then.
        """
        arrays: dict[str, NDArray[Any]] = {}
        for name, (values, images, places) in self._ranks.items():
            arrays |= {f"{name}/values": values, f"{name}/images": images, f"{name}/places": places}
        arrays["names"], arrays["names.ends"] = joined_names(self._names)
        write(Path(path), {**arrays, **self.census.arrays()}, self.manifest)
        return Path(path)

    def to_parquet(self, path: str | Path) -> Path:
        """Write a table of all entries: layer, channel, rank, value, image, row, column and the box.

        Raises
        ------
        DataError
            Without pyarrow (``pip install 'zfwidgets[parquet]'``), or if the file cannot be written.
        """
        return write_parquet(self, Path(path))

    def __repr__(self) -> str:
        return f"<TopActivations of {self.count} pictures: {len(self.layers)} layers, k={self.k}>"

    def __getitem__(self, layer: str) -> TopLayer:
        values, images, places = self._of(layer)
        keys = np.array([*self._names, ""], object)
        width = self._fields[layer].width
        positions = np.stack(np.divmod(places, width), -1)
        positions[places < 0] = -1
        return TopLayer(np.array(values), keys[images], positions)

    def channel(self, layer: str, channel: int) -> tuple[TopEntry, ...]:
        """The entries of one map, the strongest first; fewer than k where there are not as many.

        Raises
        ------
        UnknownNameError, ParameterError
            For a layer or channel that does not exist.
        """
        ranks, field = self._of(layer), self._fields[layer]
        whole = isinstance(channel, int | np.integer) and not isinstance(channel, bool)
        if not whole or not 0 <= channel < field.channels:
            raise ParameterError(f"Layer {layer!r} has channels 0 to {field.channels - 1}; found {channel!r}.")
        entries = []
        for value, image, place in zip(*(part[channel].tolist() for part in ranks), strict=True):
            if image >= 0:
                position = divmod(place, field.width)
                entries.append(TopEntry(value, self._name(image), position, field.box(position)))
        return tuple(entries)

    def field(self, layer: str) -> Field:
        """Shape and receptive field of a layer."""
        self._of(layer)
        return self._fields[layer]

    @property
    def missing(self) -> tuple[str, ...]:
        """Parts of the set that are not in it, each as ``"3/10"``; see ``part`` of `top_activations`."""
        stored = self.manifest.get("part")
        return () if stored is None else Shares.from_stored(stored).missing

    @property
    def duplicates(self) -> Mapping[str, str]:
        return self.census.duplicates

    @cached_property
    def census(self) -> Census:
        """The pictures that were seen."""
        return self._read_census()

    def _read_census(self) -> Census:
        """Not kept: that of an index in a file may be larger than all the rest."""
        if self._given_census is not None:
            return self._given_census
        assert self._container is not None
        return Census.from_arrays(self._container, dict(self.manifest["skipped"]))

    @property
    def nbytes(self) -> int:
        """Bytes of memory that it takes, roughly; of a file those of its entries, which are mapped."""
        known = self._given_census if self._container is None else self.__dict__.get("census")
        entries = sum(part.nbytes for ranks in self._ranks.values() for part in ranks)
        return entries + (0 if known is None else len(known) * _CENSUS_BYTES)

    def check(self, net: Network | None = None, image_set: ImageSet | None = None, *, most: int | None = None) -> None:
        """Raise an error if this was made with another network, preprocessing or other pictures.

        Files whose size and time are what they were are taken to be the same; other pictures are decoded and compared.

        Parameters
        ----------
        net, image_set : optional
            What it should have been made from.
        most : int, optional
            Decode at most so many pictures, evenly spread, instead of all that are in doubt: of a folder that was
            copied, or a set without files, that is every one.

        Raises
        ------
        StaleIndexError
            Says what changed.
        """
        # Imported here, because whoever only reads an index needs no torch.
        from zfwidgets.methods.top_activations.identity import check_network, check_pictures

        if net is not None:
            check_network(self.manifest, net)
        if image_set is not None:
            check_pictures(self._read_census(), image_set, most)

    def numbered(self) -> tuple[Mapping[str, Ranks], list[str]]:
        """The ranks, and the keys that their pictures are numbers of; -1 and nan where there is nothing."""
        return self._ranks, self._names

    def _of(self, layer: str) -> Ranks:
        if layer not in self._ranks:
            raise unknown_name("mined layer", layer, self.layers)
        return self._ranks[layer]

    @cached_property
    def _names(self) -> list[str]:
        if self._given_names is not None:
            return list(self._given_names)
        assert self._container is not None
        return split_names(self._container["names"], self._container["names.ends"])

    def _name(self, image: int) -> str:
        if self._container is None:
            return self._names[image]
        ends = self._container["names.ends"]
        start = int(ends[image - 1]) if image else 0
        return self._container["names"][start : int(ends[image])].tobytes().decode("utf-8", "surrogatepass")


def _later(path: Path) -> Any:
    """Which parts of an index are checked when they are used."""
    try:
        large = path.stat().st_size > 8 * _CHECKED_AT_ONCE
    except OSError:
        large = False
    return lambda name: large and name.startswith(_CENSUS)
