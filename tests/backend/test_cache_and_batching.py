"""The cache stays within its bytes; batches shrink until they fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from zfwidgets.backend.batching import halving
from zfwidgets.backend.cache import Cache, size_of
from zfwidgets.errors import NetworkError, ParameterError
from zfwidgets.network.device import choose_device


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 400)), max_size=40))
def test_it_never_holds_more_than_its_limit_and_counts_right(steps: list[tuple[int, int]]) -> None:
    cache = Cache(limit=1000)
    newest: dict[int, Any] = {}
    for key, length in steps:
        value = np.zeros(length, np.uint8)
        cache.put(key, value)
        newest[key] = value
        kept = {known: cache.get(known) for known in newest if cache.get(known) is not None}
        assert sum(size_of(held) for held in kept.values()) == cache.used <= 1000
        assert all(held is newest[known] for known, held in kept.items())
        assert kept.get(key) is value


def test_the_least_recently_used_goes_first() -> None:
    cache = Cache(limit=400)
    for key in "ab":
        cache.put(key, np.zeros(100, np.uint8))
    assert cache.get("a") is not None
    cache.put("c", np.zeros(100, np.uint8))
    assert (cache.get("a") is not None, cache.get("b"), len(cache)) == (True, None, 2)


def test_a_value_too_large_is_not_kept_and_replaces_the_old_one() -> None:
    cache = Cache(limit=200)
    cache.put("a", np.zeros(10, np.uint8))
    cache.put("a", np.zeros(1000, np.uint8))
    assert (cache.get("a"), cache.used) == (None, 0)


def test_sizes_look_into_results() -> None:
    @dataclass(frozen=True)
    class Result:
        maps: np.ndarray
        rest: dict[str, torch.Tensor]

    shared = np.zeros(1000, np.float32)
    size = size_of(Result(shared, {"a": torch.zeros(500)}))
    assert 6000 <= size < 7000
    assert size_of([shared, shared]) < 5000


@pytest.mark.parametrize("words", ["CUDA out of memory.", "DefaultCPUAllocator: can't allocate memory"])
def test_a_batch_is_halved_until_it_fits(words: str) -> None:
    tried = []

    def run(size: int) -> str:
        tried.append(size)
        if size > 5:
            raise RuntimeError(words)
        return "fits"

    assert halving(run, 48) == "fits"
    assert tried == [48, 24, 12, 6, 3]


def test_other_errors_are_not_taken_for_a_lack_of_memory() -> None:
    def run(size: int) -> None:
        raise RuntimeError("shapes do not agree")

    with pytest.raises(RuntimeError, match="shapes"):
        halving(run, 8)


def test_not_even_one_picture_is_a_clear_error() -> None:
    def run(size: int) -> None:
        raise torch.OutOfMemoryError

    with pytest.raises(NetworkError, match="smaller network"):
        halving(run, 4)


@pytest.mark.parametrize("asked", ["gpu", "cuda:99", ""])
def test_a_device_that_is_not_here_is_refused(asked: str) -> None:
    with pytest.raises(ParameterError, match="try 'auto' or 'cpu'"):
        choose_device(asked)
