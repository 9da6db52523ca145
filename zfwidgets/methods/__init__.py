"""The paper's experiments: pure functions, arrays out; no threads, no widgets, no global state."""

from zfwidgets.methods.activations import Recording, record
from zfwidgets.methods.deconvnet import Projection, Unit, project, project_units
from zfwidgets.methods.fidelity import FidelityReport, FidelityRow, fidelity_report
from zfwidgets.methods.fill import FILLS, checked_fill, fill_picture
from zfwidgets.methods.occlusion import PRECISIONS, OcclusionMap, occluded_input, occlusion_map
from zfwidgets.network.windows import grid

__all__ = [
    "FILLS",
    "PRECISIONS",
    "FidelityReport",
    "FidelityRow",
    "OcclusionMap",
    "Projection",
    "Recording",
    "Unit",
    "checked_fill",
    "fidelity_report",
    "fill_picture",
    "grid",
    "occluded_input",
    "occlusion_map",
    "project",
    "project_units",
    "record",
]
