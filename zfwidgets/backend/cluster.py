"""Mining on a Dask cluster: the parts of `top_activations`, one at a time on each worker.

1. The driver cuts what is left into parts; what lies beside the index is not done again.
2. Each worker loads the network; one that cannot is left out before it has touched any part (`Crew`).
3. Then it gets one part after the other, pinned to it: so when a worker dies it is known which part it worked on. After
   some seconds it hands over what it has, and the rest waits for whoever is free.
4. A part comes back as a value and the driver writes its file; workers need no common disk but for the pictures.
5. A part whose worker died waits until all others are done. When it happens again it is cut into pieces: most of them
   turn out well, and a batch system that takes machines away hits a single picture only by rare chance. A single
   picture that was there at `MOST_DEATHS` deaths is set aside, named in the index, and tried again by the next run.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from zfwidgets.backend.crew import MOST_DEATHS, Crew, machine_of, words_of
from zfwidgets.backend.remote import checked_client
from zfwidgets.backend.source import source_of
from zfwidgets.data import ImageSet
from zfwidgets.errors import Cancelled, DataError, NetworkError, ZfwidgetsError
from zfwidgets.methods.top_activations import Progress, ShardSpec, TopActivations, merge
from zfwidgets.methods.top_activations.census import Census
from zfwidgets.methods.top_activations.decoding import decoded
from zfwidgets.methods.top_activations.mine import final_index
from zfwidgets.methods.top_activations.plan import covering, cut, planned
from zfwidgets.methods.top_activations.ranks import NOWHERE, Ranks
from zfwidgets.methods.top_activations.store import Store, is_final
from zfwidgets.network import Network, checked_network

__all__ = ["MOST_DEATHS", "mine_on", "shard_size"]

_CUT_FROM, _PIECES = 2, 8
"""Deaths from which a part is cut, and into how many pieces."""
_SMALLEST, _LARGEST = 64, 512
_FETCHING = 60.0
"""Seconds that a part may take on its way here."""


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
        Pictures that killed their worker four times are among the ``skipped``; the parts stay beside the index then,
        and the same call tries those pictures again.

    Raises
    ------
    NetworkError
        If there are no workers, they cannot load the network or die of it, or cannot read the pictures.
    DataError
        If there are no pictures, the index cannot be written, or another run is writing it.
    """
    checked_client(client)
    wanted, path = planned(checked_network(net), layers, k, per_image), Path(index)
    if not len(image_set):
        raise DataError("There are no pictures to mine; give a set with at least one.")
    if resume and is_final(path):
        return final_index(path, wanted, net, image_set)
    with Store(path, wanted, image_set) as store:
        if not resume:
            store.forget()
        crew = Crew(client, wanted.weights + wanted.preprocess, source_of(net))
        run = _Run(crew, store, on_progress, cancelled or (lambda: False))
        run.finish()
        if not store.paths:
            raise NetworkError(f"No picture could be mined. {next(iter(run.aside.values()))}")
        like = TopActivations.open(store.paths[0])
        return store.finish(store.together([_set_aside(run.aside, like)] if run.aside else []), run.aside)


@dataclass(frozen=True)
class _Piece:
    """Some pictures that wait.

    Attributes
    ----------
    spec : ShardSpec
        Which.
    part : int
        Which part of the plan they are of.
    failures : int
        How often they, maybe among others, were with a worker that died or failed.
    where : frozenset of str
        The machines of those that died, the addresses of those that failed.
    """

    spec: ShardSpec
    part: int
    failures: int = 0
    where: frozenset[str] = frozenset()


