"""Viewers: the only place with ipywidgets, bqplot and traitlets."""

from zfwidgets.widgets.architecture.viewer import ArchitectureViewer
from zfwidgets.widgets.correspondence.viewer import CorrespondenceViewer
from zfwidgets.widgets.evolution.viewer import EvolutionViewer
from zfwidgets.widgets.features.viewer import FeatureViewer
from zfwidgets.widgets.filters.viewer import FilterViewer
from zfwidgets.widgets.invariance.viewer import InvarianceViewer
from zfwidgets.widgets.monitor.viewer import TrainingMonitor
from zfwidgets.widgets.occlusion.viewer import OcclusionViewer
from zfwidgets.widgets.probe.viewer import ProbeViewer
from zfwidgets.widgets.rules.viewer import RuleViewer
from zfwidgets.widgets.top_activations.viewer import TopActivationsViewer
from zfwidgets.widgets.viewer.base import Viewer

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
