"""The viewer of Fig. 2 with a second network: its nine beside, and the pictures that both answer to."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import nn

from zfwidgets.backend import Backend
from zfwidgets.data import ImageSet
from zfwidgets.errors import ParameterError
from zfwidgets.imaging import Preprocess
from zfwidgets.methods import TopActivations
from zfwidgets.methods.top_activations import top_activations
from zfwidgets.network import Network
from zfwidgets.widgets import TopActivationsViewer
from zfwidgets.widgets.parts.style import SHARED


@pytest.fixture(scope="module")
def cousin() -> Network:
    torch.manual_seed(5)
    module = nn.Sequential(
        nn.Conv2d(3, 5, 5, stride=2), nn.ReLU(), nn.Conv2d(5, 6, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten()
    )
    return Network(module, preprocess=Preprocess(size=24, resize=24), device="cpu", name="cousin")


@pytest.fixture(scope="module")
def tops(network: Network, cousin: Network, pictures: ImageSet) -> tuple[TopActivations, TopActivations]:
    """Two entries for each map, so that the two networks need not agree."""
    mine, theirs = (top_activations(net, pictures, k=2, workers=0) for net in (network, cousin))
    return mine, theirs


@pytest.fixture
def other(cousin: Network, pictures: ImageSet) -> Iterator[Backend]:
    with Backend(cousin, pictures) as backend:
        yield backend


@pytest.fixture
def viewer(
    backend: Backend, other: Backend, tops: tuple[TopActivations, TopActivations]
) -> Iterator[TopActivationsViewer]:
    viewer = TopActivationsViewer(backend, layer="conv2", index=tops[0], other=other, other_index=tops[1], tiles=4)
    assert viewer.wait(20) and "zf-wide" in viewer._nine._dom_classes
    yield viewer
    viewer.close()


def pictures_of(top: TopActivations, channel: int) -> set[str]:
    entries = top.channel("conv2", channel)
    return {entry.image for entry in entries} if entries and entries[0].value > 0 else set()


def framed(nine: Any) -> int:
    lines = nine.patches._lines
    return list(lines.colors).count(SHARED) if lines.visible else 0


def test_shared_pictures_are_counted_and_framed(viewer: TopActivationsViewer, tops: Any) -> None:
    counts = set()
    for channel in range(6):
        viewer.channel = channel
        assert viewer.wait(20)
        mine, theirs = (pictures_of(top, channel) for top in tops)
        shared = mine & theirs
        said = f"{len(shared)} of the {len(mine)} pictures {'is' if len(shared) == 1 else 'are'} among"
        assert said in viewer._beside.about.value and "holds 3 pictures" in viewer._beside.about.value
        for nine, keys in ((viewer._nine, mine), (viewer._beside.nine, theirs)):
            if keys:
                assert framed(nine) == len(shared - {viewer.image})
        counts.add(len(shared))
    assert len(counts) > 1
    assert "cousin" in viewer._beside.nine.patches._title.value and "tiny" in viewer._nine.patches._title.value


def test_a_click_in_either_opens_the_picture(viewer: TopActivationsViewer) -> None:
    viewer.channel = 1
    assert viewer.wait(20)
    tile = viewer._beside.nine.tile
    viewer._beside.nine._opened(len(tile.peaks) - 1)
    assert viewer.image == tile.peaks[-1].image


def test_maps_and_layers_that_it_does_not_have(viewer: TopActivationsViewer) -> None:
    viewer.channel = 7
    assert viewer.wait(20)
    assert "conv2 of cousin has 6 maps and no #7: there is nothing to stand beside it." in viewer._beside.about.value
    assert "zf-gone" in viewer._beside.nine._dom_classes and "zf-wide" not in viewer._nine._dom_classes
    viewer.layer = "pool1"
    assert viewer.wait(20)
    assert "cousin has no layer pool1: shown is " in viewer._beside.about.value


def test_maps_of_one_number_in_two_layers_are_not_compared(viewer: TopActivationsViewer) -> None:
    """While the layer changes one of the two has answered before the other: the same number is another map."""
    viewer.channel = 1
    assert viewer.wait(20)
    beside, said = viewer._beside, viewer._beside.about.value
    found, asked = beside._found, beside._found_of
    assert (viewer._nine.layer, beside.nine.layer, asked.layer) == ("conv2", "conv2", "conv2") and "among" in said
    beside.take(found, dataclasses.replace(asked, layer="conv1"))
    beside.compare(viewer._nine, viewer, 1)
    assert beside.about.value == said and beside.nine.layer == "conv2"
    beside.take(found, asked)
    viewer._nine.layer = "conv1"
    beside.about.value = ""
    beside.compare(viewer._nine, viewer, 1)
    assert beside.about.value == ""
    viewer._nine.layer = "conv2"
    beside.compare(viewer._nine, viewer, 1)
    assert beside.about.value == said


def test_a_second_network_that_was_not_mined(backend: Backend, other: Backend, tops: Any) -> None:
    viewer = TopActivationsViewer(backend, layer="conv2", index=tops[0], other=other)
    assert viewer.wait(20)
    assert "The maps of cousin have not been mined: run `zfwidgets mine --network cousin`" in viewer._beside.about.value
    assert "as other_index=, on the command line as --other-index." in viewer._beside.about.value
    viewer.close()


def test_it_asks_nothing_while_it_is_asleep(backend: Backend, other: Backend, tops: Any) -> None:
    viewer = TopActivationsViewer(backend, layer="conv2", index=tops[0], other=other, other_index=tops[1], awake=False)
    assert viewer.wait(5) and not viewer._asked
    viewer.close()


def test_impossible_options(backend: Backend) -> None:
    with pytest.raises(ParameterError, match="second network comes as a Backend, not str"):
        TopActivationsViewer(backend, other="zfnet-photos")
    with pytest.raises(ParameterError, match="An index is a path"):
        TopActivationsViewer(backend, other_index=3)
