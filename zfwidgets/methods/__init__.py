"""The paper's experiments: pure functions, arrays out; no threads, no widgets, no global state.

Names load when they are first used: what a function returns lives in a module that needs no torch.
"""

from typing import TYPE_CHECKING

from zfwidgets.lazy import lazy_names

if TYPE_CHECKING:
    from zfwidgets.methods.activations import record
    from zfwidgets.methods.correspondence import Correspondence
    from zfwidgets.methods.deconvnet import project, project_units
    from zfwidgets.methods.fidelity import FidelityReport, FidelityRow, fidelity_report
    from zfwidgets.methods.fill import FILLS, checked_fill, fill_picture
    from zfwidgets.methods.invariance import (
        BORDERS,
        InvarianceCurves,
        checked_border,
        invariance_curves,
        moved_inputs,
        shallow_and_deep,
    )
    from zfwidgets.methods.occlusion import (
        PRECISIONS,
        MapDifference,
        OcclusionMap,
        map_difference,
        occluded_input,
        occlusion_map,
    )
    from zfwidgets.methods.place import units_at
    from zfwidgets.methods.projection import (
        Projection,
        ProjectionDifference,
        Unit,
        UnitsAt,
        projection_difference,
    )
    from zfwidgets.methods.recording import Recording
    from zfwidgets.methods.top_activations import TopActivations
    from zfwidgets.network.windows import grid

__all__ = [
    "BORDERS",
    "FILLS",
    "PRECISIONS",
    "Correspondence",
    "FidelityReport",
    "FidelityRow",
    "InvarianceCurves",
    "MapDifference",
    "OcclusionMap",
    "Projection",
    "ProjectionDifference",
    "Recording",
    "TopActivations",
    "Unit",
    "UnitsAt",
    "checked_border",
    "checked_fill",
    "fidelity_report",
    "fill_picture",
    "grid",
    "invariance_curves",
    "map_difference",
    "moved_inputs",
    "occluded_input",
    "occlusion_map",
    "project",
    "project_units",
    "projection_difference",
    "record",
    "shallow_and_deep",
    "units_at",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "activations": ("record",),
        # Not the function: the sub-package has its name, as has `top_activations` below.
        "correspondence": ("Correspondence",),
        "deconvnet": ("project", "project_units"),
        "fidelity": ("FidelityReport", "FidelityRow", "fidelity_report"),
        "fill": ("FILLS", "checked_fill", "fill_picture"),
        "invariance": (
            "BORDERS",
            "InvarianceCurves",
            "checked_border",
            "invariance_curves",
            "moved_inputs",
            "shallow_and_deep",
        ),
        "occlusion": (
            "PRECISIONS",
            "MapDifference",
            "OcclusionMap",
            "map_difference",
            "occluded_input",
            "occlusion_map",
        ),
        "occlusion.sweep": ("grid",),
        "place": ("units_at",),
        "projection": ("Projection", "ProjectionDifference", "Unit", "UnitsAt", "projection_difference"),
        "recording": ("Recording",),
        "top_activations": ("TopActivations",),
    },
)
