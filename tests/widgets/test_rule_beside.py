"""The rule lab with a second network: its unit, its tiles, the difference, both checks in one plot."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from torch import nn
from twins.tiny import relative, widget_labelled

from zfwidgets.backend import Backend
from zfwidgets.data import ImageSet
from zfwidgets.errors import ParameterError, ZfwidgetsError
from zfwidgets.methods import projection_difference
from zfwidgets.methods.rules import WeightRandomisation, compare_rules, weight_randomisation
from zfwidgets.network import Network
from zfwidgets.widgets import RuleViewer
from zfwidgets.widgets.rules.words import figure


@pytest.fixture
def viewer(backend: Backend, cousin: Network, pictures: ImageSet) -> Iterator[RuleViewer]:
    with Backend(cousin, pictures) as other:
        viewer = RuleViewer(backend, other, layer="conv2", channel=3)
        assert viewer.wait(60)
        yield viewer
        viewer.close()


def text(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", html))


def test_its_tiles_and_the_difference_are_those_of_the_methods(viewer: RuleViewer, cousin: Network) -> None:
    picture, second = viewer._backend.picture(viewer.image), viewer._second
    ways = compare_rules(cousin, picture, "conv2", 3)
    check = weight_randomisation(cousin, picture, "conv2", 3)
    found = second.sheet.compared
    assert list(found.projections) == list(ways.projections)
    for way, cosine in ways.cosine.items():
        assert found.cosine[way] == pytest.approx(cosine, abs=1e-5)
        difference = projection_difference(viewer.result.projections[way], ways.projections[way])
        assert f"cosine {difference.cosine:.2f}" in text(second.difference.value).replace("\N{MINUS SIGN}", "-")
    assert "cousin minus tiny" in second.difference.value and second.difference.value.count("<img") == len(ways.cosine)
    np.testing.assert_allclose(second.sheet.checked.rank["gradient"], check.rank["gradient"], atol=1e-4)
    assert "cousin: conv2 #3" in text(second.sheet.heading.value)
    assert "tiny: conv2 #3" in text(viewer._sheet.heading.value)
    assert "white cousin" in viewer._picture._foot.value and len(viewer._picture._lines.x) == 2


def test_one_plot_and_one_sentence_are_about_both(viewer: RuleViewer) -> None:
    assert viewer._curves._plot.value.count("<polyline") == 2 * 3 + 2
    assert viewer._curves._plot.value.count("zf-dashed") == 3 and viewer._curves._plot.value.count("zf-dotted") == 2
    assert "solid: tiny; dashed: cousin" in viewer._curves._foot.value
    for rule, measure in (("gradient", "rank"), ("deconvnet", "cosine")):
        viewer.rule, viewer.measure, viewer.stage = rule, measure, 2
        said = text(viewer._second.verdict.value)
        for checked, name in ((viewer.check, "tiny"), (viewer._second.sheet.checked, "cousin")):
            left = checked.similarity(rule, measure)[1]
            # A module of the cousin's may have lost every relu on the way: then there is nothing left to compare.
            assert f"{figure(float(left))} in {name}" in said or not np.isfinite(left)
    viewer.rule = "gradient"
    theirs = viewer._asked["other check"][1]
    for seed, compared in ((1, False), (0, True)):  # the second network's may be that of the seed before
        viewer._answered["other check"] = dataclasses.replace(theirs, seed=seed)
        viewer._draw_check()
        assert bool(viewer._second.verdict.value) == compared
        assert viewer._curves._plot.value.count("zf-dashed") == 3 * compared
    assert "with seed 0" in text(viewer._second.verdict.value)
    widget_labelled(viewer, "Random layers").value = 0
    assert not viewer._second.verdict.value
    assert viewer._second.sheet.stages.value.count("zf-now") == 1


def test_an_open_map_is_that_of_the_first_network(viewer: RuleViewer) -> None:
    viewer.image = viewer._backend.images[1]
    assert viewer.channel is None and viewer.wait(60)
    theirs = viewer._second.sheet.compared
    assert theirs is not None and theirs.faithful.channel == viewer.result.faithful.channel == 2


def test_a_silent_unit_is_said_in_its_place(viewer: RuleViewer) -> None:
    viewer.channel = 2
    assert viewer.wait(60) and viewer.state == "ready"
    tiles, stages = viewer._second.sheet.tiles, viewer._second.sheet.stages
    assert "conv2 #2 is silent everywhere in this picture" in tiles.value and "<img" not in tiles.value
    assert text(stages.value).split() == ["cousin", "nothing", "to", "compare,", "see", "above"]  # and not twice
    assert not viewer._second.difference.value and viewer._curves._plot.value.count("zf-dashed") == 0
    assert viewer._picture._foot.value.endswith("the frame is what the unit of tiny sees</div>")
    assert viewer._picture._lines.x.ndim == 1
    viewer.channel = 1
    assert viewer.wait(60)
    assert "white cousin" in viewer._picture._foot.value
    assert viewer._second.sheet.tiles.value.count("<img") == 4 and viewer._second.difference.value


def test_a_check_that_is_refused_leaves_the_ways(
    viewer: RuleViewer, cousin: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(net: Network, *given: Any, **options: Any) -> WeightRandomisation:
        if net is cousin:
            raise ParameterError("There are no weights <here>.")
        return weight_randomisation(net, *given, **options)

    monkeypatch.setattr("zfwidgets.methods.rules.weight_randomisation", refused)
    viewer.seed = 1
    assert viewer.wait(60) and viewer.state == "ready"
    sheet = viewer._second.sheet
    assert sheet.checked is None and "no weights &lt;here&gt;" in sheet.stages.value
    assert sheet.compared is not None and sheet.tiles.value.count("<img") == len(sheet.compared.projections)
    assert viewer._second.difference.value and viewer._curves._plot.value.count("zf-dashed") == 0


def test_a_map_that_it_does_not_have_is_its_strongest_at_the_place(viewer: RuleViewer, cousin: Network) -> None:
    from zfwidgets.methods import record

    maps = record(viewer._backend.network, viewer._backend.picture(viewer.image), ["conv2"]).activations["conv2"][0]
    viewer.channel = 6
    row, column = map(int, np.argwhere(maps[6] > 0)[0])
    viewer.position = (row, column)
    assert viewer.wait(60)
    assert "no #6: its strongest is shown at this place." in viewer._second.about.value
    found = viewer._second.sheet.compared
    theirs = record(cousin, viewer._backend.picture(viewer.image), ["conv2"]).activations["conv2"][0]
    assert found is not None and "at the same place" in viewer._picture._foot.value
    place = found.faithful.position
    assert found.faithful.channel == int(theirs[:, place[0], place[1]].argmax())


def test_inputs_that_do_not_show_the_same_places(backend: Backend, pictures: ImageSet) -> None:
    with Backend(relative(nn.ReLU(), 32, 36, "larger"), pictures) as larger:
        viewer = RuleViewer(backend, larger, layer="conv1", channel=2)
        assert viewer.wait(60)
        assert "inputs, of 24 x 24 and 32 x 32 pixels" in viewer._second.difference.value
        viewer.close()


def test_what_the_second_network_cannot_is_said_in_its_place(backend: Backend, pictures: ImageSet) -> None:
    with Backend(relative(nn.SiLU(), 24, 24, "silu"), pictures) as silu:
        viewer = RuleViewer(backend, silu, layer="conv2", channel=3)
        assert viewer.wait(60) and viewer.state == "ready"
        assert "SiLU" in viewer._second.sheet.tiles.value and not viewer._second.difference.value
        viewer.close()


def test_its_errors_name_it_and_a_hidden_tab_asks_nothing(
    backend: Backend, cousin: Network, pictures: ImageSet
) -> None:
    with Backend(cousin, pictures) as other:
        asleep = RuleViewer(backend, other, awake=False)
        assert asleep.wait(10) and asleep.result is None and not asleep._asked
        asleep.close()
    viewer = RuleViewer(backend, other, layer="conv2", channel=3)  # which is closed
    with pytest.raises(ZfwidgetsError, match="Second network, cousin"):
        viewer.wait(60)
    assert viewer.result is not None
    viewer.close()
