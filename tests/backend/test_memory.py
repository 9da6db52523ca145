"""Out of memory in the middle of a sweep: the right answer in smaller batches or one clear error, nothing left."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from queue import Queue
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from twins.tiny import same_sweep

from zfwidgets.backend import Answer, Backend, OcclusionRequest, RecordRequest, ScoresRequest, batching
from zfwidgets.data import ImageSet
from zfwidgets.errors import NetworkError
from zfwidgets.imaging import Preprocess
from zfwidgets.network import Network
from zfwidgets.network.incremental import Incremental
from zfwidgets.widgets import OcclusionViewer

SWEEP = OcclusionRequest("image/00000", size=8, stride=4)
WORDS = "DefaultCPUAllocator: not enough memory: you tried to allocate 12345 bytes."


class Hungry(nn.Module):
    """A linear network that takes `most` pictures at once, and only four when its calls are used up."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(3 * 24 * 24, 2)
        self.most, self.calls_left = 64, 10**6
        self.sizes: list[int] = []
        self.batches: list[weakref.ref[Tensor]] = []

    def forward(self, x: Tensor) -> Tensor:
        if len(x) > 10**6:  # python that no tracer follows
            return x.flatten(1)
        self.sizes.append(len(x))
        self.batches.append(weakref.ref(x))
        self.calls_left -= 1
        if len(x) > self.most or (self.calls_left < 0 and len(x) > 4):
            raise RuntimeError(WORDS)
        return self.last(x.flatten(1))


@pytest.fixture
def network() -> Network:
    torch.manual_seed(0)
    net = Network(Hungry(), preprocess=Preprocess(size=24), device="cpu")
    assert net.graph is None
    return net


@pytest.fixture(autouse=True)
def cold(monkeypatch: pytest.MonkeyPatch) -> None:
    """No warm-up, whose batches would be counted too."""
    monkeypatch.setattr("zfwidgets.backend.local.warm_up", lambda network, cancelled: None)
    monkeypatch.setattr("zfwidgets.backend.warming.forward_seconds", lambda network: 1.0)


@pytest.fixture
def backend(network: Network, pictures: ImageSet) -> Iterator[Backend]:
    with Backend(network, pictures) as backend:
        yield backend


def hungry(network: Network) -> Hungry:
    assert isinstance(network.module, Hungry)
    return network.module


def test_a_sweep_that_runs_out_half_way_is_right_in_smaller_batches(backend: Backend, network: Network) -> None:
    expected = backend.compute(SWEEP).logits
    backend._cache.clear()
    hungry(network).calls_left = 2  # the whole picture and one batch
    found = backend.compute(SWEEP)
    np.testing.assert_allclose(found.logits, expected, rtol=1e-5)
    assert found.complete


def test_what_was_found_is_remembered_for_the_network_and_only_for_it(backend: Backend, network: Network) -> None:
    hungry(network).most = 3
    backend.compute(SWEEP)
    first, hungry(network).sizes = hungry(network).sizes, []
    backend.compute(OcclusionRequest("image/00001", size=8, stride=4))
    assert max(first) > 3 >= max(hungry(network).sizes)
    assert batching._FOUND[network] == {network.device: batching.MOST // 128}
    other = Network(nn.Sequential(nn.Flatten(), nn.Linear(3 * 24 * 24, 2)), preprocess=Preprocess(size=24))
    assert other not in batching._FOUND


def test_remembering_keeps_no_network_alive(pictures: ImageSet) -> None:
    net = Network(Hungry(), preprocess=Preprocess(size=24), device="cpu")
    hungry(net).most = 3
    with Backend(net, pictures) as backend:
        backend.compute(SWEEP)
    gone = weakref.ref(net)
    del net, backend
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("request_", [SWEEP, ScoresRequest("image/00000")], ids=["sweep", "scores"])
def test_not_even_one_picture_is_one_sentence_and_nothing_is_left(
    backend: Backend, network: Network, request_: Any
) -> None:
    hungry(network).most = 0
    queue: Queue[Answer] = Queue()
    backend.submit(request_, queue.put)
    while not (answer := queue.get(timeout=20)).last:
        pass
    assert isinstance(answer.error, NetworkError)
    assert "does not suffice for one picture" in str(answer.error) and "\n" not in str(answer.error)
    assert backend.cached(request_) is None
    assert network.lock.acquire(blocking=False)
    network.lock.release()
    # The error is kept by a viewer; it must not keep the tensors of the batch that did not fit.
    gc.collect()
    assert not any(batch() is not None for batch in hungry(network).batches)
    hungry(network).most = 64
    backend.submit(request_, queue.put)
    while not (answer := queue.get(timeout=20)).last:
        pass
    assert answer.kind == "final"


def test_other_errors_of_a_request_keep_their_words(backend: Backend) -> None:
    with pytest.raises(NetworkError, match="cannot be traced"):
        backend.compute(RecordRequest("image/00000", ("conv1",)))


@pytest.fixture
def windowed(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """A traced network's windows: pieces of more than `most` squares fail from the third on."""
    limits = {"most": 100, "pieces": 0}
    climb = Incremental.climb

    def hungry_climb(self: Incremental, cells: Any) -> Any:
        limits["pieces"] += 1
        if limits["pieces"] > 2 and len(cells) > limits["most"]:
            raise RuntimeError(WORDS)
        return climb(self, cells)

    monkeypatch.setattr(Incremental, "climb", hungry_climb)
    return limits


@pytest.fixture
def traced() -> Network:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 6, 5, stride=2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(6 * 25, 4))
    return Network(module, preprocess=Preprocess(size=24), device="cpu")


def test_windows_that_do_not_fit_are_made_smaller(
    traced: Network, pictures: ImageSet, windowed: dict[str, int]
) -> None:
    fine = OcclusionRequest("image/00000", size=6, stride=1)
    with Backend(traced, pictures) as backend:
        expected = backend.compute(fine)
        backend._cache.clear()
        windowed.update(most=3, pieces=0)
        same_sweep(backend.compute(fine), expected)


def test_windows_that_never_fit_leave_nothing_behind(
    traced: Network, pictures: ImageSet, windowed: dict[str, int]
) -> None:
    windowed["most"] = 0
    modes = [part.training for part in traced.module.modules()]
    with Backend(traced, pictures) as backend:
        viewer = OcclusionViewer(backend, size=6, stride=1)
        with pytest.raises(NetworkError, match="does not suffice"):
            viewer.wait(30)
        assert viewer.state == "error" and (viewer.result is None or not viewer.result.complete)
        assert [part.training for part in traced.module.modules()] == modes
        windowed["most"] = 100
        viewer.stride = 2
        assert viewer.wait(30) and viewer.state == "ready"
        viewer.close()
