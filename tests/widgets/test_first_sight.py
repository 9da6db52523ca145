"""A page that is still building its views misses what it is told; it is told again."""

import bqplot as bq
import ipywidgets as W
import numpy as np
import pytest

from zfwidgets.widgets import OcclusionViewer
from zfwidgets.widgets.parts import first_sight
from zfwidgets.widgets.parts.figures import PictureFigure

BLACK, WHITE = np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 255, np.uint8)


@pytest.fixture
def later(monkeypatch):
    waiting = []
    monkeypatch.setattr(first_sight, "call_later", lambda seconds, function: waiting.append((seconds, function)))
    return waiting


def told(figure):
    """What the page is told of the figure's image from now on."""
    images = []
    figure._mark.observe(lambda change: images.append(change["new"].value), "image")
    return images


def test_what_a_building_page_may_have_missed_is_told_again(later):
    figure = PictureFigure()
    figure._mark.get_state()  # a page asks for everything
    figure.show(WHITE)
    figure.boxes([(0, 0, 2, 2)])
    seen, lines = told(figure), []
    figure._lines.observe(lambda change: lines.append(change["new"]), "visible")
    for _, function in later:
        function()
    assert len(seen) == len(later) > 1 and set(seen) == {figure._shown}
    assert lines == [False, True] * len(later)


def test_only_the_last_picture_is_told_again(later):
    figure = PictureFigure()
    figure._mark.get_state()
    figure.show(WHITE)
    first = list(later)
    figure.show(BLACK)
    seen = told(figure)
    for _, function in first:
        function()
    assert seen == []


def test_a_page_that_stands_is_told_once(later, monkeypatch):
    figure = PictureFigure()
    figure._mark.get_state()
    clock = first_sight.time.monotonic
    monkeypatch.setattr(first_sight.time, "monotonic", lambda: clock() + 60)
    figure.show(WHITE)
    assert later == []


def test_blank_shows_a_clear_pixel_and_nothing_shown_before_comes_back(later):
    figure = PictureFigure()
    figure._mark.get_state()
    assert figure.empty
    figure.show(WHITE)
    assert not figure.empty
    figure.blank()
    seen = told(figure)
    for _, function in later:
        function()
    assert figure.empty and seen == []


@pytest.fixture
def viewer(later, backend):
    viewer = OcclusionViewer(backend, size=8, stride=4)
    assert viewer.wait(20)
    yield viewer
    viewer.close()


def asked(viewer, later):
    """A page asks for everything: what will tell it again."""
    later.clear()
    viewer.get_state()
    return later[-1][1]


def sent_by(again, monkeypatch):
    """What a page is told: (widget, names)."""
    sent = []
    monkeypatch.setattr(W.Widget, "send_state", lambda widget, key=None: sent.append((widget, key)))
    again()
    return sent


def test_all_that_changes_while_a_page_makes_its_models_is_told_again(viewer, later, monkeypatch):
    again = asked(viewer, later)
    viewer.size = 12
    assert viewer.wait(20)
    told = dict(sent_by(again, monkeypatch))
    assert told[viewer._strip.status] == ["value"]
    assert any(isinstance(widget, bq.Image) and "image" in names for widget, names in told.items())


def test_what_did_not_change_is_not_told_again(viewer, later, monkeypatch):
    assert sent_by(asked(viewer, later), monkeypatch) == []


def test_a_viewer_that_was_closed_meanwhile_is_told_nothing(viewer, later, monkeypatch):
    again = asked(viewer, later)
    viewer.size = 12
    assert viewer.wait(20)
    viewer.close()
    assert sent_by(again, monkeypatch) == []
