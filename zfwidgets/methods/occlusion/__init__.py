"""Occlusion: hide one square of the picture after the other and watch the network (section 4.2, Fig. 7).

`sweep` is the function a person calls, `result` what it returns, `order` the order of the squares (coarse to fine),
`plans` the ways to compute them; `difference` compares the maps of two networks.
"""

from typing import TYPE_CHECKING

from zfwidgets.lazy import lazy_names

if TYPE_CHECKING:
    from zfwidgets.methods.occlusion.difference import MapDifference, map_difference
    from zfwidgets.methods.occlusion.result import OcclusionMap
    from zfwidgets.methods.occlusion.sweep import PRECISIONS, occluded_input, occlusion_map

__all__ = ["PRECISIONS", "MapDifference", "OcclusionMap", "map_difference", "occluded_input", "occlusion_map"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "difference": ("MapDifference", "map_difference"),
        "result": ("OcclusionMap",),
        "sweep": ("PRECISIONS", "occluded_input", "occlusion_map"),
    },
)
