"""Viewers: the only place with ipywidgets, bqplot and traitlets."""

from zfwidgets.widgets.architecture import ArchitectureViewer
from zfwidgets.widgets.base import Viewer
from zfwidgets.widgets.correspondence import CorrespondenceViewer
from zfwidgets.widgets.evolution import EvolutionViewer
from zfwidgets.widgets.features import FeatureViewer
from zfwidgets.widgets.filters import FilterViewer
from zfwidgets.widgets.invariance import InvarianceViewer
from zfwidgets.widgets.monitor import TrainingMonitor
from zfwidgets.widgets.occlusion import OcclusionViewer
from zfwidgets.widgets.probe import ProbeViewer
from zfwidgets.widgets.rules import RuleViewer
from zfwidgets.widgets.top_activations import TopActivationsViewer

__all__ = [
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
    "Viewer",
]
