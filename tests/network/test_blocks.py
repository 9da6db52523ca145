"""Pixels written in blocks are those of the transposed convolution."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from zfwidgets.network.blocks import block_filters, convolve_back_in_blocks

PAIR = st.tuples(st.integers(1, 5), st.integers(1, 5))


@given(kernel=st.tuples(st.integers(1, 12), st.integers(1, 12)), stride=PAIR, cells=PAIR, channels=st.integers(1, 4))
def test_equals_the_transposed_convolution(
    kernel: tuple[int, int], stride: tuple[int, int], cells: tuple[int, int], channels: int
) -> None:
    generator = torch.Generator().manual_seed(0)
    signal = torch.randn(2, 5, *cells, generator=generator)
    weight = torch.randn(5, channels, *kernel, generator=generator)
    expected = F.conv_transpose2d(signal, weight, None, stride)
    for filters in (None, block_filters(weight, stride)):
        found = convolve_back_in_blocks(signal, weight, stride, filters)
        assert found.shape == expected.shape
        assert torch.allclose(found, expected, rtol=0, atol=3e-6 * float(expected.abs().max()))
