"""Probes: how well a plain classifier tells classes apart by each layer's features. (Section 5, Tables 4-7, Fig. 9.)

`probe` has the function a person calls, `result` what it returns; `layers` are those that it asks, `labelled` checks
pictures and labels, `features` takes what a layer says of each picture and keeps it, `folds` deals pictures out,
`classifiers` fits, `difference` compares two networks, `chance` gives the network random weights (a file named like its
function would hide it once imported by itself).
"""

from typing import TYPE_CHECKING

from zfwidgets.lazy import lazy_names

if TYPE_CHECKING:
    from zfwidgets.methods.probing.chance import untaught
    from zfwidgets.methods.probing.difference import accuracy_difference
    from zfwidgets.methods.probing.probe import feature_probe
    from zfwidgets.methods.probing.result import PAPER, Probe, Score, paper

__all__ = ["PAPER", "Probe", "Score", "accuracy_difference", "feature_probe", "paper", "untaught"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "chance": ("untaught",),
        "difference": ("accuracy_difference",),
        "probe": ("feature_probe",),
        "result": ("PAPER", "Probe", "Score", "paper"),
    },
)
