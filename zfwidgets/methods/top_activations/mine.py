"""`top_activations`: one pass over a set of pictures, in parts that survive whatever happens."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from zfwidgets.data import ImageSet
from zfwidgets.errors import DataError, StaleIndexError
from zfwidgets.imaging.checks import whole_number
from zfwidgets.methods.top_activations.container import clear_away
from zfwidgets.methods.top_activations.parts import Progress
from zfwidgets.methods.top_activations.plan import ShardSpec, finished, merge, merged, mined, shards
from zfwidgets.methods.top_activations.processes import Decoders
from zfwidgets.methods.top_activations.result import TopActivations
from zfwidgets.network import Network, checked_network

__all__ = ["parts_folder", "top_activations"]

_PARTIAL_SECONDS = 0.5
_SHARD = 512
_MOST_SHARDS = 1024


def top_activations(
    net: Network,
    image_set: ImageSet,
    layers: Sequence[str] | None = None,
    k: int = 9,
    per_image: int = 1,
    *,
    index: str | Path | None = None,
    resume: bool = True,
    on_progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    on_partial: Callable[[TopActivations], None] | None = None,
    workers: int | None = None,
) -> TopActivations:
    """Find the strongest activations of every feature map over a set of pictures (Fig. 2).

    One pass gives all layers. Each map's entries are ranked by value, equal values by the picture's key, then by
    position, so the result depends neither on the order of the pictures nor on threads or processes. The same
    picture under several keys counts once, under the first.

    Parameters
    ----------
    net : Network
        A network that can be traced.
    image_set : ImageSet
        The pictures; those that cannot be read are listed in the result with the reason.
    layers : sequence of str, optional
        Every layer of ``net.menu`` that has places by default.
    k : int
        Entries of each map.
    per_image : int
        How many of them one picture may have; 1 as in the paper.
    index : path, optional
        File to write. What is done meanwhile lies in a folder beside it (``parts_folder``) until it is whole, so a
        run that is killed goes on where it was.
    resume : bool
        Go on with what is there, and return an index that is whole at once; False: begin anew.
    on_progress : callable, optional
        Is given a `Progress` now and then.
    cancelled : callable, optional
        Asked between batches; True raises `Cancelled`. What is done stays.
    on_partial : callable, optional
        Is given the result so far, at most twice a second.
    workers : int, optional
        Processes that decode pictures; 0: the threads that run the network do it besides. By default 0 on a processor
        and up to 8 with an accelerator. A script that asks for some needs ``if __name__ == "__main__":``.

    Returns
    -------
    TopActivations

    Raises
    ------
    NetworkError
        If the network cannot be traced or has no feature maps.
    StaleIndexError
        If the index is there, but of another network, other pictures or other options.
    DataError
        If there are no pictures, or the index cannot be written.

    Examples
    --------
    >>> import numpy as np
    >>> from torch import nn
    >>> from zfwidgets.imaging import Preprocess
    >>> module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 14 * 14, 2))
    >>> net = Network(module, preprocess=Preprocess(size=16), device="cpu")
    >>> pictures = ImageSet.from_arrays(np.random.default_rng(0).integers(0, 255, (5, 16, 16, 3), np.uint8))
    >>> top_activations(net, pictures, k=2)["conv1"].images.shape
    (4, 2)
    """
    if not isinstance(image_set, ImageSet):
        raise DataError(f"Pictures are an ImageSet, not {type(image_set).__name__}; ImageSet.from_folder makes one.")
    count = len(image_set)
    size = count if index is None else max(_SHARD, -(-count // _MOST_SHARDS))
    specs = shards(checked_network(net), image_set, layers, k, per_image, max(size, 1))
    with Decoders(_processes(net, workers)) as decoders:
        run = _Run(net, image_set, specs, decoders, on_progress, on_partial, cancelled or (lambda: False))
        return run.in_memory() if index is None else run.in_file(Path(index), resume)


def _processes(net: Network, workers: int | None) -> int:
    """How many decode. Threads that run the network on a processor decode besides: measured, it costs a tenth of their
    time, and pictures need not be sent around."""
    if workers is not None:
        return whole_number(workers, "workers", least=0)
    return 0 if net.device.type == "cpu" else min(os.cpu_count() or 1, 8)


def parts_folder(index: Path) -> Path:
    """Where the parts of an unfinished index lie."""
    return index.with_name(f"{index.name}.parts")


class _Run:
    def __init__(
        self,
        net: Network,
        image_set: ImageSet,
        specs: list[ShardSpec],
        decoders: Decoders,
        on_progress: Callable[[Progress], None] | None,
        on_partial: Callable[[TopActivations], None] | None,
        cancelled: Callable[[], bool],
    ) -> None:
        self.net, self.image_set, self.specs, self.decoders = net, image_set, specs, decoders
        self.on_progress, self.on_partial, self.cancelled = on_progress, on_partial, cancelled
        self.total = sum(len(spec.keys) for spec in specs)
        self.done = self.resumed = 0
        self.known: TopActivations | None = None
        self.started = self.shown = time.monotonic()

    def in_memory(self) -> TopActivations:
        (spec,) = self.specs
        return self._mined(spec)

    def in_file(self, index: Path, resume: bool) -> TopActivations:
        folder = parts_folder(index)
        clear_away(index.parent)
        if not resume:
            shutil.rmtree(folder, ignore_errors=True)
        elif index.exists():
            top = self._checked(index)
            shutil.rmtree(folder, ignore_errors=True)
            return top
        clear_away(folder)
        paths = [folder / spec.name for spec in self.specs]
        for spec, path in zip(self.specs, paths, strict=True):
            part = finished(path, self.image_set)
            if part is None:
                part = self._mined(spec)
                part.save(path)
            else:
                self.resumed += len(spec.keys)
            self.done += len(spec.keys)
            if self.on_partial is not None:
                self.known = part if self.known is None else merged([self.known, part])
        merge(paths).save(index)
        shutil.rmtree(folder, ignore_errors=True)
        return TopActivations.open(index)

    def _checked(self, index: Path) -> TopActivations:
        """An index that is whole, if it is what was asked for."""
        top, spec = TopActivations.open(index), self.specs[0]
        asked = {"layers": spec.layers, "k": spec.k, "per_image": spec.per_image}
        found = {"layers": top.layers, "k": top.k, "per_image": top.per_image}
        top.check(self.net, self.image_set)
        for name, value in asked.items():
            if found[name] != value:
                raise StaleIndexError(
                    f"The index {str(index)!r} was mined with {name}={found[name]!r}, not {value!r}; give another "
                    "path, or resume=False to mine again."
                )
        return top

    def _mined(self, spec: ShardSpec) -> TopActivations:
        def tick(done: int, now: Callable[[], TopActivations]) -> None:
            clock = time.monotonic()
            if self.on_progress is not None:
                self.on_progress(self._progress(self.done + done, clock))
            if self.on_partial is not None and clock - self.shown > _PARTIAL_SECONDS:
                self.on_partial(now() if self.known is None else merged([self.known, now()]))
                self.shown = time.monotonic()

        return mined(spec, self.net, self.image_set, tick, self.cancelled, self.decoders)

    def _progress(self, done: int, clock: float) -> Progress:
        return Progress.of(done, self.total, self.resumed, clock - self.started)
