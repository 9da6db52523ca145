"""The Explorer page opens, fits, can be read and operated by anybody."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from browser.conftest import OpenPage
from browser.driver import at_width, labelled, panel, picture, poll, settled, slider, slider_value
from playwright.sync_api import Page

CONTROLS = ["Image", "Layer", "Channel", "Occluder size", "Stride", "Fill", "Target class"]
OPERABLE = {"slider", "combobox", "button", "textbox", "spinbutton", "tab", "listbox", "checkbox"}


def show_tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()
    settled(page)


def tabs(page: Page) -> list[str]:
    return [text.strip() for text in page.get_by_role("tab").all_inner_texts()]


def test_the_page_opens_with_an_answer_and_nothing_to_press(page: Page) -> None:
    assert page.title() == "zfwidgets"
    assert {"Occlusion", "Features"} <= set(tabs(page))
    for label in CONTROLS:
        assert labelled(page, label).is_visible(), label
    for title in ["Picture", "P(", "Most probable label", "Activation of conv5", "Projection"]:
        assert panel(page, title).is_visible(), title
    assert page.locator(".zf-state:visible").inner_text() == "ready"
    assert page.get_by_role("alert").count() == 0


def test_each_tab_has_its_pictures(page: Page) -> None:
    first = [picture(page, title) for title in ("Picture", "P(", "Activation of conv5")]
    show_tab(page, "Features")
    assert labelled(page, "Rule").is_visible()
    assert not panel(page, "Most probable label").is_visible()
    assert page.locator("svg image:visible").count() >= 2
    show_tab(page, "Occlusion")
    assert panel(page, "Most probable label").is_visible()
    assert [picture(page, title) for title in ("Picture", "P(", "Activation of conv5")] == first


@pytest.mark.parametrize("width", [1200, 900, 420])
def test_nothing_sticks_out_sideways(width: int, open_page: OpenPage) -> None:
    page = open_page(width=width)
    labels = page.locator(".lm-TabBar-tabLabel")
    assert labels.count() > 5
    for tab in ("Occlusion", "Features", "Invariance"):
        show_tab(page, tab)
        # The strip of thumbnails is the one thing that may be scrolled sideways, within itself.
        scrolled = page.evaluate(
            """() => [...document.querySelectorAll('*')].filter(node => node.scrollWidth > node.clientWidth + 1 &&
            ['auto', 'scroll'].includes(getComputedStyle(node).overflowX) && !node.closest('.zf-thumbs'))
            .map(node => node.className)"""
        )
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert scrolled == [], tab
    if width >= 900:
        cut = labels.evaluate_all("nodes => nodes.filter(n => n.scrollWidth > n.clientWidth + 1).map(n => n.innerText)")
        assert cut == []


def test_the_probe_is_trained_when_its_tab_is_opened(page: Page) -> None:
    assert page.locator(".zf-plot circle").count() == 0
    page.get_by_role("tab", name="Probe").click()
    frame = panel(page, "Accuracy by layer").bounding_box()
    rows = page.locator(".zf-notes:visible tr")
    poll(rows.count, lambda count: count == 1 + 7, "all layers")
    settled(page)
    assert page.get_by_role("alert").count() == 0
    assert panel(page, "Accuracy by layer").locator("circle").count() == 2 * 7
    for width in (420, 1280):
        at_width(page, width)
    now = panel(page, "Accuracy by layer").bounding_box()
    assert frame is not None and now is not None and (frame["x"], frame["y"]) == (now["x"], now["y"])
    labels = page.locator(".lm-TabBar-tabLabel")
    assert (
        labels.evaluate_all("nodes => nodes.filter(n => n.scrollWidth > n.clientWidth + 1).map(n => n.innerText)") == []
    )
    show_tab(page, "Occlusion")


# What is painted behind a node: the colour of the nearest thing around it that has one.
GROUND = """node => {
  for (let around = node.parentElement; around; around = around.parentElement) {
    const colour = getComputedStyle(around).backgroundColor;
    if (colour !== 'rgba(0, 0, 0, 0)') return colour;
  }
}"""


def luminance(colour: str) -> float:
    red, green, blue = (float(part) for part in re.findall(r"[\d.]+", colour)[:3])
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in (red / 255, green / 255, blue / 255)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_can_be_read_in_both_themes(theme: str, open_page: OpenPage) -> None:
    page = open_page(theme=theme)
    strip = page.locator(".zf-strip:visible").first
    colour = strip.evaluate(GROUND)
    assert strip.evaluate("node => getComputedStyle(node).backgroundColor") == colour
    ground = luminance(colour)
    assert (ground < 0.1) == (theme == "dark")
    for selector in [".zf-num:visible", ".widget-label:visible", ".zf-panel:visible", ".zf-soft:visible"]:
        text = luminance(page.locator(selector).first.evaluate("node => getComputedStyle(node).color"))
        contrast = (max(text, ground) + 0.05) / (min(text, ground) + 0.05)
        assert contrast >= 4.5, (selector, contrast)


def test_every_control_has_a_name(page: Page) -> None:
    session = page.context.new_cdp_session(page)
    for tab in ("Features", "Occlusion"):
        show_tab(page, tab)
        nodes = session.send("Accessibility.getFullAXTree")["nodes"]
        operable = [node for node in nodes if not node["ignored"] and node["role"]["value"] in OPERABLE]
        nameless = [node["role"]["value"] for node in operable if not node.get("name", {}).get("value", "").strip()]
        assert len(operable) >= 8
        assert not nameless, tab


def test_tab_and_arrows_are_enough(page: Page) -> None:
    size = slider_value(page, "Occluder size")
    handle = slider(page, "Occluder size").element_handle()
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("node => document.activeElement === node", handle):
            break
    else:
        pytest.fail("Tab does not reach the slider Occluder size")
    before = panel(page, "P(").screenshot()
    page.keyboard.press("ArrowRight")
    poll(lambda: slider_value(page, "Occluder size"), lambda value: value == size + 1, "the arrow moves the slider")
    poll(lambda: panel(page, "P(").screenshot(), lambda now: now != before, "the arrow changes the picture")
    outline = page.evaluate(
        "getComputedStyle(document.activeElement).outlineStyle + getComputedStyle(document.activeElement).boxShadow"
    )
    assert outline != "nonenone", "the focus cannot be seen"


def upload(page: Page, file: Path) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Your picture").click()
    chooser.value.set_files(file)


def test_a_bad_upload_is_a_sentence_and_the_next_one_recovers(page: Page, tmp_path: Path) -> None:
    from PIL import Image

    before = settled(page)
    bad, good = tmp_path / "<b>holiday<b>.png", tmp_path / "good.png"
    bad.write_bytes(b"<html>this is no picture</html>")
    Image.linear_gradient("L").save(good)
    upload(page, bad)
    alert = page.get_by_role("alert")
    alert.wait_for()
    assert len(alert.inner_text()) > 20
    assert "Traceback" not in page.content()
    upload(page, good)
    alert.wait_for(state="detached")
    assert settled(page) != before
    chosen = labelled(page, "Image").locator("select").evaluate("node => node.selectedOptions[0].text")
    assert "good.png" in chosen


def test_the_page_goes_by_its_own_width(page: Page) -> None:
    """In a notebook a side bar has its share of the window."""
    page.set_viewport_size({"width": 1280, "height": 900})
    settled(page)
    clipped = "[...document.querySelectorAll('.lm-TabBar-tabLabel')].filter(n => n.scrollWidth > n.clientWidth).length"
    root = page.locator(".zf").first
    for width, beside in ((830, True), (500, False)):
        root.evaluate("(node, width) => { node.style.maxWidth = `${width}px`; }", width)
        settled(page)
        assert page.evaluate(clipped) == 0
        seen, found = panel(page, "Picture").bounding_box(), panel(page, "P(").bounding_box()
        assert seen is not None and found is not None
        assert (found["y"] == seen["y"]) is beside
        assert root.evaluate("node => node.scrollWidth") <= width
    root.evaluate("node => { node.style.maxWidth = ''; }")
