"""The viewer of Fig. 4 with a second network: its blocks and curves beside, at the nearest epoch that it has."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch import nn
from twins.evolution import PREPROCESS, drifting_series, small_module
from twins.mining import blotches
from twins.tiny import widget_labelled

from zfwidgets.backend import Backend
from zfwidgets.errors import DataError, ParameterError, UnknownNameError
from zfwidgets.imaging.growth import growth_sheet
from zfwidgets.methods.evolution import feature_evolution
from zfwidgets.methods.evolution.result import FeatureEvolution, LayerEvolution
from zfwidgets.methods.top_activations import Progress
from zfwidgets.models.series import CheckpointSeries
from zfwidgets.network import Network
from zfwidgets.widgets import EvolutionViewer
from zfwidgets.widgets.evolution import epochs
from zfwidgets.widgets.evolution.pair import apart, settled_between
from zfwidgets.widgets.evolution.words import GROWING_WORDS, settling
from zfwidgets.widgets.parts.charts import LINE_COLOURS

EPOCHS, THEIRS = (1, 2, 5, 8), (1, 4, 9)
PICTURES = blotches(9, seed=3)


def cousin_module() -> nn.Module:
    """One convolution, of three maps where the first network has four."""
    torch.manual_seed(9)
    return nn.Sequential(nn.Conv2d(3, 3, 5, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(300, 3))


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> CheckpointSeries:
    return drifting_series(tmp_path_factory.mktemp("series"), EPOCHS)


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> CheckpointSeries:
    return drifting_series(tmp_path_factory.mktemp("theirs"), THEIRS, seed=4)


@pytest.fixture(scope="module")
def growing() -> Iterator[Backend]:
    with Backend(Network(small_module(1), preprocess=PREPROCESS, device="cpu", name="mine"), PICTURES) as backend:
        yield backend


@pytest.fixture(scope="module")
def other() -> Iterator[Backend]:
    with Backend(Network(small_module(5), preprocess=PREPROCESS, device="cpu", name="theirs"), PICTURES) as backend:
        yield backend


@pytest.fixture(scope="module")
def cousin() -> Iterator[Backend]:
    with Backend(Network(cousin_module(), preprocess=PREPROCESS, device="cpu", name="cousin"), PICTURES) as backend:
        yield backend


@pytest.fixture
def viewer(growing: Backend, other: Backend, series: Any, theirs: Any) -> Iterator[EvolutionViewer]:
    viewer = EvolutionViewer(growing, series, other, other_series=theirs, maps=4)
    assert viewer.wait(60)
    yield viewer
    viewer.close()


def said(viewer: EvolutionViewer) -> str:
    return str(viewer._beside.about.value)  # type: ignore[union-attr]


def touch(side: Any, cell: int, panel: int = 1) -> None:
    upper, left, height, width = side.mosaics[panel].box(cell)
    mark = side.panels[panel]._mark
    where = {"click_x": left + width / 2, "click_y": upper + height / 2}
    mark._handle_custom_msgs(mark, {"event": "element_click", "data": where})


def test_one_slider_turns_both_to_the_nearest_epoch(viewer: EvolutionViewer, theirs: CheckpointSeries) -> None:
    assert viewer._beside is not None
    panels = viewer._beside.side.panels
    expected = feature_evolution(theirs, PICTURES, device="cpu")
    assert [found.name for found in viewer.results] == [viewer.result.name, theirs.name]
    np.testing.assert_array_equal(viewer.results[1]["conv2"].images, expected["conv2"].images)
    assert "shown is epoch 9, the nearest" in said(viewer)
    for epoch, near in ((5, 4), (2, 1), (1, 1), (8, 9)):
        widget_labelled(viewer, "Epoch").value = epoch
        assert viewer.wait(60) and viewer.epoch == epoch
        assert f"theirs, epoch {near}" in panels[0]._title.value and "of 4 maps" in panels[0]._foot.value
        assert f"mine, epoch {epoch}" in viewer._first.panels[0]._title.value
        sentence = f"theirs has no checkpoint of epoch {epoch}: shown is epoch {near}, the nearest."
        assert (sentence in said(viewer)) == (epoch != near)
    assert "9 pictures of this page" in said(viewer)
    assert "4 checkpoints of" in viewer._strip.status.value and "3 checkpoints of" in viewer._strip.status.value


def test_the_map_of_the_same_number_is_followed_in_both(viewer: EvolutionViewer) -> None:
    assert viewer._beside is not None and viewer._growth is not None
    viewer.layer, viewer.channel = "conv2", viewer._growth.followed("conv2")[2]
    assert viewer._growth.followed("conv2") == viewer._beside.side.growth.followed("conv2")
    for side, columns in ((viewer._first, EPOCHS), (viewer._beside.side, THEIRS)):
        assert f"conv2 #{viewer.channel} through the epochs" in side.life.value
        assert f"at epochs {', '.join(map(str, columns))}" in side.life.value
        assert [panel._lines.visible for panel in side.panels[:2]] == [False, True]
    touch(viewer._beside.side, 1, panel=0)
    assert (viewer.layer, viewer.channel) == ("conv1", viewer._growth.followed("conv1")[1])


def test_the_button_opens_the_picture_of_the_cell_that_was_clicked(growing: Backend, series: Any, theirs: Any) -> None:
    """The second network has pictures of its own."""
    unlike = blotches(7, seed=8)
    own = {f"own/{key}": unlike[key] for key in unlike}
    with Backend(Network(small_module(5), preprocess=PREPROCESS, device="cpu", name="theirs"), own) as other:
        viewer = EvolutionViewer(growing, series, other, other_series=theirs, maps=4)
        assert viewer.wait(60) and viewer._beside is not None
        button, sides = viewer._open_button, (viewer._first, viewer._beside.side)
        assert button.description == "Open picture of mine"
        epochs = (EPOCHS[-1], THEIRS[-1])
        blocks = [side.growth.blocks[epoch, "conv2"] for side, epoch in zip(sides, epochs, strict=True)]
        place = next(
            at
            for at, cells in enumerate(zip(*(block.cells for block in blocks), strict=True))
            if all(cell.exemplar is not None for cell in cells)
        )
        for which, name in ((1, "theirs"), (0, "mine"), (1, "theirs")):
            touch(sides[which], place)
            assert button.description == f"Open picture of {name}" and not button.disabled
            button.click()
            assert viewer.image == blocks[which].cells[place].exemplar.image and viewer.state == "ready"
        assert viewer.image.startswith("own/")
        np.testing.assert_array_equal(
            np.asarray(growing.picture(viewer.image)), np.asarray(other.picture(viewer.image))
        )
        widget_labelled(viewer, "Layer").value = "conv1"  # a list of the first network's
        assert button.description == "Open picture of mine"
        viewer.close()


def test_a_picture_that_the_first_network_knows_otherwise_is_not_opened(
    growing: Backend, series: Any, theirs: Any
) -> None:
    unlike = blotches(9, seed=4)
    assert {*unlike} == {*PICTURES}
    with Backend(Network(small_module(5), preprocess=PREPROCESS, device="cpu", name="theirs"), unlike) as other:
        viewer = EvolutionViewer(growing, series, other, other_series=theirs, maps=4)
        assert viewer.wait(60) and viewer._beside is not None
        before, block = viewer.image, viewer._beside.side.growth.blocks[9, "conv1"]
        touch(viewer._beside.side, next(at for at, cell in enumerate(block.cells) if cell.exemplar is not None), 0)
        viewer._open_button.click()
        assert viewer.image == before and "mine: It holds another picture as" in viewer._strip.alert.value
        viewer.close()


def test_the_printed_figure_has_both(viewer: EvolutionViewer, growing: Backend, series: Any) -> None:
    both = np.asarray(Image.open(io.BytesIO(viewer.as_png(rows=2))))
    names = [viewer._first.part("mine", growing.compute, viewer._source(), 2, True), viewer._beside.part(2, viewer)]
    assert [part.title.partition(":")[0] for part in names] == ["mine", "theirs"]
    assert [part.title.rpartition("epochs ")[2] for part in names] == ["1, 2, 5, 8", "1, 4, 9"]
    assert [[layer for layer, _ in part.blocks] for part in names] == [["conv1", "conv2"]] * 2
    pages = [np.asarray(Image.open(io.BytesIO(growth_sheet([part])))) for part in names]
    assert both.shape[1] == sum(page.shape[1] for page in pages)
    np.testing.assert_array_equal(both[: len(pages[0]), : pages[0].shape[1]], pages[0])
    np.testing.assert_array_equal(both[: len(pages[1]), pages[0].shape[1] :], pages[1])


def test_both_have_their_curves_and_the_table_their_difference(viewer: EvolutionViewer) -> None:
    chart, table = viewer._chart.value, viewer._table.value
    assert chart.count("<polyline") == 4 and chart.count("stroke-dasharray") == 2
    for colour in LINE_COLOURS[:2]:
        assert sum(f'stroke="{colour}"' in line for line in chart.split("<polyline")[1:]) == 2
    assert "dashed" in chart and chart.split("zf-legend")[-1].count("</span>") == 2
    rows = [row.replace("<td>", "").split("</td>")[:4] for row in table.split("<tr>")[2:4]]
    for name, *cells in rows:
        between = [settled_between(found, name) for found in viewer.results]
        assert cells == [*(str(one[1]) for one in between if one is not None), apart(*between)]
    assert "between two recorded epochs nobody looked" in table
    assert "Final is epoch 8 of mine and epoch 9 of theirs." in table


def test_what_is_not_looked_through_to_its_end_has_no_difference(viewer: EvolutionViewer) -> None:
    whole = [viewer._growth.evolved, viewer._beside._evolved]
    tables = [viewer._table.value]
    for which in (0, 1):  # also of what was cancelled
        viewer._take(which, whole[which]._replace(progress=Progress.of(9, 27, 0, 1.0)))
        tables.append(viewer._table.value)
        viewer._take(which, whole[which])
        assert viewer._table.value == tables[0]
    for table in tables[1:]:
        assert [row.split("</td>")[3] for row in table.split("<tr>")[2:4]] == ["<td>-", "<td>-"]
        assert GROWING_WORDS in table and "Final is epoch" not in table and "nobody looked" not in table
    assert GROWING_WORDS not in tables[0]
    alone = [settling(viewer.result, 8, complete) for complete in (False, True)]
    assert [GROWING_WORDS in table for table in alone] == [True, False]


@given(
    steps=st.tuples(*[st.lists(st.integers(1, 9), min_size=1, max_size=4)] * 2),
    low=st.tuples(st.integers(0, 4), st.integers(0, 4)),
)
def test_a_difference_is_all_that_the_recorded_epochs_allow(
    steps: tuple[list[int], list[int]], low: tuple[int, int]
) -> None:
    possible = []
    evolutions = [_evolution(tuple(np.cumsum(one).tolist()), count) for one, count in zip(steps, low, strict=True)]
    for found in evolutions:
        seen = dict(zip(found.epochs, found["conv1"].similarity.tolist(), strict=True))
        last = max(found.epochs)
        # Any epoch from which on nothing that was recorded is below: the first such record, or any one since the last.
        settled = min(one for one in found.epochs if all(seen[later] >= 0.9 for later in seen if later >= one))
        below = [epoch for epoch in found.epochs if seen[epoch] < 0.9]
        possible.append([epoch for epoch in range(last + 1) if max(below, default=-1) < epoch <= settled])
    differences = {there - here for here in possible[0] for there in possible[1]}
    text = apart(*(settled_between(found, "conv1") for found in evolutions))
    if 0 in differences:
        assert text == ("the same" if differences == {0} else "not told apart")
    else:
        parts = text.replace("\N{MINUS SIGN}", "-").split(" to ")
        assert [int(part) for part in parts] == sorted({min(differences), max(differences)})


def _evolution(at: tuple[int, ...], low: int) -> FeatureEvolution:
    similarity = np.array([0.5] * min(low, len(at) - 1) + [1.0] * (len(at) - min(low, len(at) - 1)))
    none = np.zeros((len(at), 0))
    layer = LayerEvolution(np.arange(0), none, none.astype(object), np.zeros((len(at), 0, 2), int), similarity)
    return FeatureEvolution("it", at, (), ("",) * len(at), {"conv1": layer}, {}, 0)


def test_layers_and_maps_that_it_does_not_have(growing: Backend, cousin: Backend, series: Any, tmp_path: Path) -> None:
    for epoch in EPOCHS:
        torch.save(cousin_module().state_dict(), tmp_path / f"epoch_{epoch}.pt")
    (tmp_path / "epoch_3.pt").write_bytes(b"no checkpoint")
    viewer = EvolutionViewer(growing, series, cousin, other_series=tmp_path, maps=5)
    assert viewer.wait(60) and viewer._beside is not None
    assert viewer._beside.side.layers == ("conv1", "conv1")
    assert "cousin has no layer conv2: shown is conv1, as deep" in said(viewer)
    assert "Second network, cousin: epoch_3.pt" in viewer._notice.value
    viewer.layer, viewer.channel = "conv2", 4
    assert "conv1 #4 is not among the maps of cousin on show: its #" in said(viewer)
    assert [panel._lines.visible for panel in viewer._beside.side.panels[:2]] == [False, True]
    viewer.layers = "conv1"
    assert viewer.wait(60) and viewer.results[1].epochs == EPOCHS and list(viewer.results[1].layers) == ["conv1"]
    viewer.close()


def test_playing_waits_for_both(viewer: EvolutionViewer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert viewer._beside is not None
    waiting: list[Any] = []
    monkeypatch.setattr(epochs, "call_soon", lambda function: function() or True)
    monkeypatch.setattr(epochs, "call_later", lambda seconds, function: waiting.append(function) or True)
    near = viewer._beside.side.growth.blocks.pop((4, "conv1"))
    viewer._beside.side.growth.barren = lambda epoch, layer: False
    widget_labelled(viewer, "Play").value = True
    assert viewer.epoch == 1 and waiting
    for _ in range(2):
        waiting.pop()()
    assert viewer.epoch == 5 and viewer._beside.side.growth.blocks[4, "conv1"] is not None and waiting
    waiting.clear()
    del viewer._beside.side.growth.blocks[4, "conv1"]
    viewer._show_blocks()
    assert not waiting
    viewer._beside.side.keep(near)
    viewer._show_blocks()
    assert waiting
    viewer._bar.stop()


def test_a_second_network_without_a_series(growing: Backend, cousin: Backend, series: Any) -> None:
    viewer = EvolutionViewer(growing, series, cousin, maps=2)
    assert viewer.wait(60) and viewer.state == "ready"
    lacking = "No series of checkpoints ships with cousin: pass a folder of them as other_series="
    assert lacking in said(viewer)
    for own in (True, False):
        viewer.own = own
        assert viewer.wait(60) and viewer.state == "ready" and lacking in said(viewer)
    assert not viewer._first.panels[0].empty and viewer._chart.value.count("<polyline") == 2
    viewer.close()


def test_an_error_of_the_second_names_it(growing: Backend, other: Backend, series: Any, tmp_path: Path) -> None:
    viewer = EvolutionViewer(growing, series, other, other_series=tmp_path / "gone", maps=2)
    with pytest.raises(DataError, match="Second network, theirs: There is no folder"):
        viewer.wait(60)
    assert viewer.state == "error" and viewer.results[0].epochs == EPOCHS and not viewer._first.panels[0].empty
    viewer.other_series = drifting_series(tmp_path, (3,), seed=4)
    assert viewer.wait(60) and viewer.state == "ready" and viewer.results[1].epochs == (3,)
    (tmp_path / "empty").mkdir()
    viewer.other_series = tmp_path / "empty"
    assert viewer.wait(60) and viewer.state == "ready" and "theirs holds no checkpoint yet" in said(viewer)
    viewer.other_series = "no-such-series"
    with pytest.raises(UnknownNameError, match=r"Second network, theirs: .*embedded series"):
        viewer.wait(60)
    assert viewer._beside is not None and viewer._beside.side.panels[0].empty
    viewer.close()


def test_a_hidden_one_asks_nothing_of_either(growing: Backend, other: Backend, series: Any, theirs: Any) -> None:
    viewer = EvolutionViewer(growing, series, other, other_series=theirs, awake=False)
    assert viewer.wait(5) and not viewer._asked and viewer.results == ()
    viewer.close()


def test_what_cannot_be_is_refused(growing: Backend, other: Backend, series: Any) -> None:
    with pytest.raises(ParameterError, match="other_series is of a second network"):
        EvolutionViewer(growing, series, other_series="zfnet-photos")
    with pytest.raises(ParameterError, match="A series is a CheckpointSeries"):
        EvolutionViewer(growing, series, other, other_series=3)
    with pytest.raises(ParameterError, match="second network comes as a Backend, not str"):
        EvolutionViewer(growing, series, "zfnet-photos")
