"""The workers of a cluster that mine: who has the network, who works on what, who died and who is left out."""

from __future__ import annotations

import time
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import torch

from zfwidgets.allocator import tune_allocator
from zfwidgets.backend.remote import GPU, living_workers
from zfwidgets.backend.source import Source
from zfwidgets.data import ImageSet
from zfwidgets.errors import NetworkError, ZfwidgetsError
from zfwidgets.methods.top_activations import ShardSpec, TopActivations
from zfwidgets.methods.top_activations.plan import mined
from zfwidgets.network import Network

__all__ = ["MOST_DEATHS", "Crew", "Member", "machine_of", "words_of"]

MOST_DEATHS = 4
"""Workers that may die of one picture before it is set aside, or of the network before their machine is left out."""
_FAILURES = 3
"""Parts in a row that a living worker may fail at before it is left out."""
_PART_SECONDS = 10.0
"""After which a worker hands over what it has: so much of its work is lost when it dies, or the driver stops."""
_LOADING = 300.0
"""Seconds that work waits for a worker that loads the network, where those who have it failed at that work."""
_LOOK = 0.5
"""Seconds between two looks at which workers live."""
_WITHOUT_WORKERS = 60.0
"""Seconds to wait for a worker where there is none: nannies start new ones in a few."""
_KEPT_NETWORKS = 2
_GONE = (OSError, TimeoutError, KeyError, ValueError)
"""What Dask raises when a worker died in between: the next look tells."""

_NETWORKS: dict[str, Network] = {}
"""In a worker: networks by their digest, the newest last."""


def _packed(value: Any) -> tuple[Any, list[bytes]]:
    """For a worker to unpack in a task: an object that it cannot read, for want of code, would end its connection."""
    from distributed.protocol.serialize import serialize

    header, frames = serialize(value)
    return header, [bytes(frame) for frame in frames]


def _unpacked(packed: tuple[Any, list[bytes]]) -> Any:
    from distributed.protocol.serialize import deserialize

    return deserialize(*packed)  # type: ignore[no-untyped-call]


def _prepare(name: str, packed: Any, card: bool, ours: str) -> str:
    """On a worker: have the network ready."""
    here = version("zfwidgets")
    if here != ours:
        raise NetworkError(f"The cluster's workers have zfwidgets {here}, this is {ours}; install one on all.")
    tune_allocator()  # Dask tells the C library to give memory back, which doubles torch's time
    torch.set_num_threads(1)
    if name not in _NETWORKS:
        while len(_NETWORKS) >= _KEPT_NETWORKS:
            del _NETWORKS[next(iter(_NETWORKS))]
        source: Source = _unpacked(packed)
        _NETWORKS[name] = source.load("auto" if card else "cpu")
    return name


def _mine_part(name: str, packed: Any, seconds: float) -> TopActivations | None:
    """On a worker: the first pictures of a part, as many as it can do in that time.

    None if the network was given up for another run's.
    """
    torch.set_num_threads(1)  # holds for this thread; a worker may have several
    net, until = _NETWORKS.get(name), time.monotonic() + seconds
    if net is None:
        return None
    spec, image_set = _unpacked(packed)
    return mined(spec, net, image_set, enough=lambda: time.monotonic() > until)


@dataclass
class Member:
    """A worker.

    Attributes
    ----------
    card : bool
        Whether it has a graphics card.
    ready : Future
        Of its network.
    since : float
        When it was asked to load that.
    loaded : bool
        Whether that is there.
    task : Future or None
        What it works on.
    failures : int
        Parts in a row that it failed at.
    """

    card: bool
    ready: Any
    since: float
    loaded: bool = False
    task: Any = None
    failures: int = 0


