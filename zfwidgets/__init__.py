"""zfwidgets: what a convolutional network looks at, after Zeiler and Fergus (2014), live under a slider.

Names load when they are first used (PEP 562), so ``import zfwidgets`` is fast and torch is imported only by
those who need it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zfwidgets.allocator import tune_allocator
    from zfwidgets.app.explorer import Explorer
    from zfwidgets.backend import Backend
    from zfwidgets.data import ImageSet, frontal_faces, samples, scenes, unseen_scenes, visited_scenes
    from zfwidgets.errors import ZfwidgetsError
    from zfwidgets.imaging import Preprocess, as_image
    from zfwidgets.methods import (
        FidelityReport,
        InvarianceCurves,
        OcclusionMap,
        Projection,
        Recording,
        Unit,
        UnitsAt,
        fidelity_report,
        invariance_curves,
        occlusion_map,
        project,
        project_units,
        record,
        units_at,
    )
    from zfwidgets.methods.architecture import Architecture, ProjectionStages, architecture, projection_stages
    from zfwidgets.methods.correspondence import Correspondence, correspondence
    from zfwidgets.methods.evolution import FeatureEvolution, feature_evolution
    from zfwidgets.methods.filters import FilterReport, filter_report
    from zfwidgets.methods.pointing import PointingGame, pointing_game
    from zfwidgets.methods.probing import Probe, feature_probe
    from zfwidgets.methods.rules import RuleComparison, WeightRandomisation, compare_rules, weight_randomisation
    from zfwidgets.methods.top_activations import TopActivations, top_activations
    from zfwidgets.models import AlexNet2012, CheckpointSeries, ZFNet, list_networks, load_network
    from zfwidgets.network import Network
    from zfwidgets.training import record_training
    from zfwidgets.training.studies import AblationTable, ablation
    from zfwidgets.widgets import (
        ArchitectureViewer,
        CorrespondenceViewer,
        EvolutionViewer,
        FeatureViewer,
        FilterViewer,
        InvarianceViewer,
        OcclusionViewer,
        ProbeViewer,
        RuleViewer,
        TopActivationsViewer,
        TrainingMonitor,
    )

    __version__: str

__all__ = [
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

_HOMES = {
    "allocator": ("tune_allocator",),
    "app.explorer": ("Explorer",),
    "backend": ("Backend",),
    "data": ("ImageSet", "frontal_faces", "samples", "scenes", "unseen_scenes", "visited_scenes"),
    "errors": ("ZfwidgetsError",),
    "imaging": ("Preprocess", "as_image"),
    "methods": (
        "FidelityReport",
        "InvarianceCurves",
        "OcclusionMap",
        "Projection",
        "Recording",
        "Unit",
        "UnitsAt",
        "fidelity_report",
        "invariance_curves",
        "occlusion_map",
        "project",
        "project_units",
        "record",
        "units_at",
    ),
    "methods.architecture": ("Architecture", "ProjectionStages", "architecture", "projection_stages"),
    "methods.correspondence": ("Correspondence", "correspondence"),
    "methods.evolution": ("FeatureEvolution", "feature_evolution"),
    "methods.filters": ("FilterReport", "filter_report"),
    "methods.pointing": ("PointingGame", "pointing_game"),
    "methods.probing": ("Probe", "feature_probe"),
    "methods.rules": ("RuleComparison", "WeightRandomisation", "compare_rules", "weight_randomisation"),
    "methods.top_activations": ("TopActivations", "top_activations"),
    "models": ("AlexNet2012", "CheckpointSeries", "ZFNet", "list_networks", "load_network"),
    "network": ("Network",),
    "training": ("record_training",),
    "training.studies": ("AblationTable", "ablation"),
    "widgets": (
        "ArchitectureViewer",
        "CorrespondenceViewer",
        "EvolutionViewer",
        "FeatureViewer",
        "FilterViewer",
        "InvarianceViewer",
        "OcclusionViewer",
        "ProbeViewer",
        "RuleViewer",
        "TopActivationsViewer",
        "TrainingMonitor",
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version  # the version is written in pyproject.toml and nowhere else

        value: object = version("zfwidgets")
    elif name in _HOME_OF:
        value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
