"""Fig. 2 on the page: there without a wait, pressed by mouse and by keys, and a picture of it open in every tab."""

from __future__ import annotations

import re

from browser.driver import at_width, labelled, panel, poll, settled, slider, slider_value
from playwright.sync_api import Page

DRAWN = """() => [...document.querySelectorAll('.zf-tile')].filter(node => node.offsetParent &&
    getComputedStyle(node, '::before').backgroundImage.startsWith('url("data:image/jpeg')).length"""


def open_figure(page: Page) -> None:
    page.get_by_role("tab", name="Top 9").click()
    poll(lambda: page.evaluate(DRAWN), lambda count: count == 18, "eighteen tiles")
    settled(page)


def test_it_is_there_and_fits(page: Page) -> None:
    open_figure(page)
    assert "over 2,000 built-in scenes" in page.locator(".zf-strip:visible").inner_text()
    assert panel(page, "conv5 #").is_visible() and panel(page, "Patches").is_visible()
    for width in (420, 1280):
        at_width(page, width)
        wide = page.locator(".zf-tile:visible").evaluate_all(
            "(nodes, width) => nodes.filter(node => node.getBoundingClientRect().right > width).length", width
        )
        assert wide == 0
    names = page.locator(".zf-tile:visible").all_inner_texts()
    assert all(re.match(r"#\d+  [\d.]+  \w+ \d/9", name) for name in names), names


def test_a_tile_grows_by_enter_and_its_picture_opens_in_every_tab(page: Page) -> None:
    open_figure(page)
    tile = page.locator(".zf-tile:visible").nth(4)
    number = re.match(r"#(\d+)", tile.inner_text())
    assert number is not None
    tile.focus()
    page.keyboard.press("Enter")
    panel(page, f"conv5 #{number[1]}").wait_for()
    settled(page)
    picture = panel(page, "Patches").locator("svg image").first.bounding_box()
    assert picture is not None
    page.mouse.click(picture["x"] + picture["width"] / 2, picture["y"] + picture["height"] / 2)
    chosen = labelled(page, "Image").locator("select")
    poll(
        lambda: chosen.evaluate("node => node.selectedOptions[0].text"), lambda text: "scene-5/" in text, "its picture"
    )
    opened = chosen.evaluate("node => node.selectedOptions[0].text")
    page.get_by_text(f"the frame is what conv5 #{number[1]} sees of it").wait_for()
    for tab in ("Features", "Occlusion"):
        page.get_by_role("tab", name=tab).click()
        settled(page)
        assert labelled(page, "Image").locator("select").evaluate("node => node.selectedOptions[0].text") == opened
    page.get_by_role("tab", name="Features").click()
    assert slider_value(page, "Channel") == float(number[1])


def test_pages_the_sheet_and_the_pictures_of_the_page(page: Page) -> None:
    open_figure(page)
    before = page.locator(".zf-tile:visible").all_inner_texts()
    slider(page, "Page").focus()
    page.keyboard.press("ArrowRight")
    poll(
        lambda: page.locator(".zf-tile:visible").all_inner_texts(),
        lambda now: not set(now) & set(before),
        "the next maps",
    )
    settled(page)
    page.get_by_role("button", name="Export PNG").click()
    link = page.locator("a[download]")
    link.wait_for()
    with page.expect_download() as download:
        link.click()
    assert download.value.suggested_filename == "zfnet-scenes-conv5-strongest.png"
    assert download.value.path().read_bytes()[:4] == b"\x89PNG"
    page.get_by_role("button", name="Mine these pictures").click()
    strip = page.locator(".zf-strip:visible")
    poll(strip.inner_text, lambda text: "over 22 pictures" in text and "ready" in text, "the strongest of 22 pictures")
    settled(page)
    assert page.get_by_role("alert").count() == 0
