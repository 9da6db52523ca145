"""The folder of figures: whole files, a page that shows them, and a sentence for what cannot be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import zfwidgets as zf
from zfwidgets.errors import DataError, UnknownNameError
from zfwidgets.figures import NAMES, Claim, PaperFigure, Table
from zfwidgets.figures.page import counted, page
from zfwidgets.figures.writing import PAGE, write_figures
from zfwidgets.imaging import as_image

QUICK = ("fig3", "table3")


@pytest.fixture(scope="module")
def backend() -> Iterator[zf.Backend]:
    with zf.Backend("zfnet-scenes", device="cpu") as backend:
        yield backend


class Tags(HTMLParser):
    """Every tag with its attributes, and whether each is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


@pytest.fixture(scope="module")
def folder(backend: zf.Backend, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All figures, small."""
    folder = tmp_path_factory.mktemp("figures")
    write_figures(backend, folder, effort=0.02)
    return folder


@pytest.mark.slow
def test_all_of_them_are_there_and_the_page_shows_each(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {PAGE, *(f"{name}.png" for name in NAMES)}
    tags = Tags((folder / PAGE).read_text(encoding="utf-8"))
    assert tags.open == []
    assert [article["id"] for article in tags.of("article")] == list(NAMES)
    for picture in tags.of("img"):
        size = as_image(folder / str(picture["src"])).size
        assert (str(size[0]), str(size[1])) == (picture["width"], picture["height"])
        assert picture["alt"]


@pytest.mark.slow
def test_the_page_asks_nobody_for_anything(folder: Path) -> None:
    tags = Tags((folder / PAGE).read_text(encoding="utf-8"))
    places = [value for _, all_of in tags.found for key, value in all_of.items() if key in ("src", "href")]
    assert places
    for place in places:
        assert place is not None
        if place.startswith("#"):
            assert place[1:] in NAMES
        else:
            assert (folder / place).is_file()
    assert not {"script", "link", "iframe"} & {tag for tag, _ in tags.found}


def test_what_is_written_on_the_page_is_text() -> None:
    white = np.full((2, 900, 3), 255, np.uint8)
    table = Table(("<b>", "%"), (("a & b", "1"),))
    made = PaperFigure("Fig. 0: <i>", 'a "b" <script>', "<u>", (Claim("all", "1 < 2", True),), white, table)
    text = page({"fig0": made}, "<net>")
    assert "&lt;script&gt;" in text and "1 &lt; 2" in text and "&lt;net&gt;" in text and "a &amp; b" in text
    assert Tags(text).open == [] and not Tags(text).of("script")


def test_some_of_them_with_their_words_in_the_picture(backend: zf.Backend, tmp_path: Path) -> None:
    told: list[str] = []
    made = write_figures(backend, tmp_path / "a" / "b", QUICK, captions=True, on_made=lambda name, _: told.append(name))
    assert list(made) == list(QUICK) == told
    assert {path.name for path in (tmp_path / "a" / "b").iterdir()} == {f"{name}.png" for name in QUICK}
    for name, figure in made.items():
        width, height = as_image(tmp_path / "a" / "b" / f"{name}.png").size
        assert width == figure.picture.shape[1] and height > figure.picture.shape[0] + 100


def test_equal_runs_give_equal_files(backend: zf.Backend, tmp_path: Path) -> None:
    contents = []
    for name in ("one", "two"):
        write_figures(backend, tmp_path / name, QUICK)
        contents.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    assert contents[0] == contents[1] and len(contents[0]) == 3


def test_a_stop_leaves_whole_files_and_a_page_of_those(backend: zf.Backend, tmp_path: Path) -> None:
    def stop(name: str, figure: PaperFigure) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_figures(backend, tmp_path, QUICK, on_made=stop)
    assert {path.name for path in tmp_path.iterdir()} == {PAGE, "fig3.png"}
    assert re.findall(r'<article id="(\w+)"', (tmp_path / PAGE).read_text(encoding="utf-8")) == ["fig3"]


def test_a_folder_that_cannot_be_and_a_name_that_is_none(backend: zf.Backend, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="is a file and no folder"):
        write_figures(backend, tmp_path / "file", QUICK)
    for captions in (False, True):
        with pytest.raises(DataError, match=r"The folder .*below' cannot be made"):
            write_figures(backend, tmp_path / "file" / "below", QUICK, captions=captions)
    with pytest.raises(UnknownNameError, match=r"figure 'fig10'"):
        write_figures(backend, tmp_path / "other", ["fig10"])
    assert not (tmp_path / "other").exists()


def test_claims_are_counted_in_words() -> None:
    claims = [Claim("", "", np.True_), Claim("", "", np.False_), Claim("", "", None)]  # type: ignore[arg-type]
    assert counted(claims) == "Of 2 claims 1 agrees and 1 does not; 1 more has no verdict."
    assert counted(claims[2:]) == "No claim has a verdict."
