"""Fig. 8: the same part hidden in different pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zfwidgets.figures.canvas import stacked
from zfwidgets.figures.common import some
from zfwidgets.figures.result import Claim, PaperFigure
from zfwidgets.figures.table1 import compared
from zfwidgets.imaging import enlarge, mosaic, titled_sheet

if TYPE_CHECKING:
    from zfwidgets.backend import Backend

__all__ = ["fig8"]

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
    delta = {part: value.mean for part, value in d.delta[layer].items()}
    below = [part for part in d.parts if part != "random" and delta[part] < delta["random"]]
    rows = [("nothing hidden", d.seen), *((part, d.hidden(part)) for part in d.parts)]
    pairs = [(name, enlarge(mosaic(pictures[:_SHOWN], columns=_SHOWN, gap=3).pixels, _SIDE)) for name, pictures in rows]
    words = ", ".join(f"{part} {value:.3f}" for part, value in delta.items())
    return PaperFigure(
        "Fig. 8: the same part hidden in different pictures",
        "Five dogs with the right eye, the left eye, the nose or a random place hidden: at layer 5 the signs of the "
        "changes differ in 0.067, 0.069, 0.079 and 0.107 of the cells between two dogs (section 4.3, Table 1).",
        f"{net.name}, {len(d.seen)} frontal faces of the scenes world, aligned; Delta at {layer}.",
        (
            Claim(
                f"hiding an eye or the nose changes different faces more alike than a random place does: {words}",
                {"left eye", "right eye", "nose"} <= set(below),
            ),
        ),
        stacked(titled_sheet("Parts of faces, hidden", "grey squares; one random place of several", pairs, columns=1)),
    )
