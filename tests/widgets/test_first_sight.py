"""A page that is still building its views misses what it is told; it is told again."""

import numpy as np
import pytest

from zfwidgets.widgets import first_sight, strip
from zfwidgets.widgets.figures import PictureFigure

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


def test_the_status_line_is_told_again_to_a_page_that_asked_for_everything(monkeypatch):
    waiting, sent = [], []
    monkeypatch.setattr(strip, "call_later", lambda seconds, function: waiting.append(function))
    line = strip.Strip()
    waiting.clear()
    line.tell("running", ["5 of 9"], 0.5, None)
    line.get_state()
    line.tell("ready", ["9"], None, None)
    for widget in (line.status, line.alert, line.button):
        monkeypatch.setattr(widget, "send_state", lambda names, widget=widget: sent.append((widget, names)))
    assert len(waiting) > 1
    for function in waiting:
        function()
    assert sent.count((line.status, ["value"])) == len(waiting)
    assert {widget for widget, _ in sent} == {line.status, line.alert, line.button}
