"""The viewer of Fig. 2 on a tiny real network, and the tab and the panels that it is linked to."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ipywidgets.widgets import widget as registry
from PIL import Image
from torch import nn
from twins.tiny import widget_labelled

from zfwidgets.app.explorer import Explorer
from zfwidgets.backend import Answer, Backend
from zfwidgets.backend.top_index import Mined, TopIndexRequest
from zfwidgets.data import ImageSet
from zfwidgets.errors import DataError, ParameterError, StaleIndexError, ZfwidgetsError
from zfwidgets.imaging import Preprocess
from zfwidgets.methods import TopActivations
from zfwidgets.methods.top_activations import top_activations
from zfwidgets.methods.top_activations.parts import Progress
from zfwidgets.models import load_network
from zfwidgets.network import Network
from zfwidgets.widgets import FeatureViewer, TopActivationsViewer


@pytest.fixture(scope="module")
def top(network: Network, pictures: ImageSet) -> TopActivations:
    return top_activations(network, pictures, workers=0)


@pytest.fixture
def viewer(backend: Backend, top: TopActivations) -> Iterator[TopActivationsViewer]:
    viewer = TopActivationsViewer(backend, layer="conv2", index=top, tiles=5)
    assert viewer.wait(20)
    yield viewer
    viewer.close()


@pytest.fixture
def fresh(backend: Backend) -> Iterator[TopActivationsViewer]:
    """Without an index."""
    viewer = TopActivationsViewer(backend, layer="conv2", sort="channel")
    assert viewer.wait(20)
    yield viewer
    viewer.close()


def touch(mark: Any, x: float, y: float) -> None:
    mark._handle_custom_msgs(mark, {"event": "element_click", "data": {"click_x": x, "click_y": y}})


def shown_places(viewer: TopActivationsViewer) -> list[int]:
    return [place for place, button in enumerate(viewer._grid._buttons) if "zf-gone" not in button._dom_classes]


def test_it_shows_the_strongest_maps_first(viewer: TopActivationsViewer, top: TopActivations) -> None:
    strongest = np.argsort(-np.nan_to_num(top["conv2"].values[:, 0], nan=-1), kind="stable")
    assert viewer._grid.channels == viewer.result.channels[:5].tolist() == strongest[:5].tolist()
    assert (viewer.state, len(shown_places(viewer)), viewer._page_control.max) == ("ready", 5, 2)
    first = viewer._grid._buttons[0]
    assert first.description.startswith(f"#{strongest[0]}  ") and "zf-chosen" in first._dom_classes
    assert viewer._nine.tile.channel == strongest[0]
    assert "8 maps" in viewer._strip.status.value and "over 3 pictures" in viewer._strip.status.value
    assert "Maps 1 to 5 of 8 of conv2" in viewer._heading.value


def test_orders_and_pages(viewer: TopActivationsViewer) -> None:
    viewer.sort = "channel"
    assert viewer.wait(20) and viewer._grid.channels == [0, 1, 2, 3, 4]
    viewer.page = 2
    assert viewer.wait(20) and viewer._grid.channels == [5, 6, 7] and len(shown_places(viewer)) == 3
    assert viewer._nine.tile.channel == 5
    viewer.sort = "purity"
    assert viewer.page == 1 and viewer.wait(20)
    purity = viewer.result.purity[viewer.result.channels]
    assert (np.diff(purity[~np.isnan(purity)]) <= 0).all()
    viewer.page = 99
    assert viewer.wait(20) and len(viewer._grid.channels) == 3


def test_a_tile_is_enlarged_and_its_pictures_open(viewer: TopActivationsViewer) -> None:
    viewer._grid._buttons[2].click()
    channel = viewer._grid.channels[2]
    assert viewer.wait(20) and viewer.channel == channel == viewer._nine.tile.channel
    tile = viewer._nine.tile
    if tile.dead:
        pytest.skip("the third map is dead")
    place = next(n for n, peak in enumerate(tile.peaks) if peak.image != viewer.image)
    upper, left, height, width = tile.patches.box(place)
    touch(viewer._nine.patches._mark, left + width / 2, upper + height / 2)
    assert viewer.wait(20) and viewer.image == tile.peaks[place].image
    assert viewer._picture._lines.visible and "sees of it" in viewer._picture._foot.value
    assert viewer._nine.list.value == place
    other = next(n for n, peak in enumerate(tile.peaks) if peak.image != viewer.image)
    widget_labelled(viewer, "Open picture").value = other
    assert viewer.image == tile.peaks[other].image


def test_a_click_between_the_pictures_is_nothing(viewer: TopActivationsViewer) -> None:
    before = viewer.image
    touch(viewer._nine.patches._mark, 5000, 5000)
    assert viewer.image == before and viewer.state == "ready"


def test_a_map_that_is_not_on_the_page_can_be_enlarged(viewer: TopActivationsViewer) -> None:
    channel = int(viewer.result.channels[6])
    viewer.channel = channel
    assert viewer.wait(20) and viewer._nine.tile.channel == channel
    assert not any("zf-chosen" in button._dom_classes for button in viewer._grid._buttons)


def test_dead_maps_are_marked(pictures: ImageSet) -> None:
    module = nn.Sequential(nn.Conv2d(3, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(3 * 22 * 22, 2))
    nn.init.zeros_(module[0].weight[1:2])
    nn.init.constant_(module[0].bias[1:2], -1.0)
    net = Network(module, preprocess=Preprocess(size=24, resize=24), device="cpu")
    with Backend(net, pictures) as backend:
        viewer = TopActivationsViewer(backend, layer="conv1", index=top_activations(net, pictures, workers=0))
        assert viewer.wait(20) and viewer._grid.channels[-1] == 1
        last = viewer._grid._buttons[2]
        assert "zf-dead" in last._dom_classes and "dead" in last.description
        assert "1 dead" in viewer._strip.status.value
        viewer.channel = 1
        assert viewer.wait(20) and viewer._nine.patches.empty
        viewer.close()


def test_the_sheet_is_exported(viewer: TopActivationsViewer) -> None:
    picture = Image.open(io.BytesIO(viewer.as_png()))
    assert picture.format == "PNG"
    viewer._save.click()
    assert viewer.wait(20)
    assert 'download="tiny-conv2-strongest.png"' in viewer._link.value and "data:image/png" in viewer._link.value
    viewer.page = 2
    assert viewer._link.value == ""


def test_without_an_index_it_says_so_and_mines(fresh: TopActivationsViewer, top: TopActivations) -> None:
    assert "not been mined" in fresh._notice.value and fresh.result is None and fresh._save.disabled
    assert "zf-wanted" in fresh._mine._dom_classes and shown_places(fresh) == []
    with pytest.raises(ParameterError, match="nothing to export"):
        fresh.as_png()
    fresh._mine.click()
    assert fresh.wait(30) and fresh.state == "ready" and fresh._notice.value == ""
    np.testing.assert_array_equal(fresh.result.values, top["conv2"].values)
    assert fresh._grid.channels == list(range(8)) and "zf-wanted" not in fresh._mine._dom_classes


def test_mining_writes_the_file_that_was_asked_for(backend: Backend, tmp_path: Path, top: TopActivations) -> None:
    path = tmp_path / "top.safetensors"
    viewer = TopActivationsViewer(backend, layer="conv2", index=path)
    assert viewer.wait(20) and viewer.result is None
    viewer.mine()
    assert viewer.wait(30) and viewer.index == str(path)
    np.testing.assert_array_equal(TopActivations.open(path)["conv2"].values, top["conv2"].values)
    before = os.stat(path).st_mtime_ns
    viewer.mine()
    assert viewer.wait(30) and viewer.index != str(path) and os.stat(path).st_mtime_ns == before
    folder = Path(viewer.index).parent
    viewer.close()
    backend.close()
    assert not folder.exists()


class ByHand(TopActivationsViewer):
    """Whose mining is answered by a test."""

    def hear(self, kind: Any, value: Any = None) -> None:
        serial, request = self._asked["mine"]
        self._deliver("mine", serial, Answer(request, kind, value))
        self._drain()


def grow(viewer: ByHand, part: TopActivations) -> None:
    """A first partial result of two pictures."""
    name = viewer._mining.name
    viewer._backend.growing = (name, part)
    viewer.hear("partial", Mined(TopIndexRequest(growing=(name, 0)), Progress(2, 30, 10.0, 2.8)))


def test_the_page_fills_while_pictures_are_mined(
    backend: Backend, top: TopActivations, network: Network, pictures: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zfwidgets.backend.top_index.TopMineRequest.run", _wait_for_ever)
    viewer = ByHand(backend, layer="conv2")
    viewer.wait(20)
    viewer.mine()
    viewer.hear("partial", Mined(None, Progress(1, 30, 10.0, 2.9)))
    assert "mining: 1 of 30 pictures, 10 a second" in viewer._strip.status.value and viewer.result is None
    assert viewer._strip.button.description == "Cancel"
    part = top_activations(network, pictures.only(pictures.keys()[:2]), workers=0)
    grow(viewer, part)
    drained(viewer, lambda: len(viewer._grid.channels) == 8)
    assert viewer.result.index.count == 2 and viewer._grid.channels == list(range(8))  # by number meanwhile
    viewer.cancel()
    drained(viewer, lambda: viewer.state == "stopped")
    assert viewer._strip.button.description == "Go on" and len(viewer._grid.channels) == 8
    assert viewer.result.index.count == 2  # what is done stays
    viewer.close()


def test_mining_that_begins_before_the_page_is_drawn_fills_it_too(
    backend: Backend, top: TopActivations, network: Network, pictures: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zfwidgets.backend.top_index.TopMineRequest.run", _wait_for_ever)
    viewer = ByHand(backend, layer="conv2", index=top)
    viewer.mine()
    drained(viewer, lambda: len(viewer._grid.channels) == 8)
    assert viewer.result.index.count == 3
    part = top_activations(network, pictures.only(pictures.keys()[:2]), workers=0)
    grow(viewer, part)
    drained(viewer, lambda: viewer.result.index.count == 2 and not viewer._drawing)
    viewer.cancel()
    viewer.close()


def test_a_second_click_on_mine_loses_nothing(
    backend: Backend, top: TopActivations, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = list[str]()

    def run(self: Any, backend: Backend, on_partial: Any = None, cancelled: Any = None) -> Any:
        runs.append(self.name)
        if len(runs) == 2:
            raise DataError("The disk is full.")
        if len(runs) == 3:
            return Mined(TopIndexRequest.of(top), None)
        return _wait_for_ever(self, backend, on_partial, cancelled)

    monkeypatch.setattr("zfwidgets.backend.top_index.TopMineRequest.run", run)
    viewer = TopActivationsViewer(backend, layer="conv2")
    viewer.wait(20)
    viewer._mine.click()
    drained(viewer, lambda: len(runs) == 1)
    viewer._mine.click()  # it runs: nothing happens
    viewer.cancel()
    drained(viewer, lambda: viewer.state == "stopped")
    assert len(runs) == 1
    viewer._mine.click()
    drained(viewer, lambda: viewer.state == "error")
    assert "The disk is full." in viewer._strip.alert.value
    viewer._mine.click()
    assert viewer.wait(20) and viewer.index is top
    assert len(runs) == 3 and len(set(runs)) == 1
    viewer.close()


def _wait_for_ever(self: Any, backend: Backend, on_partial: Any = None, cancelled: Any = None) -> Any:
    from time import sleep

    from zfwidgets.errors import Cancelled

    while not cancelled():
        sleep(0.005)
    raise Cancelled("cancelled")


def drained(viewer: TopActivationsViewer, done: Any) -> None:
    from time import monotonic, sleep

    end = monotonic() + 20
    while not done():
        assert monotonic() < end, viewer._strip.status.value
        viewer._drain()
        sleep(0.01)


def test_bad_indexes_are_one_sentence_in_the_strip(
    viewer: TopActivationsViewer, backend: Backend, top: TopActivations, tmp_path: Path
) -> None:
    before = viewer._grid.channels
    cut, flipped = tmp_path / "cut", tmp_path / "flipped"
    whole = top.save(tmp_path / "whole").read_bytes()
    cut.write_bytes(whole[: len(whole) // 2])
    bad = bytearray(whole)
    bad[-100] ^= 1
    flipped.write_bytes(bad)
    for path, error, words in ((cut, DataError, "cut short"), (flipped, DataError, "altered")):
        viewer.index = path
        with pytest.raises(error, match=words):
            viewer.wait(20)
        assert viewer.state == "error" and words in viewer._strip.alert.value
        assert viewer._grid.channels == before  # the last good picture stays
    viewer.index = tmp_path / "whole"
    assert viewer.wait(20) and viewer.state == "ready" and viewer._strip.alert.value == ""


def test_another_networks_index_and_other_pictures(top: TopActivations, network: Network, tmp_path: Path) -> None:
    path = top.save(tmp_path / "tiny.safetensors")
    with Backend("zfnet-scenes", device="cpu") as backend:
        viewer = TopActivationsViewer(backend, layer="conv5", index=path)
        with pytest.raises(StaleIndexError, match="weights"):
            viewer.wait(20)
        assert "weights" in viewer._strip.alert.value and viewer.result is None and viewer._grid.channels == []
        viewer.close()
    others = ImageSet.from_arrays(np.zeros((2, 24, 24, 3), np.uint8), keys=["a", "b"])
    with Backend(network, others) as backend:
        viewer = TopActivationsViewer(backend, layer="conv2", index=path)
        with pytest.raises(StaleIndexError, match="other pictures"):
            viewer.wait(20)
        viewer.close()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("layer", "convv2", "nearest are 'conv2'"),
        ("channel", 8, "from 0 to 7; found 8"),
        ("sort", "purety", "nearest are 'purity'"),
        ("page", 0, "at least 1"),
        ("tiles", 1000, "from 1 to 96"),
        ("index", 3, "path, a TopActivations or None"),
    ],
)
def test_bad_values_are_refused(viewer: TopActivationsViewer, name: str, value: Any, message: str) -> None:
    before = getattr(viewer, name)
    with pytest.raises(ZfwidgetsError, match=message):
        setattr(viewer, name, value)
    assert getattr(viewer, name) == before


def test_a_layer_that_was_not_mined_is_told(viewer: TopActivationsViewer) -> None:
    viewer.layer = "fc3"
    assert viewer.wait(20) and "fc3 was not mined" in viewer._notice.value and viewer.result is None
    viewer.layer = "conv1"
    assert viewer.wait(20) and len(viewer.result.channels) == 6


def test_asleep_it_asks_nothing(backend: Backend, top: TopActivations) -> None:
    viewer = TopActivationsViewer(backend, layer="conv2", index=top, awake=False)
    assert viewer.wait(5) and viewer.result is None and viewer._asked == {}
    viewer.awake = True
    assert viewer.wait(20) and len(viewer._grid.channels) == 8
    viewer.close()


def test_closing_leaves_no_widget_behind(backend: Backend, top: TopActivations) -> None:
    before = set(registry._instances)
    viewer = TopActivationsViewer(backend, layer="conv2", index=top)
    viewer.wait(20)
    viewer.close()
    left = [registry._instances[key] for key in set(registry._instances) - before]
    assert left == []


def test_a_network_that_cannot_be_looked_into() -> None:
    class Strange(nn.Module):
        def forward(self, x: Any) -> Any:
            return x.mean((2, 3)) if float(x.sum()) > 0 else x.amax((2, 3))

    net = Network(Strange(), preprocess=Preprocess(size=16), device="cpu")
    with Backend(net) as backend, pytest.raises(ParameterError, match="no features to show"):
        TopActivationsViewer(backend)


def test_the_feature_viewer_shows_the_nine_of_its_map(backend: Backend, top: TopActivations) -> None:
    viewer = FeatureViewer(backend, layer="conv2", channel=3)
    assert viewer.wait(20) and "zf-gone" in viewer._top._dom_classes
    viewer.index = top
    assert viewer.wait(20) and "zf-gone" not in viewer._top._dom_classes
    entries = top.channel("conv2", 3)
    assert [peak.image for peak in viewer._top.tile.peaks] == [entry.image for entry in entries]
    place = next(n for n, entry in enumerate(entries) if entry.image != viewer.image)
    viewer._open_top(place)
    assert viewer.wait(20) and viewer.image == entries[place].image
    assert viewer.result.position == entries[place].position
    viewer.close()


def test_the_explorer_opens_a_picture_of_the_index_in_every_tab() -> None:
    with Backend(load_network("zfnet-scenes", device="cpu"), {"black": np.zeros((96, 96, 3), np.uint8)}) as backend:
        explorer = Explorer(backend)
        assert explorer.wait(60) and explorer.top.result is None
        explorer._turned(2)
        assert explorer.wait(60) and explorer.top.result.index.count == 2000
        explorer.top.layer = "conv3"
        explorer.top.channel = 5
        explorer.wait(60)
        explorer.top._open(1)
        assert explorer.wait(60)
        key = explorer.top._nine.tile.peaks[1].image
        assert key.startswith("scene-5/")
        for viewer in (explorer, explorer.occlusion, explorer.features, explorer.top):
            assert viewer.image == key
        assert (explorer.features.layer, explorer.features.channel) == ("conv3", 5)
        peak = explorer.top._nine.tile.peaks[1]
        assert explorer.features.result.position == (peak.row, peak.column)
        explorer.features.layer = "fc6"
        assert explorer.wait(60) and explorer.top.layer == "fc6" and explorer.top.state == "ready"
        explorer.close()
