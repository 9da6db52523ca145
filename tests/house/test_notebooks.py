"""Every notebook runs, offline and on the CPU, and is stored without output."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

REPOSITORY = Path(__file__).resolve().parents[2]
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


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs_and_shows_a_viewer(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZFWIDGETS_QUICK", "1")  # what trains does so for seconds
    notebook = nbformat.read(path, 4)
    NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": path.parent}}
    ).execute()
    kinds = {kind for cell in code_cells(notebook) for output in cell.outputs for kind in output.get("data", {})}
    # Table 3 is numbers: there is nothing in it to move.
    assert path.stem == "table3_ablation" or "application/vnd.jupyter.widget-view+json" in kinds
    assert path.stem == "explorer" or "image/png" in kinds


def test_the_page_in_the_package_is_the_notebook(repository: Path) -> None:
    page = repository / "zfwidgets" / "app" / "explorer.ipynb"
    assert page.read_text(encoding="utf-8") == (repository / "notebooks" / "explorer.ipynb").read_text(encoding="utf-8")
