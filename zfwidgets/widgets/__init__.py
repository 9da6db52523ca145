"""Viewers: the only place with ipywidgets, bqplot and traitlets."""

from zfwidgets.widgets.base import Viewer
from zfwidgets.widgets.features import FeatureViewer
from zfwidgets.widgets.occlusion import OcclusionViewer
from zfwidgets.widgets.top_activations import TopActivationsViewer

__all__ = ["FeatureViewer", "OcclusionViewer", "TopActivationsViewer", "Viewer"]
