"""A quick map first, then the exact one: one question, two answers, both remembered, each saying what it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from queue import Queue
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest

from zfwidgets.backend import Answer, Backend, OcclusionRequest, RefinedRequest
from zfwidgets.methods import OcclusionMap, occlusion_map

QUICK = OcclusionRequest("image/00000", size=8, stride=4, precision="preview")
EXACT = replace(QUICK, precision="exact")


class Sweeps:
    """Stands for the method: a map that is not exact is the exact one, one logit higher."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.falls_back = False
        self.during: Callable[[str], None] = lambda precision: None

    def __call__(self, *given: Any, precision: str, on_partial: Any = None, **options: Any) -> OcclusionMap:
        self.asked.append(precision)
        self.during(precision)
        done = "exact" if self.falls_back else precision
        shift = 0.0 if done == "exact" else 1.0

        def made(found: OcclusionMap) -> OcclusionMap:
            return replace(found, logits=found.logits + shift, precision=done)

        told = None if on_partial is None else lambda found: on_partial(made(found))
        return made(occlusion_map(*given, on_partial=told, **options))


@pytest.fixture
def sweeps(monkeypatch: pytest.MonkeyPatch) -> Sweeps:
    sweeps = Sweeps()
    monkeypatch.setattr("zfwidgets.methods.occlusion_map", sweeps)
    monkeypatch.setattr("zfwidgets.backend.local.warm_up", lambda network, cancelled: None)
    return sweeps


def test_the_quick_map_comes_as_a_partial_answer_and_the_exact_one_last(sweeps: Sweeps, backend: Backend) -> None:
    queue: Queue[Answer] = Queue()
    backend.submit(RefinedRequest(QUICK), queue.put)
    answers = [queue.get(timeout=20)]
    while not answers[-1].last:
        answers.append(queue.get(timeout=20))
    assert sweeps.asked == ["preview", "exact"]
    *partial, final = [answer.value for answer in answers]
    assert {found.precision for found in partial} == {"preview"} and final.precision == "exact"
    quick = next(found for found in partial if (found.logits == backend.cached(QUICK).logits).all())
    assert not quick.known.any()
    assert final is backend.cached(EXACT) is backend.cached(RefinedRequest(QUICK))
    after = partial[partial.index(quick) + 1 :]
    for found in after:  # exact where it says so, the quick map elsewhere
        np.testing.assert_array_equal(found.logits[found.known], final.logits[found.known])
        np.testing.assert_array_equal(found.logits[~found.known], quick.logits[~found.known])
        assert not found.complete


def test_both_answers_are_known_afterwards(sweeps: Sweeps, backend: Backend) -> None:
    seen: list[OcclusionMap] = []
    exact = backend.compute(RefinedRequest(QUICK), seen.append)
    assert backend.compute(QUICK).precision == "preview"
    assert backend.compute(EXACT) is exact is backend.compute(RefinedRequest(QUICK))
    assert sweeps.asked == ["preview", "exact"]


def test_a_known_exact_map_needs_no_quick_one(sweeps: Sweeps, backend: Backend) -> None:
    exact = backend.compute(EXACT)
    deliver = MagicMock()
    assert backend.submit(RefinedRequest(QUICK), deliver) is None
    assert deliver.call_args.args[0].value is exact and sweeps.asked == ["exact"]


def test_a_script_without_eyes_gets_the_exact_map_only(sweeps: Sweeps, backend: Backend) -> None:
    assert backend.compute(RefinedRequest(QUICK)).precision == "exact"
    assert sweeps.asked == ["exact"]


def test_where_nothing_is_quicker_the_exact_map_is_computed_once(sweeps: Sweeps, backend: Backend) -> None:
    sweeps.falls_back = True
    seen: list[OcclusionMap] = []
    found = backend.compute(RefinedRequest(replace(QUICK, precision="fast")), seen.append)
    assert (found.precision, sweeps.asked) == ("exact", ["fast"])
    assert all(partial.precision == "exact" for partial in seen)


def test_seconds_are_those_of_both_and_none_for_what_is_known(sweeps: Sweeps, backend: Backend) -> None:
    work = backend.work.exact(8, 4)
    assert work is not None
    backend.speed.learn(work, 2.0)
    backend.speed.learn(work, 0.5, "preview")
    quick, exact, both = (backend.speed.seconds(work, "preview"), backend.speed.seconds(work), RefinedRequest(QUICK))
    assert quick is not None and exact is not None
    assert backend.seconds(both) == pytest.approx(quick + exact)
    assert backend.seconds(EXACT) == pytest.approx(exact)
    backend.compute(EXACT)
    assert backend.seconds(both) == backend.seconds(EXACT) == 0.0


def test_a_superseded_run_ends_after_its_quick_map(sweeps: Sweeps, backend: Backend) -> None:
    queue: Queue[Answer] = Queue()
    newer = OcclusionRequest("image/00001", size=8, stride=4)

    def during(precision: str) -> None:
        if len(sweeps.asked) == 1:
            backend.submit(newer, queue.put, owner="me")

    sweeps.during = during
    backend.submit(RefinedRequest(QUICK), queue.put, owner="me")
    kinds: list[tuple[str, str]] = []
    while ("image/00001", "final") not in kinds:
        answer = queue.get(timeout=20)
        kinds.append((answer.request.image, answer.kind))
    assert kinds[:2] == [("image/00000", "partial"), ("image/00000", "cancelled")]
