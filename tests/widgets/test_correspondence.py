"""The viewer of Fig. 8 and Table 1 on a tiny real network: what it shows, what hands do, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from ipywidgets.widgets import widget as registry
from PIL import Image
from torch import nn
from twins.tiny import widget_labelled

from zfwidgets.app.explorer import Explorer
from zfwidgets.backend import Backend
from zfwidgets.backend.part_requests import CorrespondenceRequest, ViewRequest, lend_faces, marks_of
from zfwidgets.errors import Cancelled, ParameterError, ZfwidgetsError
from zfwidgets.imaging import Preprocess
from zfwidgets.methods.correspondence import Correspondence, correspondence
from zfwidgets.models import load_network
from zfwidgets.network import Network
from zfwidgets.widgets import CorrespondenceViewer
from zfwidgets.widgets.correspondence import words

FACE = {"left eye": (8.0, 9.0), "right eye": (14.0, 9.0), "nose": (11.0, 13.0)}


@pytest.fixture
def marks(backend: Backend) -> dict[str, dict[str, tuple[float, float]]]:
    return {key: {part: (x + place, y) for part, (x, y) in FACE.items()} for place, key in enumerate(backend.images)}


@pytest.fixture
def viewer(backend: Backend, marks: Any) -> Iterator[CorrespondenceViewer]:
    viewer = CorrespondenceViewer(backend, marks, layer="conv2", size=5, places=2)
    assert viewer.wait(20)
    yield viewer
    viewer.close()


def touch(viewer: CorrespondenceViewer, x: float, y: float) -> None:
    mark = viewer._picture._mark
    mark._handle_custom_msgs(mark, {"event": "element_click", "data": {"click_x": x, "click_y": y}})


def test_it_shows_what_the_method_says(viewer: CorrespondenceViewer, backend: Backend, marks: Any) -> None:
    pictures = [backend.picture(key) for key in marks]
    d = correspondence(backend.network, pictures, list(marks.values()), 5, ["conv2"], places=2)
    shown = viewer.result
    assert shown.complete and np.array_equal(shown.distances["conv2"], d.distances["conv2"], equal_nan=True)
    assert viewer.state == "ready" and "3 pictures" in viewer._strip.status.value
    assert f"{d.delta['conv2']['nose'].mean:.3f}" in viewer._table.value and "0.079" in viewer._table.value
    assert viewer._bars.value.count("zf-track") == 4 and "<s " in viewer._bars.value
    assert viewer._curves._plot.value.count("<polyline") == 4
    assert viewer._strip_of_parts.value.count("<img") == 5  # nothing hidden, three parts, random places


def test_another_layer_asks_nothing_new(viewer: CorrespondenceViewer) -> None:
    asked = viewer._asked["compare"]
    viewer.layer = "conv1"
    assert viewer._asked["compare"] is asked and "conv1" in viewer._table.value
    viewer.pool = 1
    assert viewer.wait(20) and viewer._asked["compare"] is not asked and viewer.result.pool == 1
    widget_labelled(viewer, "Align on parts").value = False
    assert viewer.wait(20) and not viewer.align
    widget_labelled(viewer, "Signs of").value = "each cell"
    assert viewer.pool is None and viewer.wait(20) and viewer.result.pool is None
    viewer.pool = 4  # not in the list, but a program may
    assert viewer.wait(20) and viewer.result.pool == 4


def test_a_click_marks_the_part_and_goes_on_to_the_next(backend: Backend) -> None:
    first, second, third = backend.images
    viewer = CorrespondenceViewer(backend, {first: FACE, second: FACE}, image=third, part="left eye", size=5, places=1)
    assert viewer.wait(20) and len(viewer.result.seen) == 2
    assert "joins the comparison" in viewer._picture._foot.value and not viewer._picture._lines.visible
    for place, (part, follower) in enumerate([("left eye", "right eye"), ("right eye", "nose"), ("nose", "mouth")]):
        assert viewer.part == part
        touch(viewer, 8 + 3 * place, 9 + place)
        assert viewer.part == follower
    assert viewer.landmarks[third] == {"left eye": (8, 9), "right eye": (11, 10), "nose": (14, 11)}
    assert viewer.wait(20) and len(viewer.result.seen) == 3
    viewer.part = "nose"
    touch(viewer, 12.5, 12)
    assert viewer.part == "nose" and viewer.landmarks[third]["nose"] == (12.5, 12)
    assert viewer._picture._lines.visible and len(viewer._picture._lines.x) == 3
    viewer.close()


def test_sliders_and_buttons_do_what_clicks_do(viewer: CorrespondenceViewer) -> None:
    viewer.part = "nose"
    assert widget_labelled(viewer, "Part x").value == 11 and widget_labelled(viewer, "Part y").value == 13
    widget_labelled(viewer, "Part y").value = 15
    assert viewer.landmarks[viewer.image]["nose"] == (11, 15) and viewer.wait(20)
    widget_labelled(viewer, "Unmark part").click()
    assert "nose" not in viewer.landmarks[viewer.image] and viewer.wait(20)
    assert (viewer.result.squares[:, viewer.result.places.index("nose")] == -1).any()
    widget_labelled(viewer, "Unmark picture").click()
    assert viewer.image not in viewer.landmarks and viewer.wait(20) and len(viewer.result.seen) == 2
    before = viewer.result
    viewer.image = next(iter(viewer.landmarks))
    widget_labelled(viewer, "Unmark picture").click()
    with pytest.raises(ParameterError, match="at least two; found 1"):
        viewer.wait(20)
    assert viewer.state == "error" and "at least two" in viewer._strip.alert.value
    assert viewer.result is before  # the last good one stays
    viewer.landmarks = dict.fromkeys(viewer._backend.images, FACE)
    assert viewer.wait(20) and viewer.state == "ready"


def test_parts_get_any_name_and_no_picture_gets_html(viewer: CorrespondenceViewer) -> None:
    widget_labelled(viewer, "Part").value = "<b>ear</b>"
    viewer.landmarks = {key: {**FACE, "<b>ear</b>": (5, 5)} for key in viewer._backend.images}
    assert viewer.wait(20)
    for html in (viewer._strip_of_parts, viewer._verdict, viewer._table, viewer._bars, viewer._picture._foot):
        assert "<b>ear" not in html.value
    assert "&lt;b&gt;ear" in viewer._table.value
    assert "<b>ear</b>" in widget_labelled(viewer, "Part").options


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("landmarks", 3, "{part: "),
        ("landmarks", {"nowhere": FACE}, "no picture 'nowhere'"),
        ("landmarks", {"image/00000": 3}, "image/00000"),
        ("landmarks", {"image/00000": {"nose": (1, 2, 3)}}, "place of 'nose'"),
        ("landmarks", {"image/00000": {"nose": (1, float("nan"))}}, "place of 'nose'"),
        ("landmarks", {"image/00000": {"random": (1, 2)}}, "other than 'random'"),
        ("part", " ", "other than 'random'"),
        ("part", "random", "other than 'random'"),
        ("layer", "convv2", "nearest are 'conv2'"),
        ("size", 25, "from 1 to 24; found 25"),
        ("size", 0, "from 1 to 24|at least 1"),
        ("pool", 0, "at least 1"),
        ("places", 51, "from 1 to 50"),
        ("image", "nowhere", "no picture"),
    ],
)
def test_bad_values_are_refused(viewer: CorrespondenceViewer, name: str, value: Any, message: str) -> None:
    before = getattr(viewer, name)
    with pytest.raises(ZfwidgetsError, match=re.escape(message) if "|" not in message else message):
        setattr(viewer, name, value)
    assert getattr(viewer, name) == before


def test_a_mark_outside_is_one_sentence_in_the_strip(viewer: CorrespondenceViewer, marks: Any) -> None:
    viewer.landmarks = {**marks, viewer.image: {**FACE, "nose": (30, 3)}}
    with pytest.raises(ParameterError, match="outside of its 24 x 24"):
        viewer.wait(20)
    assert "outside of its 24 x 24" in viewer._strip.alert.value


def test_asleep_it_asks_and_lends_nothing() -> None:
    with Backend(load_network("zfnet-scenes", device="cpu")) as backend:
        own = backend.images
        viewer = CorrespondenceViewer(backend, awake=False, places=1)
        assert viewer.wait(5) and viewer._asked == {} and backend.images == own and not viewer.landmarks
        viewer.awake = True
        assert viewer.wait(60) and viewer.result.complete and len(viewer.landmarks) == 6
        assert viewer.landmarks == lend_faces(backend, 6) and viewer.image in viewer.landmarks
        assert set(viewer.landmarks) <= set(backend.images)
        viewer.close()


def test_the_explorer_wakes_it_and_opens_its_picture_everywhere() -> None:
    with Backend(load_network("zfnet-scenes", device="cpu")) as backend:
        explorer = Explorer(backend)
        assert explorer.wait(60) and explorer.correspondence.result is None
        explorer._turned(explorer._viewers.index(explorer.correspondence))
        assert explorer.wait(60) and explorer.correspondence.result.complete and not explorer.top.awake
        assert "paper's order, eyes &lt; nose &lt; random: yes" in explorer.correspondence._verdict.value
        lent = list(explorer.correspondence.landmarks)[-1]
        explorer.correspondence.image = lent
        assert explorer.wait(60) and explorer.occlusion.image == lent == explorer.image
        explorer.close()


def test_partial_answers_come_with_the_first_pictures(backend: Backend, marks: Any) -> None:
    heard: list[Correspondence] = []
    many = marks_of(marks)
    request = CorrespondenceRequest(many, 5, ("conv1",), places=30)
    whole = request.run(backend, heard.append)
    assert [d.count for d in heard] == [2] and whole.complete
    assert words.strip(heard[0]) == words.strip(whole)  # the strip is there from the start
    assert words.bars(heard[0], "conv1") and len(words.curves(heard[0])) == 4
    with pytest.raises(Cancelled):
        request.run(backend, None, lambda: True)


def test_a_large_picture_is_shown_smaller_and_clicked_in_its_own_pixels(network: Network) -> None:
    large = Image.new("RGB", (1200, 800), "teal")
    with Backend(network, {"large": large, "other": large}) as backend:
        view = backend.compute(ViewRequest("large"))
        assert view.pixels.shape == (384, 576, 3) and view.size == (1200, 800)
        marks = {key: {"left eye": (300, 200), "right eye": (500, 200)} for key in backend.images}
        viewer = CorrespondenceViewer(backend, marks, size=5, places=1, part="nose")
        assert viewer.wait(20)
        touch(viewer, 288, 192)
        assert viewer.landmarks["large"]["nose"] == (600, 400)
        lines = viewer._picture._lines
        assert lines.x[0].mean() == pytest.approx(144, abs=12) and len(lines.x) == 3
        viewer.close()


def test_closing_leaves_no_widget_behind(backend: Backend, marks: Any) -> None:
    before = set(registry._instances)
    viewer = CorrespondenceViewer(backend, marks, size=5)
    viewer.wait(20)
    viewer.close()
    assert [registry._instances[key] for key in set(registry._instances) - before] == []


def test_a_network_that_cannot_be_looked_into(pictures: Any) -> None:
    class Strange(nn.Module):
        def forward(self, x: Any) -> Any:
            return x.mean((2, 3)) if float(x.sum()) > 0 else x.amax((2, 3))

    net = Network(Strange(), preprocess=Preprocess(size=16), device="cpu")
    with Backend(net, pictures) as backend, pytest.raises(ParameterError, match="no features to compare"):
        CorrespondenceViewer(backend)
