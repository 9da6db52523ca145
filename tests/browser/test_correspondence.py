"""Fig. 8 on the page: faces without a wait, a part marked by mouse and by keys, another size by keys."""

from __future__ import annotations

from browser.driver import at_width, labelled, panel, poll, settled, slider, slider_value
from playwright.sync_api import Page


def open_figure(page: Page) -> None:
    page.get_by_role("tab", name="Correspondence").click()
    page.locator(".zf-hidden-parts img:visible").first.wait_for()
    settled(page)


def facts(page: Page) -> str:
    return page.locator(".zf-strip:visible").inner_text()


def test_faces_are_there_and_fit(page: Page) -> None:
    open_figure(page)
    assert "6 pictures" in facts(page)
    assert page.locator(".zf-hidden-parts img:visible").count() == 6  # nothing hidden, four parts, random places
    right_end = "all => all.map(one => one.getBoundingClientRect().right)"
    for width in (420, 1280):
        at_width(page, width)
        for kind in (".zf-parts", ".zf-intervals", ".zf-hidden-parts img", ".zf-parts:visible span"):
            ends = page.locator(f"{kind}:visible").evaluate_all(right_end)
            assert ends and max(ends) <= width


def test_a_click_and_keys_mark_a_picture_of_ones_own(page: Page) -> None:
    open_figure(page)
    labelled(page, "Image").locator("select").select_option("photo/astronaut")
    page.get_by_text("so the picture joins the comparison").wait_for()
    settled(page)
    box = panel(page, "Picture").locator("svg image").first.bounding_box()
    assert box is not None
    for across in (0.4, 0.5):  # the left eye, and then the right one
        page.mouse.click(box["x"] + across * box["width"], box["y"] + 0.2 * box["height"])
    poll(lambda: facts(page), lambda text: "7 pictures" in text and "ready" in text, "the picture among the others")
    before = slider_value(page, "Occluder size")
    slider(page, "Occluder size").focus()
    page.keyboard.press("ArrowRight")
    poll(lambda: facts(page), lambda text: f"of {before + 1:.0f} pixels" in text and "ready" in text, "larger squares")
    labelled(page, "Part").locator("input").fill("left eye")
    page.keyboard.press("Enter")
    slider(page, "Part x").focus()
    x = slider_value(page, "Part x")
    page.keyboard.press("ArrowRight")
    poll(lambda: slider_value(page, "Part x"), lambda value: value == x + 1, "the eye a pixel to the right")
    page.get_by_role("button", name="Unmark picture").click()
    poll(lambda: facts(page), lambda text: "6 pictures" in text and "ready" in text, "the picture gone")
    assert page.get_by_role("alert").count() == 0
