"""Filter reports against their slow twin, and on networks that have broken, constant, grouped or no filters."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import nn
from twins import filters as twin
from twins.zoo import small

import zfwidgets as zf
from zfwidgets.data.image_set import Entry
from zfwidgets.errors import Cancelled, NetworkError, ParameterError
from zfwidgets.methods.filters import second_convolution
from zfwidgets.methods.filters.spectra import aliased, bands, likeness
from zfwidgets.network.version import weights_version

STD = (0.2, 0.25, 0.3)


def network(module: nn.Module, size: int = 24) -> zf.Network:
    return zf.Network(module.eval(), preprocess=zf.Preprocess(size=size, resize=size, std=STD), device="cpu")


def chain(first: nn.Conv2d, *between: nn.Module, second: nn.Conv2d | None = None) -> nn.Sequential:
    last = first.out_channels if second is None else second.out_channels
    rest = [] if second is None else [second, nn.ReLU()]
    return nn.Sequential(first, *between, *rest, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(last, 3))


@settings(max_examples=12)
@given(
    seed=st.integers(0, 1000),
    size=st.integers(1, 5),
    width=st.integers(1, 6),
    groups=st.sampled_from([1, 3]),
    dilation=st.integers(1, 2),
)
def test_filters_and_their_figures_are_the_twins(seed: int, size: int, width: int, groups: int, dilation: int) -> None:
    torch.manual_seed(seed)
    first = nn.Conv2d(3, 3, (size, width), stride=(2, 3), groups=groups, dilation=dilation)
    report = zf.filter_report(network(chain(first, nn.ReLU())))
    slow = twin.eight_bit_filters(first, STD)
    np.testing.assert_allclose(report.filters, slow, rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(report.rms, np.sqrt((slow**2).mean((1, 2, 3))), rtol=1e-5)
    assert report.stride == (2, 3)
    shares, frequency = twin.band_shares(slow[0])
    np.testing.assert_allclose(report.shares[0], shares, rtol=1e-4, atol=1e-7)
    assert report.frequency[0] == pytest.approx(frequency, rel=1e-4)
    assert report.aliasing[0] == pytest.approx(twin.aliased_share(slow[0], (2, 3)), rel=1e-4)
    for one in range(3):
        angles = [-2.0 if other == one else twin.cosine(slow[one], slow[other]) for other in range(3)]
        assert report.similarity[one] == pytest.approx(max(angles), abs=1e-5)
        assert angles[report.nearest[one]] == pytest.approx(max(angles), abs=1e-5)


@settings(max_examples=15)
@given(seed=st.integers(0, 1000), stride=st.integers(1, 3), pooled=st.booleans(), groups=st.sampled_from([1, 2]))
def test_the_second_layer_in_pixels_is_the_twins(seed: int, stride: int, pooled: bool, groups: int) -> None:
    torch.manual_seed(seed)
    first, second = nn.Conv2d(3, 4, 3, stride=stride), nn.Conv2d(4, 6, 2, groups=groups)
    between = [nn.ReLU(inplace=True), *([nn.MaxPool2d(3, 2, ceil_mode=True)] if pooled else [])]
    net = network(chain(first, *between, second=second))
    patterns = zf.filter_report(net).patterns
    assert patterns is not None
    assert patterns.layer == "conv2"
    jump = stride * (2 if pooled else 1)
    filters = twin.eight_bit_filters(first, STD)
    for g in range(6):
        whole = np.zeros((4, 2, 2))
        own = 4 // groups
        start = g // (6 // groups) * own
        whole[start : start + own] = second.weight[g].detach().numpy()
        expected = twin.second_pattern(whole, filters, (jump, jump))
        np.testing.assert_allclose(patterns.pixels[g], expected, rtol=1e-4, atol=1e-7)
    assert patterns.aliasing[0] == pytest.approx(
        twin.aliased_share(patterns.pixels[0].astype(float), (stride, stride)), rel=1e-3, abs=1e-9
    )


@settings(max_examples=15)
@given(seed=st.integers(0, 1000), count=st.integers(1, 40), norm=st.booleans())
def test_answers_and_dead_filters_are_the_twins(seed: int, count: int, norm: bool) -> None:
    torch.manual_seed(seed)
    first = nn.Conv2d(3, 6, 5, stride=2)
    with torch.no_grad():
        first.bias[1] = -100.0  # never above zero
        first.weight[2], first.bias[2] = 0.0, 1.0  # says the same of everything
    parts = [nn.BatchNorm2d(6)] if norm else []
    module = chain(first, *parts, nn.ReLU(inplace=True))
    pictures = [torch.randn(3, 24, 24) for _ in range(count)]
    before = weights_version([*module.parameters(), *module.buffers()])
    responses = zf.filter_report(network(module), pictures).responses
    assert weights_version([*module.parameters(), *module.buffers()]) == before
    assert responses is not None
    slow = twin.answers(module, pictures)
    assert responses.pictures == count
    np.testing.assert_allclose(responses.peak, slow.max(1), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(responses.spread, slow.std(1), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(responses.active, (slow > 0).mean(1), atol=1e-4)
    assert responses.dead.tolist() == [False, True, True, False, False, False]


def test_a_batch_norm_is_counted_in() -> None:
    torch.manual_seed(0)
    module = chain(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU())
    assert isinstance(module[1].weight, nn.Parameter)
    module[1].weight.data = torch.tensor([2.0, 1.0, -1.0, 3.0])
    report = zf.filter_report(network(module))
    plain = twin.eight_bit_filters(module[0], STD)
    np.testing.assert_allclose(report.filters, plain * np.array([2, 1, -1, 3])[:, None, None, None], rtol=1e-4)
    assert any("Batch norm" in note for note in report.notes)


def test_figures_tell_what_was_put_in() -> None:
    """One filter ten times as large, one twice there, one negated, stripes of one and of eight pixels."""
    torch.manual_seed(0)
    first = nn.Conv2d(3, 8, 16, stride=4)
    row = torch.arange(16).float()
    with torch.no_grad():
        for f, wave in enumerate((2, 16, 6)):
            first.weight[f] = torch.cos(2 * math.pi * row / wave).expand(3, 16, 16)
        first.weight[3] = 1.01 * first.weight[4] + 0.001
        first.weight[5] = -first.weight[6]
        first.weight.mul_(0.05 / first.weight.square().mean((1, 2, 3), keepdim=True).sqrt() * 255 * 0.25)
        first.weight[7] *= 10
    report = zf.filter_report(
        zf.Network(chain(first, nn.ReLU()), preprocess=zf.Preprocess(size=24, std=(0.25,) * 3), device="cpu")
    )
    np.testing.assert_allclose(report.rms, [0.05] * 7 + [0.5], rtol=1e-4)
    assert report.over.tolist() == [False] * 7 + [True]
    assert report.dominance == pytest.approx(10, rel=1e-3)
    assert report.shares[:3].argmax(1).tolist() == [2, 0, 1]
    assert report.duplicate.tolist() == [False, False, False, True, True, False, False, False]
    assert (report.nearest[3], report.nearest[4]) == (4, 3)
    assert report.aliasing[0] > 0.5 > 0.1 > report.aliasing[1]
    figures = report.figures()
    assert (figures["filters"], figures["over"], figures["duplicates"]) == (8, 1, 2)
    assert "dead" not in figures
    assert "10.0 times" in report.sentence


def test_nan_and_constant_filters_are_shown_and_said() -> None:
    module = chain(nn.Conv2d(3, 5, 3), nn.ReLU())
    net = network(module)
    with torch.no_grad():
        module[0].weight[0] = 0.0
        module[0].weight[1] = 0.3
        module[0].weight[2, 0, 0, 0] = torch.nan
        module[0].weight[3, 0, 0, 0] = torch.inf
    report = zf.filter_report(net, [torch.rand(3, 24, 24)])
    assert report.broken.tolist() == [False, False, True, True, False]
    assert np.isnan(report.shares[[0, 2, 3]]).all()
    assert np.isnan(report.aliasing[[0, 2, 3]]).all()
    assert report.nearest[[0, 2, 3]].tolist() == [-1, -1, -1]
    assert report.responses is not None
    assert report.responses.dead[[0, 2, 3]].all()
    assert math.isfinite(report.dominance)
    assert all(math.isfinite(value) for value in report.figures().values())
    assert any("2 filters hold NaN" in note for note in report.notes)
    assert any("1 filter holds nothing but zeros" in note for note in report.notes)


def test_a_network_of_nothing_but_broken_filters_still_reports() -> None:
    module = chain(nn.Conv2d(3, 2, 3), nn.ReLU())
    net = network(module)
    with torch.no_grad():
        module[0].weight.fill_(torch.nan)
    report = zf.filter_report(net)
    assert math.isnan(report.dominance)
    assert all(math.isnan(share) for share in report.coverage)
    assert "nan" in report.sentence


@pytest.mark.parametrize(
    ("module", "found"),
    [
        (nn.Sequential(nn.Flatten(), nn.Linear(3 * 24 * 24, 3)), "flatten"),
        (nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(3, 2, 3), nn.Flatten(), nn.LazyLinear(3)), "average pool"),
    ],
)
def test_networks_that_begin_with_something_else(module: nn.Module, found: str) -> None:
    with torch.no_grad():
        module(torch.zeros(1, 3, 24, 24))
    with pytest.raises(NetworkError, match=f"does not begin with a convolution on the RGB picture but with {found}"):
        zf.filter_report(network(module))


class Grey(nn.Module):
    """Sees one channel only: the mean of the colours."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(1, 4, 3), nn.Linear(4, 3)

    def forward(self, x: Any) -> Any:
        return self.last(torch.relu(self.first(x.mean(1, keepdim=True))).mean([2, 3]))


