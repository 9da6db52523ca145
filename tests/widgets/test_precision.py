"""The viewer says which map it shows and ends on the exact one, unless told otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from twins.tiny import widget_labelled

from zfwidgets.backend import Backend, OcclusionRequest, RefinedRequest
from zfwidgets.methods import OcclusionMap, occlusion_map
from zfwidgets.widgets import OcclusionViewer


@pytest.fixture(autouse=True)
def quick_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Maps that are not exact: the exact ones, with a shift that their logits tell."""

    def sweep(*given: Any, precision: str, on_partial: Any = None, **options: Any) -> OcclusionMap:
        found = occlusion_map(*given, **options)
        return replace(found, logits=found.logits + (precision != "exact"), precision=precision)

    monkeypatch.setattr("zfwidgets.methods.occlusion_map", sweep)


@pytest.fixture
def viewer(backend: Backend) -> Iterator[OcclusionViewer]:
    viewer = OcclusionViewer(backend, size=8, stride=8)
    assert viewer.wait(20)
    yield viewer
    viewer.close()


def test_it_ends_on_the_exact_map(viewer: OcclusionViewer) -> None:
    shown: list[str] = []
    draw = viewer._maps.draw
    viewer._maps.draw = lambda answer, *rest: (shown.append(answer.precision), draw(answer, *rest))[1]
    viewer.stride, viewer.precision = 4, "preview"
    assert viewer.wait(20)
    assert viewer.result.precision == "exact" and viewer.result.complete
    assert "25 positions &middot; exact" in viewer._strip.status.value
    assert shown[-1] == "exact"


def test_told_not_to_refine_it_says_what_it_shows(viewer: OcclusionViewer, backend: Backend) -> None:
    viewer.refine, viewer.precision = False, "fast"
    assert viewer.wait(20)
    assert viewer.result.precision == "fast" and "&middot; fast" in viewer._strip.status.value
    viewer.refine = True
    assert viewer.wait(20) and viewer.result.precision == "exact"


def test_the_control_names_what_follows(viewer: OcclusionViewer) -> None:
    control = widget_labelled(viewer, "Precision")
    names = [name for name, _ in control.options]
    assert names == ["Exact", "Fast, then exact", "Preview, then exact"]
    control.value = "preview"
    assert viewer.precision == "preview"
    viewer.refine = False
    assert [name for name, _ in control.options] == ["Exact", "Fast only", "Preview only"]
    assert (viewer.precision, control.value) == ("preview", "preview")
    viewer.precision = "fast"
    assert control.value == "fast"


def test_a_partial_answer_says_what_is_exact_so_far(viewer: OcclusionViewer) -> None:
    known = np.zeros((3, 3), bool)
    known[0] = True
    viewer._answered["sweep"] = RefinedRequest(OcclusionRequest(viewer.image, 8, 8, precision="preview"))
    viewer._show("sweep", replace(viewer.result, precision="preview", known=known))
    assert viewer._facts() == "9 positions &middot; preview, 3 exact so far"
    assert viewer._progress == pytest.approx(1 / 3)


def test_a_preview_comes_at_once_and_a_long_exact_map_waits(
    viewer: OcclusionViewer, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = {"preview": 3.0, "exact": 120.0}
    monkeypatch.setattr(OcclusionRequest, "seconds", lambda request, backend, work: times[request.precision])
    viewer.stride, viewer.precision = 4, "preview"
    while viewer._tickets.get("sweep") is not None:
        viewer._inbox.wait(5)
        viewer._drain()
    assert viewer.state == "waiting" and viewer.result.precision == "preview"
    assert "This is the preview map. The exact one will take about 2 min: press Start." in viewer._strip.status.value
    assert "zf-stale" not in viewer._dom_classes
    viewer._strip.button.click()
    assert viewer.wait(20) and (viewer.state, viewer.result.precision) == ("ready", "exact")
