"""Viewers: the only place with ipywidgets, bqplot and traitlets."""

from zfwidgets.widgets.base import Viewer
from zfwidgets.widgets.features import FeatureViewer
from zfwidgets.widgets.occlusion import OcclusionViewer

__all__ = ["FeatureViewer", "OcclusionViewer", "Viewer"]
