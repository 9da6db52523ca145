"""Drive the Explorer page as a person would: find controls by their label, wait until pictures are still."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from playwright.sync_api import Locator, Page

T = TypeVar("T")

PATIENCE = 240.0
"""Seconds to wait for anything: so long only something broken takes, on a crowded machine too."""

CHROMIUM_NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def find_chromium() -> str | None:
    """The path of a Chromium: ZFWIDGETS_CHROMIUM, or the first that is installed."""
    return os.environ.get("ZFWIDGETS_CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


def poll(look: Callable[[], T], done: Callable[[T], bool], what: str) -> T:
    """Look again and again until `done` says so; fail with `what` and the last sight."""
    end = time.monotonic() + PATIENCE
    while True:
        sight = look()
        if done(sight):
            return sight
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {PATIENCE} s, last seen {sight!r:.500}")
        time.sleep(0.05)


@contextmanager
def running_command(
    folder: Path, *options: str, environment: dict[str, str] | None = None
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command ``zfwidgets`` on a free port: (process, address) once it answers; ended at the end."""
    command = [sys.executable, "-m", "zfwidgets", "--port", "0", "--no-browser", *options]
    log = (folder / "server.log").open("w+")
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        env={**os.environ, **(environment or {})},
        preexec_fn=_hear_ctrl_c,
    )
    try:
        yield process, _address(process, folder / "server.log")
    finally:
        process.terminate()
        try:
            process.wait(20)
        finally:
            process.kill()
            assert process.stdout is not None
            process.stdout.close()
            log.close()


def _hear_ctrl_c() -> None:
    # A test run in the background of a script has inherited deafness to it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _address(process: subprocess.Popen[str], log: Path) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(r"http://\S+", line):
            return found[0]
    raise AssertionError(f"the command ended before it answered: {log.read_text()}")


def settled(page: Page) -> bytes:
    """Wait until the visible viewer is ready and the pixels stay as they are; returns them.

    They have to stay for half a second, and for five looks, since a look takes long where everything does.
    """
    end = time.monotonic() + PATIENCE
    last, since, looks = b"", time.monotonic(), 0
    while True:
        ready = page.locator(".zf-state.ready:visible, .zf-state.error:visible").count() > 0
        now = page.screenshot()
        if not ready or now != last:
            last, since, looks = now, time.monotonic(), 0
        elif time.monotonic() - since >= 0.5 and looks >= 5:
            return last
        if time.monotonic() > end:
            raise AssertionError(f"the page was still changing after {PATIENCE} s, ready: {ready}")
        looks += 1
        time.sleep(0.05)


def at_width(page: Page, width: int) -> None:
    """Make the window so wide, wait until all has found its place, and see that nothing sticks out sideways."""
    assert page.viewport_size is not None
    page.set_viewport_size({"width": width, "height": page.viewport_size["height"]})
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def labelled(page: Page, label: str) -> Locator:
    """The visible control whose label is exactly this text."""
    text = page.locator(".widget-label", has_text=re.compile(rf"^\s*{re.escape(label)}\s*$"))
    return page.locator(".widget-inline-hbox:visible", has=text).first


def slider(page: Page, label: str) -> Locator:
    """The handle of the slider with this label."""
    return labelled(page, label).locator(".noUi-handle")


def slider_value(page: Page, label: str) -> float:
    """The number beside the slider with this label."""
    return float(labelled(page, label).locator(".widget-readout").inner_text())


def panel(page: Page, title: str) -> Locator:
    """The visible panel whose title begins with this text."""
    return page.locator(".zf-panel:visible", has_text=re.compile(rf"^\s*{re.escape(title)}")).first


def picture(page: Page, title: str) -> list[int]:
    """The bytes of the picture in a panel, whatever lies over it and under whichever address."""
    image = panel(page, title).locator("svg image").first
    read = "async node => [...new Uint8Array(await (await fetch(node.getAttribute('href'))).arrayBuffer())]"
    return list(image.evaluate(read))