class _Run:
    def __init__(
        self,
        crew: Crew,
        store: Store,
        on_progress: Callable[[Progress], None] | None,
        cancelled: Callable[[], bool],
    ) -> None:
        self.crew, self.store, self.image_set = crew, store, store.image_set
        self.on_progress, self.cancelled = on_progress, cancelled
        left = store.left()
        parts = cut(store.wanted, self.image_set, left, shard_size(len(self.image_set)))
        self.waiting = deque(_Piece(spec, number) for number, spec in enumerate(parts))
        self.busy: dict[str, _Piece] = {}
        self.missing = Counter({number: len(spec.keys) for number, spec in enumerate(parts)})
        self.files: defaultdict[int, list[Path]] = defaultdict(list)
        self.total = len(self.image_set)
        self.done = self.resumed = self.total - len(left)
        self.aside: dict[str, str] = {}
        self.started = time.monotonic()

    def finish(self) -> None:
        """Until nothing waits and nothing runs."""
        try:
            while self.waiting or self.busy:
                if self.cancelled():
                    raise Cancelled("The mining was cancelled; what is done stays.")
                for address in self.crew.look():
                    self._failed(self.busy.pop(address), "killed its worker", machine_of(address))
                self._give()
                for address in self.crew.wait():
                    self._collect(address, self.busy.pop(address))
        finally:
            self.crew.dismiss()

    def _give(self) -> None:
        """Work to those who have none."""
        for address in list(self.crew.free()):
            place = next((place for place, piece in enumerate(self.waiting) if self._may(piece, address)), None)
            if place is not None:
                piece = self.waiting[place]
                del self.waiting[place]
                if self.crew.give(address, piece.spec, self.image_set):
                    self.busy[address] = piece
                else:
                    self.waiting.appendleft(piece)
        hands = self.crew.hands()
        if self.waiting and not self.busy and hands and set(self.crew.free()) == hands:
            piece = self.waiting.popleft()  # everybody has failed at it
            self._failed(piece, "failed on every worker", next(iter(hands)))

    def _may(self, piece: _Piece, address: str) -> bool:
        """Whether a worker may try: who has failed may not, and where others died, others try first."""
        elsewhere = self.crew.machines() - piece.where
        return address not in piece.where and (machine_of(address) not in piece.where or not elsewhere)

    def _collect(self, address: str, piece: _Piece) -> None:
        from distributed import CancelledError, KilledWorker

        member = self.crew.members[address]
        task, member.task = member.task, None
        try:
            part: TopActivations | None = task.result(timeout=_FETCHING)
        except ZfwidgetsError:
            raise
        except (KilledWorker, CancelledError, TimeoutError, OSError):
            del self.crew.members[address]  # another may be there already, under the same address
            self._failed(piece, "killed its worker", machine_of(address))
            return
        except Exception as error:
            self.crew.failed(address, error)
            self._failed(piece, f"failed with {words_of(error)},", address)
            return
        if part is None:
            del self.crew.members[address]
            self.waiting.append(piece)
            return
        self.crew.succeeded(address)
        self._check_readable(part, piece.spec)
        self._keep(piece, part)

    def _keep(self, piece: _Piece, part: TopActivations) -> None:
        """Write what came; what it leaves of the piece is next. A part of the plan ends as one file."""
        so_far, spec = self.files[piece.part], piece.spec
        so_far.append(self.store.keep(part))
        self._advance(piece.part, part.count)
        if part.count < len(spec.keys):
            rest = covering(spec, self.image_set, spec.keys[part.count :])
            self.waiting.appendleft(replace(piece, spec=rest))
        elif not self.missing[piece.part]:
            if len(so_far) > 1:
                self.store.keep(merge(so_far), so_far)
            del self.files[piece.part]

    def _failed(self, piece: _Piece, what: str, where: str) -> None:
        """Behind all others; in pieces if it was not the first time; aside if it is a single picture."""
        piece = replace(piece, failures=piece.failures + 1, where=piece.where | {where})
        keys = piece.spec.keys
        if len(keys) > 1 and piece.failures >= _CUT_FROM:
            pieces = cut(piece.spec, self.image_set, keys, -(-len(keys) // _PIECES))
            self.waiting.extend(replace(piece, spec=spec, where=frozenset()) for spec in pieces)
        elif piece.failures < MOST_DEATHS:
            self.waiting.append(piece)
        else:
            self.aside[keys[0]] = f"It {what} {piece.failures} times, at last all alone."
            self._advance(piece.part, 1)

    def _advance(self, part: int, count: int) -> None:
        self.missing[part] -= count
        self.done += count
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


def _set_aside(aside: Mapping[str, str], like: TopActivations) -> TopActivations:
    """A part without any rank, whose pictures are all skipped."""
    ranks = {
        name: Ranks(
            np.full_like(found.values, np.nan), np.full_like(found.images, NOWHERE), np.full_like(found.places, -1)
        )
        for name, found in like.numbered()[0].items()
    }
    return TopActivations.assembled(ranks, [], Census(skipped=dict(aside)), like.manifest)
