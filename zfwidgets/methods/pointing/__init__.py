"""Does an occlusion map find the object? The pointing game over many pictures with boxes (section 4.2, Fig. 7).

`game` is the function a person calls, `result` what it returns.
"""

from typing import TYPE_CHECKING

from zfwidgets.lazy import lazy_names

if TYPE_CHECKING:
    from zfwidgets.methods.pointing.game import default_square, pointing_game
    from zfwidgets.methods.pointing.result import PointingGame, Rise

__all__ = ["PointingGame", "Rise", "default_square", "pointing_game"]

__getattr__, __dir__ = lazy_names(
    __name__, {"game": ("default_square", "pointing_game"), "result": ("PointingGame", "Rise")}
)
