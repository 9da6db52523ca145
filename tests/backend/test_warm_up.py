"""The warm-up is done before anybody asks, gives way to whoever does, and is never heard of."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from queue import Queue
from typing import Any

import pytest
import torch
from torch import nn

from zfwidgets.backend import Answer, Backend, OcclusionRequest, ScoresRequest, default_square, warm_up
from zfwidgets.data import ImageSet
from zfwidgets.errors import Cancelled, NetworkError
from zfwidgets.imaging import Preprocess
from zfwidgets.network import Network
from zfwidgets.widgets import OcclusionViewer

SWEEP = OcclusionRequest("image/00000", size=8, stride=4)
SOON = 10.0


class Spy:
    """A warm-up of many batches, each of which waits for the test."""

    def __init__(self) -> None:
        self.began, self.ended = threading.Event(), threading.Event()
        self.gate = threading.Semaphore(0)
        self.batches = 0

    def __call__(self, network: Network, cancelled: Callable[[], bool]) -> None:
        self.began.set()
        try:
            while not cancelled():
                self.batches += 1
                assert self.gate.acquire(timeout=SOON)
            raise Cancelled("Somebody asks.")
        finally:
            self.ended.set()


@pytest.fixture
def spy(monkeypatch: pytest.MonkeyPatch) -> Spy:
    spy = Spy()
    monkeypatch.setattr("zfwidgets.backend.local.warm_up", spy)
    return spy


@pytest.fixture
def warming(spy: Spy, network: Network, pictures: ImageSet) -> Iterator[Backend]:
    with Backend(network, pictures) as backend:
        assert spy.began.wait(SOON)
        yield backend
        spy.gate.release(100)


def last(queue: Queue[Answer]) -> Answer:
    while not (answer := queue.get(timeout=SOON)).last:
        pass
    return answer


def test_a_real_question_is_answered_instead_of_the_rest(warming: Backend, spy: Spy) -> None:
    queue: Queue[Answer] = Queue()
    warming.submit(SWEEP, queue.put)
    assert not spy.ended.is_set() and queue.empty()
    spy.gate.release()  # the batch that is under way ends
    assert last(queue).kind == "final"
    assert spy.ended.is_set() and spy.batches == 1


def test_a_quick_question_is_answered_between_two_batches(warming: Backend, spy: Spy) -> None:
    queue: Queue[Answer] = Queue()
    warming.submit(ScoresRequest("image/00000"), queue.put)
    spy.gate.release()
    assert last(queue).kind == "final"
    assert not spy.ended.is_set()


def test_a_question_on_another_thread_ends_it_too(warming: Backend, spy: Spy) -> None:
    warming.compute(SWEEP)
    spy.gate.release()
    assert spy.ended.wait(SOON) and spy.batches == 1


def test_its_errors_reach_the_log_and_nobody_else(
    network: Network, pictures: ImageSet, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failed = threading.Event()

    def broken(network: Network, cancelled: Any) -> None:
        failed.set()
        raise RuntimeError("no warmth")

    monkeypatch.setattr("zfwidgets.backend.local.warm_up", broken)
    caplog.set_level(logging.DEBUG, "zfwidgets")
    with Backend(network, pictures) as backend:
        assert failed.wait(SOON)
        viewer = OcclusionViewer(backend, size=8, stride=4)
        assert viewer.wait(20) and (viewer.state, viewer._strip.alert.value) == ("ready", "")
        viewer.close()
    records = [record for record in caplog.records if record.exc_info and "no warmth" in str(record.exc_info[1])]
    assert [record.levelno for record in records] == [logging.DEBUG]


def test_it_begins_a_sweep_and_makes_a_projection(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    modes, state = [part.training for part in network.module.modules()], network.version
    projected: list[Any] = []
    monkeypatch.setattr("zfwidgets.methods.project", lambda net, *what: projected.append(what[1:]))
    random = torch.random.get_rng_state()
    warm_up(network)
    assert projected == [(network.default_layer, 0)]
    assert [part.training for part in network.module.modules()] == modes and network.version == state
    assert torch.equal(torch.random.get_rng_state(), random)


def test_it_stops_when_told_to(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Cancelled):
        warm_up(network, lambda: True)


@pytest.mark.parametrize("size", [1, 3, 24, 40])
def test_networks_of_any_size_and_without_maps(size: int) -> None:
    net = Network(
        nn.Sequential(nn.Flatten(), nn.Linear(3 * size * size, 2)), preprocess=Preprocess(size=size), device="cpu"
    )
    side, stride = default_square(net)
    assert 1 <= side <= size and stride >= 1
    warm_up(net)


def test_the_first_speed_is_that_of_a_forward_pass(
    network: Network, pictures: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zfwidgets.backend.warming.forward_seconds", lambda network: 2.0)
    monkeypatch.setattr("zfwidgets.backend.local.warm_up", lambda network, cancelled: None)
    with Backend(network, pictures) as backend:
        queue: Queue[Answer] = Queue()
        backend.submit(ScoresRequest("image/00000"), queue.put)
        last(queue)
        assert network.multiply_adds is not None
        assert backend.speed.seconds(network.multiply_adds) == pytest.approx(2.0)


def test_a_closed_backend_has_no_warm_up_left(warming: Backend, spy: Spy) -> None:
    spy.gate.release(100)
    warming.close()
    assert spy.ended.is_set()
    with pytest.raises(NetworkError, match="closed"):
        warming.submit(SWEEP, lambda answer: None)