def test_a_first_layer_of_one_channel_and_two_first_layers_are_named() -> None:
    with pytest.raises(NetworkError, match="does not begin with a convolution on the RGB picture"):
        zf.filter_report(network(Grey()))


KINDS = {
    "Plain": ("conv1", "conv2"),
    "Functional": ("first", "second"),
    "Reused": ("conv1", "conv2"),
    "PreActivation": ("stem", "body"),  # no list of its layers offers these
}


@pytest.mark.parametrize(("name", "names"), KINDS.items())
def test_networks_of_every_kind(name: str, names: tuple[str, str]) -> None:
    module = small(name)
    net = zf.Network(module, preprocess=zf.Preprocess(size=33), device="cpu")
    report = zf.filter_report(net, zf.scenes(3, seed=0))
    assert report.filters.shape == next(m for m in module.modules() if isinstance(m, nn.Conv2d)).weight.shape
    assert report.patterns is not None
    assert (report.layer, report.patterns.layer) == names


def test_no_second_convolution_reads_the_first() -> None:
    net = network(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)))
    assert second_convolution(net) is None
    assert zf.filter_report(net).patterns is None


def test_bad_questions() -> None:
    net = network(chain(nn.Conv2d(3, 4, 3), nn.ReLU()))
    with pytest.raises(NetworkError, match="load_network"):
        zf.filter_report("zfnet-scenes")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="radius"):
        zf.filter_report(net, radius=0)
    with pytest.raises(ParameterError, match="no pictures"):
        zf.filter_report(net, [])
    with pytest.raises(Cancelled):
        zf.filter_report(net, [torch.zeros(3, 24, 24)], cancelled=lambda: True)


