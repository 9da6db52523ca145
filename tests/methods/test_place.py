"""Units that look straight at a pixel, against fields as sets of pixels; and every way to miss."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from twins.place import slow_units_at
from twins.zoo import Attention, DataDependent, small

from zfwidgets import Network, Preprocess, project, record, units_at
from zfwidgets.errors import NetworkError, ParameterError, UnknownNameError

SIZE = 19


@st.composite
def chains(draw: Any) -> list[nn.Module]:
    """One to three convolutions or pools with any kernels, steps, borders and gaps, the first a convolution."""
    torch.manual_seed(draw(st.integers(0, 9)))
    parts: list[nn.Module] = []
    for number in range(draw(st.integers(1, 3))):
        kernel, stride = draw(st.integers(1, 3)), draw(st.integers(1, 3))
        if number and draw(st.booleans()):
            parts.append(nn.MaxPool2d(kernel, stride, padding=kernel // 2 if draw(st.booleans()) else 0))
        else:
            padding, dilation = draw(st.integers(0, 2)), draw(st.integers(1, 2))
            parts.append(nn.Conv2d(4 if number else 3, 4, kernel, stride, padding, dilation))
            parts.append(nn.ReLU())
    return parts


@settings(max_examples=40)
@given(chains(), st.integers(0, SIZE - 1), st.integers(0, SIZE - 1), st.integers(1, 5))
def test_it_is_what_the_sets_of_pixels_say(parts: list[nn.Module], row: int, column: int, count: int) -> None:
    x = torch.randn(3, SIZE, SIZE, generator=torch.Generator().manual_seed(row))
    with torch.no_grad():
        cells = nn.Sequential(*parts)(x[None])[0]
    module = nn.Sequential(*parts, nn.Flatten(), nn.Linear(cells.numel(), 2))
    net = Network(module, preprocess=Preprocess(size=SIZE), device="cpu")
    layer = str(len(parts) - 1)
    wanted = slow_units_at(parts, x, (row, column), count)
    if wanted is None:
        with pytest.raises(ParameterError, match="No unit of"):
            units_at(net, x, layer, (row, column), count)
        return
    found = units_at(net, x, layer, (row, column), count)
    assert (found.position, found.box, found.channels.tolist()) == wanted[:3]
    np.testing.assert_allclose(found.values, wanted[3], rtol=1e-5, atol=1e-6)


@pytest.fixture(scope="module")
def net() -> Network:
    return Network(small("Plain"), preprocess=Preprocess(size=33), device="cpu")


def test_they_are_the_units_that_project_knows(net: Network) -> None:
    x = torch.randn(3, 33, 33, generator=torch.Generator().manual_seed(2))
    recording = record(net, x, ["conv2"])
    found = units_at(net, recording, "conv2", (12, 20))
    assert 0 < len(found) <= 6 and (np.diff(found.values) <= 0).all() and (found.values > 0).all()
    for channel, value in zip(found.channels, found.values, strict=True):
        p = project(net, recording, "conv2", int(channel), found.position)
        assert (p.box, np.float32(p.value)) == (found.box, value)


def test_nothing_active_is_nobody() -> None:
    silent = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 14 * 14, 2))
    net = Network(silent, preprocess=Preprocess(size=16), device="cpu")
    assert len(units_at(net, torch.zeros(3, 16, 16), "conv1", (5, 5))) == 0


@pytest.mark.parametrize("pixel", [(33, 0), (0, -1), (1.0, 2), (True, 1), 5, (1, 2, 3), None, "ab"])
def test_a_pixel_that_is_none_of_the_pictures(net: Network, pixel: Any) -> None:
    with pytest.raises(ParameterError, match=r"from \(0, 0\) to \(32, 32\) in what the network sees"):
        units_at(net, torch.zeros(3, 33, 33), "conv1", pixel)


def test_what_has_no_places_says_what_has(net: Network) -> None:
    with pytest.raises(ParameterError, match=r"Every unit of fc3 sees the whole picture.* try conv1, pool1, conv2"):
        units_at(net, torch.zeros(3, 33, 33), "fc3", (1, 1))
    mixing = Network(Attention(), preprocess=Preprocess(size=16), device="cpu")
    with pytest.raises(ParameterError, match="sees the whole picture"):
        units_at(mixing, torch.zeros(3, 16, 16), "head", (1, 1))


def test_other_bad_input(net: Network) -> None:
    with pytest.raises(UnknownNameError, match="nearest are 'conv2'"):
        units_at(net, torch.zeros(3, 33, 33), "convv2", (1, 1))
    with pytest.raises(ParameterError, match="one picture, found 2"):
        units_at(net, torch.zeros(2, 3, 33, 33), "conv2", (1, 1))
    for count in (0, -1, 2.5, True, "all"):
        with pytest.raises(ParameterError, match="count"):
            units_at(net, torch.zeros(3, 33, 33), "conv2", (12, 12), count)  # type: ignore[arg-type]
    with pytest.raises(NetworkError, match="cannot be traced"):
        units_at(
            Network(DataDependent(), preprocess=Preprocess(size=16), device="cpu"), torch.zeros(3, 16, 16), "a", (1, 1)
        )
