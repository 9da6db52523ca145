"""Fig. 3: the architecture, counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zfwidgets.figures.canvas import COLOURS, GREY, charts, drawn
from zfwidgets.figures.result import Claim, PaperFigure, Pixels, Table

if TYPE_CHECKING:
    from zfwidgets.backend import Backend
    from zfwidgets.methods.architecture import Architecture

__all__ = ["fig3"]

_PARAMETERS = 62_357_608
_ROWS = {"conv1": 110, "pool1": 55, "conv2": 26, "pool2": 13, "conv5": 13, "pool5": 6}
"""Fig. 3: rows of the maps, for 224 x 224 pixels."""


def fig3(backend: Backend, effort: float = 1.0) -> PaperFigure:
    """The paper's own network and the backend's, from the side: rows upwards, channels sideways, each to scale.

    Parameters
    ----------
    backend : Backend
        Whose network stands below the paper's.
    effort : float
        There is nothing to save: it is counted.
    """
    from zfwidgets.methods.architecture import architecture
    from zfwidgets.models import ZFNet
    from zfwidgets.network import Network

    theirs = architecture(Network(ZFNet(), name="ZFNet", device="cpu"))
    rows = {name: theirs[name].height for name in _ROWS}
    share = theirs["fc6"].parameters / theirs.parameters
    table = Table(
        ("layer", "size", "sees", "parameters", "multiply-adds"),
        tuple(
            (
                layer.name or layer.kind,
                f"{layer.channels} x {layer.height} x {layer.width}" if layer.spatial else f"{layer.channels}",
                "all" if layer.stride == (0, 0) else f"{layer.receptive_field[0]}",
                f"{layer.parameters:,}",
                f"{layer.multiply_adds:,}",
            )
            for layer in theirs.layers[1:]
        ),
    )
    return PaperFigure(
        "Fig. 3: the architecture",
        "224 x 224 pixels; five convolutions and three fully connected layers, with maps of 110, 55, 26, 13, 13 and 6 "
        "rows after the first convolution and its pool, the second and its pool, the fifth and its pool; 62,357,608 "
        "parameters with 1000 classes (section 3).",
        f"The paper's network as it is here (above), and {backend.network.name}: each map from the side, to scale.",
        (
            Claim(
                "its parameters with 1000 classes",
                f"{theirs.parameters:,}",
                theirs.parameters == _PARAMETERS,
                f"{_PARAMETERS:,}",
            ),
            Claim(
                f"rows of the maps {', '.join(_ROWS)}",
                ", ".join(map(str, rows.values())),
                rows == _ROWS,
                ", ".join(map(str, _ROWS.values())),
            ),
            Claim("layer 6 holds more than half of the parameters", f"{100 * share:.0f} %", share > 0.5),
        ),
        _picture(theirs, architecture(backend.network)),
        table,
    )


def _picture(*found: Architecture) -> Pixels:
    figure, rows = charts(len(found), 1, height=0.46 * len(found))
    for [axis], table in zip(rows, found, strict=True):
        left, most = 0.0, max(layer.channels for layer in table.layers if layer.spatial)
        for layer in table.layers:
            width = max(22 * min(layer.channels / most, 1.6), 1.2)  # vectors are cut off
            colour = COLOURS[0] if layer.parameters else GREY
            axis.bar(left, max(layer.height, table.layers[0].height / 80), width, align="edge", color=colour)
            side = f"{layer.channels}\n{layer.height} rows" if layer.spatial else f"{layer.channels}"
            axis.text(left, layer.height, f"{layer.name or 'picture'}\n{side}", va="bottom", fontsize=6)
            left += max(width, 24) + 9
        axis.set(title=f"{table.network}: {table.parameters:,} parameters", ylabel="rows", xticks=[])
        axis.set_ylim(0, table.layers[0].height * 1.32)
        axis.grid(visible=False)
    return drawn(figure)
