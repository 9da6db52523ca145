"""Every fast way through a sweep against one whole pass per square."""

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from torch import nn
from torchvision import models
from twins.drawn import drawn_network
from twins.networks import slow_occlusion
from twins.zoo import SMALL, small

from zfwidgets import Network, Preprocess, occlusion_map
from zfwidgets.errors import Cancelled, NetworkError
from zfwidgets.methods import fill_picture, grid
from zfwidgets.network import side_by_side as pieces
from zfwidgets.network.cost import SweepPrices


def picture(height, width, seed=0):
    return torch.randn(3, height, width, generator=torch.Generator().manual_seed(seed))


def assert_exact(m, net, x, size, stride, fill="grey"):
    logits, corners = slow_occlusion(net.module, x, size, stride, fill_picture(net, x, fill))
    assert [m.rows.tolist(), m.columns.tolist()] == corners
    np.testing.assert_allclose(m.logits, logits, rtol=0, atol=3e-5 * float(logits.abs().max()))
    assert m.complete


@given(
    seed=st.integers(0, 10_000),
    shape=st.tuples(st.integers(16, 40), st.integers(16, 40)),
    size=st.integers(1, 40),
    stride=st.integers(1, 40),
    fill=st.sampled_from(["grey", "mean", "noise"]),
    threads=st.sampled_from([1, 2]),
)
@hypothesis_settings(max_examples=200, suppress_health_check=[HealthCheck.filter_too_much])
def test_windows_equal_whole_passes(seed, shape, size, stride, fill, threads):
    assume(size <= min(shape))
    stride = max(stride, (max(shape) - size) // 6)  # about fifty whole passes for each example are enough
    try:
        net = Network(drawn_network(seed), preprocess=Preprocess(size=24), device="cpu")
        net.input(x := picture(*shape, seed))
    except Exception:  # some drawings shrink to nothing
        assume(False)
    assert net.graph is not None, net.trace_problem
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        m = occlusion_map(net, x, size, stride, fill, plan="incremental")
    finally:
        torch.set_num_threads(before)
    assert_exact(m, net, x, size, stride, fill)
    dense = occlusion_map(net, x, size, stride, fill, plan="dense", layer=m.layer)
    if m.sums is not None:
        np.testing.assert_allclose(m.sums, dense.sums, rtol=0, atol=3e-5 * max(1, float(np.abs(dense.sums).max())))


@pytest.mark.parametrize("name", ["alexnet", "squeezenet1_1", "resnet18", "googlenet", "mobilenet_v2", "densenet121"])
def test_known_networks(name):
    torch.manual_seed(0)
    options = {"init_weights": False} if name == "googlenet" else {}
    net = Network(models.get_model(name, weights=None, **options).eval(), preprocess=Preprocess(size=128), device="cpu")
    x = picture(128, 128)
    assert_exact(occlusion_map(net, x, 37, 45, plan="incremental"), net, x, 37, 45)


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("size", [1, 7, 20, 33])
def test_known_small_networks(name, size):
    net = Network(small(name), preprocess=Preprocess(size=33), device="cpu")
    assert_exact(occlusion_map(net, picture(33, 33), size, 6, plan="incremental"), net, picture(33, 33), size, 6)


def test_a_picture_of_one_pixel():
    module = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(), nn.Flatten(), nn.Linear(4, 3))
    net = Network(module, preprocess=Preprocess(size=1), device="cpu")
    for plan in ("auto", "dense", "incremental"):
        assert_exact(occlusion_map(net, picture(1, 1), 1, 1, plan=plan), net, picture(1, 1), 1, 1)


def test_a_stride_larger_than_the_kernel_leaves_squares_that_change_nothing():
    module = nn.Sequential(nn.Conv2d(3, 4, 1, stride=5), nn.ReLU(), nn.Conv2d(4, 3, 2), nn.Flatten(), nn.LazyLinear(2))
    module(torch.zeros(1, 3, 21, 21))
    net = Network(module, preprocess=Preprocess(size=21), device="cpu")
    assert_exact(occlusion_map(net, picture(21, 21), 2, 3, plan="incremental"), net, picture(21, 21), 2, 3)


