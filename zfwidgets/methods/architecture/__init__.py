"""Architecture: the layers of any network as a table and a graph (Fig. 3), and the deconvnet step by step (Fig. 1).

`table` and `stages` hold the two functions that a person calls, `result` what they return.
"""

from typing import TYPE_CHECKING

from zfwidgets.lazy import lazy_names

if TYPE_CHECKING:
    from zfwidgets.methods.architecture.result import Architecture, ArchitectureLayer, ProjectionStages, Stage
    from zfwidgets.methods.architecture.stages import projection_stages
    from zfwidgets.methods.architecture.table import architecture

__all__ = [
    "Architecture",
    "ArchitectureLayer",
    "ProjectionStages",
    "Stage",
    "architecture",
    "projection_stages",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "result": ("Architecture", "ArchitectureLayer", "ProjectionStages", "Stage"),
        "stages": ("projection_stages",),
        "table": ("architecture",),
    },
)