def test_pictures_that_cannot_be_read_are_left_out_and_said(tmp_path: Any) -> None:
    Image.new("RGB", (30, 30), "teal").save(tmp_path / "good.png")
    (tmp_path / "bad.png").write_bytes(b"\x89PNG")
    net, pictures = network(chain(nn.Conv2d(3, 4, 3), nn.ReLU())), zf.ImageSet.from_folder(tmp_path)
    pictures |= zf.ImageSet({"gone": Entry(lambda: 1 / 0, lambda: None)})
    found = zf.filter_report(net, pictures).responses
    assert found is not None and found.pictures == 1
    assert [key for key, _ in found.skipped] == ["bad.png", "gone"]
    assert "'bad.png'" in found.skipped[0].reason and "'gone' cannot be read: division" in found.skipped[1].reason
    listed = [tmp_path / "good.png", tmp_path / "bad.png", tmp_path / "none.png", b"no picture"]
    found = zf.filter_report(net, listed).responses
    assert found is not None and found.pictures == 1
    assert [key for key, _ in found.skipped] == [*map(str, listed[1:3]), "image/00003"]
    with pytest.raises(ParameterError, match=r"None of 1 can be read: .*gone"):
        zf.filter_report(net, pictures.only(["gone"]))
    with pytest.raises(ParameterError, match="shape"):  # which is no picture but a mistake
        zf.filter_report(net, [torch.zeros(2, 24, 24)])


def test_spectra_of_single_filters() -> None:
    one = np.ones((1, 3, 1, 1))
    assert aliased(one, (1, 1)).tolist() == [0.0]
    assert likeness(one)[0].tolist() == [-1]
    assert np.isnan(likeness(one)[1]).all()
    shares, _ = bands(np.full((1, 3, 40, 40), 1e-30))
    assert shares[0, 0] > 0.9
