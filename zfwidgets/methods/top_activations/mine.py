"""`top_activations`: one pass over a set of pictures, in parts that survive whatever happens."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from zfwidgets.data import ImageSet
from zfwidgets.errors import DataError, StaleIndexError
from zfwidgets.imaging.checks import whole_number
from zfwidgets.methods.top_activations.parts import Progress
from zfwidgets.methods.top_activations.plan import ShardSpec, cut, merged, mined, planned
from zfwidgets.methods.top_activations.processes import Decoders
from zfwidgets.methods.top_activations.result import TopActivations
from zfwidgets.methods.top_activations.shares import Shares, share_of
from zfwidgets.methods.top_activations.store import Store, is_final, tidy
from zfwidgets.network import Network, checked_network

__all__ = ["final_index", "top_activations"]

_PARTIAL_SECONDS, _PARTIAL_SHARE = 0.5, 0.05
"""Least time between two partial results, and the share of the time that they may take."""
_KEPT_SECONDS, _KEPT_SHARE = 10.0, 0.02
"""The same of what a part keeps on the disk while it grows: so much work is lost when the process is killed."""
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
    part: tuple[int, int] | None = None,
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
        File to write. What is done meanwhile lies in a folder beside it, ``<index>.parts``, until it is whole, so a
        run that is stopped, or killed, goes on where it was.
    resume : bool
        Go on with what is there, and return an index that is whole at once; False: begin anew. An index that is there
        stays until the new one takes its place, and a run that is stopped meanwhile is gone on with by True.
    on_progress : callable, optional
        Is given a `Progress` now and then.
    cancelled : callable, optional
        Asked between batches; True raises `Cancelled`. What is done stays.
    on_partial : callable, optional
        Is given the result so far, at most twice a second, and less often where that takes long.
    workers : int, optional
        Processes that decode pictures; 0: the threads that run the network do it besides. By default 0 on a processor
        and up to 8 with an accelerator. A script that asks for some needs ``if __name__ == "__main__":``; where they
        cannot start, a warning says so and the pictures are decoded here.
    part : (int, int), optional
        (3, 10): only the third of ten parts of the set, for jobs that know nothing of each other. `merge` puts their
        indices together, and `TopActivations.missing` names the parts that are not there.

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
        If there are no pictures, the index cannot be written, or another run is writing it.

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
    wanted, shares = planned(checked_network(net), layers, k, per_image), None
    if not len(image_set):
        raise DataError("There are no pictures to mine; give a set with at least one.")
    if part is not None:
        image_set, shares = share_of(image_set, part)
    if index is not None and resume and is_final(Path(index)):
        return final_index(Path(index), wanted, net, image_set)
    with Decoders(_processes(net, workers)) as decoders:
        run = _Run(net, image_set, wanted, shares, decoders)
        run.on_progress, run.on_partial = on_progress, on_partial
        run.cancelled = cancelled or run.cancelled
        return run.in_memory() if index is None else run.in_file(Path(index), resume)


def _processes(net: Network, workers: int | None) -> int:
    """How many decode. Threads that run the network on a processor decode besides: measured, it costs a tenth of their
    time, and pictures need not be sent around."""
    if workers is not None:
        return whole_number(workers, "workers", least=0)
    return 0 if net.device.type == "cpu" else min(os.cpu_count() or 1, 8)


def final_index(index: Path, wanted: ShardSpec, net: Network, image_set: ImageSet) -> TopActivations:
    """An index that is whole, if it is what is asked for."""
    top = TopActivations.open(index)
    asked = {"layers": wanted.layers, "k": wanted.k, "per_image": wanted.per_image}
    found = {"layers": top.layers, "k": top.k, "per_image": top.per_image}
    top.check(net, image_set)
    for name, value in asked.items():
        if found[name] != value:
            raise StaleIndexError(
                f"The index {str(index)!r} was mined with {name}={found[name]!r}, not {value!r}; give another "
                "path, or mine again with resume=False (zfwidgets mine --again)."
            )
    tidy(index)
    return top


class _Pace:
    """Something that is done now and then, and must not take more than a share of the time."""

    def __init__(self, seconds: float, share: float) -> None:
        self.seconds, self.share = seconds, share
        self._next = time.monotonic() + seconds

    @property
    def due(self) -> bool:
        return time.monotonic() >= self._next

    @contextmanager
    def act(self) -> Iterator[None]:
        started = time.monotonic()
        yield
        ended = time.monotonic()
        self._next = ended + max(self.seconds, (ended - started) / self.share)


class _Run:
    def __init__(
        self, net: Network, image_set: ImageSet, wanted: ShardSpec, shares: Shares | None, decoders: Decoders
    ) -> None:
        self.net, self.image_set, self.wanted, self.shares = net, image_set, wanted, shares
        self.decoders = decoders
        self.on_progress: Callable[[Progress], None] | None = None
        self.on_partial: Callable[[TopActivations], None] | None = None
        self.cancelled: Callable[[], bool] = lambda: False
        self.done = self.resumed = 0
        self.known: list[TopActivations] = []
        self.started = time.monotonic()
        self.live, self.kept = _Pace(_PARTIAL_SECONDS, _PARTIAL_SHARE), _Pace(_KEPT_SECONDS, _KEPT_SHARE)

    def in_memory(self) -> TopActivations:
        (spec,) = cut(self.wanted, self.image_set, self.image_set.keys(), len(self.image_set))
        return self._named(self._mined(spec))

    def in_file(self, index: Path, resume: bool) -> TopActivations:
        with Store(index, self.wanted, self.image_set) as store:
            if not resume:
                store.forget()
            left = store.left()
            self.done = self.resumed = len(self.image_set) - len(left)
            if store.paths and self.on_partial is not None:
                self.known = [store.together()]
            for spec in cut(self.wanted, self.image_set, left, max(_SHARD, -(-len(left) // _MOST_SHARDS))):
                part = self._mined(spec, store)
                self.done += len(spec.keys)
                if self.on_partial is not None:
                    self.known.append(part)
            return store.finish(self._named(store.together()))

    def _named(self, top: TopActivations) -> TopActivations:
        """Said to be a part of the set, where it is one."""
        if self.shares is not None and self.shares.missing:
            top.manifest["part"] = self.shares.stored()
        return top

    def _mined(self, spec: ShardSpec, store: Store | None = None) -> TopActivations:
        """One part; in a file from time to time, when it is stopped, and at the end."""
        so_far: list[Path] = []

        def keep(part: TopActivations) -> None:
            if store is not None:
                so_far[:] = [store.keep(part, so_far)]

        def tick(done: int, now: Callable[[], TopActivations]) -> None:
            if store is not None and self.kept.due:
                with self.kept.act():
                    keep(now())
            if self.on_progress is not None:
                seconds = time.monotonic() - self.started
                self.on_progress(Progress.of(self.done + done, len(self.image_set), self.resumed, seconds))
            if self.on_partial is not None and self.live.due:
                with self.live.act():
                    self.known = [merged(self.known)] if len(self.known) > 1 else self.known
                    self.on_partial(merged([*self.known, now()]))

        def stopped(part: TopActivations) -> None:
            with suppress(DataError):  # what stopped it is to be told, not that its work cannot be kept
                keep(part)

        part = mined(spec, self.net, self.image_set, tick, self.cancelled, self.decoders, stopped=stopped)
        keep(part)
        return part
