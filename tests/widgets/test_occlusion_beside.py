"""The occlusion viewer with a second network: same square, its maps, the differences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from twins.tiny import same_sweep, widget_labelled

from zfwidgets.backend import Backend
from zfwidgets.data import ImageSet
from zfwidgets.imaging import Crossing, Preprocess
from zfwidgets.methods import map_difference, occlusion_map
from zfwidgets.network import Network
from zfwidgets.widgets import OcclusionViewer


class Branching(nn.Module):
    """Its code depends on the data: nobody can look into it."""

    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(3 * 24 * 24, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.out((x + 1 if x.sum() > 0 else x).flatten(1))
        return scores


@pytest.fixture(scope="module")
def larger() -> Network:
    """Half as many pixels again, less of the picture at its sides, no class of the tiny network but one."""
    torch.manual_seed(3)
    module = nn.Sequential(
        nn.Conv2d(3, 4, 5, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(3), nn.Flatten(), nn.Linear(36, 3)
    )
    return Network(
        module, preprocess=Preprocess(size=36, resize=48), classes=["dog", "emu", "owl"], device="cpu", name="larger"
    )


@pytest.fixture
def other(larger: Network, pictures: ImageSet) -> Iterator[Backend]:
    with Backend(larger, pictures) as backend:
        yield backend


@pytest.fixture
def viewer(backend: Backend, other: Backend) -> Iterator[OcclusionViewer]:
    viewer = OcclusionViewer(backend, other, size=8, stride=4)
    assert viewer.wait(20)
    yield viewer
    viewer.close()


def touch(mark: Any, row: float, column: float, event: str) -> None:
    mark._handle_custom_msgs(mark, {"event": event, "data": {"row": row, "column": column}})


def test_the_second_map_is_of_the_same_square_in_its_own_pixels(viewer: OcclusionViewer, larger: Network) -> None:
    # 48 pixels of it are the 24 of the first.
    layer = viewer._beside.map.layer
    expected = occlusion_map(larger, viewer._backend.picture(viewer.image), size=16, stride=8, layer=layer)
    same_sweep(viewer._beside.map, expected)
    assert "16 of its 36 pixels, its step 8" in viewer._beside.notes.value
    assert viewer.state == "ready" and viewer._beside.map.complete


def test_the_difference_is_that_of_the_method(viewer: OcclusionViewer) -> None:
    viewer.target = "dog"
    assert viewer.wait(20)
    mine, theirs = viewer.result, viewer._beside.map
    crossing = Crossing(mine.net.preprocess, theirs.net.preprocess, (24, 24))
    expected = map_difference(mine, theirs, (mine.probability("dog"), theirs.probability("dog")), crossing)
    assert np.isnan(expected.values).any() and not np.isnan(expected.values).all()
    row, column = expected.largest
    panel = viewer._beside._probability
    assert f"at row {mine.rows[row]}, column {mine.columns[column]}." in panel._foot.value
    assert f"{abs(expected.values[row, column]):.3f}" in panel._foot.value
    assert "larger minus tiny" in panel._foot.value and "P(dog)" in panel._title.value
    assert not panel.empty and "squares up to" in panel._foot.value


def test_a_class_that_the_second_does_not_know(viewer: OcclusionViewer) -> None:
    viewer.target = "fox"
    assert viewer.wait(20)
    own = viewer._beside.clean.top(1)[0][0]
    assert (
        f"larger does not know &#x27;fox&#x27;: shown is its own answer, &#x27;{own}&#x27;"
        in viewer._beside.notes.value
    )
    assert f"P({own})" in viewer._beside.maps._probability._title.value
    assert "Difference of changes" in viewer._beside._probability._title.value


def test_one_cursor_in_all_panels(viewer: OcclusionViewer) -> None:
    beside = viewer._beside
    crossing = Crossing(viewer._backend.network.preprocess, viewer._other.network.preprocess, (24, 24))
    x, y = crossing.there(12.0, 16.0)
    touch(beside.maps._label._cells, y, x, "element_click")
    assert (viewer.row, viewer.column) == (12, 8)
    assert viewer.wait(20)
    touch(beside.differences[0]._cells, 4, 4, "element_click")
    assert (viewer.row, viewer.column) == (0, 0)
    viewer.row = 9
    assert viewer.wait(20)
    asked = viewer._answered_by(1, "square")
    assert (asked.row, asked.column, asked.size) == (12, 0, 16)  # 9 * 2 - 6, and moved inside at its left
    touch(beside.maps._probability._cells, y, x, "hover")
    assert "tiny: most probable" in viewer._readout.value and "larger: most probable" in viewer._readout.value
    touch(viewer._maps._probability._cells, 0, 0, "hover")
    assert "larger: does not see this place" in viewer._readout.value


def test_the_layer_of_the_second_is_named(viewer: OcclusionViewer) -> None:
    assert "larger has no layer conv2: shown is" in viewer._beside.notes.value
    viewer.layer = "conv1"
    assert viewer.wait(20)
    assert "has no layer" not in viewer._beside.notes.value
    viewer.channel = 5
    assert viewer.wait(20)
    assert "conv1 of larger has 4 maps and no #5: its strongest is shown." in viewer._beside.notes.value
    assert f"conv1 #{viewer._beside.map.channel}" in viewer._beside.maps._activation._title.value


def test_a_difference_is_of_one_square(viewer: OcclusionViewer) -> None:
    """While a slider moves, one network has answered and the other has not."""
    foot = viewer._beside._probability._foot.value
    viewer._other.close()
    viewer.size = 12
    with pytest.raises(Exception, match="Second network, larger: This backend is closed"):
        viewer.wait(20)
    assert viewer.result.size == 12 and viewer._beside._probability._foot.value == foot


def test_the_same_network_does_not_differ(backend: Backend, network: Network, pictures: ImageSet) -> None:
    with Backend(network, pictures) as again:
        viewer = OcclusionViewer(backend, again, size=8, stride=4, precision="fast")
        assert viewer.wait(20)
        assert "100 % of the places" in viewer._beside._label._foot.value
        assert "tiny (second) minus tiny" in viewer._beside._probability._foot.value
        assert viewer._beside.notes.value.count("<div>") == 0
        assert np.abs(viewer.result.logits - viewer._beside.map.logits).max() < 1e-4
        widget_labelled(viewer, "Rescale colours").value = True
        viewer.close()


def test_a_second_network_that_cannot_be_looked_into(backend: Backend, pictures: ImageSet) -> None:
    torch.manual_seed(0)
    net = Network(Branching(), preprocess=Preprocess(size=24, resize=24), classes=["dog", "fox"], name="blind")
    with Backend(net, pictures) as blind:
        viewer = OcclusionViewer(backend, blind, size=8, stride=4, target="dog")
        assert viewer.wait(20)
        assert "blind cannot be looked into" in viewer._beside.notes.value
        assert "cannot be looked into" in viewer._beside.maps._activation._foot.value
        assert "No difference" in viewer._beside._activation._foot.value
        assert not viewer._beside._probability.empty
        viewer.close()
