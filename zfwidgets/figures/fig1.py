"""Fig. 1: a deconvnet, step by step, on one real unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zfwidgets.figures.canvas import stacked
from zfwidgets.figures.result import Claim, PaperFigure, Pixels
from zfwidgets.imaging import enlarge, signed_picture, titled_sheet

if TYPE_CHECKING:
    from zfwidgets.backend import Backend
    from zfwidgets.methods.architecture import ProjectionStages, Stage

__all__ = ["fig1"]

_PICTURE = "scene-7/00002"
_COLUMNS, _SIDE = 4, 200
_LARGEST_DIFFERENCE = 1e-5


def fig1(backend: Backend, effort: float = 1.0, picture: str = _PICTURE) -> PaperFigure:
    """The signal of the strongest unit at every step from its layer down to the pixels.

    Parameters
    ----------
    backend : Backend
        Whose network, and whose picture.
    effort : float
        There is nothing to save: it is one unit.
    picture : str
        A key of the backend's pictures.
    """
    from zfwidgets.methods import project, record
    from zfwidgets.methods.architecture import projection_stages

    net = backend.network
    layer = net.default_layer
    recording = record(net, [backend.picture(picture)], [layer])
    maps = recording.activations[layer][0]
    channel = int(maps.reshape(len(maps), -1).max(1).argmax())
    shown = projection_stages(net, recording, layer, channel)
    whole = project(net, recording, layer, channel).canvas()
    difference = float(np.abs(shown.stages[-1].whole() - whole).max() / np.abs(whole).max())
    return PaperFigure(
        "Fig. 1: a deconvnet beside a convnet, step by step",
        "To see what one activation looks at, all others of its layer are set to zero and the signal goes down: unpool "
        "with the switches of the forward pass, rectify, filter with the transposed filters, to pixel space (section "
        "2.1). The figure is a drawing and gives no number.",
        f"{layer} #{channel} of {net.name} in {picture}; at each step the map with the strongest signal, zero in grey.",
        _claims(shown, difference),
        _picture(shown, f"{layer} #{channel} of {net.name}, sent down to the pixels"),
    )


def _claims(shown: ProjectionStages, difference: float) -> tuple[Claim, ...]:
    unpooled = [stage for stage in shown.stages if stage.step == "unpool" and stage.switches is not None]
    rectified = [stage for stage in shown.stages if stage.step == "rectify"]
    first, last = (shown.stages[place].signal for place in (0, -1))
    lit = int(np.count_nonzero(first))
    on_switches = all(bool(stage.switches[stage.signal != 0].all()) for stage in unpooled if stage.switches is not None)
    return (
        Claim(f"it starts from one unit: {lit} of {first.size:,} values is not zero", lit == 1),
        Claim(f"after each of {len(unpooled)} unpoolings there is a signal on switches only", on_switches),
        Claim(
            f"after each of {len(rectified)} rectifications nothing is negative",
            all(bool((stage.signal >= 0).all()) for stage in rectified),
        ),
        Claim(
            f"pixels are signed, there is no rectification: from {last.min():.2g} to {last.max():.2g}",
            bool(last.min() < 0 < last.max()),
        ),
        Claim(
            f"the last step is the projection itself: the largest difference is {difference:.1g} of its range",
            difference < _LARGEST_DIFFERENCE,
        ),
    )


def _picture(shown: ProjectionStages, title: str) -> Pixels:
    pairs = [(f"{stage.step}: {stage.at}", enlarge(_tile(stage), _SIDE)) for stage in shown.stages]
    note = "the map with the strongest signal; grey is zero, brighter is positive, each step on its own scale"
    return stacked(titled_sheet(title, note, pairs, _COLUMNS))


def _tile(stage: Stage) -> Pixels:
    maps = stage.whole() if stage.signal.shape[1:] == (1, 1) else stage.signal
    if stage.at == "pixels":
        return signed_picture(maps)
    strongest = maps[np.abs(maps).max((1, 2)).argmax()]
    return signed_picture(np.repeat(strongest[None], 3, axis=0))