class Pooled(nn.Module):
    """Adds a map of one cell to a larger one, except where both have one cell."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.head = nn.Conv2d(3, 8, 3, 8, 1), nn.Conv2d(8, 8, 3, 1, 1), nn.Linear(8, 3)

    def forward(self, x):
        x = self.first(x)
        x = x + nn.functional.adaptive_avg_pool2d(x, 1)
        return self.head(self.second(x).mean((2, 3)))


class Aliased(nn.Module):
    """Writes into a map through a view of it."""

    def __init__(self):
        super().__init__()
        self.first, self.head = nn.Conv2d(3, 8, 3, padding=1), nn.Linear(8, 3)

    def forward(self, x):
        x = self.first(x)
        y = x.flatten(2)
        y = y.mul_(2.0)
        return self.head((x + y.view(-1, 8, 16, 16)).mean((2, 3)))


class Folded(nn.Module):
    """Looks at the colours as three pictures."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.head = nn.Conv2d(3, 3, 3), nn.Conv2d(1, 4, 3), nn.Linear(12, 3)

    def forward(self, x):
        x = self.first(x)
        y = self.second(x.view(-1, 1, x.shape[2], x.shape[3]))
        return self.head(y.mean((2, 3)).view(x.shape[0], -1))


class Tabled(nn.Module):
    """Keeps a table that it makes at its first call."""

    def __init__(self):
        super().__init__()
        self.first, self.head, self.table = nn.Conv2d(3, 8, 3), nn.Linear(8, 3), None

    def forward(self, x):
        if self.table is None:
            self.table = torch.linspace(0, 1, 8).reshape(8, 1, 1)
        return self.head((self.first(x) * self.table).mean((2, 3)))


@pytest.mark.parametrize(("kind", "traced", "seen"), [(Pooled, 8, 40), (Aliased, 16, 16), (Folded, 16, 16)])
def test_networks_that_do_unusual_things(kind, traced, seen):
    torch.manual_seed(1)
    net = Network(kind(), preprocess=Preprocess(size=traced), device="cpu")
    x = picture(seen, seen)
    for plan in ("auto", "incremental"):
        assert_exact(occlusion_map(net, x, 6, 5, plan=plan), net, x, 6, 5)


def test_a_network_that_keeps_a_table_can_be_trained_afterwards():
    net = Network(module := Tabled(), preprocess=Preprocess(size=16), device="cpu")
    occlusion_map(net, picture(16, 16), 6, 5)
    module.train()(picture(16, 16)[None]).sum().backward()


def test_one_unit_silenced_behind_the_back_of_torch_is_noticed():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(784, 2048), nn.Linear(2048, 3))
    net = Network(module, preprocess=Preprocess(size=16), device="cpu")
    x = picture(16, 16)
    for unit in range(10):
        occlusion_map(net, x, 6, 5, plan="incremental")
        module[3].weight.data[unit * 100] *= -20
        assert_exact(occlusion_map(net, x, 6, 5, plan="incremental"), net, x, 6, 5)


def test_weights_edited_between_two_sweeps_are_noticed():
    net = Network(small("Plain"), preprocess=Preprocess(size=33), device="cpu")
    x = picture(33, 33)
    for edit in (lambda p: p.data.mul_(1.5), lambda p: p.data.numpy().__imul__(0.5)):
        for _ in range(3):  # often enough for packed weights
            occlusion_map(net, x, 9, 8, plan="incremental")
        for parameter in net.module.parameters():
            edit(parameter)
        assert_exact(occlusion_map(net, x, 9, 8, plan="incremental"), net, x, 9, 8)


