"""`Host`: what a cluster's worker keeps for one `Backend` elsewhere; runs there as a Dask actor.

How a question travels:
1. `Remote.run` calls ``ask``: the worker's own `Backend` takes the request, as it would from a viewer beside it.
2. ``letters`` is called again and again; each call waits a moment for answers and brings the newest partial one.
3. ``cancel`` ends the run at its next check, as a ticket does.
What only the worker can use (tensors, the network) stays there; see `portable`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from importlib.metadata import version
from threading import Lock
from typing import Any

from PIL import Image

from zfwidgets.backend.answers import Answer
from zfwidgets.backend.facts import NetworkFacts, facts_of, layer_facts
from zfwidgets.backend.source import Source
from zfwidgets.backend.speed import Speed
from zfwidgets.errors import NetworkError, ZfwidgetsError
from zfwidgets.imaging import as_image

__all__ = ["Host", "TheNetwork", "portable", "with_network"]

_LABELS = 60
"""Sets up to this size tell all labels at the start: a viewer would ask for each."""
_LOOK = 0.005
"""Seconds between two looks into the box."""


class TheNetwork:
    """Stands in an answer for the network it is about, which both sides have in their own form."""


def portable(value: Any) -> Any:
    """An answer as another process can take it: no tensors, no graph, and the network by name only.

    Examples
    --------
    >>> import torch
    >>> portable({"scores": [1.0], "kept here": torch.zeros(2)})
    {'scores': [1.0], 'kept here': None}
    """
    from torch import Tensor

    from zfwidgets.network import Network
    from zfwidgets.network.graph import Pass

    if isinstance(value, Network):
        return TheNetwork()
    if isinstance(value, Tensor | Pass):
        return None
    return _within(value, portable)


def with_network(value: Any, network: Any) -> Any:
    """A portable answer with this side's network in it."""
    return network if isinstance(value, TheNetwork) else _within(value, lambda part: with_network(part, network))


def _within(value: Any, change: Callable[[Any], Any]) -> Any:
    """A container with its parts changed; the same object where nothing is."""
    if isinstance(value, dict):
        return {key: change(part) for key, part in value.items()}
    if type(value) in (list, tuple):
        return type(value)(change(part) for part in value)
    if is_dataclass(value) and not isinstance(value, type):
        parts = {field.name: getattr(value, field.name) for field in fields(value) if field.init}
        changed = {name: new for name, part in parts.items() if (new := change(part)) is not part}
        return replace(value, **changed) if changed else value
    return value


class Host:
    """A `Backend` on a worker, asked from afar.

    Parameters
    ----------
    source : Source
        The network.
    images : mapping, path or None
        As in `Backend`.
    device : str
        As in `Backend`.
    ours : str
        Version of the package on the other side.
    """

    def __init__(self, source: Source, images: Any, device: str, ours: str) -> None:
        here = version("zfwidgets")
        if here != ours:
            raise NetworkError(f"The cluster's workers have zfwidgets {here}, this is {ours}; install one on all.")
        from zfwidgets.allocator import tune_allocator
        from zfwidgets.backend.backend import Backend

        tune_allocator()  # Dask tells the C library to give memory back, which doubles torch's time
        self.backend = Backend(source, images, device)
        self._tickets: dict[int, Any] = {}
        self._letters: dict[int, list[Answer]] = {}
        self._lock = Lock()

    def __del__(self) -> None:
        if hasattr(self, "backend"):
            self.backend.close()

    def about(self) -> tuple[NetworkFacts, tuple[str, ...], Mapping[str, str | None]]:
        """Facts of the network, keys of the pictures, and their labels if they are few."""
        keys = self.backend.images
        labels = {key: self.backend.label(key) for key in keys} if len(keys) <= _LABELS else {}
        return facts_of(self.backend.network, self.backend.device), keys, labels

    def ask(self, number: int, request: Any) -> None:
        """Begin to answer; the number is the caller's."""
        self._letters[number] = []
        self._tickets[number] = self.backend.submit(request, lambda answer: self._deliver(number, answer), number)

    def _deliver(self, number: int, answer: Answer) -> None:
        # On the backend's thread. A partial answer that nobody has fetched yet is of no interest any more.
        error = answer.error
        if error is not None and not isinstance(error, ZfwidgetsError):
            first = (str(error).splitlines() or [""])[0]
            error = NetworkError(f"The cluster's worker failed: {type(error).__name__}: {first}")
        letter = replace(answer, value=portable(answer.value), error=error)
        with self._lock:
            if number in self._letters:
                self._letters[number] = [letter]

    async def letters(self, number: int, patience: float) -> tuple[list[Answer], Speed, dict[tuple[int, int], Any]]:
        """Answers that have come, after at most `patience` seconds; and what is known of the speed."""
        until = time.monotonic() + patience
        while not self._letters.get(number) and time.monotonic() < until:
            await asyncio.sleep(_LOOK)
        with self._lock:
            found, self._letters[number] = self._letters.get(number, []), []
            if found and found[-1].last:
                del self._letters[number]
                self._tickets.pop(number, None)
        return found, self.backend.speed, self.backend.work.counts

    async def cancel(self, number: int) -> None:
        """End a run at its next check."""
        ticket = self._tickets.get(number)
        if ticket is not None:
            ticket.cancel()

    def picture(self, key: str) -> Image.Image:
        """One of the pictures."""
        return self.backend.picture(key)

    def label(self, key: str) -> str | None:
        """What is in it."""
        return self.backend.label(key)

    def add(self, key: str, data: bytes) -> None:
        """An upload, checked on the other side."""
        self.backend.put_image(key, as_image(data, name=key))

    def borrow(self, key: str, images: Any) -> None:
        """A picture of another set."""
        self.backend.borrow(key, images)

    def layer(self, name: str) -> Any:
        """Facts of a layer that is not on the menu."""
        return layer_facts(self.backend.network, name)

    def cost(self, size: int, stride: int) -> int | None:
        """Multiply-adds of a sweep."""
        return self.backend.work.exact(size, stride)
