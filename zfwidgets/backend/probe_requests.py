"""Questions about Tables 4 to 7: what features say about classes, of this network and before it was taught."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from zfwidgets.backend.cache import Cache
from zfwidgets.backend.probe_pictures import FOLDS, Labelled, labelled_of
from zfwidgets.data import ImageSet
from zfwidgets.errors import ImageError

if TYPE_CHECKING:
    import torch

    from zfwidgets.backend.backend import Backend
    from zfwidgets.imaging import Preprocess
    from zfwidgets.methods.probing import Probe
    from zfwidgets.network import Network

__all__ = ["Examples", "ExamplesRequest", "ProbeRequest"]

Partial = Callable[[Any], None] | None
Cancelled = Callable[[], bool] | None

_FEATURES = Cache(2**28)
"""By the content of weights and pictures: another classifier asks for the same ones."""
_INPUTS: WeakKeyDictionary[ImageSet, dict[Preprocess, tuple[torch.Tensor, tuple[str, ...]]]] = WeakKeyDictionary()
"""What the last two networks saw of a set, and of which pictures: it would be decoded, or drawn, for every question."""
_OWN: WeakKeyDictionary[ImageSet, Labelled] = WeakKeyDictionary()
"""What a probe takes of a backend's own pictures."""
_NETWORKS = 2


@dataclass(frozen=True)
class ProbeRequest:
    """A probe of a set with labels, in cross-validation. Answered by `Probe`; options as in `feature_probe`.

    Attributes
    ----------
    pictures : ImageSet or None
        None: the backend's own, as far as they have a class and can be read, see `labelled_of`.
    untaught : bool
        Whether the network is asked as it was before it was taught, see `untaught`.
    """

    pictures: ImageSet | None
    layers: tuple[str, ...]
    classifier: str = "svm"
    pool: int | None = None
    folds: int = FOLDS
    untaught: bool = False
    quick: ClassVar[bool] = False

    def run(self, backend: Backend, on_partial: Partial = None, cancelled: Cancelled = None) -> Probe:
        from zfwidgets.backend.batching import fitting
        from zfwidgets.methods.probing import feature_probe, untaught
        from zfwidgets.methods.probing.classifiers import require_sklearn

        require_sklearn()  # before hundreds of pictures are read
        pictures = _taken(backend, self.pictures, cancelled).pictures
        net = untaught(backend.network) if self.untaught else backend.network
        inputs, keys = _inputs(backend.network, pictures, strict=self.pictures is not None)
        train = inputs, [pictures.label(key) for key in keys]

        def probe(batch: int) -> Probe:
            return feature_probe(
                net,
                train,
                layers=self.layers,
                classifier=self.classifier,
                folds=self.folds,
                pool=self.pool,
                cache=_FEATURES,
                on_partial=on_partial,
                cancelled=cancelled,
                batch_size=batch,
            )

        return fitting(net, probe)


def _taken(backend: Backend, pictures: ImageSet | None, cancelled: Cancelled) -> Labelled:
    """The pictures of a question."""
    if pictures is not None:
        return Labelled(pictures, "")
    own = backend.image_set
    if own not in _OWN:
        _OWN[own] = labelled_of(own, cancelled)
    return _OWN[own]


def _inputs(net: Network, pictures: ImageSet, strict: bool = True) -> tuple[torch.Tensor, tuple[str, ...]]:
    """(N, 3, H, W), what the network sees of a set, and the N keys; unless strict, of what can be read."""
    import torch

    known = _INPUTS.setdefault(pictures, {})
    if net.preprocess not in known:
        seen = _read(pictures, pictures.keys(), net.input, strict)
        for old in list(known)[: 1 - _NETWORKS]:
            known.pop(old, None)  # the thread of another backend may have been here
        known[net.preprocess] = torch.stack([*seen.values()]), (*seen,)
    inputs, keys = known[net.preprocess]
    return inputs.to(net.device), keys


def _read(pictures: ImageSet, keys: Iterable[str], see: Callable[[Any], Any], strict: bool) -> dict[str, Any]:
    """Key to what is seen of the picture; unless strict, of those that can be read, and the error if none can."""
    seen, refused = {}, None
    for key in keys:
        try:
            seen[key] = see(pictures[key])
        except ImageError as error:
            if strict:
                raise
            refused = refused or error
    if refused is not None and not seen:
        raise refused
    return seen


@dataclass(frozen=True)
class Examples:
    """One picture of each class, in their order, and second ones while there is room.

    Attributes
    ----------
    pixels : ndarray
        (N, H, W, 3) uint8, what the network sees.
    classes : tuple of str
        All of them, sorted.
    count : int
        Pictures that the probe takes if they can be read.
    left_out : str
        Which it does not take, in words; "" if it takes all.
    """

    pixels: NDArray[np.uint8]
    classes: tuple[str, ...]
    count: int
    left_out: str


@dataclass(frozen=True)
class ExamplesRequest:
    """How do the classes of a set look? Answered by `Examples`; None as in `ProbeRequest`."""

    pictures: ImageSet | None
    most: int = 12
    quick: ClassVar[bool] = True

    def run(self, backend: Backend, on_partial: Partial = None, cancelled: Cancelled = None) -> Examples:
        taken = _taken(backend, self.pictures, cancelled)
        of_class: dict[str, list[str]] = {}
        for key in taken.pictures:
            of_class.setdefault(taken.pictures.label(key) or "no label", []).append(key)
        classes = tuple(sorted(of_class))
        rounds = (of_class[name][turn : turn + 1] for turn in range(self.most) for name in classes)
        keys, crop = (key for some in rounds for key in some), backend.network.preprocess.crop
        pixels = _read(taken.pictures, islice(keys, self.most), crop, strict=self.pictures is not None)
        return Examples(
            np.stack([np.asarray(one) for one in pixels.values()]), classes, len(taken.pictures), taken.left_out
        )