def test_an_error_in_a_piece_comes_out_and_the_next_sweep_is_right(monkeypatch):
    net = Network(small("Plain"), preprocess=Preprocess(size=33), device="cpu")
    x = picture(33, 33)
    right = occlusion_map(net, x, 9, 4, plan="incremental")
    pool = next(node.operation for node in net.graph.nodes if node.operation.kind == "max pool")
    calls, slide = [], pool.slide

    def failing(*windows, **options):
        calls.append(1)
        if len(calls) > 2:
            raise torch.OutOfMemoryError("no memory left")
        return slide(*windows, **options)

    monkeypatch.setattr(pool, "slide", failing)
    with pytest.raises(torch.OutOfMemoryError):
        occlusion_map(net, x, 9, 4, plan="incremental")
    monkeypatch.undo()
    again = occlusion_map(net, x, 9, 4, plan="incremental")
    np.testing.assert_allclose(again.logits, right.logits, rtol=0, atol=3e-5 * np.abs(right.logits).max())


def test_cancelled_between_chunks():
    net = Network(small("Plain"), preprocess=Preprocess(size=33), device="cpu")
    asked = []
    with pytest.raises(Cancelled):
        occlusion_map(
            net, picture(33, 33), 9, 2, plan="incremental", cancelled=lambda: asked.append(1) or len(asked) > 3
        )
    assert len(asked) == 4


def test_untraced_networks_have_no_windows(monkeypatch):
    net = Network(small("Plain"), preprocess=Preprocess(size=33), device="cpu")
    net.graph, net.trace_problem = None, "It cannot be traced."
    with pytest.raises(NetworkError, match="cannot be traced"):
        occlusion_map(net, picture(33, 33), 9, 8, plan="incremental")
    with pytest.raises(NetworkError, match="cannot be traced"):
        net.occlusion_cost(9, 8)


def test_any_number_of_threads_gives_the_same_bits():
    net = Network(small("PreActivation"), preprocess=Preprocess(size=33), device="cpu")
    before, maps = torch.get_num_threads(), []
    for _ in range(3):  # until every filter is packed
        occlusion_map(net, picture(33, 33), 9, 2, plan="incremental")
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            maps.append(occlusion_map(net, picture(33, 33), 9, 2, plan="incremental").sums)
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(maps[0], maps[1])
    np.testing.assert_array_equal(maps[0], maps[2])


def test_pieces_come_in_order_and_stop_when_nobody_asks():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        begun = []

        def piece(number):
            begun.append(number)
            assert torch.get_num_threads() == 1 and torch.is_inference_mode_enabled()
            return list(pieces.side_by_side(lambda n: n + number, [1, 2]))  # inside a piece there are no more threads

        results = pieces.side_by_side(piece, range(100))
        assert next(results) == [1, 2]
        results.close()
        assert len(begun) <= 4
    finally:
        torch.set_num_threads(before)


@given(seed=st.integers(0, 10_000), size=st.integers(1, 24), stride=st.integers(1, 12))
@hypothesis_settings(max_examples=60)
def test_no_cell_changes_outside_its_window_and_the_bound_is_below(seed, size, stride):
    """Windows against the changes themselves, counted cell by cell."""
    try:
        net = Network(drawn_network(seed), preprocess=Preprocess(size=24), device="cpu")
    except NetworkError:
        assume(False)
    cost = net.occlusion_cost(size, stride)
    assert cost.bound <= cost.chosen <= cost.dense == cost.positions * net.multiply_adds
    starts = grid(24, size, stride)
    prices = SweepPrices(net.graph, net.shapes, starts, starts, size, [net.graph.output])
    x, nodes = picture(24, 24), set(prices.nodes)
    hidden = x.clone()
    p = len(starts) // 2
    hidden[:, starts[p] : starts[p] + size, starts[0] : starts[0] + size] = 3.0
    clean, changed = (net.graph.run(v[None], nodes).outputs for v in (x, hidden))
    for index in nodes:
        cells = (clean[index] != changed[index])[0].any(0).nonzero()
        for axis, place in enumerate((p, 0)):
            first, end = (int(side[place]) for side in prices.touched[axis][index])
            assert all(first <= int(cell[axis]) < end for cell in cells), net.graph.nodes[index].name
