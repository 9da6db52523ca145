"""A second network beside the feature viewer's own: the same layer, map and unit, and what its projection adds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, Protocol

import ipywidgets as W
import numpy as np

from zfwidgets.backend import Backend, ProjectionRequest, RecordRequest, Request, ScoresRequest
from zfwidgets.imaging import Crossing, signed_picture
from zfwidgets.methods import projection_difference
from zfwidgets.widgets.features.panels import FeaturePanels
from zfwidgets.widgets.parts.figures import Box, PictureFigure
from zfwidgets.widgets.parts.style import printed, signed
from zfwidgets.widgets.viewer.counterpart import UnitBeside, box_back, place_beside, unit_beside
from zfwidgets.widgets.viewer.unit import no_difference, unit_facts

if TYPE_CHECKING:
    from zfwidgets.methods import Projection

__all__ = ["FeatureBeside"]


class Options(Protocol):
    """What it reads of the viewer."""

    image: Any
    layer: Any
    channel: Any
    position: Any
    rule: Any


class FeatureBeside:
    """What the viewer shows of a second network.

    Parameters
    ----------
    mine, theirs : Backend
        The two networks.
    names : sequence of str
        What they are called.
    cross : callable
        From the key of a picture to the way from the first input to the second.
    chosen : callable
        Told the channel of one of its maps that was clicked.
    touched : callable
        Told (x, y) of a click in its map, in cells of the first network's.

    Attributes
    ----------
    panels : FeaturePanels
        The second network's.
    difference : PictureFigure
        Its projection minus that of the first network.
    about : ipywidgets.HTML
        Its unit, and what had to be chosen for it.
    """

    def __init__(
        self,
        mine: Backend,
        theirs: Backend,
        names: Sequence[str],
        cross: Callable[[str], Crossing],
        chosen: Callable[[int], None],
        touched: Callable[[float, float], None],
    ) -> None:
        self._mine, self._theirs, self._names, self._cross = mine, theirs, names, cross
        self._touched, self._first = touched, ""
        self.panels = FeaturePanels(chosen, self._touch, names[1])
        self.difference = PictureFigure("Difference of projections")
        self.about = W.HTML()

    def beside(self, first: FeaturePanels) -> list[PictureFigure]:
        """All panels, a row of the page after the other: first network, second network."""
        rows = zip(first.panels, self.panels.panels, strict=True)
        return [*(panel for row in rows for panel in row), self.difference]

    # Questions -----------------------------------------------------------------------------------------------

    def questions(self, options: Options) -> dict[str, Request]:
        """The same of the second network."""
        picture, unit = ScoresRequest(options.image), self._unit(options)
        if unit.layer is None:
            return {"picture": picture}
        questions: dict[str, Request] = {"picture": picture, "maps": RecordRequest(options.image, (unit.layer,))}
        channel = self._channel(options, unit)
        if channel is not None:
            place = (options.image, unit.layer, channel, unit.position)
            questions["projection"] = ProjectionRequest(*place, options.rule)
        return questions

    def _unit(self, options: Options) -> UnitBeside:
        both, unit = (self._mine.network, self._theirs.network), (options.layer, options.channel, options.position)
        return unit_beside(*both, unit, self._cross(options.image), self._names)

    def _channel(self, options: Options, unit: UnitBeside) -> int | None:
        """The map of the same number; without one its strongest, as soon as they are known."""
        if unit.layer is None or unit.channel is not None:
            return unit.channel
        return self.panels.strongest(options.image, unit.layer, unit.position)

    def _touch(self, x: float, y: float) -> None:
        """A click in its map, in cells of the first network's."""
        unit = self.panels.unit
        if self.panels.maps is not None and unit is not None:
            both, crossing = (self._theirs.network, self._mine.network), self._cross(self.panels.unit_of).reverse
            (row, column), _ = place_beside(*both, unit.layer, self._first, (int(y), int(x)), crossing)
            self._touched(column + 0.5, row + 0.5)

    # Answers -------------------------------------------------------------------------------------------------

    def compare(self, first: FeaturePanels, options: Options) -> None:
        """The difference, and what is said of the second network."""
        beside = self._unit(options)
        self._first = options.layer
        said = [*beside.words]
        if beside.layer is None:
            self.panels.blank(escape(" ".join(said)))
        unit = self.panels.unit
        facts = "" if unit is None else unit_facts(self._theirs.network, unit)
        said.append(self._subtract(first, beside, options))
        lines = "".join(f"<div>{escape(sentence)}</div>" for sentence in said if sentence)
        heading = f'<div class="zf-h">Second network: {escape(self._names[1])}</div>'
        self.about.value = f'{heading}{facts}<div style="margin-top:6px">{lines}</div>'

    def refused(self, why: str) -> None:
        """There is no projection of it."""
        self.panels.unit = None
        self.panels.pixels.blank()
        self.panels.pixels.foot(escape(why))

    def frame(self, key: str) -> Box | None:
        """What its unit sees, in the first network's picture."""
        unit = self.panels.unit
        if unit is None or self.panels.unit_of != key:
            return None
        return box_back(unit.box, self._cross(key))

    def _subtract(self, first: FeaturePanels, beside: UnitBeside, options: Options) -> str:
        """Show the difference; a sentence where there can be none, and no panel."""
        mine, theirs = first.unit, self.panels.unit
        why = ""
        if mine is None or theirs is None:
            why = "No difference: one of the two has no projection."
        elif not self._cross(first.unit_of).same:
            why = no_difference(mine, theirs)
        (self.difference.add_class if why else self.difference.remove_class)("zf-gone")
        if mine is None or theirs is None or why:
            return why
        here = options.image, options.layer, options.channel, options.rule
        there = options.image, beside.layer, self._channel(options, beside), options.rule
        answered = ((first.unit_of, mine), (self.panels.unit_of, theirs))
        same = [(image, unit.layer, unit.channel, unit.rule) for image, unit in answered] == [here, there]
        places = options.position, beside.position  # None: each map's own maximum
        if same and (None in places or (mine.position, theirs.position) == places):
            self._draw(mine, theirs)  # else what is shown, faded, stays until both have answered the same question
        return ""

    def _draw(self, mine: Projection, theirs: Projection) -> None:
        found = projection_difference(mine, theirs)
        self.difference.show(signed_picture(found.pixels))
        self.difference.title("Difference of projections", "grey is zero")
        place = int(np.abs(found.pixels).argmax())
        _, row, column = np.unravel_index(place, found.pixels.shape)
        self.difference.foot(
            f"{escape(self._names[1])} minus {escape(self._names[0])}, each with its strongest value as 1; largest "
            f"{signed(float(found.pixels.flat[place]))} at row {row}, column {column}; cosine "
            f"{printed(found.cosine, '.2f')}"
        )
