"""Fig. 6 on the page: every filter a tile that mouse and keys reach."""

from __future__ import annotations

import pytest
from browser.conftest import OpenPage
from browser.driver import panel, poll, settled, slider, slider_value


@pytest.mark.parametrize("width", [1280, 420])
def test_filters_are_chosen_by_mouse_and_by_keys(width: int, open_page: OpenPage) -> None:
    page = open_page(width=width)
    page.get_by_role("tab", name="Filters").click()
    settled(page)
    card = page.locator(".zf-card:visible")
    first = card.inner_text()
    slider(page, "Filter").focus()
    page.keyboard.press("ArrowRight")
    poll(card.inner_text, lambda text: text != first, "the card of the second filter")
    assert slider_value(page, "Filter") == 2
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    picture = panel(page, "Layer 1").locator("svg image").first
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    assert box is not None
    # The middle of the tile in the second row and the second column of six.
    x, y = box["x"] + box["width"] / 4, box["y"] + box["height"] / 4
    page.mouse.move(x, y)
    page.mouse.click(x, y)
    poll(lambda: slider_value(page, "Filter"), lambda value: value == 8, "the filter that was clicked")
