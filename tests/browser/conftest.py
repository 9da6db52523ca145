"""One server and one browser for all browser tests; a page that does not forgive errors."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from browser.driver import CHROMIUM_OPTIONS, PATIENCE, find_chromium, picture, poll, running_command, settled
from playwright.sync_api import Browser, Page, Route, TimeoutError, sync_playwright

HERE = Path(__file__).parent
WIDTH, ONE_PIXEL = slice(16, 20), [0, 0, 0, 1]
"""Where a PNG has its width; that of the clear pixel in a panel without a picture."""
OpenPage = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium; without one the tests are skipped, or fail where they are required."""
    chromium = find_chromium()
    if chromium is None:
        reason = "no Chromium found: install one (apt-get install chromium) or name it in ZFWIDGETS_CHROMIUM"
        if os.environ.get("ZFWIDGETS_REQUIRE_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_OPTIONS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def address(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running ``zfwidgets``."""
    with running_command(tmp_path_factory.mktemp("server")) as (_, address):
        yield address


@pytest.fixture
def open_page(browser: Browser, address: str) -> Iterator[OpenPage]:
    """``open_page(width=1280, theme="light")`` -> the Explorer, usable and still, in a kernel of its own.

    At the end of the test the page must have shown no error and asked no other host for anything.
    """
    with pages(browser, address) as open_page:
        yield open_page


@pytest.fixture(scope="module")
def page(browser: Browser, address: str) -> Iterator[Page]:
    """One page for the tests of a module, which take it as they find it: a kernel takes long to start."""
    with pages(browser, address) as open_page:
        yield open_page()


def leave(page: Page) -> None:
    """As a person does: a page that is only closed sends no farewell, and its kernel keeps .8 GB for an hour."""
    page.unroute_all()
    page.goto("about:blank")
    page.wait_for_timeout(500)


@contextmanager
def pages(browser: Browser, address: str) -> Iterator[OpenPage]:
    """Pages that are closed at the end, and must not have complained by then."""
    complaints: list[str] = []
    contexts = []

    def open_page(width: int = 1280, height: int = 900, theme: str = "light") -> Page:
        context = browser.new_context(viewport={"width": width, "height": height})
        contexts.append(context)
        page = context.new_page()

        def only_this_host(route: Route) -> None:
            if route.request.url.startswith((address, "data:", "blob:")):
                route.continue_()
            else:
                complaints.append(f"asked for {route.request.url}")
                route.abort()

        page.route("**/*", only_this_host)
        page.on("pageerror", lambda error: complaints.append(f"page error: {error}"))
        page.on(
            "console",
            lambda line: complaints.append(f"console: {line.text}") if line.type == "error" else None,
        )
        page.set_default_timeout(1000 * PATIENCE)
        page.goto(f"{address}?theme={theme}", wait_until="commit")
        try:
            page.get_by_text("Occluder size", exact=True).first.wait_for()
        except TimeoutError as error:
            raise AssertionError(f"the page shows no controls but: {page.locator('body').inner_text()}") from error
        poll(lambda: picture(page, "P("), lambda png: png[WIDTH] != ONE_PIXEL, "the first map")
        settled(page)
        return page

    try:
        yield open_page
    finally:
        for context in contexts:
            for page in context.pages:
                leave(page)
            context.close()
    assert not complaints, "\n".join(complaints)
