"""A backend whose network lives on a cluster: the same answers, and what happens when the worker is lost."""

from __future__ import annotations

import copy
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from io import BytesIO
from pathlib import Path
from queue import Queue
from typing import Any, get_args

import numpy as np
import pytest
from PIL import Image
from twins.deadly import Fussy

from zfwidgets.backend import (
    Answer,
    Backend,
    DistantNetwork,
    OccludedRequest,
    OcclusionRequest,
    ProjectionRequest,
    RecordRequest,
    ScoresRequest,
    fidelity_sentence,
)
from zfwidgets.backend.speed import Work
from zfwidgets.backend.top_index import TopIndexRequest
from zfwidgets.backend.top_requests import TopOrderRequest
from zfwidgets.data import ImageSet
from zfwidgets.data.image_set import Entry
from zfwidgets.errors import Cancelled, DataError, ImageError, NetworkError, ParameterError, UnknownNameError
from zfwidgets.methods import PRECISIONS
from zfwidgets.methods.projection import RULES
from zfwidgets.network import Network
from zfwidgets.network.passage import Rule
from zfwidgets.network.windows import grid
from zfwidgets.widgets import FeatureViewer, OcclusionViewer, ProbeViewer, TopActivationsViewer

distributed = pytest.importorskip("distributed", reason="needs Dask: pip install 'zfwidgets[dask]'")

SWEEP = OcclusionRequest("image/00000", size=8, stride=4, layer="conv2")


@pytest.fixture(scope="module")
def remote(client: Any, network: Network, pictures: ImageSet) -> Iterator[Backend]:
    with Backend(network, pictures, client=client) as backend:
        yield backend


@pytest.fixture(scope="module")
def local(network: Network, pictures: ImageSet) -> Iterator[Backend]:
    with Backend(network, pictures) as backend:
        yield backend


def png(colour: str = "teal") -> bytes:
    data = BytesIO()
    Image.new("RGB", (30, 20), colour).save(data, "PNG")
    return data.getvalue()


def test_the_answers_are_the_same(remote: Backend, local: Backend) -> None:
    for request in (ScoresRequest("image/00000"), OccludedRequest("image/00001", 2, 3, 8)):
        there, here = remote.compute(request), local.compute(request)
        np.testing.assert_allclose(there.probabilities, here.probabilities, atol=1e-6)
        np.testing.assert_array_equal(there.seen, here.seen)
    there, here = (b.compute(RecordRequest("image/00000", ("conv1", "conv2"))) for b in (remote, local))
    for name, maps in here.activations.items():
        np.testing.assert_allclose(there.activations[name], maps, atol=1e-5)
    there, here = (b.compute(ProjectionRequest("image/00000", "conv2", 3)) for b in (remote, local))
    np.testing.assert_allclose(there.pixels, here.pixels, atol=1e-5)
    there, here = (b.compute(SWEEP) for b in (remote, local))
    np.testing.assert_allclose(there.probability("dog"), here.probability("dog"), atol=1e-6)
    assert there.net is remote.network
    assert remote.cached(SWEEP) is there


def test_the_facts_are_the_same(remote: Backend, local: Backend) -> None:
    there, here = remote.network, local.network
    assert isinstance(there, DistantNetwork)
    for name in ("name", "classes", "preprocess", "input_size", "menu", "default_layer", "trace_problem"):
        assert getattr(there, name) == getattr(here, name)
    assert list(there.layers) == list(here.layers)
    for name, layer in here.layers.items():
        assert all(getattr(there.layers[name], field) == value for field, value in vars(layer).items())
        assert fidelity_sentence(there, name) == fidelity_sentence(here, name)
    assert remote.images == local.images
    assert [remote.label(key) for key in remote.images] == [local.label(key) for key in local.images]
    assert remote.picture("image/00001").tobytes() == local.picture("image/00001").tobytes()
    assert "on the cluster" in remote.device
    for asked in ("dgo", 7, True, 1.5):
        with pytest.raises((UnknownNameError, ParameterError)) as expected:
            here.class_index(asked)
        with pytest.raises(type(expected.value)) as found:
            there.class_index(asked)
        assert str(found.value) == str(expected.value)


def test_errors_come_back_as_they_are(remote: Backend) -> None:
    with pytest.raises(ParameterError, match="channels 0 to 7"):
        remote.compute(ProjectionRequest("image/00000", "conv2", 99))
    with pytest.raises(UnknownNameError, match="There is no layer 'conv9'"):
        remote.network.layers["conv9"]
    with pytest.raises(UnknownNameError, match="There is no picture 'nope'"):
        remote.picture("nope")
    with pytest.raises(NetworkError, match="lives on the cluster"):
        remote.input("image/00000")


