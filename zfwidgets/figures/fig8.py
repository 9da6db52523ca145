"""Fig. 8: the same part hidden in different pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zfwidgets.figures.canvas import stacked
from zfwidgets.figures.common import beyond, every, some, spanned
from zfwidgets.figures.result import Claim, PaperFigure
from zfwidgets.figures.table1 import compared
from zfwidgets.imaging import enlarge, mosaic, titled_sheet
from zfwidgets.methods.correspondence.result import PAPER, RANDOM

if TYPE_CHECKING:
    from zfwidgets.backend import Backend
    from zfwidgets.methods.correspondence import Correspondence

__all__ = ["alike_claim", "fig8"]

_SHOWN, _SIDE = 4, 800


def fig8(backend: Backend, effort: float = 1.0) -> PaperFigure:
    """Faces of the scenes world with nothing hidden, then each part, then a random place.

    Parameters
    ----------
    backend : Backend
        Whose network.
    effort : float
        1 compares six faces, less a share of them; four are drawn.
    """
    net = backend.network
    d = compared(net, some(6, effort, 4), seed=0)
    layer = d.layers[0]
    rows = [("nothing hidden", d.seen), *((part, d.hidden(part)) for part in d.parts)]
    pairs = [(name, enlarge(mosaic(pictures[:_SHOWN], columns=_SHOWN, gap=3).pixels, _SIDE)) for name, pictures in rows]
    return PaperFigure(
        "Fig. 8: the same part hidden in different pictures",
        "Five dogs with the right eye, the left eye, the nose or a random place hidden: at layer 5 the signs of the "
        "changes differ in 0.067, 0.069, 0.079 and 0.107 of the cells between two dogs (section 4.3, Table 1).",
        f"{net.name}, {len(d.seen)} frontal faces of the scenes world, aligned; Delta at {layer}.",
        (alike_claim(d),),
        stacked(titled_sheet("Parts of faces, hidden", "grey squares; one random place of several", pairs, columns=1)),
    )


def alike_claim(d: Correspondence) -> Claim:
    """Whether each part lies below random places at the first of the layers."""
    from zfwidgets.methods.correspondence import part_difference

    layer = d.layers[0]
    found = ", ".join(f"{part} {d.delta[layer][part].mean:.2f}" for part in PAPER)
    below = {part: part_difference(d, layer, (part, RANDOM)) for part in PAPER if part != RANDOM}
    lead = ", ".join(f"{part} by {spanned(step)}" for part, step in below.items())
    return Claim(
        "hiding an eye or the nose changes different faces more alike than hiding a random place",
        f"at {layer} {found}; below random: {lead}; {len(d.seen)} faces",
        every(beyond(step, 0.0) for step in below.values()),
        note="Over the same pictures: 95 %, leaving out each in turn.",
    )
