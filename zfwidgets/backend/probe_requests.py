"""Questions about Tables 4 to 7: what features say about classes, of this network and before it was taught."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from zfwidgets.backend.cache import Cache
from zfwidgets.data import ImageSet

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
_INPUTS: WeakKeyDictionary[ImageSet, dict[Preprocess, torch.Tensor]] = WeakKeyDictionary()
"""What the last two networks saw of a set: it would be decoded, or drawn, for every question."""
_NETWORKS = 2


@dataclass(frozen=True)
class ProbeRequest:
    """A probe of a set with labels, in cross-validation. Answered by `Probe`; options as in `feature_probe`.

    Attributes
    ----------
    untaught : bool
        Whether the network is asked as it was before it was taught, see `untaught`.
    """

    pictures: ImageSet
    layers: tuple[str, ...]
    classifier: str = "svm"
    pool: int | None = None
    folds: int = 5
    untaught: bool = False
    quick: ClassVar[bool] = False

    def run(self, backend: Backend, on_partial: Partial = None, cancelled: Cancelled = None) -> Probe:
        from zfwidgets.backend.batching import fitting
        from zfwidgets.methods.probing import feature_probe, untaught

        net = untaught(backend.network) if self.untaught else backend.network
        train = _inputs(backend.network, self.pictures), [self.pictures.label(key) for key in self.pictures]

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


def _inputs(net: Network, pictures: ImageSet) -> torch.Tensor:
    """(N, 3, H, W): what the network sees of a set."""
    import torch

    known = _INPUTS.setdefault(pictures, {})
    seen = known.get(net.preprocess)
    if seen is None:
        seen = torch.stack([net.input(pictures[key]) for key in pictures])
        for old in list(known)[: 1 - _NETWORKS]:
            known.pop(old, None)  # the thread of another backend may have been here
        known[net.preprocess] = seen
    return seen.to(net.device)


@dataclass(frozen=True)
class Examples:
    """One picture of each class, and second ones while there is room.

    Attributes
    ----------
    pixels : ndarray
        (N, H, W, 3) uint8, what the network sees.
    classes : tuple of str
        Sorted, at most N.
    """

    pixels: NDArray[np.uint8]
    classes: tuple[str, ...]


@dataclass(frozen=True)
class ExamplesRequest:
    """How do the classes of a set look? Answered by `Examples`."""

    pictures: ImageSet
    most: int = 12
    quick: ClassVar[bool] = True

    def run(self, backend: Backend, on_partial: Partial = None, cancelled: Cancelled = None) -> Examples:
        of_class: dict[str, list[str]] = {}
        for key in self.pictures:
            of_class.setdefault(self.pictures.label(key) or "no label", []).append(key)
        classes = tuple(sorted(of_class))[: self.most]
        rounds = (of_class[name][turn : turn + 1] for turn in range(self.most) for name in classes)
        chosen = [key for some in rounds for key in some][: self.most]
        crop = backend.network.preprocess.crop
        return Examples(np.stack([np.asarray(crop(self.pictures[key])) for key in chosen]), classes)
