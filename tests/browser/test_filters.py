"""Fig. 6 on the page: every filter a tile that mouse and keys reach."""

from __future__ import annotations

from browser.driver import at_width, panel, poll, settled, slider, slider_value
from playwright.sync_api import Page


def test_filters_are_chosen_by_mouse_and_by_keys(page: Page) -> None:
    page.get_by_role("tab", name="Filters").click()
    settled(page)
    card = page.locator(".zf-card:visible")
    first = card.inner_text()
    slider(page, "Filter").focus()
    page.keyboard.press("ArrowRight")
    poll(card.inner_text, lambda text: text != first, "the card of the second filter")
    assert slider_value(page, "Filter") == 2
    for width in (1280, 420):
        at_width(page, width)
    picture = panel(page, "Layer 1").locator("svg image").first
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    assert box is not None
    # The middle of the tile in the second row and the second column of six.
    x, y = box["x"] + box["width"] / 4, box["y"] + box["height"] / 4
    page.mouse.move(x, y)
    page.mouse.click(x, y)
    poll(lambda: slider_value(page, "Filter"), lambda value: value == 8, "the filter that was clicked")
