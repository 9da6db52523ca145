"""A page that is left takes its kernel with it: each one holds torch and a network."""

from __future__ import annotations

from pathlib import Path

import psutil
from browser.driver import PATIENCE, poll, running_command
from playwright.sync_api import Browser


def test_reloading_and_leaving_a_page_ends_its_kernel(browser: Browser, tmp_path: Path) -> None:
    with running_command(tmp_path) as (process, address):
        server = psutil.Process(process.pid)
        page = browser.new_page()
        for _ in range(2):
            page.goto(address, wait_until="commit")
            page.locator(".zf-state.ready:visible").first.wait_for(timeout=1000 * PATIENCE)
        poll(lambda: len(server.children()), lambda kernels: kernels == 1, "one kernel for one page")
        page.goto("about:blank")
        poll(lambda: len(server.children()), lambda kernels: kernels == 0, "no kernel without a page")
        page.close()
