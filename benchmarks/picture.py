"""Take the README's pictures of the page: ``python -m benchmarks.picture``."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

from benchmarks.page import opened

FOLDER = Path(__file__).resolve().parents[1] / "docs"
SETTLING = 2000
"""Milliseconds after which a page that is ready has been painted."""
QUALITY = 80
"""Of a JPEG: a page of many small pictures would be a large PNG."""


def main() -> None:
    """Write docs/explorer.png and docs/top9.jpg."""
    with opened() as (page, _):
        _write(_shot(page), "explorer.png")
        page.get_by_role("tab", name="Top 9").click()
        page.locator(".zf-state.ready:visible").wait_for(timeout=120_000)
        _write(_shot(page), "top9.jpg")


def _shot(page: Page) -> Image.Image:
    page.wait_for_timeout(SETTLING)
    return Image.open(BytesIO(page.screenshot())).convert("RGB")


def _write(picture: Image.Image, name: str) -> None:
    FOLDER.mkdir(exist_ok=True)
    picture.save(FOLDER / name, optimize=True, quality=QUALITY)
    print(f"{FOLDER / name} {(FOLDER / name).stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
