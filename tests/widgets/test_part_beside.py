"""The viewer of Fig. 8 and Table 1 with a second network: the same parts hidden from both, and what is said of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from zfwidgets.backend import Backend
from zfwidgets.data import ImageSet
from zfwidgets.errors import DataError, ParameterError
from zfwidgets.imaging import Preprocess
from zfwidgets.methods.correspondence import Correspondence, correspondence, delta_difference
from zfwidgets.network import Network
from zfwidgets.widgets import CorrespondenceViewer
from zfwidgets.widgets.correspondence import words
from zfwidgets.widgets.parts.style import printed

FACE = {"left eye": (8.0, 9.0), "right eye": (14.0, 9.0), "nose": (11.0, 13.0)}


@pytest.fixture(scope="module")
def cousin() -> Network:
    """Larger inputs, two convolutions, no pool."""
    torch.manual_seed(5)
    module = nn.Sequential(
        nn.Conv2d(3, 5, 5, stride=2), nn.ReLU(), nn.Conv2d(5, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten()
    )
    return Network(module, preprocess=Preprocess(size=32, resize=36), device="cpu", name="cousin")


@pytest.fixture
def marks(backend: Backend) -> dict[str, dict[str, tuple[float, float]]]:
    return {key: {part: (x + place, y) for part, (x, y) in FACE.items()} for place, key in enumerate(backend.images)}


@pytest.fixture
def viewer(backend: Backend, cousin: Network, marks: Any) -> Iterator[CorrespondenceViewer]:
    with Backend(cousin, {"own": Image.new("RGB", (40, 40), "teal")}) as other:
        viewer = CorrespondenceViewer(backend, marks, other, layer="conv2", size=6, places=2)
        assert viewer.wait(20)
        yield viewer
        viewer.close()


def text(html: Any) -> str:
    return " ".join(re.sub("<[^>]+>", " ", html.value).split())


def test_both_are_asked_about_the_same_parts_of_the_same_pictures(
    viewer: CorrespondenceViewer, cousin: Network, marks: Any
) -> None:
    pictures = [viewer._backend.picture(key) for key in marks]  # lent: the second one had another picture only
    theirs = correspondence(cousin, pictures, list(marks.values()), 8, ["conv2"], places=2)  # 6 of 24 is 8 of 32
    found = viewer._beside.compared
    np.testing.assert_array_equal(found.distances["conv2"], theirs.distances["conv2"])
    shown = text(viewer._table)
    for part in ("nose", "random"):
        low, high = theirs.interval("conv2", part)
        ends = f"{low:.3f} to {high:.3f}".replace("0.", ".")
        assert f"{theirs.delta['conv2'][part].mean:.3f} {ends}" in shown
        difference = delta_difference(viewer.result, theirs, ("conv2", "conv2"), part).value
        assert printed(difference, "+.3f") in shown
    assert viewer._bars.value.count("zf-track") == 8 and "striped: cousin" in viewer._bars.value
    assert viewer._curves._plot.value.count("zf-dashed") == 4
    assert text(viewer._verdict).count("random places") >= 2 and "cousin" in text(viewer._verdict)
    assert "squares of 6 of its 24 pixels; those of cousin have 8 of its 32" in text(viewer._beside.about)
    viewer.align = False  # the short sides count then, of 24 and of 36 pixels
    viewer.size = 4
    assert viewer.wait(20) and viewer._beside.compared.size == 6


def test_a_layer_that_it_does_not_have_gives_way_to_one_as_deep(viewer: CorrespondenceViewer) -> None:
    viewer.layer = "pool1"
    assert viewer.wait(20)
    beside = viewer._beside._beside("pool1").layer
    assert f"cousin has no layer pool1: shown is {beside}, as deep" in text(viewer._beside.about)
    assert f"cousin {beside}" in text(viewer._table) and "same name or depth" in viewer._curves._foot.value


def test_the_difference_waits_until_both_have_answered_the_same(viewer: CorrespondenceViewer) -> None:
    d, theirs = viewer.result, viewer._beside.compared
    layers = {"conv2": "conv2"}
    same = words.Second(theirs, layers, ("tiny", "cousin"), same=True)
    behind = words.Second(theirs, layers, ("tiny", "cousin"), same=False)
    assert set(same.differences(d, "conv2")) == set(d.parts) and not behind.differences(d, "conv2")
    assert "told apart" in words.verdict(d, "conv2", same) or "Delta of" in words.verdict(d, "conv2", same)
    assert "Delta of" not in words.verdict(d, "conv2", behind)
    none = words.Second(theirs, {"conv2": None}, ("tiny", "cousin"), same=True)
    for lacking in (behind, none):  # nothing of another question stands beside the first one's answer
        assert words.table(d, "conv2", lacking).count('"zf-soft">-<') == 2 * len(d.parts)
        assert words.bars(d, "conv2", lacking).count("zf-track") == len(d.parts)
        assert not any(len(curve.known()[0]) for curve in words.curves(d, lacking) if curve.dashed)


def test_a_network_is_not_told_apart_from_itself(backend: Backend, marks: Any) -> None:
    viewer = CorrespondenceViewer(backend, marks, other=backend, layer="conv2", size=6, places=2)
    assert viewer.wait(20)
    assert "The two networks are not told apart at any part." in text(viewer._verdict)
    assert "tiny (second)" in text(viewer._table) and text(viewer._table).count("+0.000 +.000 to +.000") == 4
    viewer.close()


def test_parts_are_told_apart_by_their_intervals() -> None:
    def made(level: float) -> Correspondence:
        random = np.random.default_rng(0).random((2, 6, 6), np.float32) / 50
        shares = random + random.transpose(0, 2, 1) + np.array([level, 0.5], np.float32)[:, None, None]
        shares[:, range(6), range(6)] = np.nan
        seen, squares = np.zeros((6, 8, 8, 3), np.uint8), np.zeros((6, 2, 2), np.int64)
        return Correspondence(("a",), ("<b>ear</b>", "random"), {"a": shares}, squares, 3, None, seen, 6)

    second = words.Second(made(0.3), {"a": "a"}, ("<i>one</i>", "two"), same=True)
    found = words.verdict(made(0.2), "a", second)
    assert "Delta of <b>two</b> is larger at &lt;b&gt;ear&lt;/b&gt;; not told apart at random." in found
    table = words.table(made(0.2), "a", second)
    assert "<b>+0.100</b>" in table and "<i>one" not in table + found and "<b>ear" not in table


def test_a_second_network_that_cannot_be_looked_into(backend: Backend, pictures: ImageSet, marks: Any) -> None:
    class Strange(nn.Module):
        def forward(self, x: Any) -> Any:
            return x.mean((2, 3)) if float(x.sum()) > 0 else x.amax((2, 3))

    net = Network(Strange(), preprocess=Preprocess(size=24), device="cpu", name="strange")
    with Backend(net, pictures) as other:
        viewer = CorrespondenceViewer(backend, marks, other, layer="conv2", size=6, places=2)
        assert viewer.wait(20) and viewer.state == "ready" and viewer.result.complete
        assert "strange cannot be looked into" in text(viewer._beside.about)
        assert "paper, layer 5" in text(viewer._table)
        viewer.close()


def test_what_the_second_cannot_answer_names_it_and_the_first_goes_on(
    backend: Backend, cousin: Network, marks: Any
) -> None:
    grey = Image.new("RGB", (24, 24), (9, 9, 9))
    with Backend(cousin, dict.fromkeys(backend.images, grey)) as other:
        viewer = CorrespondenceViewer(backend, marks, other, layer="conv2", size=6, places=2)
        with pytest.raises(DataError, match="Second network, cousin: It holds another picture as 'image/00000'"):
            viewer.wait(20)
        assert viewer.state == "error" and viewer.result.complete and viewer._beside.compared is None
        viewer.close()
    with Backend(cousin, backend.image_set) as other:
        far = {key: {**parts, "nose": (11.0, 23.9)} for key, parts in marks.items()}
        viewer = CorrespondenceViewer(backend, far, other, layer="conv2", size=6, places=2, align=False)
        with pytest.raises(ParameterError, match=r"Second network, cousin: The part 'nose' .* lies outside"):
            viewer.wait(20)
        assert viewer.result.complete
        viewer.close()


def test_asleep_it_asks_and_lends_neither(backend: Backend, cousin: Network, marks: Any) -> None:
    with Backend(cousin, {"own": Image.new("RGB", (40, 40), "teal")}) as other:
        viewer = CorrespondenceViewer(backend, marks, other, size=6, awake=False)
        assert viewer.wait(5) and viewer._asked == {} and other.images == ("own",)
        viewer.awake = True
        assert viewer.wait(20) and set(marks) <= set(other.images) and viewer._beside.compared.complete
        viewer.close()


def test_a_second_network_is_a_backend(backend: Backend) -> None:
    with pytest.raises(ParameterError, match="second network comes as a Backend, not str"):
        CorrespondenceViewer(backend, other="zfnet-photos")  # type: ignore[arg-type]
