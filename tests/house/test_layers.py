"""The rule of the layers: a folder of the package imports only from folders above it in this list.

Inside `widgets/` the same: `parts/`, then `viewer/`, then a package for each viewer, of which none knows another.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGE = REPOSITORY / "zfwidgets"
FILES = sorted(PACKAGE.rglob("*.py"))

LAYERS = [
    {"errors", "lazy"},
    {"allocator"},
    {"imaging"},
    {"network"},
    {"models", "data"},  # these two do not meet
    {"methods"},
    {"training"},
    {"backend"},
    {"widgets"},
    {"figures"},
    {"app"},
]
HEIGHT = {name: height for height, names in enumerate(LAYERS) for name in names}

VIEWERS = PACKAGE / "widgets"
SHARED = {"parts": {"parts"}, "viewer": {"parts", "viewer"}}
"""What these packages of `widgets/` import of it; every other one is a viewer's and imports both and itself."""

# Where alone these may be imported; "" is the package's own __init__, which loads everything lazily.
ONLY_IN = {
    "threading": {"backend"},
    "concurrent": {"backend"},
    "multiprocessing": {"backend", "training"},  # training draws its pictures in processes
    "_thread": {"backend"},
    "asyncio": {"backend", "widgets", "app"},
    "ipywidgets": {"widgets", "app"},
    "bqplot": {"widgets", "app"},
    "traitlets": {"widgets", "app"},
    "IPython": {"widgets", "app"},
    "voila": {"app"},
    "tornado": {"app"},
    "distributed": {"backend", "app"},
    "dask": {"backend", "app"},
    "pickle": set(),
}
# Names of threading that make no thread: a lock is how two callers share a network, a number tells which one calls.
LOCKS = {"RLock", "Lock", "get_ident"}
# Pieces of one call on all cores, ended when the call returns.
PIECES = PACKAGE / "network" / "side_by_side.py"
# Pictures decoded by processes, ended when the call returns.
PROCESSES = PACKAGE / "methods" / "top_activations" / "processes.py"


def layer_of(file: Path) -> str:
    """The first folder (or module) below the package, "" for the package's own files."""
    parts = file.relative_to(PACKAGE).with_suffix("").parts
    return "" if parts[0] in {"__init__", "__main__"} else parts[0]


def imports(file: Path) -> Iterator[tuple[int, str, str]]:
    """(line, absolute module, imported name or "") of each import, also of those inside functions."""
    package = ["zfwidgets", *file.relative_to(PACKAGE).parts[:-1]]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"), str(file))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, ""
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*start, *([node.module] if node.module else [])])
            for alias in node.names:
                yield node.lineno, module, alias.name


def inner_layer(module: str, name: str) -> str | None:
    """The layer that an import reaches into, or None for a module from outside."""
    parts = module.split(".")
    if parts[0] != "zfwidgets":
        return None
    return parts[1] if len(parts) > 1 else name


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_a_file_imports_only_from_layers_above_its_own(file: Path) -> None:
    layer = layer_of(file)
    if layer == "":
        pytest.skip("the package's own files name all layers, lazily")
    assert layer in HEIGHT, f"{layer} has no place in the list of layers"
    wrong = []
    for line, module, name in imports(file):
        target = inner_layer(module, name)
        if target is None or target == layer:
            continue
        if target not in HEIGHT:
            wrong.append(f"{file.name}:{line} imports {module}.{name} through the package's front door")
        elif HEIGHT[target] >= HEIGHT[layer]:
            wrong.append(f"{file.name}:{line} ({layer}) imports {target}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("file", sorted(VIEWERS.glob("*/**/*.py")), ids=lambda file: str(file.relative_to(VIEWERS)))
def test_a_viewer_knows_no_other_viewer(file: Path) -> None:
    package = file.relative_to(VIEWERS).parts[0]
    allowed = SHARED.get(package, {"parts", "viewer", package})
    wrong = []
    for line, module, name in imports(file):
        parts = [*module.split("."), name]
        if parts[:2] == ["zfwidgets", "widgets"] and parts[2] not in allowed:
            wrong.append(f"{package}/{file.name}:{line} imports {parts[2]}")
    assert not wrong, "\n".join(wrong)


def test_every_viewer_has_a_package_of_its_own() -> None:
    assert [file.name for file in VIEWERS.glob("*.py")] == ["__init__.py"]
    shown = [module.split(".")[2:] for _, module, name in imports(VIEWERS / "__init__.py") if name != "Viewer"]
    packages = {file.parent.name for file in VIEWERS.glob("*/*.py")} - {*SHARED}
    assert sorted(shown) == sorted([package, "viewer"] for package in packages)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_threads_widgets_and_servers_stay_in_their_layers(file: Path) -> None:
    wrong = []
    for line, module, name in imports(file):
        allowed = ONLY_IN.get(module.split(".")[0]) if file not in (PIECES, PROCESSES) else None
        if allowed is None or layer_of(file) in allowed or (module == "threading" and name in LOCKS):
            continue
        wrong.append(f"{file.name}:{line} ({layer_of(file)}) imports {module}")
    assert not wrong, "\n".join(wrong)


def test_the_walk_sees_what_it_should(tmp_path: Path) -> None:
    assert inner_layer("zfwidgets.backend.cache", "Cache") == "backend"
    assert inner_layer("zfwidgets", "errors") == "errors"
    assert inner_layer("torch", "nn") is None
    assert {layer_of(file) for file in FILES} >= {"", "errors", "imaging", "network", "methods", "widgets"}
    relative = [module for _, module, _ in imports(PACKAGE / "__init__.py")]
    assert "importlib" in relative
