"""Take the README's picture of the Explorer: ``python -m benchmarks.picture``."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from PIL import Image

from benchmarks.page import opened

TARGET = Path(__file__).resolve().parents[1] / "docs" / "explorer.png"


def main() -> None:
    """Write docs/explorer.png."""
    with opened() as (page, _):
        page.wait_for_timeout(2000)
        shot = Image.open(BytesIO(page.screenshot()))
    TARGET.parent.mkdir(exist_ok=True)
    shot.convert("RGB").save(TARGET, optimize=True)
    print(f"{TARGET} {TARGET.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
