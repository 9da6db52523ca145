"""The options of the viewer of Fig. 2, each with the values it takes."""

from __future__ import annotations

from typing import Any

import traitlets as T

from zfwidgets.backend.top_requests import SORTS
from zfwidgets.widgets.parts.values import Whole, as_index, as_name, as_whole
from zfwidgets.widgets.viewer.unit_options import MapOptions

__all__ = ["SORT_NAMES", "TopOptions"]

MOST_TILES = 96
SORT_NAMES = (("channel number", "channel"), ("strength", "strength"), ("class purity", "purity"))


class TopOptions(MapOptions):
    """Traits and their validation, with one message per cause; channel None: the first map of the page."""

    sort: Any = T.TraitType("strength")
    """``"channel"``: by number; ``"strength"``: by the largest activation; ``"purity"``: by the share of the
    commonest class among a map's pictures."""
    page = Whole(1, 1, "page")
    """From 1; beyond the last one, the last one is shown."""
    tiles = Whole(18, 1, "number of tiles")
    """Maps on a page."""
    index = T.Any(None, allow_none=True)
    """A file, a `TopActivations`, or None for the one that ships with the network, if there is one."""
    other_index = T.Any(None, allow_none=True)
    """The same of the second network."""

    @T.validate("sort")
    def _check_sort(self, proposal: Any) -> str:
        return as_name("order", proposal["value"], SORTS)

    @T.validate("tiles")
    def _check_tiles(self, proposal: Any) -> int:
        return as_whole("number of tiles", proposal["value"], 1, MOST_TILES)

    @T.validate("index", "other_index")
    def _check_index(self, proposal: Any) -> Any:
        return as_index(proposal["value"])
