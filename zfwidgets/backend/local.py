"""The engine of a `Backend` whose network lives in this process."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch

from zfwidgets.backend.answers import Answer
from zfwidgets.backend.batching import halving
from zfwidgets.backend.device import describe_device, follow_thread_count
from zfwidgets.backend.requests import Request, SpeedRequest
from zfwidgets.backend.source import ModuleSource, NetworkSource
from zfwidgets.backend.speed import Speed, Work
from zfwidgets.backend.warming import warm_up
from zfwidgets.backend.worker import Ticket, Worker
from zfwidgets.data import ImageSet
from zfwidgets.errors import ParameterError
from zfwidgets.models import load_network
from zfwidgets.network import Network

if TYPE_CHECKING:
    from zfwidgets.backend.backend import Backend

__all__ = ["Local"]


class Local:
    """Runs requests here; `Remote` has the same methods and runs them on a cluster.

    Parameters
    ----------
    network, device
        As in `Backend`.
    """

    def __init__(self, network: Any, device: str | torch.device) -> None:
        self.network = _network(network, device)
        self.speed, self.work = Speed(), Work(self.network)
        self._warming: Ticket | None = None

    @property
    def device(self) -> str:
        """Where it computes, in words."""
        return describe_device(self.network.device)

    def begin(self, backend: Backend, worker: Worker) -> None:
        """What is done before anybody asks; the worker logs its errors, and the first question will tell them."""
        backend.submit(SpeedRequest(), _unheard)
        self._warming = worker.submit(
            "warm-up", lambda _, cancelled: warm_up(self.network, cancelled), _unheard, owner="warm-up", unasked=True
        )

    def follow(self) -> None:
        """Before each run, on the worker's thread."""
        follow_thread_count()

    def run(
        self,
        backend: Backend,
        request: Request,
        on_partial: Callable[[Any], None] | None,
        cancelled: Callable[[], bool] | None,
    ) -> Any:
        """The answer to a request."""
        if not request.quick and self._warming is not None:
            self._warming.cancel()
        # Work that finds no smaller batch by itself still gets one clear sentence.
        return halving(lambda _: request.run(backend, on_partial, cancelled), 1)

    def add(self, key: str, data: bytes) -> None:
        """An upload, which the backend keeps."""

    def borrow(self, key: str, images: ImageSet) -> None:
        """A picture of another set, which the backend keeps."""

    def close(self) -> None:
        """Nothing is held but memory."""


def _unheard(answer: Answer) -> None:
    """For questions that nobody asked."""


def _network(network: Any, device: str | torch.device) -> Network:
    if isinstance(network, Network):
        if device != "auto" and torch.device(device).type != network.device.type:
            raise ParameterError(
                f"The network is on {network.device}, not on {device}: make it with Network(..., device={device!r})."
            )
        return network
    if isinstance(network, str):
        return load_network(network, device=device)
    if isinstance(network, NetworkSource | ModuleSource):
        return network.load(str(device))
    raise ParameterError(f"A network is a name or a Network, not {type(network).__name__}; wrap it with Network(...).")
