"""The Explorer in a real browser: the command started, the page opened, changes of pixels timed."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Locator, Page, sync_playwright

__all__ = ["chromium", "drag", "moves", "opened", "slider"]

OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
# Notes the time of every change of the map's address inside the page, so that nothing but the page is timed.
WATCH = """map => {
  window.changes = [];
  new MutationObserver(() => window.changes.push(performance.now()))
    .observe(map, {subtree: true, attributes: true, attributeFilter: ['href', 'xlink:href', 'src']});
}"""

_YOUNG = 15_000
"""Milliseconds after which a page is told nothing twice (`zfwidgets.widgets.parts.first_sight`)."""


def chromium() -> str | None:
    """The path of a Chromium, if there is one."""
    return os.environ.get("ZFWIDGETS_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")


@contextmanager
def opened(width: int = 1280, height: int = 900, theme: str = "light") -> Iterator[tuple[Page, float]]:
    """The page, ready to be used, and the seconds from the command's start until then."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "zfwidgets", "--port", "0", "--no-browser", "--theme", theme]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert server.stdout is not None
    try:
        address = next(found[0] for line in server.stdout if (found := re.search(r"http://\S+", line)))
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=OPTIONS)
            page = browser.new_page(viewport={"width": width, "height": height})
            page.goto(address, wait_until="commit")
            page.locator(".zf-state.ready:visible").first.wait_for(timeout=120_000)
            yield page, time.perf_counter() - started
            browser.close()
    finally:
        server.terminate()
        server.wait(20)
        server.stdout.close()


def slider(page: Page, label: str) -> Locator:
    """The handle of the slider with this label."""
    text = page.locator(".widget-label", has_text=re.compile(rf"^\s*{label}\s*$"))
    return page.locator(".widget-inline-hbox:visible", has=text).first.locator(".noUi-handle")


def watch(page: Page) -> None:
    """Note from now on when the map of probabilities changes."""
    page.wait_for_timeout(_YOUNG)
    page.locator(".zf-panel:visible", has_text=re.compile(r"^\s*P\(")).first.evaluate(WATCH)


def moves(page: Page, label: str, count: int = 20) -> float:
    """Median seconds from a key on the slider to the first changed pixels of the map, at values never asked before."""
    handle = slider(page, label)
    handle.focus()
    watch(page)
    waits = []
    for _ in range(count):
        before = page.evaluate("() => { window.changes = []; return performance.now(); }")
        handle.press("ArrowRight")
        page.wait_for_function("() => window.changes.length > 0", timeout=30_000, polling=5)
        waits.append(page.evaluate("() => window.changes[0]") - before)
        page.locator(".zf-state.ready:visible").wait_for()
        page.wait_for_timeout(300)
    return float(statistics.median(waits)) / 1000


def drag(page: Page, label: str, count: int = 30) -> float:
    """Longest seconds without changed pixels of the map in a drag of new values, ten a second, and until its end."""
    handle = slider(page, label)
    handle.focus()
    watch(page)
    start = page.evaluate("() => { window.changes = []; return performance.now(); }")
    for _ in range(count):
        handle.press("ArrowRight")
        page.wait_for_timeout(100)
    end = page.evaluate("() => performance.now()")
    changes = [time for time in page.evaluate("() => window.changes") if time <= end]
    return float(max(b - a for a, b in itertools.pairwise([start, *changes, end]))) / 1000
