"""The comparison: features with and without a part, their signs, and how often the signs of two pictures differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from zfwidgets.errors import ParameterError
from zfwidgets.methods.correspondence.placing import Placed, corner, default_layers, default_size, place, random_corners
from zfwidgets.methods.correspondence.result import RANDOM, Correspondence
from zfwidgets.methods.correspondence.signs import Comparison, Variants, chunks_of, most_together, sign_chunks
from zfwidgets.methods.fill import Fill
from zfwidgets.methods.options import checked_layers, checked_seed
from zfwidgets.network import Network, checked_network
from zfwidgets.network.windows import whole_number

__all__ = ["correspondence"]


def correspondence(
    net: Network,
    images: Any,
    landmarks: Any,
    size: int | None = None,
    layers: Sequence[str] | None = None,
    align: bool = True,
    pool: int | None = None,
    fill: Fill = "grey",
    places: int = 10,
    seed: int = 0,
    *,
    on_partial: Callable[[Correspondence], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    batch_size: int | None = None,
) -> Correspondence:
    """Hide the same part in different pictures: do the features change alike? (Section 4.3, Table 1.)

    For picture i with features x and features x~ with the part hidden, eps = x - x~; Delta is the mean over pairs of
    pictures of the share of cells in which sign(eps) differs. The smaller, the more alike the pictures answer: less
    than for random places means that the network knows the part as the same thing in all of them.

    sign(0) is a symbol of its own, so a cell in which one picture changes and the other does not counts as different:
    after a relu most cells change in neither. A change of less than 1e-5 of the layer's largest activation is
    rounding, and counts as 0.

    Parameters
    ----------
    net : Network
        A network that can be traced.
    images : list of pictures or tensors (3, H, W), or mapping
        At least two. A tensor is a model input and used as it is. A mapping, for example an `ImageSet`, has keys.
    landmarks : list of mappings, or mapping of them
        For each picture, in the same order or under the same key, {part: (x, y)} in pixels of that picture, upright,
        from its left and top edge. A picture may lack parts; each part must be in two pictures.
    size : int, optional
        Side of the square that hides a part, in input pixels; 40 of 224 by default. It lies inside the picture: near
        an edge it is moved.
    layers : sequence of str, optional
        The paper's 5 and 7 by default: the last layer with places, and the last one before the class scores.
    align : bool
        Cut the square of four eye distances about the centroid of its parts out of each picture, see `aligned`.
        Without, the network sees the usual centre crop, and equal parts of two pictures lie at different cells.
    pool : int, optional
        Average maps over a grid of pool x pool places before the signs are taken: for layers whose cells say little
        about the place, or pictures that are not aligned. Layers without places, or with fewer, stay as they are.
    fill : str or (r, g, b)
        What the square shows, see `fill_picture`.
    places : int
        Random places in each picture, for the part ``"random"``: anywhere in what the network sees.
    seed : int
        Of the random places.
    on_partial : callable, optional
        Is given a partial result whenever more pictures have been compared.
    cancelled : callable, optional
        Asked between batches; True raises `Cancelled`.
    batch_size : int, optional
        The most pictures in one forward pass, for scarce memory.

    Returns
    -------
    Correspondence

    Raises
    ------
    ParameterError, UnknownNameError
        For pictures, parts, or numbers with which it cannot be done.
    NetworkError
        If the network cannot be traced, or a layer gives NaN or infinite values.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from zfwidgets.imaging import Preprocess
    >>> module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 14 * 14, 2))
    >>> net = Network(module, preprocess=Preprocess(size=16), device="cpu")
    >>> d = correspondence(net, [torch.rand(3, 16, 16)] * 2, [{"nose": (8, 8)}] * 2, size=4, align=False)
    >>> d.layers, d.parts, d.delta["conv1"]["nose"].mean
    (('conv1',), ('nose', 'random'), 0.0)
    """
    checked_network(net).traced()
    names = default_layers(net) if layers is None else checked_layers(net, layers)
    pool = pool if pool is None else whole_number("pool", pool, None)
    places = whole_number("The number of random places", places, None)
    seed = checked_seed(seed)
    placed = _placed(net, images, landmarks, align)
    height, width = placed[0].clean.shape[1:]
    asked = default_size(net) if size is None else size
    side = whole_number("The occluder's size in pixels", asked, min(height, width))
    rows = (*_parts(placed), *[RANDOM] * places)
    squares = _squares(placed, rows, side, (height, width), seed)
    variants = Variants(net, tuple(one.clean for one in placed), squares, side, fill)
    most = most_together(net, height * width)
    if batch_size is not None:
        most = min(most, whole_number("batch_size", batch_size, None))
    chunks = chunks_of(squares, most)
    compare = Comparison(names, squares)
    seen = np.stack([net.preprocess.inverse(one.clean.cpu()) for one in placed])

    def so_far() -> Correspondence:
        known = {name: distances.copy() for name, distances in compare.distances.items()}
        return Correspondence(names, rows, known, squares, side, pool, seen, compare.count)

    for chunk, signs in sign_chunks(variants, chunks, names, pool, cancelled or (lambda: False)):
        before = compare.count
        compare.take(chunk, signs)
        if on_partial is not None and max(before, 1) < compare.count < len(placed):
            on_partial(so_far())
    return so_far()


def _placed(net: Network, images: Any, landmarks: Any, align: bool) -> list[Placed]:
    """Every picture as a model input with the places of its parts."""
    if isinstance(images, Tensor):
        images = list(images)
    if hasattr(images, "keys"):
        keys = list(images.keys())
        if not hasattr(landmarks, "keys"):
            raise ParameterError("Pictures under keys need landmarks under the same keys: {key: {part: (x, y)}}.")
        missing = [key for key in keys if key not in landmarks]
        if missing:
            raise ParameterError(f"There are no landmarks of {missing[0]!r}; give {{part: (x, y)}} for each picture.")
        images, landmarks = [images[key] for key in keys], [landmarks[key] for key in keys]
    if not isinstance(images, list | tuple) or not isinstance(landmarks, list | tuple):
        raise ParameterError("Pictures and landmarks are two lists, or two mappings with the same keys.")
    if len(images) != len(landmarks):
        raise ParameterError(
            f"Every picture needs its landmarks: found {len(images)} pictures and {len(landmarks)} mappings."
        )
    if len(images) < 2:
        raise ParameterError(f"Pictures are compared with each other: give at least two; found {len(images)}.")
    pairs = zip(images, landmarks, strict=True)
    placed = [place(net, image, marks, align, number) for number, (image, marks) in enumerate(pairs, 1)]
    sizes = sorted({tuple(one.clean.shape) for one in placed})
    if len(sizes) > 1:
        raise ParameterError(f"Model inputs that are compared must have one size, found {sizes}.")
    return placed


def _parts(placed: Sequence[Placed]) -> list[str]:
    """All parts, in the order in which they first occur."""
    parts = list(dict.fromkeys(part for one in placed for part in one.parts))
    for part in parts:
        if sum(part in one.parts for one in placed) < 2:
            raise ParameterError(
                f"The part {part!r} is marked in one picture only; mark it in at least two, or leave it out."
            )
    return parts


def _squares(
    placed: Sequence[Placed], rows: Sequence[str], size: int, shape: tuple[int, int], seed: int
) -> NDArray[np.int64]:
    """(N, R, 2): upper left corners; -1 where a picture lacks the part."""
    squares = np.full((len(placed), len(rows), 2), -1, np.int64)
    named = [part for part in rows if part != RANDOM]
    for number, one in enumerate(placed):
        for row, part in enumerate(named):
            if part in one.parts:
                squares[number, row] = corner(one.parts[part], size, *shape)
    squares[:, len(named) :] = random_corners(len(placed), len(rows) - len(named), size, *shape, seed)
    return squares
