"""What the viewer of Fig. 7 says, as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from zfwidgets.widgets.parts.style import number

if TYPE_CHECKING:
    from zfwidgets.methods import OcclusionMap

__all__ = ["NOWHERE", "cell", "facts", "readout"]


def readout(where: str, what: Sequence[str]) -> str:
    """The cell under the mouse: where it is, and a line for each network."""
    lines = "<br>".join(escape(line) for line in what)
    return f'<div class="zf-h">Under the mouse: {escape(where)}</div><div class="zf-num zf-read">{lines}</div>'


NOWHERE = readout("no cell", ["point at one in a map; a click puts the square there"])


def cell(answer: OcclusionMap, target: int, row: int, column: int) -> str:
    """What a network says while the square hides this cell."""
    classes, found = answer.net.classes, int(answer.top_label[row, column])
    kinds = dict.fromkeys((classes[target], classes[found]))
    values = ", ".join(f"{name} {number(float(answer.probability(name)[row, column]))}" for name in kinds)
    return f"most probable {classes[found]}; {values}"


def facts(answer: OcclusionMap, refining: bool, note: str) -> str:
    """For the status line; `refining`: what is shown is on its way to the exact map."""
    known, positions = int(answer.known.sum()), answer.known.size
    if refining and answer.precision != "exact":
        return f"{positions} positions &middot; {answer.precision}, {known} exact so far{note}"
    done = "" if answer.complete else f"{known} of "
    kind = "coarse" if answer.precision == "exact" and not answer.complete else answer.precision
    return f"{done}{positions} positions &middot; {kind}{note}"
