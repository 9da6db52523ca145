"""RMS clipping against its slow twin."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from twins.training import clipped_filters

from zfwidgets.errors import ParameterError
from zfwidgets.training import clip_filters, first_radius


@given(seed=st.integers(0, 10_000), scale=st.floats(0.01, 5), radius=st.floats(0.02, 2))
def test_it_equals_the_twin(seed: int, scale: float, radius: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    convolution = nn.Conv2d(2, 5, 3)
    with torch.no_grad():
        convolution.weight.copy_(scale * torch.rand(5, 1, 1, 1) * torch.randn(5, 2, 3, 3, generator=generator))
    expected, count = clipped_filters(convolution.weight.detach(), radius)
    assert clip_filters(nn.Sequential(convolution), radius) == count
    torch.testing.assert_close(convolution.weight.detach(), expected)


def test_small_filters_linear_layers_and_biases_stay_bit_for_bit() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4, 2))
    with torch.no_grad():
        network[0].weight.mul_(1e-3)
        network[0].bias.fill_(9)
        network[2].weight.fill_(9)
    before = [parameter.detach().clone() for parameter in network.parameters()]
    assert clip_filters(network, 0.1) == 0
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))


def test_a_zero_filter_stays_zero() -> None:
    convolution = nn.Conv2d(3, 2, 3)
    nn.init.zeros_(convolution.weight)
    assert clip_filters(convolution, 0.1) == 0
    assert bool((convolution.weight == 0).all())


def test_only_the_first_convolution_has_the_first_radius() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3))
    for convolution in network:
        nn.init.constant_(convolution.weight, 2.0)
    assert clip_filters(network, 0.1, first=1.0) == 8
    assert [round(float(convolution.weight.detach().max()), 5) for convolution in network] == [1.0, 0.1]


def test_scaling_the_input_and_the_radius_together_is_the_same_network() -> None:
    # Inputs in 8-bit steps with radius 0.1, and inputs divided by std with the first radius: the same outputs.
    torch.manual_seed(0)
    std = 0.2
    raw, scaled = nn.Conv2d(3, 4, 5), nn.Conv2d(3, 4, 5)
    with torch.no_grad():
        raw.weight.mul_(5)
        scaled.weight.copy_(raw.weight * 255 * std)
        scaled.bias.copy_(raw.bias)
    clip_filters(raw, 0.1)
    clip_filters(scaled, 0.1, first=first_radius((std, std, std)))
    pixels = torch.rand(1, 3, 9, 9) * 255 - 128
    torch.testing.assert_close(raw(pixels), scaled(pixels / (255 * std)), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("radius", [0.0, -1.0, float("nan")])
def test_a_radius_is_positive(radius: float) -> None:
    with pytest.raises(ParameterError, match="must be positive"):
        clip_filters(nn.Conv2d(1, 1, 1), radius)
