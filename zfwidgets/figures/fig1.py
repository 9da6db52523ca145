"""Fig. 1: a deconvnet, step by step, on one real unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zfwidgets.figures.canvas import stacked
from zfwidgets.figures.result import Claim, PaperFigure, Pixels
from zfwidgets.imaging import enlarge, signed_picture, titled_sheet

if TYPE_CHECKING:
    from PIL import Image

    from zfwidgets.backend import Backend
    from zfwidgets.methods.architecture import ProjectionStages, Stage
    from zfwidgets.network import Network

__all__ = ["fig1", "sent_down", "step_claims"]

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
    net = backend.network
    shown, difference = sent_down(net, backend.picture(picture))
    unit = f"{net.default_layer} #{shown.projection.channel} of {net.name}"
    return PaperFigure(
        "Fig. 1: a deconvnet beside a convnet, step by step",
        "To see what one activation looks at, all others of its layer are set to zero and the signal goes down: unpool "
        "with the switches of the forward pass, rectify, filter with the transposed filters, to pixel space (section "
        "2.1). The figure is a drawing and gives no number.",
        f"{unit} in {picture}; at each step the map with the strongest signal, zero in grey.",
        step_claims(shown, difference),
        _picture(shown, f"{unit}, sent down to the pixels"),
    )


def sent_down(net: Network, picture: Image.Image) -> tuple[ProjectionStages, float]:
    """The strongest unit of a picture on its way down, and the distance of its end from `project`, by its range."""
    from zfwidgets.methods import project, record
    from zfwidgets.methods.architecture import projection_stages

    layer = net.default_layer
    recording = record(net, [picture], [layer])
    maps = recording.activations[layer][0]
    channel = int(maps.reshape(len(maps), -1).max(1).argmax())
    shown = projection_stages(net, recording, layer, channel)
    whole = project(net, recording, layer, channel).canvas()
    return shown, float(np.abs(shown.stages[-1].whole() - whole).max() / np.abs(whole).max())


def step_claims(shown: ProjectionStages, difference: float) -> tuple[Claim, ...]:
    unpooled = [stage for stage in shown.stages if stage.step == "unpool" and stage.switches is not None]
    rectified = [stage for stage in shown.stages if stage.step == "rectify"]
    first, last = (shown.stages[place].signal for place in (0, -1))
    lit = int(np.count_nonzero(first))
    on_switches = all(bool(stage.switches[stage.signal != 0].all()) for stage in unpooled if stage.switches is not None)
    near = "less" if difference < _LARGEST_DIFFERENCE else "more"
    return (
        Claim("all but one unit of the layer are set to zero", f"{lit} of {first.size:,} values is not zero", lit == 1),
        Claim("unpooling puts the signal on the switches, and nowhere else", f"{len(unpooled)} times", on_switches),
        Claim(
            "after rectification nothing is negative",
            f"{len(rectified)} times",
            all(bool((stage.signal >= 0).all()) for stage in rectified),
        ),
        Claim(
            "pixels are signed: the last step is a filter and no rectification",
            f"from {last.min():.2g} to {last.max():.2g}",
            bool(last.min() < 0 < last.max()),
        ),
        Claim(
            "step by step it is the projection itself",
            f"the largest difference is {near} than {_LARGEST_DIFFERENCE:g} of its range",
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
