"""The strongest units at a place of the picture, as buttons with their projections on them."""

from __future__ import annotations

import base64
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING

import ipywidgets as W

from zfwidgets.widgets.parts.style import number

if TYPE_CHECKING:
    from zfwidgets.backend.place_requests import UnitsShown
    from zfwidgets.methods import Projection, UnitsAt

__all__ = ["UnitsHere"]


class UnitsHere(W.VBox):
    """Hidden until there is a place; a press chooses the unit.

    Parameters
    ----------
    chosen : callable
        Told layer, channel and (row, column) of the unit that was pressed.
    """

    def __init__(self, chosen: Callable[[str, int, tuple[int, int]], None]) -> None:
        self._chosen = chosen
        self.units: UnitsAt | None = None
        self._buttons: list[W.Button] = []
        self._heading, self._sheet, self._grid = W.HTML(), W.HTML(), W.Box()
        self._sheet.layout.display = "none"
        self._grid.add_class("zf-tiles")
        # One style and one layout for all: each widget costs the page three messages.
        self._look = {"style": W.ButtonStyle(), "layout": W.Layout()}
        super().__init__([self._heading, self._sheet, self._grid])
        self.add_class("zf-here")
        self.clear()

    def clear(self) -> None:
        """There is no place, or nothing is known of it."""
        self.units = None
        self.add_class("zf-gone")

    def show(self, found: UnitsShown) -> None:
        """Show units; until their pictures are drawn, their places are grey."""
        self.units = units = found.units
        row, column = units.pixel
        self._heading.value = (
            f'<div class="zf-title">Strongest at row {row}, column {column} <small>{escape(units.layer)}</small></div>'
        )
        while len(self._buttons) < len(units):
            self._add()
        rules = []
        for place, button in enumerate(self._buttons[: len(units)]):
            channel, value = int(units.channels[place]), number(float(units.values[place]))
            button.description = f"#{channel}  {value}"
            button.tooltip = (
                f"{units.layer} #{channel} at {units.position}: activation {value}; press for its projection"
            )
            if found.pictures:
                data = base64.b64encode(found.pictures[place]).decode()
                picture = f'{{ background-image: url("data:image/jpeg;base64,{data}"); }}'
                rules.append(f".zf .zf-tile.widget-button.{self._name(place)}::before {picture}")
        self._sheet.value = f"<style>{''.join(rules)}</style>"
        self._grid.children = self._buttons[: len(units)]
        self.remove_class("zf-gone")

    def mark(self, shown: Projection) -> None:
        """Show which of them is the one that is projected."""
        units, channels = self.units, list[int]()
        if units is not None and (units.layer, units.position) == (shown.layer, shown.position):
            channels = units.channels.tolist()
        for place, button in enumerate(self._buttons):
            its = channels[place : place + 1] == [shown.channel]
            (button.add_class if its else button.remove_class)("zf-chosen")

    def _add(self) -> None:
        place = len(self._buttons)
        button = W.Button(**self._look)
        button.add_class("zf-tile")
        button.add_class(self._name(place))
        button.on_click(lambda _: self._press(place))
        self._buttons.append(button)

    def _name(self, place: int) -> str:
        """Of a button on a page that may show several viewers."""
        return f"zf-u{self.model_id[:8]}-{place}"

    def _press(self, place: int) -> None:
        if self.units is not None and place < len(self.units):
            self._chosen(self.units.layer, int(self.units.channels[place]), self.units.position)
