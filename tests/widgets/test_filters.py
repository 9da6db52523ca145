"""The viewer of Fig. 6 on a tiny real network, alone and beside another one, and as a tab of the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from twins.tiny import widget_labelled

from zfwidgets.app.explorer import Explorer
from zfwidgets.backend import Backend, FilterReportRequest, SecondLayerRequest
from zfwidgets.data import ImageSet
from zfwidgets.errors import NetworkError, ParameterError, UnknownNameError
from zfwidgets.imaging import Preprocess, filter_mosaic
from zfwidgets.methods import project
from zfwidgets.methods.filters import filter_report
from zfwidgets.network import Network
from zfwidgets.widgets import FilterViewer


@pytest.fixture
def viewer(backend: Backend) -> Iterator[FilterViewer]:
    viewer = FilterViewer(backend)
    assert viewer.wait(20)
    yield viewer
    viewer.close()


@pytest.fixture
def other(pictures: ImageSet) -> Iterator[Backend]:
    """Ten filters, the last of them large, one dead, and no second convolution."""
    torch.manual_seed(1)
    module = nn.Sequential(nn.Conv2d(3, 10, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(10, 2))
    with torch.no_grad():
        module[0].weight[9] *= 100  # type: ignore[operator, index]
        module[0].bias[4] = -100  # type: ignore[index]
    with Backend(Network(module, preprocess=Preprocess(size=24), device="cpu", name="<other>"), pictures) as backend:
        yield backend


def click(panel: Any, tile: int, mosaic: Any) -> None:
    top, left, height, width = mosaic.box(tile)
    event = {"event": "element_click", "data": {"column": left + width / 2, "row": top + height / 2}}
    panel._cells._handle_custom_msgs(panel._cells, event)


def hover(panel: Any, tile: int, mosaic: Any) -> None:
    top, left, height, width = mosaic.box(tile)
    event = {"event": "hover", "data": {"column": left + width / 2, "row": top + height / 2}}
    panel._cells._handle_custom_msgs(panel._cells, event)


def test_a_picture_that_is_gone_is_left_out_and_named(network: Network, tmp_path: Path) -> None:
    for name in ("<a>", "b", "c"):
        Image.fromarray(np.random.default_rng(ord(name[0])).integers(0, 255, (30, 30, 3), np.uint8)).save(
            tmp_path / f"{name}.png"
        )
    with Backend(network, tmp_path) as backend:
        (tmp_path / "<a>.png").unlink()
        viewer = FilterViewer(backend, second="projection")
        assert viewer.wait(20) and viewer.state == "ready"
        assert viewer.result is not None and viewer.result.responses is not None
        assert viewer.result.responses.pictures == 2
        said = viewer._strip.status.value
        assert "2 pictures looked at &middot; left out, because it cannot be read: " in said and "&lt;a&gt;.png" in said
        assert not viewer._layer2[0].empty
        viewer.close()


def test_it_shows_what_the_report_says(viewer: FilterViewer, network: Network, pictures: ImageSet) -> None:
    report = filter_report(network, pictures)
    assert viewer.state == "ready"
    assert viewer.result is not None
    assert viewer.result.figures() == pytest.approx(report.figures())
    largest = np.argsort(-report.rms)
    assert viewer.chosen == (largest[0],)
    assert viewer._mosaics[0] is not None
    np.testing.assert_array_equal(viewer._mosaics[0].pixels, filter_mosaic(report.filters[largest], shared=True).pixels)
    assert "6 of 5 x 5, stride 2" in viewer._layer1[0]._title.value
    assert "8 maps of conv2" in viewer._layer2[0]._title.value
    assert f"#{largest[0]} " in viewer._cards.value
    assert "3 pictures" in viewer._facts()


def test_a_click_the_keys_and_a_program_choose_alike(viewer: FilterViewer) -> None:
    click(viewer._layer1[0], 3, viewer._mosaics[0])
    assert viewer.place == 4
    slider = widget_labelled(viewer, "Filter")
    assert (slider.value, slider.max) == (4, 6)
    slider.value = 2
    assert viewer.place == 2
    assert viewer.result is not None
    chosen = int(np.argsort(-viewer.result.rms)[1])
    assert viewer.chosen == (chosen,)
    hover(viewer._layer1[0], 5, viewer._mosaics[0])
    assert f"#{np.argsort(-viewer.result.rms)[5]} " in viewer._cards.value
    assert viewer.place == 2
    slider.value = 3
    assert f"#{np.argsort(-viewer.result.rms)[2]} " in viewer._cards.value
    viewer.place = 40
    assert viewer.chosen == (int(np.argsort(-viewer.result.rms)[5]),)


@pytest.mark.parametrize(
    ("sort", "values"),
    [
        ("frequency", lambda report: report.frequency),
        ("duplicates", lambda report: -report.similarity),
        ("aliasing", lambda report: -report.aliasing),
        ("activity", lambda report: report.responses.spread),
        ("number", lambda report: np.arange(6)),
    ],
)
def test_orders(viewer: FilterViewer, sort: str, values: Any) -> None:
    widget_labelled(viewer, "Sort by").value = sort
    assert viewer.sort == sort
    found = values(viewer.result)[viewer._orders[0]]
    assert (np.diff(found) >= -1e-6).all()


def test_layer_2_by_its_strongest_activations(viewer: FilterViewer, backend: Backend, pictures: ImageSet) -> None:
    widget_labelled(viewer, "Layer 2 by").value = "projection"
    assert viewer.wait(20)
    projected = backend.compute(SecondLayerRequest(pictures.keys(), "3"))
    assert projected.pixels.shape == (8, 3, 15, 15)
    for channel in range(8):
        best = max(
            (project(backend.network, pictures[key], "3", channel) for key in pictures), key=lambda one: one.value
        )
        if best.value > 0:
            assert projected.values[channel] == pytest.approx(best.value, rel=1e-4)
            np.testing.assert_allclose(projected.pixels[channel], best.pixels, rtol=1e-3, atol=1e-5)
        else:
            assert not projected.pixels[channel].any()
    assert "strongest activation" in viewer._layer2[0]._foot.value


def test_two_networks_side_by_side(backend: Backend, other: Backend) -> None:
    viewer = FilterViewer(backend, other=other, radius=0.001)
    assert viewer.wait(20)
    mine, theirs = viewer.results
    assert (mine.network, theirs.network) == ("tiny", "<other>")
    assert viewer.chosen == (int(mine.rms.argmax()), 9)
    assert widget_labelled(viewer, "Filter").max == 10
    assert "&lt;other&gt;" in viewer._table.value and "<other>" not in viewer._table.value
    assert "above the radius" in viewer._cards.value
    assert "dead: #4" in viewer._layer1[1]._foot.value
    assert "no second convolution" in viewer._layer2[1]._foot.value
    click(viewer._layer1[1], 8, viewer._mosaics[1])
    assert viewer.place == 9
    assert viewer.chosen[0] == int(np.argsort(-mine.rms)[5])
    viewer.second = "projection"
    assert viewer.wait(20)
    assert set(viewer._asked) == {"report", "other report", "second"}
    viewer.close()


def test_the_weights_alone_come_first(backend: Backend, pictures: ImageSet) -> None:
    partial: list[Any] = []
    final = backend.compute(FilterReportRequest(pictures.keys(), 0.1), partial.append)
    assert [report.responses is None for report in partial] == [True]
    assert final.responses.pictures == 3


def test_nan_weights_are_shown_and_said(pictures: ImageSet) -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 2))
    net = Network(module, preprocess=Preprocess(size=24), device="cpu")
    with torch.no_grad():
        module[0].weight[2, 0, 0, 0] = torch.nan  # type: ignore[index]
    with Backend(net, pictures) as backend:
        viewer = FilterViewer(backend, place=6)
        assert viewer.wait(20)
        assert viewer.chosen == (2,)
        assert "holds NaN" in viewer._cards.value
        assert "1 filter holds NaN" in viewer._table.value
        viewer.close()


def test_a_network_that_begins_with_something_else_gets_a_sentence(pictures: ImageSet) -> None:
    module = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(400, 2))
    with Backend(Network(module, preprocess=Preprocess(size=24), device="cpu"), pictures) as backend:
        viewer = FilterViewer(backend)
        with pytest.raises(NetworkError, match="does not begin with a convolution"):
            viewer.wait(20)
        assert viewer.state == "error"
        assert "average pool" in str(viewer._errors["report"])
        viewer.close()


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"sort": "sise"}, UnknownNameError, "nearest are 'size'"),
        ({"second": "pattern"}, UnknownNameError, "view of layer 2"),
        ({"place": 0}, ParameterError, "place"),
        ({"radius": -1}, ParameterError, "radius"),
        ({"other": "alexnet"}, ParameterError, "Backend"),
        ({"srot": "size"}, UnknownNameError, "srot"),
    ],
)
def test_impossible_options(backend: Backend, options: dict[str, Any], error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        FilterViewer(backend, **options)


def test_the_tab_sleeps_until_it_is_looked_at(backend: Backend) -> None:
    explorer = Explorer(backend)
    assert explorer.wait(30)
    assert explorer.filters is not None
    assert explorer.filters.result is None
    tabs = explorer.children[-1]
    tabs.selected_index = list(tabs.titles).index("Filters")
    assert explorer.filters.wait(20)
    assert explorer.filters.result is not None
    explorer.close()
