"""Sliders and the occluder, moved by hand: pictures follow at once and end right."""

from __future__ import annotations

import re

from browser.conftest import OpenPage
from browser.driver import labelled, panel, poll, settled, slider, slider_value
from playwright.sync_api import Locator, Page


def drag(page: Page, handle: Locator, distance: float, moves: int) -> None:
    box = handle.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for move in range(1, moves + 1):
        page.mouse.move(x + distance * move / moves, y)
        page.wait_for_timeout(30)
    page.mouse.up()


def set_by_keys(page: Page, label: str, value: float) -> None:
    handle = slider(page, label)
    handle.focus()
    for _ in range(200):
        now = slider_value(page, label)
        if now == value:
            return
        page.keyboard.press("ArrowRight" if now < value else "ArrowLeft")
        poll(lambda: slider_value(page, label), lambda seen, now=now: seen != now, f"{label} moves")
    raise AssertionError(f"{label} does not reach {value}")


def test_a_slider_move_changes_pixels(page: Page) -> None:
    before = panel(page, "P(").screenshot()
    slider(page, "Occluder size").focus()
    page.keyboard.press("ArrowRight")
    poll(lambda: panel(page, "P(").screenshot(), lambda now: now != before, "a new picture")
    settled(page)
    assert panel(page, "P(").screenshot() != before


def test_a_drag_of_thirty_moves_ends_with_the_right_map(page: Page, open_page: OpenPage) -> None:
    start = slider_value(page, "Occluder size")
    drag(page, slider(page, "Occluder size"), 40, moves=30)
    end = slider_value(page, "Occluder size")
    assert end > start
    settled(page)
    dragged = shown(page)
    fresh = open_page()
    set_by_keys(fresh, "Occluder size", end)
    settled(fresh)
    assert slider_value(fresh, "Occluder size") == end
    assert shown(fresh) == dragged


def shown(page: Page) -> tuple[bytes, set[str]]:
    """The map as pixels; the labels as words, since their colours depend on which came first."""
    labels = panel(page, "Most probable label").inner_text()
    return panel(page, "P(").screenshot(), set(re.findall(r"\w+ \d+ %", labels))


def test_dragging_the_occluder_changes_the_probabilities(page: Page) -> None:
    bars = page.get_by_text("With the square hidden").locator("xpath=..")
    before, row, column = bars.inner_text(), slider_value(page, "Row"), slider_value(page, "Column")
    box = panel(page, "Picture").locator("svg").first.bounding_box()
    assert box is not None
    half, scale = slider_value(page, "Occluder size") / 2, box["width"] / 96
    middle = (box["x"] + (column + half) * scale, box["y"] + (row + half) * scale)
    page.mouse.move(*middle)
    page.mouse.down()
    for move in range(1, 21):
        page.mouse.move(middle[0] + 2.5 * move, middle[1] + 2 * move)
        page.wait_for_timeout(30)
    page.mouse.up()
    poll(lambda: bars.inner_text(), lambda now: now != before, "the probabilities follow the square")
    settled(page)
    assert slider_value(page, "Row") > row
    assert slider_value(page, "Column") > column


def test_another_class_is_shown_from_the_same_sweep(page: Page) -> None:
    status = page.locator(".zf-num:visible").first
    before, pixels = status.inner_text(), panel(page, "P(").screenshot()
    labelled(page, "Target class").locator("select").select_option("clock")
    panel(page, "P(clock").wait_for()
    settled(page)
    assert panel(page, "P(clock").screenshot() != pixels
    assert status.inner_text() == before


def test_another_picture_changes_every_panel(page: Page) -> None:
    titles = ["Picture", "P(", "Activation of conv5", "Projection"]
    before = [panel(page, title).locator("svg").first.screenshot() for title in titles]
    select = labelled(page, "Image").locator("select")
    select.select_option(index=0 if select.evaluate("node => node.selectedIndex") else 1)
    settled(page)
    after = [panel(page, title).locator("svg").first.screenshot() for title in titles]
    assert all(old != new for old, new in zip(before, after, strict=True))
