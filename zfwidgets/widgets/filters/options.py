"""The options of the viewer of Fig. 6, each with the values it takes, and the orders of filters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets as T
from numpy.typing import NDArray

from zfwidgets.errors import ParameterError
from zfwidgets.methods.filters import RADIUS
from zfwidgets.widgets.parts.values import Switch, Whole, as_name
from zfwidgets.widgets.viewer.pair import PairViewer

if TYPE_CHECKING:
    from zfwidgets.methods.filters import FilterReport

__all__ = ["SECONDS", "SORTS", "FilterOptions", "ordered"]

SORTS = (
    ("largest first", "size"),
    ("low frequencies first", "frequency"),
    ("most alike first", "duplicates"),
    ("most aliased first", "aliasing"),
    ("dead first", "activity"),
    ("number", "number"),
)
SECONDS = (("drawn from weights", "weights"), ("projected maxima", "projection"))


class FilterOptions(PairViewer):
    """Traits and their validation, with one message per cause."""

    sort: Any = T.TraitType("size")
    """``"size"``: by root mean square; ``"frequency"``, ``"duplicates"``, ``"aliasing"``: see `FilterReport`;
    ``"activity"``: by how much the answers vary; ``"number"``."""
    place = Whole(1, 1, "place")
    """The filter that is looked at, by its place in the order, from 1; beyond the last one, the last."""
    shared = Switch(True)
    """One scale for all filters of a network, so that one that dominates is seen to; else each has its own."""
    second: Any = T.TraitType("weights")
    """The second layer: ``"weights"``, its filters drawn through those of layer 1; or ``"projection"``, the strongest
    activation of each map, projected (section 2.1)."""
    radius: Any = T.TraitType(RADIUS)
    """That of the clipping, for inputs in 8-bit steps."""
    awake = Switch(True)
    """False: nothing is asked until it is True, for a viewer that nobody sees yet."""

    @T.validate("sort")
    def _check_sort(self, proposal: Any) -> str:
        return _known("order", proposal["value"], SORTS)

    @T.validate("second")
    def _check_second(self, proposal: Any) -> str:
        return _known("view of layer 2", proposal["value"], SECONDS)

    @T.validate("radius")
    def _check_radius(self, proposal: Any) -> float:
        value = proposal["value"]
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < float("inf"):
            raise ParameterError(f"The radius of the filter clipping is a positive number; found {value!r}.")
        return float(value)


def _known(kind: str, value: Any, options: tuple[tuple[str, str], ...]) -> str:
    return as_name(kind, value, [name for _, name in options])


def ordered(report: FilterReport, sort: str) -> NDArray[np.int64]:
    """Numbers of the filters in an order; those without a value come last.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> ordered(SimpleNamespace(filters=[0, 0, 0], rms=np.array([2.0, np.nan, 3.0])), "size").tolist()
    [2, 0, 1]
    """
    count = len(report.filters)
    keys: NDArray[Any]
    if sort == "size":
        keys = -report.rms
    elif sort == "frequency":
        keys = report.frequency
    elif sort == "duplicates":
        # Rounded, so that two that are each other's nearest lie side by side.
        keys = -np.round(report.similarity, 6)
    elif sort == "aliasing":
        keys = -report.aliasing
    elif sort == "activity" and report.responses is not None:
        keys = np.where(report.responses.dead, -1, report.responses.spread)
    else:
        keys = np.arange(count)
    return np.argsort(keys, kind="stable").astype(np.int64)
