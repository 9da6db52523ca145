"""The feature viewer and the Explorer on a tiny real network; figures that only show."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from ipywidgets.widgets import widget as registry
from PIL import Image
from torch import nn

from zfwidgets.app.explorer import Explorer
from zfwidgets.backend import Backend
from zfwidgets.data import ImageSet
from zfwidgets.errors import ParameterError, ZfwidgetsError
from zfwidgets.imaging import Preprocess
from zfwidgets.methods import project
from zfwidgets.network import Network
from zfwidgets.widgets import FeatureViewer
from zfwidgets.widgets.parts.figures import SIDE, PictureFigure


@pytest.fixture
def viewer(backend: Backend) -> Iterator[FeatureViewer]:
    viewer = FeatureViewer(backend, layer="conv2", channel=3)
    assert viewer.wait(20)
    yield viewer
    viewer.close()


def touch(mark: Any, data: dict[str, float], event: str = "element_click") -> None:
    """What the browser sends when the mouse touches a mark."""
    mark._handle_custom_msgs(mark, {"event": event, "data": data})


def shown(figure: PictureFigure) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(figure._mark.image.value)).convert("RGB"))


def test_it_shows_what_the_method_computes(viewer: FeatureViewer, backend: Backend, network: Network) -> None:
    expected = project(network, backend.picture(viewer.image), "conv2", 3)
    np.testing.assert_array_equal(viewer.result.pixels, expected.pixels)
    assert viewer.result.position == expected.position
    assert f"{expected.value:.3f}" in viewer._about.value
    assert "Mahendran" in viewer._about.value and "Adebayo" in viewer._about.value
    assert shown(viewer._panels.pixels).shape[:2] == expected.pixels.shape[1:] == shown(viewer._panels.patch).shape[:2]


def test_a_click_in_the_mosaic_chooses_the_map_and_one_in_the_map_the_unit(viewer: FeatureViewer) -> None:
    top, left, height, width = viewer._panels.mosaic.box(5)
    touch(viewer._panels.all._mark, {"click_x": left + width / 2, "click_y": top + height / 2})
    assert viewer.wait(20) and (viewer.channel, viewer.result.channel) == (5, 5)
    touch(viewer._panels.map._mark, {"click_x": 3.4, "click_y": 1.9})
    assert viewer.wait(20) and viewer.position == viewer.result.position == (1, 3)


def test_a_unit_belongs_to_its_map(viewer: FeatureViewer) -> None:
    viewer.position = (1, 2)
    viewer.channel = 4
    assert viewer.position is None
    viewer.channel = 7
    viewer.layer = "conv1"
    assert viewer.wait(20) and (viewer.channel, viewer._channel_control.max) == (5, 5)
    assert viewer.result.layer == "conv1" and "6 maps of conv1" in viewer._panels.all._title.value


def test_a_layer_without_places_is_a_row_of_single_cells(viewer: FeatureViewer) -> None:
    viewer.layer = "fc3"
    assert viewer.wait(20) and viewer.result.position == (0, 0)
    assert viewer._panels.mosaic.count == 4


def test_another_rule_is_not_the_papers(viewer: FeatureViewer) -> None:
    viewer.rule = "guided"
    assert viewer.wait(20) and viewer.result.rule == "guided"
    assert "is not the paper" in viewer._about.value


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("layer", "convv2", "nearest are 'conv2'"),
        ("channel", 8, "from 0 to 7; found 8"),
        ("channel", -1, "found -1"),
        ("position", (9, 0), "row is a whole number from 0 to 4"),
        ("position", 3, "A position is"),
        ("position", ("a", "b"), "found 'a'"),
        ("rule", "guide", "nearest are 'guided'"),
    ],
)
def test_bad_values_are_refused(viewer: FeatureViewer, name: str, value: Any, message: str) -> None:
    before = getattr(viewer, name)
    with pytest.raises(ZfwidgetsError, match=message):
        setattr(viewer, name, value)
    assert getattr(viewer, name) == before


def test_an_operation_without_a_rule_is_shown_and_other_layers_recover(pictures: ImageSet) -> None:
    module = nn.Sequential(nn.Conv2d(3, 2, 3), nn.SiLU(), nn.Conv2d(2, 2, 3), nn.Flatten(), nn.Linear(2 * 400, 2))
    with Backend(Network(module, preprocess=Preprocess(size=24), device="cpu"), pictures) as backend:
        viewer = FeatureViewer(backend, layer="2")
        with pytest.raises(ZfwidgetsError, match="SiLU"):
            viewer.wait(20)
        assert viewer.state == "error" and "SiLU" in viewer._strip.alert.value
        viewer.layer = "0"
        assert viewer.wait(20) and viewer.state == "ready"


def test_the_explorer_shares_one_picture(backend: Backend) -> None:
    explorer = Explorer(backend)
    assert explorer.wait(20)
    explorer.features.image = "image/00002"
    assert explorer.wait(20)
    assert explorer.image == explorer.occlusion.image == "image/00002"
    assert explorer.occlusion.result is not None
    button = explorer._thumbnails._buttons["image/00001"]
    button.click()
    assert explorer.features.image == "image/00001" and "zf-chosen" in button._dom_classes
    explorer.close()


def test_closing_a_page_leaves_the_backends_that_were_given_open(network: Network, pictures: ImageSet) -> None:
    with Backend(network, pictures) as backend, Backend(network, pictures) as other:
        Explorer(backend, other).close()
        again = Explorer(other, backend)
        assert again.wait(30) and again.occlusion.state == "ready"
        again.close()
        viewer = FeatureViewer(backend, other)
        assert viewer.wait(30) and viewer.state == "ready"
        viewer.close()
        Explorer.owning(backend, other).close()
        for closed in (backend, other):
            with pytest.raises(ZfwidgetsError, match="backend is closed"):
                FeatureViewer(closed).wait(30)


def test_an_upload_is_shown_and_a_bad_one_explained(backend: Backend) -> None:
    explorer = Explorer(backend)
    explorer.wait(20)
    buffer = io.BytesIO()
    Image.new("RGB", (50, 40), (9, 90, 200)).save(buffer, "PNG")
    explorer._take({"new": ({"name": "<i>x</i>", "content": b"no picture"},)})
    assert 'role="alert"' in explorer._alert.value and explorer.image == "image/00000"
    explorer._take({"new": ({"name": "../me.png", "content": memoryview(buffer.getvalue())},)})
    assert explorer.wait(20) and explorer.image == "yours/me.png" == explorer.occlusion.image
    assert explorer._alert.value == "" and "yours/me.png" in dict(explorer.occlusion._image_control.options).values()
    explorer.close()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("image", None, "no picture None"),
        ("image", {}, "no picture"),
        ("children", [], "parts of this Explorer are its own"),
        ("imaeg", "image/00000", "nearest are 'image'"),
    ],
)
def test_an_explorer_refuses_what_cannot_be(backend: Backend, name: str, value: Any, message: str) -> None:
    explorer = Explorer(backend)
    before = (explorer.image, explorer.children)
    with pytest.raises(ZfwidgetsError, match=message):
        setattr(explorer, name, value)
    assert (explorer.image, explorer.children) == before
    explorer.close()


def test_an_explorer_needs_a_backend() -> None:
    with pytest.raises(ParameterError, match="needs a Backend, not str"):
        Explorer("zfnet-scenes")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("height", "width", "factor"),
    [(96, 96, 3), (83, 83, 3), (72, 30, 4), (64, 32, 4.5), (288, 100, 1), (400, 576, 0.5)],
)
def test_small_pictures_grow_by_whole_factors_or_to_the_size_of_the_panel(
    height: int, width: int, factor: float
) -> None:
    figure = PictureFigure()
    figure.show(np.zeros((height, width, 3), np.uint8))
    for scale, length in ((figure._x, width), (figure._y, height)):
        assert SIDE / (scale.max - scale.min) == pytest.approx(factor)
        assert scale.min == 0 and scale.max >= length


def test_the_mark_gets_another_image_each_time_and_equal_pictures_are_not_sent() -> None:
    figure = PictureFigure()
    picture = np.zeros((4, 4, 3), np.uint8)
    figure.show(picture)
    first = figure._mark.image
    figure.show(picture)
    assert figure._mark.image is first
    figure.show(picture + 9)
    assert figure._mark.image is not first
    figure.show(picture)
    assert figure._mark.image is first and (shown(figure) == 0).all()


def test_the_occluder_is_not_moved_from_under_a_hand() -> None:
    figure = PictureFigure(draggable=True)
    figure.place(1, 2, 8)
    figure.brush.brushing = True
    figure.place(5, 5, 8)
    np.testing.assert_array_equal(figure.brush.selected, [[1, 2], [9, 10]])


def test_closing_leaves_no_widget_behind(backend: Backend) -> None:
    before = set(registry._instances)
    viewer = FeatureViewer(backend)
    viewer.wait(20)
    viewer.close()
    left = [registry._instances[key] for key in set(registry._instances) - before]
    assert left == []


def test_options_come_in_any_order(backend: Backend) -> None:
    layer = backend.network.menu[0]
    for options in ({"layer": layer, "channel": 1}, {"channel": 1, "layer": layer}):
        viewer = FeatureViewer(backend, **options)
        assert (viewer.layer, viewer.channel) == (layer, 1)
        viewer.close()
