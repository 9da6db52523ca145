"""Which work goes to whom when workers die and fail, on a crew that is played: in no time, for many cases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zfwidgets.backend import cluster
from zfwidgets.backend.crew import machine_of
from zfwidgets.data import ImageSet
from zfwidgets.methods.top_activations import ShardSpec

PICTURES = ImageSet.from_arrays(np.zeros((200, 2, 2), np.uint8))
KEYS = PICTURES.keys()
WANTED = ShardSpec((), ("conv1",), 9, 1, "weights", "{}", "")
PATIENCE = 500
"""Looks for which a worker that loads is counted on."""
Fate = Callable[[str, Sequence[str]], str]


class Crew:
    """Workers at some machines; what becomes of one with its work is the fate's to say: "dies", "fails" or "".

    Those of some machines load their network without end, and are counted on for the first looks.
    """

    def __init__(self, machines: Sequence[str], fate: Fate, loading: str = "") -> None:
        self.loading, self.looks, self.given = loading, 0, list[int]()
        self.fate, self.numbers = fate, iter(range(10**6))
        self.members: dict[str, Any] = {}
        self.dying: list[str] = []
        for machine in machines:
            self.hire(machine)

    def hire(self, machine: str) -> None:
        self.members[f"{machine}:{next(self.numbers)}"] = SimpleNamespace(task=None)

    def look(self) -> list[str]:
        self.looks += 1
        assert self.looks < 10**5, "it waits for ever"
        died, self.dying = self.dying, []
        for address in died:
            del self.members[address]
            self.hire(machine_of(address))
        return died

    def free(self) -> Iterator[str]:
        loaded = (address for address in self.members if machine_of(address) not in self.loading)
        return (address for address in loaded if self.members[address].task is None)

    def hands(self) -> set[str]:
        return {one for one in self.members if self.looks < PATIENCE or machine_of(one) not in self.loading}

    def machines(self) -> set[str]:
        return {machine_of(address) for address in self.hands()}

    def give(self, address: str, spec: ShardSpec, image_set: ImageSet) -> bool:
        fate = self.fate(address, spec.keys)
        self.given.append(self.looks)

        def result(timeout: float) -> Any:
            if fate == "fails":
                raise RuntimeError("no luck")
            return SimpleNamespace(count=len(spec.keys), keys=spec.keys, skipped=())

        self.members[address].task = SimpleNamespace(result=result)
        if fate == "dies":
            self.dying.append(address)
        return True

    def wait(self) -> list[str]:
        return [address for address, member in self.members.items() if member.task and address not in self.dying]

    def succeeded(self, address: str) -> None:
        pass

    def failed(self, address: str, error: BaseException) -> None:
        pass

    def dismiss(self) -> None:
        pass


class Store:
    """Where parts would be kept."""

    def __init__(self) -> None:
        self.wanted, self.image_set, self.kept = WANTED, PICTURES, Counter[str]()

    def left(self) -> list[str]:
        return list(KEYS)

    def keep(self, part: Any, instead_of: Any = ()) -> Path:
        self.kept.update(part.keys)
        return Path(part.keys[0])


def mined(crew: Any) -> tuple[Counter[str], dict[str, str]]:
    """How often each picture was kept, and those set aside."""
    store: Any = Store()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(cluster, "merge", lambda paths: SimpleNamespace(keys=[""]))
        run = cluster._Run(crew, store, None, lambda: False)
        run.finish()
    del store.kept[""]
    assert run.done == run.total == len(KEYS) and not run.waiting and not +run.missing
    return store.kept, run.aside


@settings(max_examples=40)
@given(
    deadly=st.sets(st.sampled_from(KEYS), max_size=4),
    failing=st.sets(st.sampled_from(KEYS), max_size=2),
    machines=st.lists(st.sampled_from("abc"), min_size=1, max_size=4),
)
def test_what_kills_or_fails_is_set_aside_alone(deadly: set[str], failing: set[str], machines: list[str]) -> None:
    def fate(address: str, keys: Sequence[str]) -> str:
        return "dies" if deadly & set(keys) else "fails" if failing & set(keys) else ""

    kept, aside = mined(Crew(machines, fate))
    assert set(aside) == deadly | failing
    assert kept == Counter(set(KEYS) - set(aside))
    assert all(words.startswith(("It killed its worker ", "It failed ")) for words in aside.values())


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), count=st.integers(1, 5), rate=st.floats(0, 0.005))
def test_machines_that_are_taken_away_set_nothing_aside(seed: int, count: int, rate: float) -> None:
    """However often: whoever has much work is hit more often than whoever has one picture."""
    random = np.random.default_rng(seed)
    kept, aside = mined(Crew("a" * count, lambda _, keys: "dies" if random.random() > (1 - rate) ** len(keys) else ""))
    assert aside == {} and kept == Counter(KEYS)


@pytest.mark.parametrize("fate", ["dies", "fails"])
def test_what_one_machine_cannot_do_another_does(fate: str) -> None:
    kept, aside = mined(Crew("ab", lambda address, _: fate if machine_of(address) == "a" else ""))
    assert aside == {} and kept == Counter(KEYS)


@pytest.mark.parametrize("fate", ["dies", "fails"])
def test_nobody_waits_for_ever_for_a_worker_that_loads(fate: str) -> None:
    """But for a while, before the blame is a picture's: the other may be able to do it."""
    hard = KEYS[7]
    crew = Crew("ab", lambda _, keys: fate if hard in keys else "", loading="b")
    kept, aside = mined(crew)
    assert set(aside) == {hard} and kept == Counter(set(KEYS) - {hard})
    assert max(np.diff(crew.given)) > PATIENCE / 2