class Crew:
    """All workers of a cluster that can load a network; each does one thing at a time.

    Parameters
    ----------
    client : distributed.Client
        Of the cluster.
    name : str
        Digest of the network.
    source : Source
        The network.

    Attributes
    ----------
    members : dict
        Address to `Member`.
    """

    def __init__(self, client: Any, name: str, source: Source) -> None:
        self.client, self.name, self.source = client, name, source
        self.members: dict[str, Member] = {}
        self._packed = _packed(source)
        self._left_out: dict[str, BaseException] = {}
        self._deaths: Counter[str] = Counter()
        self._untold: list[str] = []
        self._worked = False
        self._seen = time.monotonic()

    def look(self) -> list[str]:
        """See who came and who died; the addresses of those that died at work.

        Raises
        ------
        NetworkError
            If nobody can work.
        """
        living = living_workers(self.client)
        died = [address for address in self.members if address not in living]
        at_work = [address for address in died if self.members[address].task is not None]
        for address in died:
            member, machine = self.members.pop(address), machine_of(address)
            self._deaths[machine] += not member.loaded
            if not member.loaded and self._deaths[machine] == MOST_DEATHS:
                self._untold.append(f"No worker at {machine} is used: {MOST_DEATHS} died when they loaded the network.")
            self.client.cancel([future for future in (member.ready, member.task) if future is not None])
        for address, card in living.items():
            if address not in self.members and not self._is_out(address):
                self._hire(address, card)
        for address, member in list(self.members.items()):
            if not member.loaded and member.ready.done():
                self._take_in(address, member)
        self._expect_some(living)
        if any(member.loaded for member in self.members.values()):
            self._tell_who_is_left_out()
        return at_work

    def free(self) -> Iterator[str]:
        """Addresses of those who have nothing to do."""
        return (address for address, member in self.members.items() if member.loaded and member.task is None)

    def hands(self) -> set[str]:
        """Addresses of those to count on: who has the network, or has not been loading it for minutes."""
        latest = time.monotonic() - _LOADING
        return {address for address, member in self.members.items() if member.loaded or member.since > latest}

    def machines(self) -> set[str]:
        """Where these are."""
        return {machine_of(address) for address in self.hands()}

    def give(self, address: str, spec: ShardSpec, image_set: ImageSet) -> bool:
        """Some work; False if the worker was gone."""
        member = self.members[address]
        try:
            there = self.client.scatter(_packed((spec, image_set.only(spec.keys))), workers=[address], hash=False)
            place = self._place(address, member.card)
            member.task = self.client.submit(_mine_part, member.ready, there, _PART_SECONDS, **place)
        except _GONE:
            return False
        return True

    def succeeded(self, address: str) -> None:
        """A worker did its part."""
        self._worked, self.members[address].failures = True, 0

    def failed(self, address: str, error: BaseException) -> None:
        """A worker that lives could not do its part; who fails time after time is left out."""
        member = self.members[address]
        member.failures += 1
        if member.failures >= _FAILURES:
            self._leave_out(address, error)

    def wait(self) -> list[str]:
        """For a moment, or until somebody has something to say; addresses of those who are done."""
        from distributed import CancelledError, wait

        futures = [member.task or member.ready for member in self.members.values() if member.task or not member.loaded]
        try:
            if futures:
                with self.client.as_current():  # there may be another one, or none that is the default
                    wait(futures, timeout=_LOOK, return_when="FIRST_COMPLETED")  # type: ignore[no-untyped-call]
            else:
                time.sleep(_LOOK)
        except (TimeoutError, CancelledError):  # nobody yet, or work for a worker that was gone by then
            pass
        return [address for address, member in self.members.items() if member.task and member.task.done()]

    def dismiss(self) -> None:
        """A part under way cannot be stopped; nobody waits for it any more."""
        self.client.cancel([member.task or member.ready for member in self.members.values()])

    def _place(self, address: str, card: bool) -> dict[str, Any]:
        return {"workers": [address], "pure": False, "resources": {GPU: 1} if card else None}

    def _hire(self, address: str, card: bool) -> None:
        try:
            there = self.client.scatter(self._packed, workers=[address], hash=False)
            place = self._place(address, card)
            ready = self.client.submit(_prepare, self.name, there, card, version("zfwidgets"), **place)
        except _GONE:
            return
        self.members[address] = Member(card, ready, time.monotonic())

    def _take_in(self, address: str, member: Member) -> None:
        if member.ready.status == "finished":
            member.loaded = True
            self._deaths[machine_of(address)] = 0
        elif member.ready.status == "error":
            self._leave_out(address, member.ready.exception())
        else:  # cancelled or lost: once more
            del self.members[address]

    def _leave_out(self, address: str, error: BaseException) -> None:
        self._left_out[address] = error
        self._untold.append(f"The worker {address} is left out: {words_of(error)}")
        self.members.pop(address, None)

    def _tell_who_is_left_out(self) -> None:
        while self._untold:
            warnings.warn(self._untold.pop(), RuntimeWarning, stacklevel=3)

    def _is_out(self, address: str) -> bool:
        return address in self._left_out or self._deaths[machine_of(address)] >= MOST_DEATHS

    def _expect_some(self, living: dict[str, bool]) -> None:
        if self.members:
            self._seen = time.monotonic()
            return
        patient = time.monotonic() - self._seen < _WITHOUT_WORKERS
        if living and all(map(self._is_out, living)) and not (patient and self._worked):
            raise self._nobody_can([self._left_out[address] for address in living if address in self._left_out])
        if not patient:
            died = sum(self._deaths.values())
            why = f" ({died} died when they loaded {self.source.name}: give them more memory)" if died else ""
            raise NetworkError(
                f"The cluster at {self.client.scheduler.address} has no workers{why}; start some with `dask worker "
                f"{self.client.scheduler.address} --nthreads 1`, and the same call goes on from here."
            )

    def _nobody_can(self, errors: list[BaseException]) -> ZfwidgetsError:
        if not errors:
            return NetworkError(
                f"{MOST_DEATHS} workers died when they loaded {self.source.name}; give them more memory."
            )
        if isinstance(errors[0], ZfwidgetsError):
            return errors[0]
        return NetworkError(
            f"The cluster's workers cannot run {self.source.name} ({words_of(errors[0])}); install zfwidgets and the "
            "network's own code there."
        )


def machine_of(address: str) -> str:
    """The machine of a worker, which its successor has in common with it.

    Examples
    --------
    >>> machine_of("tcp://10.0.0.3:40123")
    'tcp://10.0.0.3'
    """
    return address.rpartition(":")[0]


def words_of(error: BaseException) -> str:
    """An error in one line.

    Examples
    --------
    >>> words_of(RuntimeError("out of\\nmemory"))
    'RuntimeError: out of'
    """
    first = (str(error).splitlines() or [""])[0]
    return (
        first if type(error) is Exception or isinstance(error, ZfwidgetsError) else f"{type(error).__name__}: {first}"
    )
