"""Mining on a Dask cluster: the shards of `top_activations`, one at a time on each worker.

1. The driver plans the shards; those whose files are there are not done again.
2. Each worker gets the network once (`_prepare`), then one shard after the other (`_mine_part`), pinned to it: so when
   a worker dies it is known which shard it worked on.
3. A part comes back as a value and the driver writes its file; workers need no common disk but for the pictures.
4. A shard that was with four workers when they died, or failed four times, is set aside: its pictures are listed as
   skipped, with the reason. All others are mined.
"""

from __future__ import annotations

import shutil
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch

from zfwidgets.allocator import tune_allocator
from zfwidgets.backend.remote import GPU, checked_client, living_workers
from zfwidgets.backend.source import Source, source_of
from zfwidgets.data import ImageSet
from zfwidgets.errors import Cancelled, DataError, NetworkError, ZfwidgetsError
from zfwidgets.methods.top_activations import Progress, ShardSpec, TopActivations, shards, top_activations
from zfwidgets.methods.top_activations.census import Census
from zfwidgets.methods.top_activations.container import clear_away
from zfwidgets.methods.top_activations.decoding import decoded
from zfwidgets.methods.top_activations.mine import parts_folder
from zfwidgets.methods.top_activations.plan import finished, merged, mined
from zfwidgets.methods.top_activations.ranks import NOWHERE, Ranks
from zfwidgets.network import Network, checked_network

__all__ = ["MOST_DEATHS", "mine_on", "shard_size"]

MOST_DEATHS = 4
"""Workers that may die of one shard before it is set aside."""
_SMALLEST, _LARGEST = 64, 512
_LOOK = 0.5
"""Seconds between two looks at which workers live."""
_WITHOUT_WORKERS = 60.0
"""Seconds to wait for a worker where there is none: nannies start new ones in a few."""
_FETCHING = 60.0
"""Seconds that a part may take on its way here."""
_KEPT_NETWORKS = 2

_NETWORKS: dict[str, Network] = {}
"""In a worker: networks by their digest, the newest last."""


