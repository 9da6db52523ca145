"""The options of the invariance viewer, each with the values it takes."""

from __future__ import annotations

from typing import Any

import traitlets as T

from zfwidgets.backend import Backend
from zfwidgets.errors import ParameterError, unknown_name
from zfwidgets.imaging import NEUTRAL, TRANSFORMS, checked_amounts, default_amounts
from zfwidgets.methods import checked_border
from zfwidgets.widgets.parts.curves import COLOURS
from zfwidgets.widgets.parts.values import Switch, as_name, as_target
from zfwidgets.widgets.viewer.pair import PairViewer

__all__ = ["MOST", "PRECISIONS", "UNITS", "InvarianceOptions", "first_amount", "first_pictures", "slider_range"]

MOST = len(COLOURS)
PRECISIONS = ("exact", "fast")
UNITS = {"translate": " px", "scale": "x", "rotate": "°"}
_SYMMETRIC = "clock"
"""A class of the scenes that is turned onto itself: its dial, at every quarter."""


class InvarianceOptions(PairViewer):
    """Traits and their validation, with one message per cause."""

    transform: Any = T.TraitType("rotate")
    """``"translate"``, ``"scale"`` or ``"rotate"``."""
    amount: Any = T.TraitType(None)
    """How far the pictures on the page are moved: pixels downwards, times as large, or degrees counter-clockwise."""
    border: Any = T.TraitType("edge")
    """What is seen beyond the picture: a name of `BORDERS` or (red, green, blue) in [0, 1]."""
    shallow = T.Any(None, allow_none=True)
    """The layer of the first curves; None only where a network has no layers to look into."""
    deep = T.Any(None, allow_none=True)
    """The layer of the second curves."""
    target: Any = T.TraitType("predicted")
    """``"predicted"`` and ``"true"`` for each picture, or the name or index of a class for all."""
    pictures: Any = T.TraitType(())
    """Keys of the pictures whose curves are shown, at most five; ``image`` is always among those on the page."""
    precision: Any = T.TraitType("exact")
    """Of the curves: ``"exact"``; ``"fast"``, in numbers of fewer bits where the processor is faster with them."""
    euclidean = Switch(False)
    """Distances as they are, as in the paper; else divided by the lengths of both feature vectors, from 0 to 1."""
    awake = Switch(True)
    """False: nothing is asked until it is True, for a viewer that nobody sees yet."""

    _other: Backend | None = None

    @T.validate("transform")
    def _check_transform(self, proposal: Any) -> str:
        return as_name("transform", proposal["value"], TRANSFORMS)

    @T.validate("amount")
    def _check_amount(self, proposal: Any) -> float | None:
        value, size = proposal["value"], self._backend.network.input_size
        if value is None:
            # A new viewer does not know its transform yet.
            return first_amount(self.transform, min(size)) if self._alive else None
        return float(checked_amounts(self.transform, [value], size)[0])

    @T.validate("border")
    def _check_border(self, proposal: Any) -> Any:
        return checked_border(proposal["value"])

    @T.validate("precision")
    def _check_precision(self, proposal: Any) -> str:
        return as_name("precision", proposal["value"], PRECISIONS)

    @T.validate("shallow", "deep")
    def _check_layer(self, proposal: Any) -> str | None:
        layer = proposal["value"]
        return None if layer is None else str(self._backend.network.layers[layer].name)

    @T.validate("target")
    def _check_target(self, proposal: Any) -> str:
        return as_target(self._backend.network, proposal["value"])

    @T.validate("pictures")
    def _check_pictures(self, proposal: Any) -> tuple[str, ...]:
        keys = proposal["value"]
        if isinstance(keys, str) or not isinstance(keys, list | tuple):
            raise ParameterError(f"pictures is a row of keys of pictures; found {keys!r}.")
        for key in keys:
            if key not in self._backend.images:
                raise unknown_name("picture", key, self._backend.images)
        found = tuple(dict.fromkeys(keys))
        if len(found) > MOST:
            raise ParameterError(f"Curves of at most {MOST} pictures can be told apart; found {len(found)} pictures.")
        return found


def first_amount(transform: str, side: int) -> float:
    """Where the slider begins: a quarter around, a third larger, or an eighth of the side down."""
    return (
        {"translate": float(max(side // 8, 1)), "scale": 1.35}.get(transform, 90.0) if side > 1 else NEUTRAL[transform]
    )


def first_pictures(backend: Backend) -> tuple[str, ...]:
    """Pictures of different classes, first one of which the object is turned onto itself, if there is one.

    A set of thousands is not searched: asking for a label may mean to decode the picture.
    """
    found: dict[str | None, str] = {}
    for key in backend.images[:60]:
        label = backend.label(key)
        found.setdefault(key if label is None else label, key)
    keys = [found[_SYMMETRIC], *found.values()] if _SYMMETRIC in found else list(found.values())
    return tuple(dict.fromkeys(keys))[:MOST]


def slider_range(transform: str, side: int) -> tuple[float, float, float]:
    """Lowest, highest and step of the amounts on the page."""
    amounts = default_amounts(transform, side)
    return float(amounts[0]), float(amounts[-1]), 0.01 if transform == "scale" else 1.0
