"""The rule lab on the page: tiles with numbers, and a slider that walks through the random layers."""

from __future__ import annotations

from browser.driver import at_width, panel, poll, settled, slider, slider_value
from playwright.sync_api import Page


def test_ways_and_random_layers(page: Page) -> None:
    page.get_by_role("tab", name="Rules").click()
    panel(page, "Likeness to the trained picture").wait_for()
    settled(page)
    tiles = page.locator(".zf-ways:visible figure")
    assert tiles.count() == 5
    assert "relative error" in tiles.nth(1).inner_text()
    for width in (420, 1280):
        at_width(page, width)
    shared = tiles.nth(4).locator("img").get_attribute("src")
    page.get_by_role("button", name="Difference").click()
    poll(lambda: tiles.nth(4).locator("img").get_attribute("src"), lambda now: now != shared, "the difference")
    before = slider_value(page, "Random layers")
    slider(page, "Random layers").focus()
    page.keyboard.press("ArrowLeft")
    poll(lambda: slider_value(page, "Random layers"), lambda now: now == before - 1, "one layer less")
    chosen = page.locator(".zf-random:visible .zf-now")
    poll(chosen.inner_text, lambda text: "conv3" in text, "the picture of the layer that was reached")
