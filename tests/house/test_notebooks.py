"""Every notebook runs, offline and on the CPU, and is stored without output."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from zfwidgets.figures import NAMES

REPOSITORY = Path(__file__).resolve().parents[2]
PICTURE = re.compile(r"!\[([^]]*)\]\(([^)]+)\)")
NOTEBOOKS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_every_figure_and_table_of_the_paper_has_one_and_so_have_the_page_and_your_own_model() -> None:
    names = {path.stem.partition("_")[0] for path in NOTEBOOKS}
    assert names >= {f"fig{number}" for number in range(1, 10)}
    assert names >= {"table1", "table2", "table3", "tables4to7"}
    assert {"explorer", "your_own_model"} <= {path.stem for path in NOTEBOOKS}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_without_output_and_first_cell_makes_the_choice(path: Path) -> None:
    cells = code_cells(nbformat.read(path, 4))
    assert not any(cell.outputs or cell.execution_count for cell in cells)
    assert "network" in cells[0].source
    assert len(cells[0].source.splitlines()) == 2


@pytest.mark.parametrize("path", [path for path in NOTEBOOKS if path.stem != "explorer"], ids=lambda path: path.stem)
def test_readers_without_a_kernel_see_a_stored_picture(path: Path) -> None:
    words = "".join(cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "markdown")
    pictures = PICTURE.findall(words)
    assert pictures
    for alternative, place in pictures:
        assert alternative and (path.parent / place).is_file(), place


def test_stored_pictures_are_those_of_the_command_and_small() -> None:
    stored = {path.stem: path.stat().st_size for path in (REPOSITORY / "docs" / "figures").iterdir()}
    assert set(stored) == set(NAMES)
    assert sum(stored.values()) < 3e6


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs_and_shows_a_viewer(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZFWIDGETS_QUICK", "1")  # what trains does so for seconds
    notebook = nbformat.read(path, 4)
    NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": path.parent}}
    ).execute()
    kinds = {kind for cell in code_cells(notebook) for output in cell.outputs for kind in output.get("data", {})}
    assert "application/vnd.jupyter.widget-view+json" in kinds
    assert path.stem == "explorer" or "image/png" in kinds


def test_the_page_in_the_package_is_the_notebook(repository: Path) -> None:
    page = repository / "zfwidgets" / "app" / "explorer.ipynb"
    assert page.read_text(encoding="utf-8") == (repository / "notebooks" / "explorer.ipynb").read_text(encoding="utf-8")
