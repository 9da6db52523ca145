"""Correspondence: does hiding one part change the features of different pictures alike? (Section 4.3, Fig. 8, Table 1.)

`compare` is the function a person calls, `result` what it returns, `placing` says where the parts lie in the model's
input and which squares hide them, `jackknife` how sure a Delta is, `difference` compares two of them.
"""

from typing import TYPE_CHECKING

from zfwidgets.lazy import lazy_names

if TYPE_CHECKING:
    from zfwidgets.methods.correspondence.compare import correspondence
    from zfwidgets.methods.correspondence.difference import delta_difference, part_difference
    from zfwidgets.methods.correspondence.result import PAPER, RANDOM, Correspondence, Delta

__all__ = ["PAPER", "RANDOM", "Correspondence", "Delta", "correspondence", "delta_difference", "part_difference"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "compare": ("correspondence",),
        "difference": ("delta_difference", "part_difference"),
        "result": ("PAPER", "RANDOM", "Correspondence", "Delta"),
    },
)
