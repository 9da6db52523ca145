"""The viewer of Fig. 4 on a small series: scrubbed, chosen, played, and with checkpoints that are damaged."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from twins.evolution import PREPROCESS, drifting_series, small_module
from twins.mining import blotches
from twins.tiny import widget_labelled

from zfwidgets.backend import Backend
from zfwidgets.backend.evolution_requests import (
    EmbeddedSeriesRequest,
    EvolutionBlockRequest,
    SeriesSource,
    ShippedEvolutionRequest,
)
from zfwidgets.errors import DataError, ParameterError, UnknownNameError, ZfwidgetsError
from zfwidgets.imaging.growth import CELL, cell_picture, marked
from zfwidgets.methods.evolution import feature_evolution
from zfwidgets.models.series import CheckpointSeries
from zfwidgets.network import Network
from zfwidgets.widgets import EvolutionViewer
from zfwidgets.widgets.evolution import epochs
from zfwidgets.widgets.parts.charts import INK, Curve, Span, epoch_chart

EPOCHS = (1, 2, 5, 8)
PICTURES = blotches(9, seed=3)


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> CheckpointSeries:
    return drifting_series(tmp_path_factory.mktemp("series"), EPOCHS)


@pytest.fixture(scope="module")
def growing(series: CheckpointSeries) -> Iterator[Backend]:
    with Backend(Network(small_module(1), preprocess=PREPROCESS, device="cpu"), PICTURES) as backend:
        yield backend


@pytest.fixture
def viewer(growing: Backend, series: CheckpointSeries) -> Iterator[EvolutionViewer]:
    viewer = EvolutionViewer(growing, series, maps=4)
    assert viewer.wait(60)
    yield viewer
    viewer.close()


def touch(panel: Any, x: float, y: float) -> None:
    data = {"click_x": x, "click_y": y}
    panel._mark._handle_custom_msgs(panel._mark, {"event": "element_click", "data": data})


def test_it_shows_the_last_epoch_of_each_layer(viewer: EvolutionViewer, series: CheckpointSeries) -> None:
    assert viewer.state == "ready" and viewer._shown_epoch == 8
    assert [panel._title.value.split("<")[1].split(">")[1].strip() for panel in viewer._first.panels[:2]] == [
        "conv1",
        "conv2",
    ]
    assert "epoch 8" in viewer._first.panels[1]._title.value
    assert ["zf-gone" in panel._dom_classes for panel in viewer._first.panels] == [False, False, True, True, True]
    expected = feature_evolution(series, PICTURES, device="cpu")
    for name, layer in expected.layers.items():
        np.testing.assert_array_equal(viewer.result[name].images, layer.images)
    assert "4 checkpoints of" in viewer._strip.status.value
    assert "9 pictures of this page" in viewer._pictures_note.value
    assert viewer._table.value.count("<tr>") == 3


def test_a_cell_is_the_projection_of_its_exemplar(viewer: EvolutionViewer, series: CheckpointSeries) -> None:
    evolution = feature_evolution(series, PICTURES, device="cpu")
    viewer.enhance = False
    growth = viewer._growth
    assert growth is not None
    for channel in growth.followed("conv2"):
        shown = growth.cell(8, "conv2", channel)
        expected = evolution.projection(8, "conv2", channel)
        assert shown is not None and (shown.exemplar is None) == (expected is None)
        if expected is not None:
            limit = np.abs(expected.pixels).max()
            drawn = (128 + np.rint(expected.pixels / limit * 127)).astype(np.uint8).transpose(1, 2, 0)
            np.testing.assert_allclose(shown.plain.astype(int), cell_picture(drawn).astype(int), atol=1)


def test_the_same_maps_stay_in_their_places(viewer: EvolutionViewer) -> None:
    growth = viewer._growth
    assert growth is not None
    viewer.epoch = 2
    assert viewer.wait(60)
    block = growth.blocks[2, "conv2"]
    assert [cell.channel for cell in block.cells] == growth.followed("conv2")
    other = viewer._first.panels[0]._shown
    viewer.enhance = False
    assert viewer._first.panels[0]._shown != other
    viewer.seed = 3
    assert viewer.wait(60) and viewer._growth is not None and viewer.epoch == 2
    assert viewer._growth.followed("conv2") != growth.followed("conv2")


def test_other_layers_are_asked_for_anew(viewer: EvolutionViewer) -> None:
    viewer.layers = ["conv2"]
    assert viewer.wait(60) and viewer.state == "ready"
    assert list(viewer.result.layers) == ["conv2"] and "conv2" in viewer._first.panels[0]._title.value


def test_neighbours_are_drawn_before_anybody_asks(viewer: EvolutionViewer) -> None:
    assert viewer._growth is not None
    assert set(viewer._growth.blocks) == {(epoch, layer) for epoch in EPOCHS for layer in ("conv1", "conv2")}
    viewer.epoch = 5  # nothing to wait for
    assert viewer.state == "ready" and "epoch 5" in viewer._first.panels[0]._title.value
    assert "zf-now" in viewer._first.life.value and viewer._first.life.value.count("<span") == len(EPOCHS)


def test_the_slider_stops_at_checkpoints_only(growing: Backend, tmp_path: Path) -> None:
    drifting_series(tmp_path, EPOCHS)
    (tmp_path / "epoch_2.pt").write_bytes((tmp_path / "epoch_2.pt").read_bytes()[:700])
    series = CheckpointSeries(tmp_path, module=small_module(0), preprocess=PREPROCESS)
    series._manifest = {"planned": list(EPOCHS)}
    viewer = EvolutionViewer(growing, series, epoch=1, maps=2)
    assert viewer.wait(60)
    slider = widget_labelled(viewer, "Epoch")
    assert [label for label, _ in slider.options] == ["1", "2 (missing)", "5", "8"]
    slider.value = 2
    assert (slider.value, viewer.epoch) == (5, 5)
    slider.value = 2
    assert (slider.value, viewer.epoch) == (1, 1)
    viewer.epoch = 6
    assert viewer.epoch == slider.value == 8
    assert "epoch_2.pt" in viewer._notice.value and 'role="alert"' in viewer._notice.value
    assert "zf-gap" in viewer._chart.value and "1 files left out" in viewer._strip.status.value
    assert viewer.state == "ready"
    viewer.close()


def test_nan_weights_are_said_and_shown_as_nothing(growing: Backend, tmp_path: Path) -> None:
    drifting_series(tmp_path, EPOCHS)
    state = torch.load(tmp_path / "epoch_5.pt", weights_only=True)
    state["0.weight"][:] = float("nan")
    torch.save(state, tmp_path / "epoch_5.pt")
    series = CheckpointSeries(tmp_path, module=small_module(0), preprocess=PREPROCESS)
    viewer = EvolutionViewer(growing, series, epoch=5, maps=2)
    assert viewer.wait(60) and viewer.state == "ready"
    assert "NaN" in viewer._notice.value and "nothing to show" in viewer._first.panels[0]._foot.value
    assert viewer._first.panels[0].empty
    viewer.epoch = 8
    assert viewer.wait(60) and not viewer._first.panels[0].empty
    viewer.close()


def test_a_click_follows_a_map_and_opens_its_picture(viewer: EvolutionViewer) -> None:
    growth = viewer._growth
    assert growth is not None
    place = next(n for n, cell in enumerate(growth.blocks[8, "conv1"].cells) if cell.exemplar is not None)
    upper, left, height, width = viewer._first.mosaics[0].box(place)
    touch(viewer._first.panels[0], left + width / 2, upper + height / 2)
    assert (viewer.layer, viewer.channel) == ("conv1", growth.followed("conv1")[place])
    assert [widget_labelled(viewer, name).value for name in ("Layer", "Map")] == ["conv1", viewer.channel]
    assert viewer._first.panels[0]._lines.visible and not viewer._first.panels[1]._lines.visible
    assert f"conv1 #{viewer.channel}" in viewer._first.life.value
    viewer._open_button.click()
    assert viewer.image == growth.cell(8, "conv1", viewer.channel).exemplar.image  # type: ignore[union-attr]
    touch(viewer._first.panels[0], 5000, 5000)
    assert viewer.layer == "conv1" and viewer.state == "ready"
    widget_labelled(viewer, "Layer").value = "conv2"
    assert (viewer.layer, viewer.channel) == ("conv2", None)
    widget_labelled(viewer, "Map").value = growth.followed("conv2")[1]
    assert viewer.channel == growth.followed("conv2")[1]


def test_playing_waits_for_each_epoch_and_ends_at_the_last(
    viewer: EvolutionViewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting: list[Any] = []
    monkeypatch.setattr(epochs, "call_soon", lambda function: function() or True)
    monkeypatch.setattr(epochs, "call_later", lambda seconds, function: waiting.append(function) or True)
    button = widget_labelled(viewer, "Play")
    button.value = True
    seen = [viewer.epoch]
    while waiting and len(seen) < 9:
        last = waiting.pop()
        waiting.clear()
        last()
        seen.append(viewer.epoch)
    assert seen == [1, 2, 5, 8, 8]
    assert not button.value and button.description == "Play"


def test_the_figure_as_the_paper_prints_it(viewer: EvolutionViewer) -> None:
    page = Image.open(io.BytesIO(viewer.as_png(rows=3)))
    assert page.width >= 2 * len(EPOCHS) * CELL and page.height >= 3 * CELL


def test_the_printed_figure_marks_the_jumps_that_the_page_marks(viewer: EvolutionViewer) -> None:
    part = viewer._first.part("a", viewer._backend.compute, viewer._source(), 3, enhance=True)
    growth, corner, marks = viewer._growth, marked(np.zeros((CELL, CELL, 3), np.uint8)) > 0, 0
    for layer, rows in part.blocks:
        found = viewer.result[layer]
        jumps = found.jumps[:, [found.channels.tolist().index(one) for one in growth.followed(layer)[:3]]].T
        assert jumps.shape == (len(rows), len(EPOCHS))
        for row, channel, jumped in zip(rows, growth.followed(layer), jumps, strict=False):
            for pixels, epoch, jump in zip(row, EPOCHS, jumped, strict=True):
                plain = growth.cell(epoch, layer, channel).enhanced
                np.testing.assert_array_equal(pixels, marked(plain) if jump else plain)
                assert not jump or (pixels[corner] != plain[corner]).any()
                marks += int(jump)
    assert marks


def test_a_folder_that_grows_is_looked_at_again(growing: Backend, tmp_path: Path, series: CheckpointSeries) -> None:
    folder = tmp_path / "grows"
    folder.mkdir()
    for epoch in EPOCHS[:2]:
        shutil.copy(series.folder / f"epoch_{epoch}.pt", folder)
    mine = CheckpointSeries(folder, module=small_module(0), preprocess=PREPROCESS)
    viewer = EvolutionViewer(growing, mine, maps=2, folder=tmp_path / "mined")
    assert viewer.wait(60) and viewer.result.epochs == (1, 2)
    shutil.copy(series.folder / "epoch_8.pt", folder)
    viewer.maps = 3
    assert viewer.wait(60) and viewer.result.epochs == (1, 2, 8) and viewer._shown_epoch == 8
    assert len(list((tmp_path / "mined").iterdir())) == 3
    viewer.close()


def test_pictures_that_went_away_are_named(growing: Backend, series: CheckpointSeries) -> None:
    cells = ((0, (1.0, "gone.png", 0, 0)),)
    source = SeriesSource.of(series)
    block = growing.compute(EvolutionBlockRequest(source, 2, series.digest(2), "conv1", cells))  # type: ignore[arg-type]
    assert "gone.png" in block.problems[0] and len(block.cells) == 1


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"series": 3}, ParameterError, "A series is a CheckpointSeries, its folder, or the name"),
        ({"maps": 0}, ParameterError, "number of maps"),
        ({"layers": ["convv1"]}, UnknownNameError, "conv1"),
        ({"layers": []}, ParameterError, "One to 5 layers"),
        ({"epoch": "two"}, ParameterError, "epoch"),
        ({"epochs": 3}, UnknownNameError, "epoch"),
        ({"folder": 7}, ParameterError, "folder"),
    ],
)
def test_what_cannot_be_is_refused(
    growing: Backend, options: dict[str, Any], error: type[ZfwidgetsError], words: str
) -> None:
    with pytest.raises(error, match=words):
        EvolutionViewer(growing, **options)


def test_what_is_no_series_is_said_in_the_strip(growing: Backend, tmp_path: Path) -> None:
    unknown = EvolutionViewer(growing, "no-such-series")
    with pytest.raises(UnknownNameError, match="embedded series"):
        unknown.wait(60)
    assert unknown.state == "error" and "no-such-series" in unknown._strip.alert.value
    unknown.close()
    empty = EvolutionViewer(growing, tmp_path)
    assert empty.wait(60) and empty.result.epochs == ()
    with pytest.raises(ParameterError, match="nothing to draw yet"):
        empty.as_png()
    torch.save({"weight": torch.zeros(2, 2)}, tmp_path / "epoch_1.pt")
    empty.maps = 3
    assert empty.wait(60) and empty.result.epochs == ()
    assert "epoch_1.pt belongs to another architecture" in empty._notice.value
    drifting_series(tmp_path, (1,))  # of the backend's network, which nobody has to say again
    empty.maps = 4
    assert empty.wait(60) and empty.result.epochs == (1,)
    empty.close()


def test_a_folder_does_not_take_the_place_of_an_embedded_series(
    growing: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "zfnet-scenes").mkdir()
    monkeypatch.chdir(tmp_path)
    shipped = growing.compute(ShippedEvolutionRequest(SeriesSource.of("zfnet-scenes")))
    assert shipped.evolution.epochs[-1] == 64 and shipped.shipped
    assert growing.compute(EmbeddedSeriesRequest("zfnet-scenes")) is True
    assert growing.compute(EmbeddedSeriesRequest("tiny")) is False
    with pytest.raises(DataError, match="There is no folder"):
        growing.compute(ShippedEvolutionRequest(SeriesSource.of("runs/none")))


def test_a_chart_breaks_its_lines_at_gaps() -> None:
    whole = epoch_chart([Curve("a", (1, 2, 8), (0.1, 0.2, 0.3), INK, dots=True)], Span((1, 2, 8), (), 8))
    gap = epoch_chart([Curve("<b>", (1, 2, 8), (0.1, 0.2, 0.3), INK, dots=True)], Span((1, 2, 5, 8), (5,), 8))
    assert whole.count("<polyline") == gap.count("<polyline") == 1
    assert whole.split("points=")[1].split('"')[1].count(",") == 3
    assert gap.split("points=")[1].split('"')[1].count(",") == 2 and "no checkpoint of epoch 5" in gap
    assert "<b>" not in gap.split("zf-legend")[1].replace("&lt;b&gt;", "")
    assert epoch_chart([Curve("a", (1, 2), (np.nan, 9.0), INK)], Span((1, 2), (), 2)).count("<circle") == 1
