"""The feature viewer with a second network: its layer, its map, its projection, and the difference."""

from __future__ import annotations

import io
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from torch import nn
from twins.tiny import relative

from zfwidgets.backend import Backend
from zfwidgets.data import ImageSet
from zfwidgets.errors import ParameterError
from zfwidgets.imaging import signed_picture
from zfwidgets.methods import project, projection_difference
from zfwidgets.network import Network
from zfwidgets.widgets import FeatureViewer
from zfwidgets.widgets.parts.style import PASSING, printed


@pytest.fixture
def viewer(backend: Backend, cousin: Network, pictures: ImageSet) -> Iterator[FeatureViewer]:
    with Backend(cousin, pictures) as other:
        viewer = FeatureViewer(backend, other, layer="conv2", channel=3)
        assert viewer.wait(20)
        yield viewer
        viewer.close()


def touch(mark: Any, x: float, y: float) -> None:
    mark._handle_custom_msgs(mark, {"event": "element_click", "data": {"click_x": x, "click_y": y}})


def test_its_projection_and_the_difference_are_those_of_the_methods(viewer: FeatureViewer, cousin: Network) -> None:
    theirs = project(cousin, viewer._backend.picture(viewer.image), "conv2", 3)
    panels = viewer._beside.panels
    np.testing.assert_allclose(panels.unit.pixels, theirs.pixels, rtol=1e-4, atol=1e-6)
    expected = projection_difference(viewer.result, panels.unit)
    drawn = np.asarray(Image.open(io.BytesIO(viewer._beside.difference._mark.image.value)).convert("RGB"))
    np.testing.assert_array_equal(drawn, signed_picture(expected.pixels))
    foot = viewer._beside.difference._foot.value
    assert "cousin minus tiny" in foot and f"cosine {printed(expected.cosine, '.2f')}" in foot
    assert "cousin" in panels.all._title.value and "tiny" in viewer._panels.all._title.value
    assert len(viewer._picture._lines.x) == 2 and viewer._picture._lines.colors[1] == PASSING
    assert "at its map's maximum: orange tiny, white cousin; click a place" in viewer._picture._foot.value


def test_a_difference_is_of_one_question(viewer: FeatureViewer, cousin: Network) -> None:
    """While a slider moves, one network has answered and the other has not."""
    beside, foot = viewer._beside, viewer._beside.difference._foot.value
    beside.panels.take_unit(viewer.image, project(cousin, viewer._backend.picture(viewer.image), "conv2", 1))
    beside.compare(viewer._panels, viewer)
    assert beside.difference._foot.value == foot  # the second is ahead
    ahead = SimpleNamespace(image=viewer.image, layer="conv2", channel=1, position=None, rule="deconvnet")
    beside.compare(viewer._panels, ahead)
    assert beside.difference._foot.value == foot  # the first is behind
    viewer.channel = 1
    assert viewer.wait(20)
    assert beside.difference._foot.value != foot
    viewer.position = (4, 0)
    assert viewer.wait(20)
    foot, there = beside.difference._foot.value, beside.panels.unit.position
    moved = project(cousin, viewer._backend.picture(viewer.image), "conv2", 1, (there[0] - 3, there[1] + 2))
    beside.panels.take_unit(viewer.image, moved)
    beside.compare(viewer._panels, viewer)
    assert beside.difference._foot.value == foot  # the second is at another place


def test_a_map_that_it_does_not_have(viewer: FeatureViewer) -> None:
    viewer.channel = 6
    assert viewer.wait(20)
    maps = viewer._beside.panels.maps
    assert "conv2 of cousin has 4 maps and no #6: its strongest is shown." in viewer._beside.about.value
    assert viewer._beside.panels.unit.channel == int(maps.max((1, 2)).argmax())


def test_a_layer_that_it_does_not_have(viewer: FeatureViewer) -> None:
    viewer.layer = "pool1"
    assert viewer.wait(20)
    assert "cousin has no layer pool1: shown is " in viewer._beside.about.value
    assert viewer._beside.panels.unit.layer in viewer._beside.about.value


def test_clicks_and_places_are_of_both(viewer: FeatureViewer) -> None:
    viewer.position = (4, 0)
    assert viewer.wait(20)
    assert viewer._beside.panels.unit.position == (7, 0)  # of 8 rows, where the first has 5
    touch(viewer._beside.panels.map._mark, 5.2, 7.9)
    assert viewer.wait(20)
    assert viewer.position == (4, 3)
    top, left, height, width = viewer._beside.panels.mosaic.box(1)
    touch(viewer._beside.panels.all._mark, left + width / 2, top + height / 2)
    assert viewer.channel == 1


def test_inputs_that_do_not_show_the_same_places(backend: Backend, pictures: ImageSet) -> None:
    with Backend(relative(nn.ReLU(), 32, 36, "larger"), pictures) as larger:
        viewer = FeatureViewer(backend, larger, layer="conv1", channel=2)
        assert viewer.wait(20)
        assert "inputs, of 24 x 24 and 32 x 32 pixels" in viewer._beside.about.value
        assert "zf-gone" in viewer._beside.difference._dom_classes and not viewer._beside.panels.pixels.empty
        viewer.close()


def test_a_second_network_without_a_rule(backend: Backend, pictures: ImageSet) -> None:
    with Backend(relative(nn.SiLU(), 24, 24, "silu"), pictures) as silu:
        viewer = FeatureViewer(backend, silu, layer="conv2", channel=3)
        assert viewer.wait(20)
        assert viewer.state == "ready" and "SiLU" in viewer._beside.panels.pixels._foot.value
        assert "one of the two has no projection" in viewer._beside.about.value
        viewer.close()


def test_a_second_network_is_a_backend(backend: Backend) -> None:
    with pytest.raises(ParameterError, match="second network comes as a Backend, not int"):
        FeatureViewer(backend, 3)  # type: ignore[arg-type]
