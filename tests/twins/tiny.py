"""A tiny real network with a few pictures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from zfwidgets.backend import Backend
from zfwidgets.data import ImageSet
from zfwidgets.imaging import Preprocess
from zfwidgets.methods import OcclusionMap
from zfwidgets.network import Network


@pytest.fixture(scope="session")
def network() -> Network:
    """Two convolutions and a linear layer on 24 x 24 pixels, four classes."""
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(3, 6, 5, stride=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 8, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(8 * 25, 4),
    )
    classes = ["cat", "dog", "fox", "<b>bold</b>"]
    return Network(module, preprocess=Preprocess(size=24, resize=24), classes=classes, device="cpu", name="tiny")


def relative(first: nn.Module, size: int, resize: int, name: str) -> Network:
    """A network of other widths, with `first` after its first convolution."""
    torch.manual_seed(5)
    module = nn.Sequential(
        nn.Conv2d(3, 5, 5, stride=2), first, nn.Conv2d(5, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten()
    )
    return Network(module, preprocess=Preprocess(size=size, resize=resize), device="cpu", name=name)


@pytest.fixture(scope="session")
def cousin() -> Network:
    """A second network: the same input, two convolutions of other widths."""
    return relative(nn.ReLU(), 24, 24, "cousin")


@pytest.fixture(scope="session")
def pictures() -> ImageSet:
    """Three pictures of noise with smooth parts."""
    random = np.random.default_rng(1)
    arrays = [random.integers(0, 255, (24, 24, 3), dtype=np.uint8) for _ in range(3)]
    return ImageSet.from_list([Image.fromarray(array) for array in arrays], labels=["dog", "fox", "whale"])


@pytest.fixture
def backend(network: Network, pictures: ImageSet) -> Iterator[Backend]:
    with Backend(network, pictures) as backend:
        yield backend


def widget_labelled(widget: Any, label: str) -> Any:
    """The control with this label, anywhere inside of a widget."""
    waiting = [widget]
    while waiting:
        found = waiting.pop()
        if getattr(found, "description", "") == label:
            return found
        waiting.extend(getattr(found, "children", ()))
    raise AssertionError(f"no control {label!r}")


def same_sweep(found: OcclusionMap, expected: OcclusionMap) -> None:
    """Two runs of one sweep agree up to rounding: a network packs its weights between the first and the second."""
    for name in ("logits", "sums"):
        one, other = getattr(found, name), getattr(expected, name)
        np.testing.assert_allclose(one, other, rtol=0, atol=3e-5 * float(np.abs(other).max()))
