"""The public names, under review: a name that appears or goes away changes this file."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import zfwidgets

PUBLIC = [
    "AblationTable",
    "AlexNet2012",
    "Architecture",
    "ArchitectureViewer",
    "Backend",
    "CheckpointSeries",
    "Correspondence",
    "CorrespondenceViewer",
    "EvolutionViewer",
    "Explorer",
    "FeatureEvolution",
    "FeatureViewer",
    "FidelityReport",
    "FilterReport",
    "FilterViewer",
    "ImageSet",
    "InvarianceCurves",
    "InvarianceViewer",
    "Network",
    "OcclusionMap",
    "OcclusionViewer",
    "PointingGame",
    "Preprocess",
    "Probe",
    "ProbeViewer",
    "Projection",
    "ProjectionStages",
    "Recording",
    "RuleComparison",
    "RuleViewer",
    "TopActivations",
    "TopActivationsViewer",
    "TrainingMonitor",
    "Unit",
    "UnitsAt",
    "WeightRandomisation",
    "ZFNet",
    "ZfwidgetsError",
    "__version__",
    "ablation",
    "architecture",
    "as_image",
    "compare_rules",
    "correspondence",
    "feature_evolution",
    "feature_probe",
    "fidelity_report",
    "filter_report",
    "frontal_faces",
    "invariance_curves",
    "list_networks",
    "load_network",
    "occlusion_map",
    "pointing_game",
    "project",
    "project_units",
    "projection_stages",
    "record",
    "record_training",
    "samples",
    "scenes",
    "top_activations",
    "tune_allocator",
    "units_at",
    "unseen_scenes",
    "visited_scenes",
    "weight_randomisation",
]


def test_the_names_are_the_reviewed_ones() -> None:
    assert zfwidgets.__all__ == PUBLIC
    assert dir(zfwidgets) == sorted(PUBLIC)


@pytest.mark.parametrize("name", PUBLIC)
def test_each_name_loads_and_is_documented(name: str) -> None:
    thing = getattr(zfwidgets, name)
    assert name == "__version__" or (thing.__doc__ or "").strip(), f"{name} has no docstring"


def test_type_checkers_see_the_same_names(repository: Path) -> None:
    tree = ast.parse((repository / "zfwidgets" / "__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.name: node.module for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    homes = {name: f"zfwidgets.{home}" for home, names in zfwidgets._HOMES.items() for name in names}
    assert seen == homes
    assert sorted([*homes, "__version__"]) == sorted(PUBLIC)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'occlusion_mapp'"):
        zfwidgets.occlusion_mapp  # noqa: B018


def test_star_import_and_completion_work_in_a_fresh_interpreter(tmp_path: Path) -> None:
    code = "from zfwidgets import *; print(project.__name__, Unit.__name__)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["project", "Unit"]
