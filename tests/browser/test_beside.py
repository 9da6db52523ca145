"""``zfwidgets --other``: two networks on one page, side by side or below each other, under one cursor."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browser.driver import at_width, labelled, panel, picture, poll, running_command, settled, slider
from playwright.sync_api import Browser, Locator, Page


@pytest.fixture(scope="module")
def address(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a page with two networks."""
    with running_command(tmp_path_factory.mktemp("beside"), "--other", "zfnet-photos") as (_, address):
        yield address


def theirs(page: Page) -> Locator:
    """The second network's probabilities: the first panel that bears its name."""
    return page.locator(".zf-panel:visible", has_text="zfnet-photos").first


def sight(page: Page) -> tuple[list[int], list[int]]:
    return picture(page, "P(face)"), picture(page, "Difference of changes")


def test_two_maps_and_their_difference_under_one_slider(page: Page) -> None:
    for width, along, across in ((420, 1, 0), (1280, 0, 1)):
        at_width(page, width)
        titled = (panel(page, "P(face)"), theirs(page), panel(page, "Difference of changes"))
        boxes = [one.bounding_box() for one in titled]
        placed = [(box["x"], box["y"]) for box in boxes if box is not None]
        assert len(placed) == 3
        assert len({place[across] for place in placed}) == 1
        assert [place[along] for place in placed] == sorted({place[along] for place in placed})
    assert "zfnet-photos minus zfnet-scenes" in panel(page, "Difference of changes").inner_text()
    assert "zfnet-photos does not know 'face'" in page.locator(".zf-notes:visible").first.inner_text()
    before = sight(page)
    slider(page, "Occluder size").focus()
    page.keyboard.press("ArrowRight")
    poll(lambda: sight(page), lambda now: all(one != old for one, old in zip(now, before, strict=True)), "both anew")


def test_layers_and_rules_of_both(page: Page) -> None:
    at_width(page, 1280)
    page.get_by_role("tab", name="Architecture").click()
    graphs = page.locator(".zf-graph:visible")
    second = graphs.nth(1).get_by_role("button", name="conv3")
    second.wait_for()
    settled(page)
    sides = [box["x"] for box in (graphs.nth(place).bounding_box() for place in (0, 1)) if box is not None]
    assert sides[0] < sides[1]
    second.focus()
    page.keyboard.press("Enter")
    chosen = page.locator(".zf-graph:visible .mod-active")
    poll(chosen.all_inner_texts, lambda texts: texts == ["conv3", "conv3"], "the layer beside")
    page.get_by_role("tab", name="Rules").click()
    poll(
        page.locator(".zf-lab:visible .zf-heading").all_inner_texts,
        lambda texts: any("zfnet-photos: conv3" in text for text in texts),
        "the unit of the second network",
    )
    for tab in ("Rules", "Architecture"):
        page.get_by_role("tab", name=tab).click()
        at_width(page, 420)


def test_a_cell_of_the_second_network_opens_its_picture(page: Page) -> None:
    at_width(page, 1280)
    page.get_by_role("tab", name="Evolution").click()
    block = page.locator(".zf-panel:visible", has_text="conv3 zfnet-photos, epoch 64").first
    block.wait_for()
    settled(page)
    block.locator("svg image").first.click(position={"x": 100, "y": 100})  # in a cell, not between
    page.get_by_role("button", name="Open picture of zfnet-photos").click()
    report = page.locator(".zf-life:visible").nth(1).inner_text()
    assert labelled(page, "Layer").locator("select").input_value() == "conv3"
    page.get_by_role("tab", name="Features").click()
    image = labelled(page, "Image").locator("select")
    poll(
        lambda: image.evaluate("node => node.selectedOptions[0].text"),
        lambda text: f" in {text}, row" in report,
        "the picture of the second network's cell",
    )


def test_parts_hidden_from_both(page: Page) -> None:
    page.get_by_role("tab", name="Correspondence").click()
    apart = page.locator(".zf-notes:visible", has_text="Delta of zfnet-photos is")  # once both have answered
    apart.wait_for()
    right_end = "all => all.map(one => one.getBoundingClientRect().right)"
    for width in (420, 1280):
        at_width(page, width)
        ends = page.locator(".zf-parts:visible span").evaluate_all(right_end)
        assert len(ends) == 4 * 6 and max(ends) <= width


def test_probes_of_both(page: Page) -> None:
    at_width(page, 1280)
    page.get_by_role("tab", name="Probe").click()
    page.locator(".zf-notes:visible", has_text="zfnet-photos minus zfnet-scenes is").wait_for()
    settled(page)
    assert panel(page, "Taken for, difference").locator("rect").count() == 10 * 10
    at_width(page, 420)