def shard_size(count: int) -> int:
    """Pictures of one shard: enough shards for many workers, and few files for many pictures.

    Examples
    --------
    >>> shard_size(2_000), shard_size(1_281_167)
    (64, 512)
    """
    return min(_LARGEST, max(_SMALLEST, -(-count // 256)))


def mine_on(
    client: Any,
    net: Network,
    image_set: ImageSet,
    layers: Sequence[str] | None = None,
    k: int = 9,
    per_image: int = 1,
    *,
    index: str | Path,
    resume: bool = True,
    on_progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> TopActivations:
    """What `top_activations` does, on the workers of a Dask cluster; the same result, bit for bit.

    Parameters
    ----------
    client : distributed.Client
        Of the cluster. If workers declare a resource ``GPU``, those alone are used, each with its card.
    net, image_set, layers, k, per_image, resume, on_progress, cancelled
        As in `top_activations`. The pictures must be readable on the workers.
    index : path
        File to write; parts lie in a folder beside it until it is whole.

    Returns
    -------
    TopActivations
        The pictures of a shard that killed its worker four times are among the ``skipped``.

    Raises
    ------
    NetworkError
        If there are no workers, they die of the network itself, or cannot read the pictures.
    """
    checked_client(client)
    path = Path(index)
    folder = parts_folder(path)
    clear_away(path.parent)
    if path.exists() and resume:
        shutil.rmtree(folder, ignore_errors=True)
        return top_activations(net, image_set, layers, k, per_image, index=path)
    if not resume:
        shutil.rmtree(folder, ignore_errors=True)
    clear_away(folder)
    specs = shards(checked_network(net), image_set, layers, k, per_image, shard_size(len(image_set)))
    run = _Run(client, source_of(net), image_set, specs, folder, on_progress, cancelled or (lambda: False))
    run.finish()
    done = [spec for spec in specs if spec.name not in run.aside]
    if not done:
        raise NetworkError(f"No part could be mined. {next(iter(run.aside.values()))}")
    # One after the other: each open part holds a file, and there may be thousands.
    parts = (TopActivations.open(folder / spec.name) for spec in done)
    first = TopActivations.open(folder / done[0].name)
    aside = (_set_aside(spec, run.aside[spec.name], first) for spec in specs if spec.name in run.aside)
    merged(chain(parts, aside)).save(path)
    shutil.rmtree(folder, ignore_errors=True)
    return TopActivations.open(path)


def _prepare(name: str, source: Source, card: bool) -> str:
    """On a worker: have the network ready."""
    tune_allocator()  # Dask tells the C library to give memory back, which doubles torch's time
    torch.set_num_threads(1)
    if name not in _NETWORKS:
        while len(_NETWORKS) >= _KEPT_NETWORKS:
            del _NETWORKS[next(iter(_NETWORKS))]
        _NETWORKS[name] = source.load("auto" if card else "cpu")
    return name


def _mine_part(name: str, spec: ShardSpec, image_set: ImageSet) -> TopActivations | None:
    """On a worker: one shard; None if the network was given up for another run's."""
    torch.set_num_threads(1)  # holds for this thread; a worker may have several
    net = _NETWORKS.get(name)
    return None if net is None else mined(spec, net, image_set)


@dataclass
class _Task:
    spec: ShardSpec
    ready: Any
    part: Any


class _Run:
    def __init__(
        self,
        client: Any,
        source: Source,
        image_set: ImageSet,
        specs: Sequence[ShardSpec],
        folder: Path,
        on_progress: Callable[[Progress], None] | None,
        cancelled: Callable[[], bool],
    ) -> None:
        self.client, self.source, self.image_set, self.folder = client, source, image_set, folder
        self.on_progress, self.cancelled = on_progress, cancelled
        self.name = specs[0].weights + specs[0].preprocess
        self.waiting = deque(spec for spec in specs if finished(folder / spec.name, image_set) is None)
        self.total = sum(len(spec.keys) for spec in specs)
        self.done = self.resumed = self.total - sum(len(spec.keys) for spec in self.waiting)
        self.busy: dict[str, _Task] = {}
        self.ready: dict[str, Any] = {}
        self.deaths: Counter[str] = Counter()
        self.loaded, self.unloaded = False, 0
        self.aside: dict[str, str] = {}
        self.started = self.seen = time.monotonic()

    def finish(self) -> None:
        """Until nothing waits and nothing runs."""
        from distributed import CancelledError, wait

        try:
            while self.waiting or self.busy:
                if self.cancelled():
                    raise Cancelled("The mining was cancelled; what is done stays.")
                self._look_after(living_workers(self.client))
                futures = [task.part for task in self.busy.values()]
                try:
                    with self.client.as_current():  # there may be another one, or none that is the default
                        wait(futures, timeout=_LOOK, return_when="FIRST_COMPLETED")  # type: ignore[no-untyped-call]
                except TimeoutError:
                    continue
                except CancelledError:  # work for a worker that was gone by then
                    pass
                for address, task in list(self.busy.items()):
                    if task.part.done():
                        self._collect(address, task)
        finally:
            # A shard under way cannot be stopped; nobody waits for it any more.
            self.client.cancel([future for task in self.busy.values() for future in (task.ready, task.part)])

    def _look_after(self, living: dict[str, bool]) -> None:
        """Shards of workers that died go back; workers that are free get one."""
        for address in [address for address in self.busy if address not in living]:
            self._died(address)
        self.ready = {address: ready for address, ready in self.ready.items() if address in living}
        self.loaded |= any(ready.status == "finished" for ready in self.ready.values())
        if living:
            self.seen = time.monotonic()
        elif time.monotonic() - self.seen > _WITHOUT_WORKERS:
            raise NetworkError(
                f"The cluster at {self.client.scheduler.address} has no workers; start some with `dask worker "
                f"{self.client.scheduler.address} --nthreads 1`, and the same call goes on from here."
            )
        elif not self.busy:
            time.sleep(_LOOK)
        for address, card in living.items():
            if address not in self.busy and self.waiting:
                self._start(address, card)

    def _start(self, address: str, card: bool) -> None:
        place = {"workers": [address], "pure": False, "resources": {GPU: 1} if card else None}
        try:
            if address not in self.ready:
                there = self.client.scatter(self.source, workers=[address], hash=False)
                self.ready[address] = self.client.submit(_prepare, self.name, there, card, **place)
        except (OSError, TimeoutError, KeyError, ValueError):  # it died in between: the next look tells
            return
        spec = self.waiting.popleft()
        ready = self.ready[address]
        part = self.client.submit(_mine_part, ready, spec, self.image_set.only(spec.keys), **place)
        self.busy[address] = _Task(spec, ready, part)

    def _collect(self, address: str, task: _Task) -> None:
        from distributed import CancelledError, KilledWorker

        del self.busy[address]
        try:
            part = task.part.result(timeout=_FETCHING)
        except ZfwidgetsError:
            raise
        except (ImportError, AttributeError) as error:
            raise NetworkError(f"The cluster's workers cannot run zfwidgets ({error}); install it there.") from error
        except (KilledWorker, CancelledError, TimeoutError, OSError):
            self._lost(task)
            return
        except Exception as error:
            words = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
            self._again(task.spec, f"failed with {words},")
            return
        self.loaded = True
        if part is None:
            self.ready.pop(address, None)
            self.waiting.append(task.spec)
            return
        self._check_readable(part, task.spec)
        part.save(self.folder / task.spec.name)
        self._advance(task.spec)

    def _died(self, address: str) -> None:
        task = self.busy.pop(address)
        self.client.cancel([task.ready, task.part])
        self._lost(task)

    def _lost(self, task: _Task) -> None:
        """Its worker died; of the network, if that never got into any worker, or else of the shard."""
        self.unloaded += not self.loaded
        if self.unloaded >= MOST_DEATHS:
            raise NetworkError(
                f"{MOST_DEATHS} workers died when they loaded {self.source.name}; give them more memory."
            )
        self._again(task.spec, "killed its worker")

    def _again(self, spec: ShardSpec, what: str) -> None:
        """To the end of the queue, or aside."""
        self.deaths[spec.name] += 1
        if self.deaths[spec.name] < MOST_DEATHS:
            self.waiting.append(spec)
        else:
            self.aside[spec.name] = f"Its shard of {len(spec.keys)} pictures {what} {MOST_DEATHS} times."
            self._advance(spec)

    def _advance(self, spec: ShardSpec) -> None:
        self.done += len(spec.keys)
        if self.on_progress is not None:
            self.on_progress(Progress.of(self.done, self.total, self.resumed, time.monotonic() - self.started))

    def _check_readable(self, part: TopActivations, spec: ShardSpec) -> None:
        """Pictures that this process can read and the worker cannot are no bad pictures."""
        if len(part.skipped) < len(spec.keys):
            return
        key, reason = part.skipped[0]
        if not decoded(self.image_set, key, _Uncropped()).reason:  # type: ignore[arg-type]
            raise DataError(
                f"The workers cannot read {key!r}, which is readable here; use a folder that all machines see under "
                f"the same path. A worker says: {reason}"
            )


class _Uncropped:
    """A preprocessing that leaves a picture as it is: whether it can be read is the question."""

    def crop(self, picture: Any) -> Any:
        return picture


def _set_aside(spec: ShardSpec, reason: str, like: TopActivations) -> TopActivations:
    """A part without any rank, whose pictures are all skipped."""
    ranks = {
        name: Ranks(
            np.full_like(found.values, np.nan), np.full_like(found.images, NOWHERE), np.full_like(found.places, -1)
        )
        for name, found in like.numbered()[0].items()
    }
    return TopActivations.assembled(ranks, spec.keys, Census(skipped=dict.fromkeys(spec.keys, reason)), like.manifest)
