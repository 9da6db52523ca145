"""Fig. 2: the nine strongest activations of feature maps, projected, beside their patches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zfwidgets.figures.canvas import stacked
from zfwidgets.figures.common import ladder, rises, some
from zfwidgets.figures.result import Claim, PaperFigure, Pixels
from zfwidgets.imaging import Picture, as_image

if TYPE_CHECKING:
    from zfwidgets.backend import Backend
    from zfwidgets.backend.top_index import TopIndexRequest
    from zfwidgets.backend.top_requests import TopOrder

__all__ = ["fig2"]

_MAPS, _COLUMNS = 4, 2
_SHOWN = 3
"""Layers in the picture: the first convolution, a middle one, the last."""


def fig2(backend: Backend, effort: float = 1.0, index: Any = None) -> PaperFigure:
    """Maps of three layers; and of every layer, how often the nine pictures of a map are of one class.

    Parameters
    ----------
    backend : Backend
        Of a network whose index ships; of another one its own pictures are mined.
    effort : float
        1 draws four maps of each layer, less a share of them.
    index : path or TopActivations, optional
        Of the backend's pictures; the one that ships by default.
    """
    from zfwidgets.backend.top_index import OpenIndex, TopIndexRequest
    from zfwidgets.backend.top_requests import TopOrderRequest

    net = backend.network
    source = TopIndexRequest.of(index)
    opened: OpenIndex = backend.compute(source)
    if opened.top is None:
        from zfwidgets.methods.top_activations import top_activations

        source = TopIndexRequest.of(top_activations(net, backend.image_set))
    convolutions = [name for name in net.menu if net.layers[name].spatial and name.startswith("conv")]
    layers = convolutions or [net.default_layer]
    orders: list[TopOrder] = [backend.compute(TopOrderRequest(source, name, "purity")) for name in layers]
    pure = [float(np.nanmean(order.purity[~order.dead])) for order in orders]
    chosen = sorted({0, len(layers) // 2, len(layers) - 1})[-_SHOWN:]
    maps = some(_MAPS, effort, 2)
    sheets = [_sheet(backend, source, orders[place], maps) for place in chosen]
    index = orders[0].index
    assert index is not None
    return PaperFigure(
        "Fig. 2: what feature maps answer to",
        "Each map of a high layer answers to one thing whatever else changes; low layers to edges and colours, layer 5 "
        "to whole objects in any pose (section 4, over the validation pictures of ImageNet). The paper shows it and "
        "gives no number.",
        f"The nine strongest activations of maps of {net.name} among {index.count:,} pictures: projected (left) and as "
        "the patch the unit looks at (right). Purity: the share of a map's nine pictures that are of one class.",
        _claims(layers, pure, len(net.classes)),
        stacked(*sheets),
    )


def _claims(layers: list[str], pure: list[float], classes: int) -> tuple[Claim, ...]:
    return (
        Claim(
            f"the higher the layer, the more a map's pictures are of one class: purity {layers[0]} to {layers[-1]} "
            f"{ladder(pure)}",
            rises(pure),
        ),
        Claim(
            f"in {layers[-1]} most of a map's nine pictures are of one class of {classes}: {pure[-1]:.2f}",
            pure[-1] > 0.5,
        ),
    )


def _sheet(backend: Backend, source: TopIndexRequest, order: TopOrder, count: int) -> Pixels:
    from zfwidgets.backend.top_requests import TopSheetRequest, TopTilesRequest

    index = order.index
    assert index is not None
    strongest = np.argsort(-np.nan_to_num(order.values[:, 0], nan=-1.0), kind="stable")[:count].tolist()
    tiles = TopTilesRequest(
        order.layer,
        index.k,
        tuple((channel, order.peaks(channel)) for channel in strongest),
        borrowed=index.pictures is not None,
    )
    title = f"{order.layer}: its {count} strongest maps"
    note = "left of each pair the projections, right the patches"
    png: Picture = backend.compute(TopSheetRequest(tiles, title, note, _COLUMNS))
    return np.asarray(as_image(png))
