"""What is built from the sources: version in one place, nothing missing, nothing extra."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import entry_points, metadata, version
from pathlib import Path

import pytest

import zfwidgets

DATA = re.compile(r"\.(safetensors|json|jpg|ipynb|typed)$|CREDITS\.md$")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist of a clean copy of the repository."""
    repository = Path(__file__).resolve().parents[2]
    copy = tmp_path_factory.mktemp("build") / "source"
    shutil.copytree(
        repository,
        copy,
        ignore=shutil.ignore_patterns(".git", "build", "dist", "*.egg-info", "__pycache__", ".*_cache"),
    )
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(copy.parent / "dist"), str(copy)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return copy.parent / "dist"


def package_files(repository: Path) -> set[str]:
    files = (path for path in (repository / "zfwidgets").rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {path.relative_to(repository).as_posix() for path in files}


@pytest.mark.slow
def test_the_wheel_is_the_package_and_nothing_else(built: Path, repository: Path) -> None:
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert names == package_files(repository)
    assert sum(bool(DATA.search(name)) for name in names) >= 10


@pytest.mark.slow
def test_the_source_archive_has_the_package_and_the_licence(built: Path, repository: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert package_files(repository) | {"LICENSE", "README.md", "pyproject.toml", "setup.py"} <= names


def test_the_installed_package_finds_its_data() -> None:
    installed = Path(zfwidgets.__file__).parent
    wanted = ["py.typed", "app/explorer.ipynb", "models/embedded/manifest.json", "data/photographs/CREDITS.md"]
    assert [name for name in wanted if not (installed / name).is_file()] == []


def test_the_version_is_written_once(repository: Path) -> None:
    number = version("zfwidgets")
    assert zfwidgets.__version__ == number
    files = [repository / "pyproject.toml", *(repository / "zfwidgets").rglob("*.py"), repository / "setup.py"]
    assert [file.name for file in files if f'"{number}"' in file.read_text(encoding="utf-8")] == ["pyproject.toml"]
    assert f"## {number}" in (repository / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_command_is_installed() -> None:
    (command,) = entry_points(group="console_scripts", name="zfwidgets")
    assert command.value == "zfwidgets.app.cli:main"
    assert metadata("zfwidgets")["License-Expression"] == "BSD-3-Clause"
