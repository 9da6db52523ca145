"""The options of the viewer of Fig. 8 and Table 1, each with the values it takes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import traitlets as T

from zfwidgets.backend.part_requests import Landmarks
from zfwidgets.errors import ParameterError, unknown_name
from zfwidgets.methods.correspondence import RANDOM
from zfwidgets.widgets.parts.values import Switch, Whole, as_whole
from zfwidgets.widgets.viewer.unit_options import LayerOptions

__all__ = ["MOST_PLACES", "POOLS", "PartOptions"]

MOST_PLACES = 50
POOLS: tuple[tuple[str, int | str], ...] = (("each cell", "each cell"), ("3 x 3 places", 3), ("whole map", 1))
"""What the control offers; a program may take any grid."""


class PartOptions(LayerOptions):
    """Traits and their validation, with one message per cause."""

    landmarks: Any = T.TraitType(MappingProxyType({}))
    """{key of a picture: {part: (x, y)}}, in pixels of that picture; pictures without any are not compared."""
    part: Any = T.TraitType("left eye")
    """The part that a click marks."""
    size = Whole(1, 1, "occluder size")
    """Side of the square, in pixels of the model's input."""
    align = Switch(True)
    """Whether the square of four eye distances about its parts is cut out of each picture."""
    pool = T.Any(None, allow_none=True)
    """Side of the grid over which maps are averaged first; None: each cell counts."""
    places = Whole(10, 1, "number of random places")
    """Random places in each picture."""
    awake = Switch(True)
    """False: nothing is asked until it is True, for a viewer that nobody sees yet."""

    LACKS = "features to compare"

    @T.validate("landmarks")
    def _check_landmarks(self, proposal: Any) -> Landmarks:
        value = proposal["value"]
        if not isinstance(value, Mapping):
            raise ParameterError(f"Landmarks are {{key of a picture: {{part: (x, y)}}}}; found {value!r}.")
        checked = {}
        for key, parts in value.items():
            if key not in self._backend.images:
                raise unknown_name("picture", key, self._backend.images)
            if not isinstance(parts, Mapping):
                raise ParameterError(f"Landmarks of {key!r} are {{part: (x, y)}}; found {parts!r}.")
            checked[key] = MappingProxyType({_part(name): _point(name, xy) for name, xy in parts.items()})
        return MappingProxyType(checked)

    @T.validate("part")
    def _check_part(self, proposal: Any) -> str:
        return _part(proposal["value"])

    @T.validate("size")
    def _check_size(self, proposal: Any) -> int:
        return as_whole("occluder size", proposal["value"], 1, min(self._backend.network.input_size))

    @T.validate("pool")
    def _check_pool(self, proposal: Any) -> int | None:
        value = proposal["value"]
        return None if value is None else as_whole("pool", value, 1)

    @T.validate("places")
    def _check_places(self, proposal: Any) -> int:
        return as_whole("number of random places", proposal["value"], 1, MOST_PLACES)


def _part(name: Any) -> str:
    if not isinstance(name, str) or not name.strip() or name == RANDOM:
        raise ParameterError(f"A part is named by a word other than {RANDOM!r}, for example 'nose'; found {name!r}.")
    return name.strip()


def _point(name: str, xy: Any) -> tuple[float, float]:
    try:
        x, y = map(float, xy)
    except (TypeError, ValueError):
        x = y = math.nan
    if not (math.isfinite(x) and math.isfinite(y)):
        raise ParameterError(f"The place of {name!r} is (x, y) in pixels of the picture; found {xy!r}.")
    return x, y
