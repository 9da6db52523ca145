"""``zfwidgets figures`` on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from zfwidgets.app import cli
from zfwidgets.figures import writing


def test_some_figures_are_made_told_and_shown_on_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["figures", "--out", str(tmp_path / "new"), "--only", "table3, fig3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines[:2]] == ["1 of 2  fig3", "2 of 2  table3"]
    assert lines[-1].endswith(f"look at {tmp_path / 'new' / 'index.html'}")
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"fig3.png", "table3.png", "index.html"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--only", "fig12"], "There is no figure 'fig12'; the nearest"),
        (["--only", ","], "no name"),
        (["--out", "FILE/below"], "FILE/below' cannot be made"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "FILE").write_text("")
    words = [word.replace("FILE", str(tmp_path / "FILE")) for word in words]
    assert cli.main(["figures", "--out", str(tmp_path / "out"), "--only", "fig3", *words]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


def test_ctrl_c_says_what_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(writing, "make", stopped)
    assert cli.main(["figures", "--out", str(tmp_path), "--only", "fig3"]) == 130
    assert f"Stopped; 0 of 1 are in {tmp_path}." in capsys.readouterr().err
