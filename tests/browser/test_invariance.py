"""Fig. 5 on the page: curves without a wait for all of them, moved by keys, inside the page."""

from __future__ import annotations

from browser.driver import at_width, labelled, panel, picture, poll, settled, slider, slider_value
from playwright.sync_api import Page


def open_figure(page: Page) -> None:
    page.get_by_role("tab", name="Invariance").click()
    poll(
        lambda: page.locator(".zf-panel:visible .zf-curve").count(),
        lambda count: count == 15,
        "three panels of five curves",
    )
    settled(page)


def test_curves_fit_follow_keys_and_have_their_own_axis(page: Page) -> None:
    open_figure(page)
    assert "5 pictures x 73 amounts" in page.locator(".zf-strip:visible").inner_text()
    for width in (420, 1280):
        at_width(page, width)
        for title in ("Shallow: conv1", "Deep: fc7", "P(", "Area under the curves", "Pictures"):
            box = panel(page, title).bounding_box()
            assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= width
    before, reading = picture(page, "Picture "), panel(page, "Deep: fc7").locator(".zf-foot")
    assert reading.inner_text().startswith("at 90°")
    slider(page, "Amount").focus()
    page.keyboard.press("ArrowRight")
    poll(lambda: picture(page, "Picture "), lambda now: now != before, "a moved picture")
    poll(reading.inner_text, lambda text: text.startswith("at 91°"), "91°")
    assert slider_value(page, "Amount") == 91
    labelled(page, "Transform").locator("select").select_option(label="enlarge")
    poll(lambda: panel(page, "P(").inner_text(), lambda text: "at 1.35x" in text, "curves of enlarged pictures")
    settled(page)
    assert slider_value(page, "Amount") == 1.35
