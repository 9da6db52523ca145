"""The occlusion viewer on a tiny real network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from torch import nn
from twins.tiny import same_sweep, widget_labelled

from zfwidgets.backend import Backend, OcclusionRequest
from zfwidgets.data import ImageSet
from zfwidgets.errors import ParameterError, UnknownNameError, ZfwidgetsError
from zfwidgets.imaging import Preprocess
from zfwidgets.methods import occlusion_map
from zfwidgets.network import Network
from zfwidgets.widgets import OcclusionViewer


@pytest.fixture
def viewer(backend: Backend) -> Iterator[OcclusionViewer]:
    viewer = OcclusionViewer(backend, size=8, stride=4)
    assert viewer.wait(20)
    yield viewer
    viewer.close()


def touch(mark: Any, data: dict[str, float], event: str = "element_click") -> None:
    """What the browser sends when the mouse touches a mark."""
    mark._handle_custom_msgs(mark, {"event": event, "data": data})


def test_it_shows_what_the_method_computes(viewer: OcclusionViewer, backend: Backend, network: Network) -> None:
    expected = occlusion_map(network, backend.picture(viewer.image), size=8, stride=4)
    same_sweep(viewer.result, expected)
    assert viewer.state == "ready" and viewer.result.complete
    assert "25 positions" in viewer._strip.status.value and "Fig. 7" in viewer._strip.status.value


@pytest.mark.parametrize(
    "label", ["Image", "Layer", "Channel", "Occluder size", "Stride", "Fill", "Target class", "Row", "Column"]
)
def test_every_control_has_its_label(viewer: OcclusionViewer, label: str) -> None:
    assert widget_labelled(viewer, label).description == label


def test_a_network_with_one_class_score_says_that_its_probability_says_nothing(
    viewer: OcclusionViewer, pictures: ImageSet
) -> None:
    assert "one class score" not in viewer._bars.value
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 1))
    with Backend(Network(module, preprocess=Preprocess(size=24), device="cpu"), pictures) as backend:
        alone = OcclusionViewer(backend, size=8, stride=8)
        assert alone.wait(20)
        assert "one class score: its probability is 1, whatever is seen" in alone._bars.value
        alone.close()


def test_class_channel_and_colour_never_start_a_sweep(viewer: OcclusionViewer) -> None:
    with patch.object(OcclusionRequest, "run", autospec=True) as run:
        title = viewer._maps._probability._title.value
        for target in ["fox", "true", 0, "predicted"]:
            viewer.target = target
            viewer.wait(20)
        viewer.target = "<b>bold</b>"
        assert "&lt;b&gt;bold" in viewer._maps._probability._title.value != title
        viewer.channel = 2
        viewer.wait(20)
        assert "conv2 #2" in viewer._maps._activation._title.value
        viewer.opacity, viewer.rescaled = 1.0, True
        viewer.row = 3
        assert viewer.wait(20)
    run.assert_not_called()


def test_size_stride_fill_picture_and_layer_start_one_each(viewer: OcclusionViewer) -> None:
    run = OcclusionRequest.run
    changes = {"size": 10, "stride": 7, "fill": "black", "image": "image/00001", "layer": "conv1"}
    with patch.object(OcclusionRequest, "run", autospec=True, side_effect=run) as counted:
        for name, value in changes.items():
            setattr(viewer, name, value)
            assert viewer.wait(20)
    assert counted.call_count == len(changes)
    assert (viewer.result.size, viewer.result.stride, viewer.result.layer) == (10, 7, "conv1")


def test_probability_colours_stay_unless_rescaled(viewer: OcclusionViewer) -> None:
    bar = viewer._maps._probability._foot
    assert "<span>0.000</span>" in bar.value and "<span>1.000</span>" in bar.value
    widget_labelled(viewer, "Rescale colours").value = True
    assert f"<span>{viewer.result.probability().max():.3f}</span>" in bar.value
    viewer.rescaled = False
    assert "<span>1.000</span>" in bar.value


def test_the_square_begins_where_it_hurts_most(viewer: OcclusionViewer) -> None:
    worst = np.unravel_index(viewer.result.probability().argmin(), viewer.result.probability().shape)
    assert (viewer.row, viewer.column) == (viewer.result.rows[worst[0]], viewer.result.columns[worst[1]])


def test_a_square_that_was_placed_stays(backend: Backend) -> None:
    viewer = OcclusionViewer(backend, size=8, stride=4, row=1, column=2)
    viewer.wait(20)
    viewer.size = 9
    viewer.wait(20)
    assert (viewer.row, viewer.column) == (1, 2)


def test_dragging_moves_the_square_and_its_probabilities(viewer: OcclusionViewer) -> None:
    brush, before = viewer._picture.brush, viewer._bars.value
    brush.brushing = True
    brush.selected = np.array([[3.2, 11.7], [11.2, 19.7]])
    assert viewer.wait(20)
    assert (viewer.row, viewer.column) == (12, 3)
    assert viewer._bars.value != before
    sliders = [widget_labelled(viewer, label).value for label in ("Row", "Column")]
    assert sliders == [12, 3]


def test_a_click_puts_the_square_inside_the_picture(viewer: OcclusionViewer) -> None:
    touch(viewer._picture._mark, {"click_x": 23.5, "click_y": 0.2})
    assert (viewer.row, viewer.column) == (0, 16)
    touch(viewer._maps._probability._cells, {"row": 12, "column": 8})
    assert (viewer.row, viewer.column) == (8, 4)


def test_hovering_tells_the_cell_and_moves_nothing(viewer: OcclusionViewer) -> None:
    place = viewer.row, viewer.column
    touch(viewer._maps._label._cells, {"row": 8, "column": 12}, "hover")
    found = viewer.result.net.classes[int(viewer.result.top_label[1, 2])]
    assert "row 4, column 8" in viewer._readout.value
    assert found.replace("<b>", "&lt;b&gt;").replace("</b>", "&lt;/b&gt;") in viewer._readout.value
    assert (viewer.row, viewer.column) == place and viewer._picture._lines.visible


def test_the_old_map_is_never_laid_over_a_new_picture(viewer: OcclusionViewer) -> None:
    with patch.object(viewer._maps, "draw", wraps=viewer._maps.draw) as draw:
        viewer.image = "image/00001"
        assert viewer.wait(20)
    assert {call.args[0] is viewer.result or not call.args[0].complete for call in draw.call_args_list} == {True}
    np.testing.assert_array_equal(viewer._maps.base, viewer._clean.seen)


def test_a_row_beyond_the_picture_snaps_back_in_its_control(viewer: OcclusionViewer) -> None:
    for value in (24, 23):
        widget_labelled(viewer, "Row").value = value
        assert (viewer.row, widget_labelled(viewer, "Row").value) == (16, 16)


def test_a_larger_square_is_moved_back_inside(viewer: OcclusionViewer) -> None:
    viewer.row = viewer.column = 16
    viewer.size = 20
    assert viewer.wait(20)
    assert (viewer.row, viewer.column) == (4, 4)


BAD = [
    ("size", 25, "occluder size is a whole number from 1 to 24; found 25"),
    ("size", 0, "occluder size is a whole number of at least 1; found 0"),
    ("stride", 0, "stride is a whole number of at least 1; found 0"),
    ("stride", -4, "found -4"),
    ("stride", float("nan"), "found nan"),
    ("stride", "four", "found 'four'"),
    ("fill", "gray", "nearest are 'grey'"),
    ("fill", (0, 0, 2), "from 0 to 1"),
    ("fill", 3, "A fill is one of"),
    ("target", "dogg", "nearest are 'dog'"),
    ("target", 4, "no class 4"),
    ("target", None, "a name or an index"),
    ("layer", "conv9", "no layer 'conv9'"),
    ("layer", "fc3", "has no map to sum over"),
    ("channel", 8, "channel is a whole number from 0 to 7"),
    ("channel", "first", "found 'first'"),
    ("image", "nothing", "no picture 'nothing'"),
    ("image", None, "no picture None"),
    ("image", ["image/00000"], "no picture"),
    ("children", (), "parts of this OcclusionViewer are its own"),
    ("precision", "quick", "no precision 'quick'"),
    ("precision", None, "no precision None"),
    ("confirm_above", -1, "at least 0 seconds, or None; found -1"),
    ("confirm_above", float("nan"), "found nan"),
    ("confirm_above", "30", "found '30'"),
    ("opacity", float("nan"), "from 0 to 1"),
    ("opacity", 1.5, "from 0 to 1"),
    ("row", -1, "found -1"),
    ("column", 25, "column is a whole number"),
]


@pytest.mark.parametrize(("name", "value", "message"), BAD)
def test_bad_values_are_refused_in_one_sentence(viewer: OcclusionViewer, name: str, value: Any, message: str) -> None:
    before = getattr(viewer, name)
    with pytest.raises(ZfwidgetsError, match=message) as caught:
        setattr(viewer, name, value)
    assert isinstance(caught.value, ParameterError | UnknownNameError)
    assert getattr(viewer, name) == before
    assert viewer.wait(20) and viewer.state == "ready"


@pytest.mark.parametrize(("name", "value"), [("size", 30), ("target", "nobody"), ("layer", "conv77")])
def test_bad_options_are_refused_when_it_is_made(backend: Backend, name: str, value: Any) -> None:
    with pytest.raises(ZfwidgetsError):
        OcclusionViewer(backend, **{name: value})


def test_a_bad_value_from_a_control_is_shown_and_taken_back(network: Network, pictures: ImageSet) -> None:
    many = [*network.classes, *(f"class {number}" for number in range(80))]
    module = nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(2 * 22 * 22, len(many)))
    net = Network(module, preprocess=Preprocess(size=24), classes=many, device="cpu")
    with Backend(net, pictures) as backend:
        viewer = OcclusionViewer(backend, size=12, stride=12)
        viewer.wait(20)
        box = widget_labelled(viewer, "Target class")
        box.value = "whale"
        assert viewer.state == "error" and "no class &#x27;whale&#x27;" in viewer._strip.alert.value
        assert (viewer.target, box.value) == ("predicted", "predicted")
        box.value = "fox"
        assert viewer.wait(20) and (viewer.target, viewer.state, viewer._strip.alert.value) == ("fox", "ready", "")


def test_a_network_that_cannot_be_traced_still_has_probabilities(pictures: ImageSet) -> None:
    class Choice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last = nn.Linear(3 * 24 * 24, 2)

        def forward(self, x: Any) -> Any:
            return self.last(x.flatten(1) if x.sum() > 1e9 else x.flatten(1) * 1)

    net = Network(Choice(), preprocess=Preprocess(size=24), device="cpu")
    with Backend(net, pictures) as backend:
        viewer = OcclusionViewer(backend, size=12, stride=12)
        assert viewer.wait(20) and viewer.layer is None
        assert viewer.result.probability().shape == (2, 2)
        assert "cannot be looked into" in viewer._maps._activation._foot.value


def test_no_projection_is_said_in_its_own_place(pictures: ImageSet) -> None:
    module = nn.Sequential(nn.Conv2d(3, 2, 3), nn.SiLU(), nn.Conv2d(2, 2, 3), nn.Flatten(), nn.Linear(2 * 400, 2))
    net = Network(module, preprocess=Preprocess(size=24), device="cpu")
    with Backend(net, pictures) as backend:
        viewer = OcclusionViewer(backend, size=12, stride=12, layer="2")
        assert viewer.wait(20) and viewer.state == "ready"
        assert "SiLU" in viewer._maps._projection._foot.value
