"""Fig. 4 on the page: there without a wait, scrubbed by keys, a map followed and its picture open in every tab."""

from __future__ import annotations

from browser.driver import at_width, labelled, panel, picture, poll, settled, slider
from playwright.sync_api import Page


def open_figure(page: Page) -> None:
    page.get_by_role("tab", name="Evolution").click()
    poll(lambda: panel(page, "conv5").inner_text(), lambda text: "epoch 64" in text, "the last epoch")
    settled(page)


def test_blocks_fit_and_are_scrubbed_by_keys(page: Page) -> None:
    open_figure(page)
    for width in (420, 1280):
        at_width(page, width)
        for layer in ("conv1", "conv2", "conv3", "conv4", "conv5"):
            assert picture(page, layer)[:4] == [0x89, 0x50, 0x4E, 0x47]
    assert page.locator("svg.zf-chart:visible polyline").count() == 6
    assert "8 checkpoints of zfnet-scenes" in page.locator(".zf-strip:visible").inner_text()
    before = picture(page, "conv5")
    slider(page, "Epoch").focus()
    page.keyboard.press("ArrowLeft")
    for layer in ("conv1", "conv5"):
        poll(lambda layer=layer: panel(page, layer).inner_text(), lambda text: "epoch 40" in text, f"{layer} at 40")
    settled(page)
    assert picture(page, "conv5") != before
    assert page.locator(".zf-life-heads:visible .zf-now").inner_text() == "40"


def test_a_map_is_followed_and_its_picture_opens_in_every_tab(page: Page) -> None:
    page.get_by_role("tab", name="Evolution").click()
    settled(page)
    labelled(page, "Layer").locator("select").select_option("conv4")
    poll(
        lambda: page.locator(".zf-life:visible").inner_text(), lambda text: text.startswith("conv4 #"), "a map of conv4"
    )
    page.get_by_role("button", name="Open its picture").click()
    page.get_by_role("tab", name="Features").click()
    chosen = labelled(page, "Image").locator("select")
    poll(
        lambda: chosen.evaluate("node => node.selectedOptions[0].text"), lambda text: "scene-1/" in text, "its picture"
    )
