"""Invariance: move the picture and watch the features go (section 4, Fig. 5).

`curves` is the function a person calls, `result` what it returns, `moving` asks the network, `border` says what is seen
beyond a picture.
"""

from typing import TYPE_CHECKING

from zfwidgets.lazy import lazy_names

if TYPE_CHECKING:
    from zfwidgets.methods.invariance.border import BORDERS, checked_border
    from zfwidgets.methods.invariance.curves import invariance_curves, moved_inputs
    from zfwidgets.methods.invariance.layers import shallow_and_deep
    from zfwidgets.methods.invariance.result import InvarianceCurves

__all__ = [
    "BORDERS",
    "InvarianceCurves",
    "checked_border",
    "invariance_curves",
    "moved_inputs",
    "shallow_and_deep",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "border": ("BORDERS", "checked_border"),
        "curves": ("invariance_curves", "moved_inputs"),
        "layers": ("shallow_and_deep",),
        "result": ("InvarianceCurves",),
    },
)
