"""The Binder folder: repo2docker's own dry run, and a lint for what that does not look at."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

BINDER = Path(__file__).resolve().parents[2] / "binder"


def requirements() -> list[str]:
    lines = (BINDER / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


@pytest.mark.slow
def test_repo2docker_finds_its_way(repository: Path, tmp_path: Path) -> None:
    pytest.importorskip("repo2docker", reason="repo2docker cannot be imported here", exc_type=ImportError)
    copy = tmp_path / "repository"
    subprocess.run(["git", "clone", "-q", str(repository), str(copy)], check=True)
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--no-run", "--debug", str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    dockerfile = done.stdout + done.stderr
    assert done.returncode == 0, dockerfile[-2000:]
    assert "binder/requirements.txt" in dockerfile
    assert "binder/postBuild" in dockerfile
    assert re.search(r"python=3\.11|environment.*3\.11", dockerfile)


def test_the_package_itself_is_installed_and_everything_is_pinned() -> None:
    lines = requirements()
    assert lines[-1] == "-e ."
    pins = [line for line in lines if not line.startswith("-")]
    assert all(re.fullmatch(r"[a-z0-9-]+==[\w.]+(\+cpu)?", pin) for pin in pins), pins
    assert {"torch", "torchvision", "voila", "ipywidgets", "bqplot", "scikit-learn"} <= {
        pin.split("==")[0] for pin in pins
    }
    assert [pin for pin in pins if pin.startswith("torch") and not pin.endswith("+cpu")] == []
    assert "--extra-index-url https://download.pytorch.org/whl/cpu" in lines


def test_pins_satisfy_what_the_package_asks_for() -> None:
    wanted = {r.name: r for r in map(Requirement, requires("zfwidgets") or []) if not r.marker}
    for pin in (line for line in requirements() if not line.startswith("-")):
        name, number = pin.split("==")
        if name in wanted:
            assert number.split("+")[0] in wanted[name].specifier, pin


def test_no_build_file_beside_the_folder_takes_over(repository: Path) -> None:
    takes_over = ["Dockerfile", "environment.yml", "apt.txt", "start", "postBuild", "requirements.txt", ".binder"]
    assert [name for name in takes_over if (repository / name).exists()] == []
    assert {path.name for path in BINDER.iterdir()} == {"requirements.txt", "runtime.txt", "postBuild"}
    assert (BINDER / "runtime.txt").read_text(encoding="utf-8").strip() == "python-3.11"
    assert (BINDER / "postBuild").stat().st_mode & 0o111


def test_the_badge_opens_the_explorer_through_voila(repository: Path) -> None:
    text = (repository / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"https://mybinder\.org/v2/gh/[\w.-]+/[\w.-]+/\w+\?urlpath=([\w%./-]+)", text)
    assert links == ["voila%2Frender%2Fnotebooks%2Fexplorer.ipynb"]
    assert (repository / "notebooks" / "explorer.ipynb").exists()
