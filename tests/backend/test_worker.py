"""The worker's rule: the newest wins, a superseded run is seen once, errors are values, nothing kills the thread."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from queue import Queue
from typing import Any

import pytest

from zfwidgets.backend.answers import Answer, Inbox
from zfwidgets.backend.errand import Errand
from zfwidgets.backend.worker import Worker
from zfwidgets.errors import Cancelled, NetworkError, ParameterError, ZfwidgetsError

SOON = 10.0


@dataclass(frozen=True)
class Question:
    name: str
    quick: bool = False


@dataclass
class Job:
    """A run that stops at every gate until the test opens it."""

    partials: int = 0
    gate: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    began: threading.Event = field(default_factory=threading.Event)
    stopped_after: int | None = None

    def __call__(self, on_partial: Callable[[Any], None], cancelled: Callable[[], bool]) -> str:
        self.began.set()
        for number in range(self.partials):
            assert self.gate.acquire(timeout=SOON)
            if cancelled():
                self.stopped_after = number
                raise Cancelled("stopped")
            on_partial(number)
        assert self.gate.acquire(timeout=SOON)
        if cancelled():
            self.stopped_after = self.partials
            raise Cancelled("stopped")
        return "done"

    def open(self, times: int = 1) -> None:
        for _ in range(times):
            self.gate.release()


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker("test")
    yield worker
    worker.close()


def answers(queue: Queue[Answer], count: int) -> list[tuple[str, str, Any]]:
    found = [queue.get(timeout=SOON) for _ in range(count)]
    return [(answer.request.name, answer.kind, answer.value) for answer in found]


def test_partial_answers_come_before_the_final_one(worker: Worker) -> None:
    queue: Queue[Answer] = Queue()
    job = Job(partials=2)
    worker.submit(Question("a"), job, queue.put, "me")
    job.open(3)
    assert answers(queue, 3) == [("a", "partial", 0), ("a", "partial", 1), ("a", "final", "done")]


def test_a_superseded_run_still_delivers_its_first_partial_answer(worker: Worker) -> None:
    queue: Queue[Answer] = Queue()
    old, new = Job(partials=3), Job()
    worker.submit(Question("old"), old, queue.put, "me")
    assert old.began.wait(SOON)
    worker.submit(Question("new"), new, queue.put, "me")
    old.open(4)
    new.open(1)
    assert answers(queue, 3) == [("old", "partial", 0), ("old", "cancelled", None), ("new", "final", "done")]
    assert old.stopped_after == 1


def test_of_those_that_wait_only_the_newest_runs(worker: Worker) -> None:
    queue: Queue[Answer] = Queue()
    first, forgotten, newest = Job(), Job(), Job()
    worker.submit(Question("first"), first, queue.put, "other")
    assert first.began.wait(SOON)
    worker.submit(Question("forgotten"), forgotten, queue.put, "me")
    worker.submit(Question("newest"), newest, queue.put, "me")
    first.open()
    newest.open()
    assert answers(queue, 2) == [("first", "final", "done"), ("newest", "final", "done")]
    assert not forgotten.began.is_set()


def test_a_quick_question_is_answered_between_two_batches(worker: Worker) -> None:
    queue: Queue[Answer] = Queue()
    sweep, square = Job(partials=1), Job()
    worker.submit(Question("sweep"), sweep, queue.put, "sweep")
    assert sweep.began.wait(SOON)
    worker.submit(Question("square", quick=True), square, queue.put, "square")
    square.open()
    sweep.open(2)
    assert answers(queue, 3) == [("square", "final", "done"), ("sweep", "partial", 0), ("sweep", "final", "done")]


def test_what_nobody_asked_for_begins_last(worker: Worker) -> None:
    queue: Queue[Answer] = Queue()
    first, unasked, asked = Job(), Job(), Job()
    worker.submit(Question("first"), first, queue.put, "first")
    assert first.began.wait(SOON)
    worker.submit(Question("unasked"), unasked, queue.put, "unasked", unasked=True)
    worker.submit(Question("asked"), asked, queue.put, "asked")
    for job in (first, asked, unasked):
        job.open()
    assert [name for name, _, _ in answers(queue, 3)] == ["first", "asked", "unasked"]


def test_what_nobody_asked_for_gives_way_at_its_next_check(worker: Worker) -> None:
    queue: Queue[Answer] = Queue()
    unasked, quick, asked = Job(partials=3), Job(), Job()
    worker.submit(Question("unasked"), unasked, queue.put, "unasked", unasked=True)
    assert unasked.began.wait(SOON)
    worker.submit(Question("quick", quick=True), quick, queue.put, "quick")
    quick.open()
    unasked.open()  # a quick one is answered in between, the run goes on
    assert answers(queue, 2) == [("quick", "final", "done"), ("unasked", "partial", 0)]
    worker.submit(Question("asked"), asked, queue.put, "asked")
    asked.open()
    unasked.open()
    assert answers(queue, 2) == [("unasked", "cancelled", None), ("asked", "final", "done")]
    assert unasked.stopped_after == 1


def test_a_waiting_thread_keeps_no_answer_alive(worker: Worker) -> None:
    class Value:
        """Something that can be watched going away."""

    queue: Queue[Answer] = Queue()
    worker.submit(Question("a"), lambda on_partial, cancelled: Value(), queue.put, "me")
    gone = weakref.ref(queue.get(timeout=SOON).value)
    end = time.monotonic() + SOON
    while gone() is not None and time.monotonic() < end:
        gc.collect()
    assert gone() is None


def test_cancelling_allows_no_further_answer_but_the_word_itself(worker: Worker) -> None:
    queue: Queue[Answer] = Queue()
    job = Job(partials=2)
    ticket = worker.submit(Question("a"), job, queue.put, "me")
    assert job.began.wait(SOON)
    ticket.cancel()
    job.open(3)
    assert answers(queue, 1) == [("a", "cancelled", None)]
    assert job.stopped_after == 0


@pytest.mark.parametrize("error", [ParameterError("The stride is 0."), ZeroDivisionError("x"), RuntimeError("y")])
def test_an_error_is_delivered_and_the_next_question_answered(worker: Worker, error: Exception) -> None:
    queue: Queue[Answer] = Queue()

    def fail(on_partial: Any, cancelled: Any) -> None:
        raise error

    worker.submit(Question("bad"), fail, queue.put, "me")
    bad = queue.get(timeout=SOON)
    assert (bad.kind, bad.error, bad.last) == ("error", error, True)
    job = Job()
    job.open()
    worker.submit(Question("good"), job, queue.put, "me")
    assert answers(queue, 1) == [("good", "final", "done")]


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt()])
def test_what_wants_to_end_the_program_ends_neither_the_thread_nor_an_errand(
    worker: Worker, error: BaseException
) -> None:
    queue: Queue[Answer] = Queue()

    def leave(*_: Any) -> None:
        raise error

    worker.submit(Question("bad"), leave, queue.put, "me")
    bad = queue.get(timeout=SOON)
    assert bad.kind == "error" and isinstance(bad.error, ZfwidgetsError) and type(error).__name__ in str(bad.error)
    for deliver in (leave, queue.put):
        job = Job()
        job.open()
        worker.submit(Question("good"), job, deliver, object())
    assert answers(queue, 1) == [("good", "final", "done")]
    errand = Errand(leave, stop=lambda: None)
    assert errand.start() and errand.join(SOON) and isinstance(errand.error, ZfwidgetsError)


def test_a_receiver_that_fails_does_not_take_the_thread_along(worker: Worker, caplog: pytest.LogCaptureFixture) -> None:
    def broken(answer: Answer) -> None:
        raise ValueError("the viewer is gone")

    queue: Queue[Answer] = Queue()
    for deliver in (broken, queue.put):
        job = Job()
        job.open()
        worker.submit(Question("a"), job, deliver, object())
    assert answers(queue, 1) == [("a", "final", "done")]
    assert "could not be delivered" in caplog.text


def test_close_stops_what_runs_and_joins_the_thread() -> None:
    worker, queue = Worker("closing"), Queue[Answer]()
    job, waiting = Job(partials=1), Job()
    worker.submit(Question("runs"), job, queue.put, "me")
    assert job.began.wait(SOON)
    worker.submit(Question("waits"), waiting, queue.put, "other")
    job.open(2)
    worker.close()
    assert not any(thread.name == "closing" for thread in threading.enumerate())
    kinds = {name: kind for name, kind, _ in answers(queue, queue.qsize())}
    assert kinds["waits"] == "cancelled"
    with pytest.raises(NetworkError, match="closed"):
        worker.submit(Question("late"), job, queue.put, "me")


def test_the_inbox_waits_and_keeps_the_order() -> None:
    inbox = Inbox()
    assert not inbox.wait(0.01)
    threading.Timer(0.02, inbox.put, ["b", 1]).start()
    assert inbox.wait(SOON)
    inbox.put("a", 2)
    assert inbox.take() == [("b", 1), ("a", 2)]
    assert inbox.take() == []
