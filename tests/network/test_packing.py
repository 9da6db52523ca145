"""Packs: the numbers of the plain operator, for these weights and no others, within a budget."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from zfwidgets.network import packing
from zfwidgets.network.packing import Packed, packs_held

PAIR = st.tuples(st.integers(1, 3), st.integers(1, 3))


@pytest.fixture(autouse=True)
def empty_shelf(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(packing, "_SHELF", packing._Shelf(packing.BUDGET))
    yield
    packing._probed.cache_clear()


def close(found: Tensor, expected: Tensor) -> bool:
    found, expected = found.detach(), expected.detach()
    precision = torch.finfo(expected.dtype).eps * 32
    largest = float(expected.abs().amax()) if expected.numel() else 0.0
    return torch.allclose(found, expected, rtol=0, atol=precision * largest) and found.shape == expected.shape


@torch.inference_mode()
def convolved(packed: Packed, windows: Tensor) -> Tensor:
    module = packed._module
    assert isinstance(module, nn.Conv2d)
    return packed.convolve(windows, module.bias, (1, 1), (1, 1), (1, 1), 1)


def layer() -> nn.Conv2d:
    return nn.Conv2d(16, 32, 3, padding=1)


@given(data=st.data(), groups=st.sampled_from([1, 2, 4]), dtype=st.sampled_from([torch.float32, torch.bfloat16]))
@settings(max_examples=60, deadline=None)
def test_convolutions_equal_the_plain_operators(data: st.DataObject, groups: int, dtype: torch.dtype) -> None:
    kernel, stride, dilation, padding = (data.draw(PAIR) for _ in range(4))
    channels, filters = groups * data.draw(st.integers(1, 6)), groups * data.draw(st.integers(1, 6))
    height, width = (data.draw(st.integers(d * (k - 1) + 1, 12)) for k, d in zip(kernel, dilation, strict=True))
    torch.manual_seed(data.draw(st.integers(0, 99)))
    module = nn.Conv2d(channels, filters, kernel, groups=groups, bias=data.draw(st.booleans()))
    packed = Packed(module)
    windows = torch.randn(data.draw(st.integers(1, 3)), channels, height, width).to(dtype)
    if data.draw(st.booleans()):
        windows = windows.contiguous(memory_format=torch.channels_last)
    weight, bias = module.weight.to(dtype), None if module.bias is None else module.bias.to(dtype)
    with torch.inference_mode():
        expected = F.conv2d(windows, weight, bias, stride, padding, dilation, groups)
        signal = torch.randn(expected.shape).to(dtype)
        back = F.conv_transpose2d(signal, weight, None, stride, 0, 0, groups, dilation)
        for _ in range(3):  # plain, packing, packed
            assert close(packed.convolve(windows, module.bias, stride, padding, dilation, groups), expected)
            assert close(packed.convolve_back(signal, stride, dilation, groups), back)


@given(
    sizes=st.tuples(st.integers(1, 40), st.integers(1, 40)), rows=st.lists(st.integers(0, 40), min_size=2, max_size=5)
)
@settings(max_examples=30, deadline=None)
def test_one_pack_multiplies_any_number_of_rows(sizes: tuple[int, int], rows: list[int]) -> None:
    module = nn.Linear(*sizes)
    packed = Packed(module)
    with torch.inference_mode():
        for count in rows:
            batch = torch.randn(count, sizes[0])
            assert close(packed.multiply(batch, module.bias), F.linear(batch, module.weight, module.bias))
            signal = torch.randn(count, sizes[1])
            assert close(packed.multiply_back(signal), signal @ module.weight)


def test_a_shape_is_packed_when_it_comes_back() -> None:
    packed = Packed(layer())
    windows = torch.randn(2, 16, 7, 7)
    convolved(packed, windows)
    assert packs_held() == 0
    convolved(packed, windows)
    assert packs_held() == 16 * 32 * 9 * 4
    convolved(packed, windows.bfloat16())
    convolved(packed, windows.bfloat16())
    assert packs_held() == 16 * 32 * 9 * 6
    del packed
    gc.collect()
    assert packing._SHELF.held in (0, 16 * 32 * 9 * 6)  # the process's own shelf is told, not the one of this test


def test_gradients_and_other_number_formats_take_the_plain_operator() -> None:
    module = layer()
    packed = Packed(module)
    for _ in range(3):
        windows = torch.randn(2, 16, 7, 7, requires_grad=True)
        packed.convolve(windows, module.bias, (1, 1), (1, 1), (1, 1), 1).sum().backward()
        assert windows.grad is not None
    double = Packed(layer().double())
    for _ in range(3):
        assert convolved(double, torch.randn(2, 16, 7, 7).double()).dtype == torch.float64
    assert packs_held() == 0


@pytest.mark.parametrize("broken", ["missing", "different"])
def test_operators_that_fail_the_probe_are_not_used(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> Tensor:
        raise NotImplementedError

    def lie(windows: Tensor, pack: Tensor, *_: object) -> Tensor:
        return torch.zeros(windows.shape[0], pack.shape[0], *windows.shape[2:])

    packing._probed.cache_clear()
    monkeypatch.setattr(packing, "_convolution", refuse if broken == "missing" else lie)
    packed = Packed(layer())
    windows = torch.randn(2, 16, 7, 7)
    for _ in range(3):
        assert close(convolved(packed, windows), packed._module(windows))
    assert packs_held() == 0


def replace(module: nn.Conv2d) -> None:
    module.weight = nn.Parameter(torch.randn_like(module.weight))


def write(module: nn.Conv2d) -> None:
    with torch.no_grad():
        module.weight.mul_(2)


def write_around(module: nn.Conv2d) -> None:
    module.weight.data.mul_(2)


def put_data(module: nn.Conv2d) -> None:
    module.weight.data = module.weight.data * 2


@pytest.mark.parametrize("edit", [replace, write, write_around, put_data])
@pytest.mark.parametrize("inference", [False, True])
def test_edited_weights_are_noticed(edit: object, inference: bool) -> None:
    with torch.inference_mode(inference):
        module = layer()
        packed = Packed(module)
        windows = torch.randn(2, 16, 7, 7)
        for _ in range(2):
            for _ in range(3):
                before = convolved(packed, windows)
            edit(module)  # type: ignore[operator]
            if edit is write_around or inference:  # torch's count does not tell these
                packed.refresh()
            after = convolved(packed, windows)
            assert close(after, module(windows)) and not close(after, before)


def test_weights_that_are_computed_anew_are_never_packed() -> None:
    module = nn.utils.parametrizations.weight_norm(layer())
    packed = Packed(module)
    windows = torch.randn(2, 16, 7, 7)
    for _ in range(3):
        assert close(convolved(packed, windows), module(windows))
        module.parametrizations.weight.original0.data.mul_(2)  # type: ignore[union-attr, operator]
    assert packs_held() == 0


def test_packs_stay_within_the_budget_and_idle_ones_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    one = 16 * 32 * 9 * 4
    monkeypatch.setattr(packing, "_SHELF", packing._Shelf(2 * one))
    monkeypatch.setattr(packing, "_IDLE", 10)
    layers = [Packed(layer()) for _ in range(3)]
    windows = torch.randn(2, 16, 7, 7)
    for _ in range(3):
        for packed in layers:
            assert close(convolved(packed, windows), packed._module(windows))
    assert packs_held() == 2 * one and _packed(layers) == [True, True, False]
    for _ in range(12):
        convolved(layers[2], windows)
    assert packs_held() == 2 * one and _packed(layers) == [False, True, True]


def _packed(layers: list[Packed]) -> list[bool]:
    held = {key[0] for key in packing._SHELF._packs}
    return [packed._serial in held for packed in layers]


def test_threads_share_packs() -> None:
    packed = Packed(layer())
    batches = [torch.randn(1 + n % 3, 16, 7, 7) for n in range(60)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda batch: convolved(packed, batch), batches))
    assert all(close(one, packed._module(batch)) for one, batch in zip(found, batches, strict=True))
    assert packs_held() == 16 * 32 * 9 * 4


@pytest.mark.parametrize(("layout", "packs"), [(("one",), 1), ((), 3)])
def test_shapes_of_one_layout_share_a_pack(
    layout: tuple[str, ...], packs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "_layout", lambda pack: layout)
    packed = Packed(layer())
    for size in (5, 6, 7):
        windows = torch.randn(2, 16, size, size)
        for _ in range(3):
            assert close(convolved(packed, windows), packed._module(windows))
    assert packs_held() == packs * 16 * 32 * 9 * 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_does_not_wait_for_a_lock_that_nobody_in_it_holds():
    held, done = threading.Event(), threading.Event()

    def hold():
        with packing._SHELF._lock:
            held.set()
            done.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(30)
    child = os.fork()
    if child == 0:
        os._exit(0 if packing._SHELF._lock.acquire(timeout=5) else 1)
    _, status = os.waitpid(child, 0)
    done.set()
    holder.join()
    assert os.waitstatus_to_exitcode(status) == 0
