"""Fig. 2: the nine strongest activations of feature maps, projected, beside their patches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zfwidgets.figures.canvas import stacked
from zfwidgets.figures.common import UNSEEN_SEED, beyond, climbs, ladder, some
from zfwidgets.figures.looking import learnt_claims, object_claim
from zfwidgets.figures.result import Claim, PaperFigure, Pixels
from zfwidgets.imaging import Picture, as_image
from zfwidgets.methods.intervals import UNKNOWN, Estimate, mean_of

if TYPE_CHECKING:
    from zfwidgets.backend import Backend
    from zfwidgets.backend.top_index import TopIndexRequest
    from zfwidgets.backend.top_requests import TopOrder

__all__ = ["fig2", "purity_claims", "purity_of"]

_MAPS, _COLUMNS = 4, 2
_SHOWN = 3
"""Layers in the picture: the first convolution, a middle one, the last."""
_MOST = 0.5
"""Share of a map's nine pictures from which on they are mostly of one class."""
_BOXED, _RANDOMISED = 48, 16
"""Scenes with a box, and those of them whose network loses its weights."""


def fig2(backend: Backend, effort: float = 1.0, index: Any = None) -> PaperFigure:
    """Maps of three layers; of every layer, how often a map's nine pictures are of one class; what projections look at.

    Parameters
    ----------
    backend : Backend
        Of a network whose index ships; of another one its own pictures are mined.
    effort : float
        1 draws four maps of each layer, and projects the strongest unit of 48 scenes; less a share of them.
    index : path or TopActivations, optional
        Of the backend's pictures; the one that ships by default.
    """
    from zfwidgets.backend.top_index import OpenIndex, TopIndexRequest
    from zfwidgets.data import scene_of, scenes

    net = backend.network
    source = TopIndexRequest.of(index)
    opened: OpenIndex = backend.compute(source)
    if opened.top is None:
        from zfwidgets.methods.top_activations import top_activations

        source = TopIndexRequest.of(top_activations(net, backend.image_set))
    orders, pure = purity_of(backend, source)
    chosen = sorted({0, len(orders) // 2, len(orders) - 1})[-_SHOWN:]
    unseen = scenes(some(_BOXED, effort), seed=UNSEEN_SEED)
    first = [unseen[key] for key in unseen.keys()[: some(_RANDOMISED, effort, 2)]]
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
        (
            *purity_claims(pure, index.count, len(net.classes)),
            object_claim(net, unseen, {key: scene_of(key).box for key in unseen}),
            *learnt_claims(net, first),
        ),
        stacked(*sheets),
    )


def purity_of(backend: Backend, source: TopIndexRequest) -> tuple[list[TopOrder], dict[str, Estimate]]:
    """Maps of each convolution in the order of their purity, and its mean over those that anything excites."""
    from zfwidgets.backend.top_requests import TopOrderRequest

    net = backend.network
    convolutions = [name for name in net.menu if net.layers[name].spatial and name.startswith("conv")]
    layers = convolutions or [net.default_layer]
    orders: list[TopOrder] = [backend.compute(TopOrderRequest(source, name, "purity")) for name in layers]
    known = {order.layer: order.purity[~order.dead & ~np.isnan(order.purity)] for order in orders}
    return orders, {layer: mean_of(found).within(0.0, 1.0) if len(found) else UNKNOWN for layer, found in known.items()}


def purity_claims(pure: dict[str, Estimate], pictures: int, classes: int) -> tuple[Claim, ...]:
    """Of the mean purity of each layer, from the first to the last."""
    layers, shares = list(pure), list(pure.values())
    ends = f"{layers[0]} {shares[0]}, {layers[-1]} {shares[-1]}"
    return (
        Claim(
            "the higher the layer, the more the nine pictures of a map are of one class",
            f"purity of {layers[0]} to {layers[-1]} {ladder([share.value for share in shares])}, {ends}, of "
            f"{pictures:,} pictures of {classes} classes",
            climbs(shares),
            note="95 % over the maps of a layer; open where a step down is within that.",
        ),
        Claim(
            "in the last layer most of a map's nine pictures are of one class",
            f"{shares[-1]} in {layers[-1]}",
            beyond(shares[-1], _MOST),
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
