"""Compute and submit give the same answers; pictures and uploads are safe."""

from __future__ import annotations

import io
import threading
from queue import Queue
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from twins.tiny import same_sweep

from zfwidgets.backend import (
    Answer,
    Backend,
    OccludedRequest,
    OcclusionRequest,
    ProjectionRequest,
    RecordRequest,
    ScoresRequest,
)
from zfwidgets.data import ImageSet
from zfwidgets.errors import DataError, ImageError, ParameterError, UnknownNameError
from zfwidgets.methods import occlusion_map, project
from zfwidgets.network import Network

SWEEP = OcclusionRequest("image/00000", size=8, stride=4)


def png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (30, 20), (200, 30, 30)).save(buffer, "PNG")
    return buffer.getvalue()


def test_requests_give_what_the_methods_give(backend: Backend, network: Network) -> None:
    image = backend.picture("image/00000")
    expected = occlusion_map(network, image, size=8, stride=4)
    same_sweep(backend.compute(SWEEP), expected)
    projection = backend.compute(ProjectionRequest("image/00000", "conv2", 3))
    np.testing.assert_array_equal(projection.pixels, project(network, image, "conv2", 3).pixels)
    scores = backend.compute(ScoresRequest("image/00000"))
    np.testing.assert_allclose(scores.probabilities[expected.target], expected.clean_probability(), rtol=1e-5)
    assert scores.top(1)[0][0] == network.classes[expected.target]
    assert scores.seen is not None and scores.seen.shape == (24, 24, 3)


def test_the_dragged_square_is_one_cell_of_the_sweep(backend: Backend) -> None:
    sweep = backend.compute(SWEEP)
    square = backend.compute(OccludedRequest("image/00000", row=4, column=8, size=8))
    np.testing.assert_allclose(square.probabilities[sweep.target], sweep.probability()[1, 2], rtol=1e-4)
    assert (square.seen[4:12, 8:16] == 128).all() or (square.seen[4:12, 8:16] == 127).all()


def test_a_known_answer_comes_at_once_on_the_same_thread(backend: Backend) -> None:
    expected = backend.compute(SWEEP)
    seen: list[tuple[Answer, str]] = []
    ticket = backend.submit(SWEEP, lambda answer: seen.append((answer, threading.current_thread().name)))
    [(answer, thread)] = seen
    assert (ticket, answer.kind, thread) == (None, "final", threading.current_thread().name)
    assert answer.value is expected


def test_submit_answers_on_the_worker_and_fills_the_cache(backend: Backend) -> None:
    queue: Queue[Answer] = Queue()
    backend.submit(SWEEP, queue.put, owner="me")
    while not (answer := queue.get(timeout=20)).last:
        assert not answer.value.complete
    assert answer.kind == "final" and answer.request == SWEEP
    assert backend.cached(SWEEP) is answer.value


def test_an_error_is_a_value_for_submit_and_raised_by_compute(backend: Backend) -> None:
    wrong = RecordRequest("image/00000", ("convv2",))
    queue: Queue[Answer] = Queue()
    backend.submit(wrong, queue.put)
    assert isinstance(queue.get(timeout=20).error, UnknownNameError)
    with pytest.raises(UnknownNameError, match="nearest are 'conv2'"):
        backend.compute(wrong)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("me.png", "yours/me.png"),
        ("../../etc/passwd", "yours/passwd"),
        ("C:\\pictures\\dog.jpg", "yours/dog.jpg"),
        ("", "yours/picture"),
        ("..", "yours/.."),
        ("a\x00\nb", "yours/ab"),
        ("x" * 500, f"yours/{'x' * 60}"),
    ],
)
def test_the_name_of_an_upload_is_never_a_path(backend: Backend, name: str, key: str) -> None:
    assert backend.add_image(name, png()) == key
    assert backend.picture(key).size == (30, 20)
    assert backend.add_image(name, png()) == f"{key} (2)"
    assert backend.images[-2:] == (key, f"{key} (2)")


def test_an_upload_that_is_no_picture_is_refused(backend: Backend) -> None:
    with pytest.raises(ImageError):
        backend.add_image("page.png", b"<html>")
    assert len(backend.images) == 3


def test_labels_are_those_the_network_knows(backend: Backend) -> None:
    assert [backend.label(key) for key in backend.images] == ["dog", "fox", None]


def test_unknown_pictures_and_empty_sets_are_refused(backend: Backend, network: Network) -> None:
    with pytest.raises(UnknownNameError, match="nearest"):
        backend.picture("image/00009")
    with pytest.raises(DataError, match="at least one"):
        Backend(network, {})
    with pytest.raises(DataError):
        Backend(network, ImageSet({}))


def test_a_network_stays_on_its_device(network: Network) -> None:
    with pytest.raises(ParameterError, match="on cpu"):
        Backend(network, device="meta")
    with pytest.raises(ParameterError, match="wrap it"):
        Backend(network.module)  # type: ignore[arg-type]


def test_a_mapping_of_arrays_will_do_and_the_thread_ends(network: Network) -> None:
    with Backend(network, {"a": np.zeros((9, 9, 3), np.uint8)}) as backend:
        backend.submit(ScoresRequest("a"), lambda answer: None)
        assert backend.images == ("a",)
    assert not any(thread.name == "zfwidgets tiny" for thread in threading.enumerate())


@pytest.mark.parametrize("edit", [Tensor.mul_, lambda weight, factor: weight.data.mul_(factor)], ids=["torch", "data"])
def test_an_edited_network_gives_new_answers_to_old_questions(backend: Backend, network: Network, edit: Any) -> None:
    before = backend.compute(SWEEP)
    assert backend.compute(SWEEP) is before
    weight = next(network.module.parameters())
    with torch.no_grad():
        edit(weight, -1)
        after = backend.compute(SWEEP)
        edit(weight, -1)
    assert (after.logits != before.logits).any()


def test_threads_set_later_hold_for_the_worker_too(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    queue: Queue[Answer] = Queue()
    backend.submit(SWEEP, queue.put)
    while not queue.get(timeout=20).last:  # the warm-up has ended too
        pass
    seen: Queue[int] = Queue()
    monkeypatch.setattr(ScoresRequest, "run", lambda *given: seen.put(torch.get_num_threads()))
    before = torch.get_num_threads()
    try:
        for count in (before, before + 1, 1):
            torch.set_num_threads(count)
            backend.submit(ScoresRequest(str(count)), lambda answer: None)
            assert seen.get(timeout=20) == count
            assert torch.get_num_threads() == count
    finally:
        torch.set_num_threads(before)
