"""The photographs that ship: small, readable, credited."""

from __future__ import annotations

from zfwidgets.data import samples
from zfwidgets.data.samples import FOLDER


def test_six_photographs_that_can_be_read() -> None:
    photographs = samples()
    names = ("astronaut", "chelsea", "china", "coffee", "flower", "rocket")
    assert photographs.keys() == tuple(f"photo/{name}" for name in names)
    assert all(256 <= min(photographs[key].size) <= max(photographs[key].size) <= 512 for key in photographs)


def test_every_file_is_small_and_credited() -> None:
    credits = (FOLDER / "CREDITS.md").read_text(encoding="utf-8")
    files = sorted(FOLDER.glob("*.jpg"))
    assert len(files) == 6
    for file in files:
        assert file.stat().st_size <= 60 * 1024
        assert f"`{file.name}`" in credits
        assert any(licence in str(samples().credit(f"photo/{file.stem}")) for licence in ("CC", "public domain"))
