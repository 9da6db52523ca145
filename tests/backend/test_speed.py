"""How long a sweep will take: learned from earlier ones, by the work that the geometry tells."""

from __future__ import annotations

import pytest

from zfwidgets.backend import Backend, OcclusionRequest, ScoresRequest
from zfwidgets.backend.speed import Speed, Work
from zfwidgets.network import Network

SWEEP = OcclusionRequest("image/00000", size=8, stride=4)


def test_a_speed_follows_the_machine() -> None:
    speed = Speed()
    assert (speed.known, speed.seconds(1.0)) == (False, None)
    speed.learn(100, 1.0)
    assert speed.seconds(100) == 1.0
    for _ in range(8):
        speed.learn(100, 4.0)
    assert speed.seconds(100) == pytest.approx(4.0, rel=0.02)


def test_a_precision_has_a_speed_of_its_own() -> None:
    speed = Speed()
    speed.start(100.0)
    assert speed.seconds(100, "preview") == 1.0
    speed.learn(100, 0.5, "preview")
    assert (speed.seconds(100, "preview"), speed.seconds(100, "fast"), speed.seconds(100)) == (0.5, 1.0, 1.0)


def test_a_sweep_too_short_to_tell_teaches_little() -> None:
    speed = Speed()
    speed.start(100.0)
    speed.learn(1, 0.1)  # a tenth of the speed
    assert speed.seconds(100) == pytest.approx(1.0, rel=0.3)
    speed.learn(1, 0.0)
    assert speed.seconds(100) == pytest.approx(1.0, rel=0.3)


def test_work_is_bounded_at_once_and_counted_once(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    work, cost = Work(network), network.occlusion_cost(8, 4)
    assert work.at_most(8, 4) == cost.dense and work.counted(8, 4) is None
    assert work.exact(8, 4) == work.counted(8, 4) == cost.chosen
    monkeypatch.setattr(Network, "occlusion_cost", None)
    assert work.exact(8, 4) == cost.chosen


def test_a_long_sweep_is_counted_after_its_first_picture_and_teaches(backend: Backend) -> None:
    backend.speed.start(1e3)  # so slow that everything is long
    known: list[int | None] = []
    fine = OcclusionRequest("image/00000", size=6, stride=1)
    backend.compute(fine, lambda partial: known.append(backend.work.counted(6, 1)))
    assert known[0] is None
    work = backend.work.counted(6, 1)
    assert work is not None
    after = backend.speed.seconds(work)
    assert after is not None and after < work / 1e3


def test_a_short_sweep_is_not_held_up_by_counting(backend: Backend) -> None:
    backend.speed.start(1e15)
    backend.compute(SWEEP, lambda partial: None)
    assert backend.work.counted(8, 4) is None


def test_what_is_foreseen_needs_no_counting(backend: Backend) -> None:
    backend.speed.start(1e6)
    at_most = backend.seconds_at_most(SWEEP)
    assert backend.seconds_foreseen(SWEEP) is None and at_most is not None
    exact = backend.seconds(SWEEP)
    assert exact is not None and 0 < exact <= at_most
    assert backend.seconds_foreseen(SWEEP) == exact
    assert backend.seconds(ScoresRequest("image/00000")) == 0.0
