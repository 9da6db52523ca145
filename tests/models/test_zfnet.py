"""ZFNet against the paper's Fig. 3, and batch norm folded away."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from zfwidgets.errors import NetworkError, ParameterError
from zfwidgets.models.zfnet import ZFNet, fold_batch_norm

SMALL: dict[str, Any] = {"channels": (4, 6, 5, 5, 4), "hidden": (12, 10), "input_size": 64, "conv2_stride": 1}


def maps(network: ZFNet, kind: type[nn.Module]) -> list[tuple[int, ...]]:
    """Shapes (C, H, W) of what the modules of one kind in `features` return for a black picture."""
    shapes = []
    value = torch.zeros(1, 3, network.input_size, network.input_size)
    with torch.inference_mode():
        for module in network.features:
            value = module(value)
            if isinstance(module, kind):
                shapes.append(tuple(value.shape[1:]))
    return shapes


def test_it_is_the_network_of_figure_3() -> None:
    network = ZFNet().eval()
    assert sum(parameter.numel() for parameter in network.parameters()) == 62_357_608
    assert maps(network, nn.Conv2d) == [(96, 110, 110), (256, 26, 26), (384, 13, 13), (384, 13, 13), (256, 13, 13)]
    assert maps(network, nn.MaxPool2d) == [(96, 55, 55), (256, 13, 13), (256, 6, 6)]
    norms = [module for module in network.modules() if isinstance(module, nn.LocalResponseNorm)]
    assert [(norm.size, norm.k, norm.alpha, norm.beta) for norm in norms] == [(5, 2.0, 1e-4, 0.75)] * 2
    assert [type(module).__name__ for module in network.features][:8] == [
        "Conv2d", "ReLU", "MaxPool2d", "LocalResponseNorm", "Conv2d", "ReLU", "MaxPool2d", "LocalResponseNorm",
    ]  # fmt: skip
    assert [module.p for module in network.modules() if isinstance(module, nn.Dropout)] == [0.5, 0.5]


def test_the_variants_of_table_3_and_figure_6() -> None:
    def sizes(**options: Any) -> tuple[list[int], list[int]]:
        modules = list(ZFNet(7, **{**SMALL, **options}).modules())
        convolutions = [module.out_channels for module in modules if isinstance(module, nn.Conv2d)]
        return convolutions, [module.out_features for module in modules if isinstance(module, nn.Linear)]

    assert sizes() == ([4, 6, 5, 5, 4], [12, 10, 7])
    assert sizes(without=(3, 4)) == ([4, 6, 4], [12, 10, 7])
    assert sizes(without=(7,)) == ([4, 6, 5, 5, 4], [12, 7])
    assert sizes(without={3, 4, 6, 7}) == ([4, 6, 4], [7])
    krizhevsky = ZFNet(7, **{**SMALL, "conv2_padding": 2, "conv1_size": 11, "conv1_stride": 4})
    assert maps(krizhevsky, nn.Conv2d)[0] == (4, 14, 14)
    for variant in (krizhevsky, ZFNet(7, without=(3, 4, 6, 7), **SMALL)):
        assert variant.eval()(torch.zeros(2, 3, 64, 64)).shape == (2, 7)


@settings(max_examples=20)
@given(seed=st.integers(0, 1000), size=st.integers(50, 90), stride=st.sampled_from([1, 2]), padding=st.integers(0, 2))
def test_folding_changes_nothing_but_rounding(seed: int, size: int, stride: int, padding: int) -> None:
    torch.manual_seed(seed)
    options = {**SMALL, "input_size": size, "conv2_stride": stride, "conv2_padding": padding}
    try:
        network = ZFNet(7, normalisation="batch", **options)
    except ParameterError:
        assert size < 90  # too small for this stride
        return
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight)
            nn.init.normal_(module.bias)
            nn.init.normal_(module.running_mean)  # type: ignore[arg-type]
            nn.init.uniform_(module.running_var, 0.01, 3.0)  # type: ignore[arg-type]
    network.eval()
    batch = torch.randn(2, 3, size, size)
    with torch.inference_mode():
        expected, found = network(batch), fold_batch_norm(network)(batch)
    scale = expected.abs().max()
    assert float((found - expected).abs().max() / scale) < 1e-5


def test_the_folded_network_is_plain_and_loads_into_a_plain_zfnet() -> None:
    network = ZFNet(7, normalisation="batch", **SMALL)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    folded = fold_batch_norm(network)
    plain = ZFNet(7, normalisation=None, **SMALL)
    assert [type(module) for module in folded.modules()] == [type(module) for module in plain.modules()]
    plain.load_state_dict(folded.state_dict())
    assert not folded.training
    assert network.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_there_must_be_something_to_fold() -> None:
    with pytest.raises(NetworkError, match="no batch norm"):
        fold_batch_norm(ZFNet(7, normalisation=None, **SMALL))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"channels": (4, 4)}, "five convolutions"),
        ({"hidden": (4,)}, "two hidden"),
        ({"input_size": 32}, "nothing left after pool5"),
        ({"input_size": 0}, "at least 1"),
        ({"normalisation": "layer"}, '"lrn", "batch" or None'),
        ({"dropout": 1.0}, "dropout"),
        ({"conv1_stride": 0}, "strides"),
        ({"conv2_padding": -1}, "paddings"),
        ({"without": (5,)}, r"not without \[5\]"),
    ],
)
def test_impossible_networks_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        ZFNet(7, **{**SMALL, **options})
