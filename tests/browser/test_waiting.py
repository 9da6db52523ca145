"""A sweep that takes long says so and waits for Start, in sight on any screen."""

from __future__ import annotations

import os
from pathlib import Path

from browser.driver import PATIENCE, picture, poll, running_command, settled, slider, slider_value
from playwright.sync_api import Browser, Page

# Runs before anything else in every Python started from here: sweeps of small strides are announced as slow.
SLOW = """
from zfwidgets.backend import OcclusionRequest
OcclusionRequest.seconds = lambda self, backend, work: 120.0 if self.stride < 4 else 0.5
"""


def in_sight(page: Page, selector: str) -> bool:
    box = page.locator(selector).bounding_box()
    assert box is not None and page.viewport_size is not None
    return bool(box["y"] >= 0 and box["y"] + box["height"] <= page.viewport_size["height"])


def test_nothing_runs_until_start_is_pressed(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(SLOW)
    paths = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    with running_command(tmp_path, environment={"PYTHONPATH": paths}) as (_, address):
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(1000 * PATIENCE)
        page.goto(address, wait_until="commit")
        page.get_by_text("Occluder size", exact=True).first.wait_for()
        settled(page)
        assert slider_value(page, "Stride") == 4
        before = picture(page, "P(")
        slider(page, "Stride").focus()
        page.keyboard.press("ArrowLeft")
        page.locator(".zf-state.waiting:visible").wait_for()
        told = page.get_by_text("This sweep will take about 2 min. Make the stride larger, or press Start.")
        assert told.is_visible()
        start = page.get_by_role("button", name="Start")
        for width in (1280, 420):
            page.set_viewport_size({"width": width, "height": 800})
            poll(lambda: in_sight(page, ".zf-strip:visible button"), bool, "the button in sight")
            assert in_sight(page, ".zf-strip:visible")
        page.wait_for_timeout(500)
        assert picture(page, "P(") == before
        start.click()
        settled(page)
        poll(
            lambda: picture(page, "P("),
            lambda now: now != before,
            "the map of the smaller stride",
        )
        assert page.locator(".zf-state:visible").inner_text() == "ready"
        page.close()
