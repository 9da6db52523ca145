"""From a place of the picture to its units, their nine pictures, their occlusion, and back: by mouse and by keys."""

from __future__ import annotations

import re

from browser.conftest import OpenPage
from browser.driver import labelled, panel, poll, settled, slider_value
from playwright.sync_api import Locator, Page


def middle_of_the_picture(page: Page, title: str) -> tuple[float, float]:
    image = panel(page, title).locator("svg image").first
    image.evaluate("node => node.scrollIntoView({block: 'center'})")  # the strip below lies over the page's end
    settled(page)
    box = image.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def press(button: Locator) -> None:
    button.focus()
    button.press("Enter")


def crumbs(page: Page, count: int) -> list[str]:
    return poll(page.locator(".zf-crumb:visible").all_inner_texts, lambda texts: len(texts) == count, "the trail")[::-1]


def test_the_chain_of_clicks_and_the_way_back(open_page: OpenPage) -> None:
    page = open_page(width=420)
    press(page.get_by_role("button", name="Units here"))
    units, heading = page.locator(".zf-here .zf-tile:visible"), page.locator(".zf-here:visible .zf-title")
    units.first.wait_for()
    settled(page)
    before = heading.inner_text()
    page.mouse.click(*middle_of_the_picture(page, "Picture"))
    poll(heading.inner_text, lambda text: re.search(r"row 4[78], column 4[78]", text) and text != before, "the place")
    drawn = "node => getComputedStyle(node, '::before').backgroundImage.startsWith('url(\"data:image/jpeg')"
    poll(lambda: units.first.evaluate(drawn), bool, "its projection")
    number = re.match(r"#(\d+)", units.nth(1).inner_text())
    assert number is not None
    press(units.nth(1))
    trail = crumbs(page, 4)
    assert re.fullmatch(rf"conv5 #{number[1]} at \(\d, \d\)", trail[-1]), trail
    settled(page)
    press(page.get_by_role("button", name="Top 9", exact=True))
    panel(page, f"conv5 #{number[1]}").wait_for()
    settled(page)
    page.mouse.click(*middle_of_the_picture(page, "Patches"))
    trail = crumbs(page, 6)
    assert trail[-2] == f"Top 9 of conv5 #{number[1]}" and trail[-1].startswith("scene-5/")
    press(page.get_by_role("button", name="Occlusion", exact=True))
    trail = crumbs(page, 7)
    assert trail[-1] == f"Occlusion of conv5 #{number[1]}"
    panel(page, f"Activation of conv5 #{number[1]}").wait_for()
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 420
    now = page.locator(".zf-crumb.zf-now").bounding_box()
    assert now is not None and now["x"] >= 0 and now["x"] + now["width"] <= 420
    press(page.get_by_role("button", name=trail[3]))
    page.get_by_role("tab", name="Features", selected=True).wait_for()
    settled(page)
    assert slider_value(page, "Channel") == float(number[1]) and crumbs(page, 7) == trail
    chosen = labelled(page, "Image").locator("select").evaluate("node => node.selectedOptions[0].text")
    assert trail[0] in chosen
    poll(lambda: units.nth(1).get_attribute("class"), lambda text: "zf-chosen" in str(text), "the chosen unit")
