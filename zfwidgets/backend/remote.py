"""The engine of a `Backend` whose network lives on a cluster's worker: frozen requests go over, answers come back."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from threading import RLock
from typing import TYPE_CHECKING, Any

from PIL import Image

from zfwidgets.backend.facts import DistantNetwork
from zfwidgets.backend.host import Host, with_network
from zfwidgets.backend.requests import Request
from zfwidgets.backend.source import source_of
from zfwidgets.backend.speed import Speed, Work
from zfwidgets.errors import Cancelled, NetworkError, ParameterError, ZfwidgetsError, unknown_name

if TYPE_CHECKING:
    from zfwidgets.backend.backend import Backend
    from zfwidgets.backend.worker import Worker
    from zfwidgets.data import ImageSet

__all__ = ["GPU", "Remote", "checked_client", "living_workers"]

GPU = "GPU"
"""The resource that workers with a graphics card declare: ``dask worker --resources GPU=1``."""
_PATIENCE = 0.05
"""Seconds that the worker waits for an answer before it says that there is none yet: so often quick questions pass."""
_SILENCE = 1.0
"""Seconds without a word from the worker after which the scheduler is asked whether it still lives."""
_SETTLING = 30.0
"""Seconds to wait for a worker where there is none: a nanny needs a few to start another."""
_PLACES = 4
"""Workers that may be lost, one after the other, while they load the network."""


class _LostError(Exception):
    """The worker is gone."""


def _never() -> bool:
    return False


def _check(cancelled: Callable[[], bool]) -> None:
    if cancelled():
        raise Cancelled("Cancelled before the cluster had a worker for it.")


def checked_client(client: Any) -> Any:
    """The argument if it is a Dask client that can be waited for, else the error that says what is."""
    if not all(hasattr(client, name) for name in ("submit", "nthreads", "scheduler_info")):
        raise ParameterError(
            f"client is a distributed.Client, for example Client('tcp://host:8786'), not {type(client).__name__}."
        )
    if client.asynchronous:
        raise ParameterError("client is asynchronous, which cannot be waited for here; make it with Client(address).")
    return client


def living_workers(client: Any) -> dict[str, bool]:
    """Addresses of the workers, and whether each has a graphics card; where some have, those alone."""
    try:
        workers = client.scheduler_info(n_workers=-1)["workers"]
        living = client.nthreads()
    except (OSError, RuntimeError, TimeoutError, KeyError) as error:  # a client that is closed knows no workers
        raise NetworkError("The cluster's scheduler does not answer; start it again, connect and ask again.") from error
    cards = [name for name in living if workers.get(name, {}).get("resources", {}).get(GPU)]
    return dict.fromkeys(sorted(cards or living), bool(cards))


class Remote:
    """Runs requests on one of the cluster's workers; a lost worker is replaced by another, once a question.

    Parameters
    ----------
    client : distributed.Client
        Of the cluster.
    network, images, device
        As in `Backend`; they are resolved on the worker.

    Raises
    ------
    NetworkError
        If the cluster has no workers, or they cannot run this package.
    """

    def __init__(self, client: Any, network: Any, images: Any, device: str) -> None:
        self._client, self._device = checked_client(client), device
        self._source, self._images = source_of(network), images
        self._lock, self._numbers = RLock(), itertools.count()
        self._added: dict[str, bytes] = {}
        self._borrowed: dict[str, ImageSet] = {}
        self._host: Any = None
        self._future: Any = None
        facts, keys, labels = self._call("about")
        self.network = DistantNetwork(facts, self._call)
        self.device = f"{facts.device}, on the cluster"
        self.pictures = _Pictures(keys, labels, self._call)
        self.speed, self.work = Speed(), Work(self.network)

    def begin(self, backend: Backend, worker: Worker) -> None:
        """The host's own backend warms up."""

    def follow(self) -> None:
        """Nothing: no torch runs here."""

    def run(
        self,
        backend: Backend,
        request: Request,
        on_partial: Callable[[Any], None] | None,
        cancelled: Callable[[], bool] | None,
    ) -> Any:
        """The answer to a request."""
        over = cancelled or _never
        return self._twice(lambda host: self._run(host, request, on_partial, over), over)

    def add(self, key: str, data: bytes) -> None:
        """An upload: to the worker, and kept for its successor."""
        self._added[key] = data
        self._call("add", key, data)

    def borrow(self, key: str, images: ImageSet) -> None:
        """A picture of another set: to the worker, and kept for its successor."""
        self._borrowed[key] = images.only([key])
        self._call("borrow", key, self._borrowed[key])

    def close(self) -> None:
        """Free what the worker holds."""
        with self._lock:
            self._leave()

    def _call(self, method: str, *arguments: Any) -> Any:
        return self._twice(lambda host: self._said(host, method, *arguments))

    def _run(
        self, host: Any, request: Request, on_partial: Callable[[Any], None] | None, cancelled: Callable[[], bool]
    ) -> Any:
        number = next(self._numbers)
        self._said(host, "ask", number, request)
        stopped = False
        while True:
            letters, speed, counts = self._said(host, "letters", number, _PATIENCE)
            self.speed.take_over(speed)
            self.work.take_over(counts)
            for answer in letters:
                if answer.kind == "cancelled":
                    raise Cancelled("Cancelled.")
                if answer.error is not None:
                    raise answer.error
                value = with_network(answer.value, self.network)
                if answer.last:
                    return value
                if on_partial is not None:
                    on_partial(value)
            if not stopped and cancelled():
                stopped = True
                self._said(host, "cancel", number)

    def _twice(self, act: Callable[[Any], Any], cancelled: Callable[[], bool] = _never) -> Any:
        """Once more on another worker when the first is lost; who has cancelled does not wait for that one."""
        for _ in range(2):
            with self._client.as_current():  # an actor asks which client is meant, and there may be none by default
                host = None
                try:
                    host = self._settled(cancelled)
                    return act(host)
                except _LostError:
                    with self._lock:
                        if self._host is host:
                            self._leave()
        raise NetworkError(
            "The cluster's worker was lost while it answered, and so was the next one; it may lack memory: give the "
            "workers more, or ask for less."
        )

    def _said(self, host: Any, method: str, *arguments: Any) -> Any:
        """What a call to the host returned."""
        future = None
        while True:
            try:
                if future is None:  # asked here, because a lost actor may refuse already to be asked
                    future = getattr(host, method)(*arguments)
                return future.result(timeout=_SILENCE)
            except ZfwidgetsError:
                raise
            except TimeoutError:
                # An actor that the scheduler took away answers nothing, and its worker lives on.
                if host._address not in living_workers(self._client) or not self._has_host():
                    raise _LostError from None
            except (OSError, RuntimeError, ValueError, KeyError) as error:
                # What Dask raises for an actor whose worker is gone depends on when it went.
                if host._address in living_workers(self._client) and not isinstance(error, OSError | RuntimeError):
                    raise
                raise _LostError from error

    def _settled(self, cancelled: Callable[[], bool]) -> Any:
        """The host; a new one with all that was given to the former if there is none."""
        with self._lock:
            if self._host is None:
                host = self._placed(cancelled)
                for key, data in self._added.items():
                    self._said(host, "add", key, data)
                for key, images in self._borrowed.items():
                    self._said(host, "borrow", key, images)
                self._host = host
            return self._host

    def _has_host(self) -> bool:
        future = self._future
        return future is not None and future.status == "finished"

    def _placed(self, cancelled: Callable[[], bool]) -> Any:
        """A new host, on any worker that lives long enough to load the network.

        It waits in line behind whatever the cluster's workers do for others, which may be hours.
        """
        for _ in range(_PLACES):
            names = self._expected_workers(cancelled)
            # Ahead of a mining run's shards, because a person waits.
            self._future = self._client.submit(
                Host,
                *(self._source, self._images, self._device, version("zfwidgets")),
                actor=True,
                pure=False,
                workers=names,
                priority=100,
            )
            try:
                return self._waited(self._future, names, cancelled)
            except _LostError:
                self._leave()
            except Cancelled:
                self._leave()
                raise
        raise self._fatal()

    def _fatal(self) -> NetworkError:
        return NetworkError(
            f"The cluster's workers died when they loaded {self._source.name}; they may lack memory: give them more."
        )

    def _expected_workers(self, cancelled: Callable[[], bool]) -> list[str]:
        until = time.monotonic() + _SETTLING
        while not (names := living_workers(self._client)):
            if time.monotonic() > until:
                raise NetworkError(
                    f"The cluster at {self._client.scheduler.address} has no workers; start one with "
                    f"`dask worker {self._client.scheduler.address}`."
                )
            _check(cancelled)
            time.sleep(0.2)
        return list(names)

    def _waited(self, future: Any, names: Sequence[str], cancelled: Callable[[], bool]) -> Any:
        from distributed import CancelledError, KilledWorker

        while True:
            try:
                return future.result(timeout=_SILENCE)
            except TimeoutError:
                # A worker that has just died may still be on the scheduler's list; its successor has another name, and
                # the scheduler would wait for the dead one for ever.
                if not living_workers(self._client).keys() & set(names):
                    raise _LostError from None
                _check(cancelled)
            except CancelledError:  # the cluster's workers were all started again
                raise _LostError from None
            except KilledWorker as error:
                raise self._fatal() from error
            except (ImportError, AttributeError) as error:
                raise NetworkError(
                    f"The cluster's workers cannot run zfwidgets ({error}); install it there."
                ) from error

    def _leave(self) -> None:
        """Let go of the host; the scheduler would otherwise put it on another worker by itself."""
        future, self._host, self._future = self._future, None, None
        if future is not None:
            future.release()


class _Pictures(Mapping[str, Image.Image]):
    """The worker's pictures, one at a time."""

    def __init__(self, keys: tuple[str, ...], labels: Mapping[str, str | None], ask: Callable[..., Any]) -> None:
        self._keys, self._labels, self._ask = dict.fromkeys(keys), dict(labels), ask

    def __getitem__(self, key: str) -> Image.Image:
        if key not in self._keys:
            raise unknown_name("picture", key, self._keys)
        picture: Image.Image = self._ask("picture", key)
        return picture

    def __contains__(self, key: object) -> bool:
        return key in self._keys  # what a mapping does by itself is to fetch the picture

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def label(self, key: str) -> str | None:
        """The true class of a picture, if it is known."""
        if key not in self._labels:
            self._labels[key] = self._ask("label", key)
        return self._labels[key]
