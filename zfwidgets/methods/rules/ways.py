"""The ways down that are compared; needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from zfwidgets.network.passage import Overlap, Rule

__all__ = ["FAITHFUL", "WAYS", "Way"]

FAITHFUL = "deconvnet"
"""The way that all others are compared with."""


@dataclass(frozen=True)
class Way:
    """One way down to the pixels.

    Attributes
    ----------
    rule, overlap : str
        As in `project`.
    response, batch : str
        What contrast normalisation and batch norm do to the signal, see `zfwidgets.network.passage.Norms`.
    words : str
        What is done, for the reader of the picture.
    needs : {"", "overlap", "response norm", "batch norm"}
        What must lie below the unit for this way to differ from the others.
    """

    rule: Rule
    words: str
    overlap: Overlap = "sum"
    response: Literal["rule", "derivative"] = "rule"
    batch: Literal["scale", "pass"] = "scale"
    needs: str = ""


WAYS: dict[str, Way] = {
    FAITHFUL: Way("deconvnet", "the paper: unpool with the switches, signals add up, rectify, filter"),
    "overwrite": Way(
        "deconvnet",
        "as the paper, but where pooling windows overlap the last signal overwrites the others",
        overlap="overwrite",
        needs="overlap",
    ),
    "desalinet": Way(
        "desalinet", "rectified, and masked by the relus of the forward pass (Mahendran and Vedaldi 2016)"
    ),
    "guided": Way(
        "guided",
        "guided backpropagation: the same, contrast normalisation by its derivative (Springenberg et al. 2015)",
    ),
    "gradient": Way("gradient", "masked only: the activation times the plain gradient (Simonyan et al. 2013)"),
    "norm derivative": Way(
        "deconvnet",
        "as the paper, but contrast normalisation goes down by its derivative",
        response="derivative",
        needs="response norm",
    ),
    "batch norm left out": Way(
        "deconvnet",
        "as the paper, but batch norm passes the signal unchanged, without gamma / sigma",
        batch="pass",
        needs="batch norm",
    ),
}
"""By name, the faithful one first."""