def test_partial_answers_come_and_a_cancelled_run_ends(remote: Backend) -> None:
    answers: Queue[Answer] = Queue()
    remote.submit(OcclusionRequest("image/00001", 4, 1), answers.put)
    kinds = []
    while not kinds or kinds[-1] == "partial":
        kinds.append(answers.get(timeout=30).kind)
    assert kinds[-1] == "final"
    assert remote.speed.known
    with pytest.raises(Cancelled):
        remote.compute(OcclusionRequest("image/00002", 4, 1), cancelled=lambda: True)


def test_viewers_do_not_notice(remote: Backend) -> None:
    for kind in (FeatureViewer, OcclusionViewer):
        viewer = kind(remote)
        assert viewer.wait(60)
        assert (viewer.state, viewer.result is None) == ("ready", False)
        viewer.close()


def test_an_index_is_a_file_of_the_machine_that_has_the_network(
    remote: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, real = tmp_path / "top.safetensors", os.stat

    def blind(at: Any, *more: Any, **options: Any) -> os.stat_result:
        if str(tmp_path) in str(at):
            raise FileNotFoundError(str(at))
        return real(at, *more, **options)

    def order() -> Any:
        return remote.compute(TopOrderRequest(TopIndexRequest.of(path), "conv2"))

    monkeypatch.setattr(os, "stat", blind)  # here, not on the workers
    assert order().index is None
    viewer = TopActivationsViewer(remote, layer="conv2", index=path)
    viewer.mine()
    assert viewer.wait(60) and viewer.index == str(path)
    assert viewer.result.index.count == order().index.count == 3
    viewer.mine()
    assert viewer.wait(60) and viewer.index != str(path) and viewer.result.index.count == 3
    assert str(Path(viewer.index).parent) != str(remote.scratch("").rstrip("/"))
    monkeypatch.undo()
    path.write_bytes(b"no index")
    with pytest.raises(DataError, match="cut short"):
        order()
    path.unlink()
    assert order().index is None
    viewer.close()


def test_a_lost_worker_means_one_retry(client: Any, network: Network, pictures: ImageSet) -> None:
    with Backend(network, pictures, client=client) as backend:
        key = backend.add_image("mine.png", png())
        backend.borrow("other", ImageSet.from_list([Image.new("RGB", (9, 9))], keys=["other"]))
        before = backend.compute(ScoresRequest(key)).probabilities
        address = backend._engine._host._address  # type: ignore[union-attr]
        os.kill(client.run(os.getpid, workers=[address])[address], signal.SIGKILL)
        backend._cache.clear()
        np.testing.assert_allclose(backend.compute(ScoresRequest(key)).probabilities, before, atol=1e-6)
        assert backend.compute(ScoresRequest("other")).probabilities.shape == (4,)
        assert backend._engine._host._address != address  # type: ignore[union-attr]


def test_a_worker_that_was_lost_while_nobody_asked_is_replaced(
    client: Any, network: Network, pictures: ImageSet
) -> None:
    with Backend(network, pictures, client=client) as backend:
        before = backend.compute(ScoresRequest("image/00000")).probabilities
        engine: Any = backend._engine
        address = engine._host._address
        os.kill(client.run(os.getpid, workers=[address])[address], signal.SIGKILL)
        while engine._future.status == "finished":
            time.sleep(0.01)
        backend._cache.clear()
        np.testing.assert_allclose(backend.compute(ScoresRequest("image/00000")).probabilities, before, atol=1e-6)
        assert engine._host._address != address


def test_a_question_that_kills_every_worker_is_a_sentence(client: Any, network: Network) -> None:
    fatal = Entry(partial(os._exit, 1), lambda: None)
    pictures = ImageSet.from_list([np.zeros((24, 24, 3), np.uint8)], keys=["good"]) | ImageSet({"fatal": fatal})
    with Backend(network, pictures, client=client) as backend:
        with pytest.raises(NetworkError, match="lost while it answered, and so was the next one"):
            backend.compute(ScoresRequest("fatal"))
        assert backend.compute(ScoresRequest("good")).probabilities.shape == (4,)


def test_a_worker_that_is_gone_but_still_on_the_list_is_not_waited_for(
    client: Any, network: Network, pictures: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, asked = client.nthreads, []

    def late() -> dict[str, int]:
        asked.append(True)
        return {"tcp://127.0.0.1:9": 1} if len(asked) == 1 else real()

    monkeypatch.setattr(client, "nthreads", late)
    with Backend(network, pictures, client=client) as backend:
        assert backend.compute(ScoresRequest("image/00000")).probabilities.shape == (4,)
    assert len(asked) > 1


def test_a_client_that_was_closed_meanwhile_is_one_sentence(client: Any, network: Network, pictures: ImageSet) -> None:
    other = distributed.Client(client.scheduler.address, set_as_default=False)
    with Backend(network, pictures, client=other) as backend:
        other.close()
        with pytest.raises(NetworkError, match="scheduler does not answer"):
            backend.compute(ScoresRequest("image/00000"))


def test_a_backend_whose_cluster_is_busy_with_something_else_can_be_closed(
    client: Any, network: Network, pictures: ImageSet, tmp_path: Path
) -> None:
    done, answers = tmp_path / "done", Queue[Answer]()

    def busy(number: int) -> None:
        (tmp_path / f"works {number}").touch()
        while not done.exists():
            time.sleep(0.05)

    backend = Backend(network, pictures, client=client)
    engine: Any = backend._engine
    engine.close()  # no host is left, and nobody is free to be the next one
    names = [name for name, threads in client.nthreads().items() for _ in range(threads)]
    works = [client.submit(busy, place, workers=[name], pure=False) for place, name in enumerate(names)]
    try:
        while len(list(tmp_path.glob("works *"))) < len(works):
            time.sleep(0.05)
        backend.submit(ScoresRequest("image/00001"), answers.put)
        while engine._future is None:
            time.sleep(0.05)
        backend.close()
        assert answers.get(timeout=0).kind == "cancelled" and engine._future is None
    finally:
        done.touch()
        client.gather(works)


def test_a_host_that_the_scheduler_took_away_is_replaced(client: Any, network: Network, pictures: ImageSet) -> None:
    with Backend(network, pictures, client=client) as backend:
        before = backend.compute(ScoresRequest("image/00000")).probabilities
        backend._cache.clear()
        client.cancel(backend._engine._future)  # type: ignore[union-attr]
        np.testing.assert_allclose(backend.compute(ScoresRequest("image/00000")).probabilities, before, atol=1e-6)


def test_a_network_that_kills_whoever_loads_it_is_a_sentence(client: Any, network: Network) -> None:
    module = Fussy(*copy.deepcopy(network.module), refuses="die", mark="", all_of_them=True)
    net = Network(module, preprocess=network.preprocess, classes=network.classes, device="cpu", name="tiny")
    with pytest.raises(NetworkError, match="workers died when they loaded tiny; they may lack memory"):
        Backend(net, client=client)


def test_what_cannot_be_is_said_at_once(client: Any, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"client is a distributed.Client, .* not str"):
        Backend("zfnet-scenes", client="tcp://127.0.0.1:1")  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match="'zfnet-scenes'"):
        Backend("zfnet-scene", client=client)
    (tmp_path / "a.png").write_bytes(b"<html>")
    with Backend("zfnet-scenes", str(tmp_path), client=client) as backend, pytest.raises(ImageError, match=r"a\.png"):
        backend.picture("a.png")


def test_a_probe_takes_pictures_that_are_the_workers(client: Any, network: Network, tmp_path: Path) -> None:
    for number in range(10):
        path = tmp_path / ("ant", "bee")[number % 2] / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(png(("teal", "gold")[number % 2]))
    with Backend(network, str(tmp_path), client=client) as there, Backend(network, tmp_path) as here:
        for backend in (there, here):
            viewer = ProbeViewer(backend, "own", pool=1)
            assert viewer.wait(60) and viewer.result.classes == ("ant", "bee")
            assert viewer.result.score("pool1").mean == 1 and "10 pictures" in viewer._strip.status.value
            viewer.close()


KERNEL = """
import sys
from distributed import Client
import zfwidgets as zf
with Client(sys.argv[1]) as client, zf.Backend("zfnet-scenes", client=client) as backend:
    viewer = zf.FeatureViewer(backend)
    assert viewer.wait(60) and viewer.state == "ready"
    explorer = zf.Explorer(backend)
    assert explorer.wait(60)
    backend.add_image("a.png", open(sys.argv[2], "rb").read())
    print("torch" in sys.modules, "torchvision" in sys.modules)
"""


def test_a_kernel_does_without_torch(client: Any, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    command = [sys.executable, "-c", KERNEL, client.scheduler.address, str(tmp_path / "a.png")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.stdout.split() == ["False", "False"], done.stderr


def test_what_is_written_twice_is_the_same(network: Network) -> None:
    """The kernel's own copies of what lives in modules that need torch."""
    from zfwidgets.widgets.occlusion.options import PRECISIONS as OFFERED

    assert get_args(Rule) == RULES
    assert tuple(OFFERED) == tuple(PRECISIONS)
    for size in range(1, 25):
        for stride in (1, 2, 5, 7):
            squares = len(grid(24, size, stride)) ** 2
            assert Work(network).at_most(size, stride) == network.multiply_adds * squares  # type: ignore[operator]
