"""The pointing game: one sweep over each picture, and where it points."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from zfwidgets.errors import Cancelled, NetworkError, ParameterError
from zfwidgets.imaging import as_image
from zfwidgets.methods.fill import Fill
from zfwidgets.methods.occlusion import OcclusionMap, occlusion_map
from zfwidgets.methods.pointing.result import PointingGame, inside
from zfwidgets.network import Network, checked_network

__all__ = ["default_square", "pointing_game"]

Floats = NDArray[np.float64]
Place = tuple[float, float]

_ALIKE = 1e-4
"""Drops that differ by less than this share of the largest one are equal: a sweep is exact up to rounding only, and a
map that has fallen silent is silent at many places."""


def pointing_game(
    net: Network,
    images: Any,
    boxes: Any,
    targets: Any = None,
    size: int | None = None,
    stride: int | None = None,
    layer: str | None = None,
    fill: Fill = "grey",
    *,
    cancelled: Callable[[], bool] | None = None,
) -> PointingGame:
    """Does the strongest drop of an occlusion map lie on the object? (Section 4.2, Fig. 7.)

    In each picture a square is slid over all places. The map of the layer that is strongest on the whole picture falls
    most at one of them, the probability of the class at another: a hit if the middle of the square then lies in the
    object's box. Pointing at the middle of every picture, or anywhere, is what it must beat: objects are large, and
    people photograph them in the middle (the pointing game of Zhang et al. 2016, without their tolerance).

    Of several places with the same drop (within 1e-4 of it) the one counts that is nearest to all of them, by the sum
    of squared distances; of several such, the first by rows.

    Parameters
    ----------
    net : Network
        A network that can be traced.
    images : list of pictures or tensors (3, H, W), or mapping
        A mapping, for example an `ImageSet`, has keys. A tensor is a model input and used as it is.
    boxes : list of (left, top, right, bottom), or mapping of them
        Of the object in each picture, in the same order or under the same key; edges in pixels of that picture from
        its left and top edge: a box of the first pixel alone is (0, 0, 1, 1).
    targets : list or mapping of str or int, optional
        The class of each picture; the predicted one by default.
    size, stride : int, optional
        Of the square, in input pixels; a quarter of the input's side and a third of that by default.
    layer : str, optional
        Whose strongest map is watched; the last one with places by default.
    fill : str or (r, g, b)
        What the square shows, see `fill_picture`.
    cancelled : callable, optional
        Asked between batches; True raises `Cancelled`.

    Returns
    -------
    PointingGame

    Raises
    ------
    ParameterError, UnknownNameError
        For boxes without a part that the network sees, numbers that do not fit, or names that do not exist.
    NetworkError
        If the network cannot be traced, or its answers are not finite.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from zfwidgets.imaging import Preprocess
    >>> module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 14 * 14, 2))
    >>> net = Network(module, preprocess=Preprocess(size=16), device="cpu")
    >>> game = pointing_game(net, [torch.rand(3, 16, 16)] * 2, [(0, 0, 16, 16), (0, 0, 8, 8)], size=6, stride=5)
    >>> game.places["map"].shape, game.hits("map").tolist()[0], game.centre.tolist(), game.area.tolist()
    ((2, 2), True, [True, True], [1.0, 0.25])
    """
    checked_network(net).traced()
    keys, pictures, marks, classes = _paired(net, images, boxes, targets)
    if size is None:
        size = default_square(net)[0]
    if stride is None:
        stride = max(round(size / 3), 1)
    chosen = net.default_layer if layer is None else layer
    sweeps, shape = [], None
    for number, (picture, box, target) in enumerate(zip(pictures, marks, classes, strict=True), 1):
        if cancelled is not None and cancelled():
            raise Cancelled("The pointing game was cancelled.")
        clean, seen = _placed(net, picture, box, number)
        shape = tuple(clean.shape) if shape is None else shape
        if clean.shape != shape:
            found = tuple(clean.shape)
            raise ParameterError(
                f"Model inputs of one game must have one size: found {shape}, and {found} at {number}."
            )
        try:
            m = occlusion_map(net, clean, size, stride, fill, target, chosen, cancelled=cancelled)
        except NetworkError as error:
            raise NetworkError(f"Picture {number}: {error}") from error
        sweeps.append(_looked_at(m, seen))
    return _game(keys, sweeps, (size, stride), tuple(clean.shape[1:]), chosen)


def default_square(net: Network) -> tuple[int, int]:
    """Size and stride of the square: a quarter of the input's side, and a third of that.

    Examples
    --------
    >>> from zfwidgets.models import load_network
    >>> default_square(load_network("zfnet-scenes", device="cpu"))
    (24, 8)
    """
    size = max(round(min(net.input_size) / 4), 1)
    return size, max(round(size / 3), 1)


class _Looked(NamedTuple):
    """What one sweep says."""

    box: tuple[float, float, float, float]
    target: int
    map_place: Place
    class_place: Place
    map_drop: float
    class_drop: float
    squares: float
    correlation: float
    clean: float
    risen: float
    risen_lost: float
    risen_place: Place


def _looked_at(m: OcclusionMap, box: tuple[float, float, float, float]) -> _Looked:
    assert m.clean_sums is not None and m.channel is not None
    whole, clean = float(m.clean_sums[m.channel]), m.clean_probability()
    activation, probability = m.activation().astype(float), m.probability().astype(float)
    lost, fallen = (whole - activation) / (whole or 1.0), clean - probability
    x, y = (starts + m.size / 2 for starts in (m.columns, m.rows))

    def at(cell: tuple[int, int]) -> Place:
        return float(x[cell[1]]), float(y[cell[0]])

    falls, drops, rises = strongest(lost), strongest(fallen), strongest(-fallen)
    middles = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)
    within = inside(middles, np.tile(box, (len(middles), 1)))
    return _Looked(
        box, m.target, at(falls), at(drops), float(lost[falls]), float(fallen[drops]), float(within.mean()),
        _correlation(activation, probability), clean, float(probability[rises]), float(lost[rises]), at(rises),
    )  # fmt: skip


def strongest(drops: Floats) -> tuple[int, int]:
    """Row and column of the largest drop; of equal ones that in their midst.

    Examples
    --------
    >>> strongest(np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 0.5]]))
    (0, 1)
    """
    most = float(drops.max())
    equal = np.argwhere(drops >= most - _ALIKE * abs(most))
    # Whole numbers: the sum of squared distances to all, times one constant and less another.
    far = len(equal) * (equal**2).sum(1) - 2 * equal @ equal.sum(0)
    row, column = equal[far.argmin()].tolist()
    return row, column


def _correlation(one: Floats, other: Floats) -> float:
    if min(np.ptp(one), np.ptp(other)) == 0:
        return float("nan")
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def _game(
    keys: tuple[str, ...], sweeps: list[_Looked], square: tuple[int, int], input_size: Any, layer: str
) -> PointingGame:
    def every(name: str) -> Floats:
        return np.array([getattr(one, name) for one in sweeps], float)

    return PointingGame(
        keys,
        every("box"),
        np.array([one.target for one in sweeps], np.int64),
        *square,
        input_size,
        layer,
        {"map": every("map_place"), "class": every("class_place")},
        {"map": every("map_drop"), "class": every("class_drop")},
        every("squares"),
        every("correlation"),
        every("clean"),
        every("risen"),
        every("risen_lost"),
        every("risen_place"),
    )


def _paired(
    net: Network, images: Any, boxes: Any, targets: Any
) -> tuple[tuple[str, ...], Iterator[Any], list[Any], list[int | None]]:
    """Keys, pictures (read one after the other), boxes and classes, all in one order."""
    if isinstance(images, Tensor):
        images = list(images)
    keys: tuple[str, ...]
    pictures: Iterator[Any]
    if hasattr(images, "keys"):
        keys = tuple(images.keys())
        boxes = _under_keys("boxes", boxes, keys)
        targets = None if targets is None else _under_keys("targets", targets, keys)
        pictures = (images[key] for key in keys)
    elif isinstance(images, list | tuple):
        keys, pictures = tuple(map(str, range(len(images)))), iter(images)
    else:
        raise ParameterError(f"Pictures are a list, or a mapping such as an ImageSet; found {type(images).__name__}.")
    if not keys:
        raise ParameterError("The pointing game needs at least one picture; found none.")
    for what, values in (("boxes", boxes), ("targets", targets)):
        if values is not None and (not isinstance(values, list | tuple) or len(values) != len(keys)):
            raise ParameterError(f"{what} are a list with one for each of {len(keys)} pictures; found {values!r:.60}.")
    classes: list[int | None] = [None] * len(keys)
    if targets is not None:
        classes = [net.class_index(target) for target in targets]
    return keys, pictures, list(boxes), classes


def _under_keys(what: str, values: Any, keys: tuple[str, ...]) -> list[Any]:
    if not hasattr(values, "keys"):
        raise ParameterError(f"Pictures under keys need {what} under the same keys; found {type(values).__name__}.")
    missing = [key for key in keys if key not in values]
    if missing:
        raise ParameterError(f"There are no {what} of {missing[0]!r}; give one for each picture.")
    return [values[key] for key in keys]


def _placed(net: Network, picture: Any, box: Any, number: int) -> tuple[Tensor, tuple[float, float, float, float]]:
    """The model input, and the box in its pixels, cut to it."""
    left, top, right, bottom = _checked(box, number)
    if isinstance(picture, Tensor):
        clean = net.input(picture)
    else:
        image = as_image(picture)
        clean = net.input(image)
        left, top = net.preprocess.to_input(left, top, image.size)
        right, bottom = net.preprocess.to_input(right, bottom, image.size)
    height, width = clean.shape[1:]
    seen = (max(left, 0.0), max(top, 0.0), min(right, float(width)), min(bottom, float(height)))
    if seen[0] >= seen[2] or seen[1] >= seen[3]:
        raise ParameterError(
            f"The network sees nothing of the box {tuple(box)} of picture {number} (it sees the centre, "
            f"{width} x {height}); leave the picture out, or cut it to its object."
        )
    return clean, seen


def _checked(box: Any, number: int) -> tuple[float, float, float, float]:
    try:
        found = np.asarray(box, float)
    except (TypeError, ValueError):
        found = np.empty(0)
    if found.shape != (4,) or not np.isfinite(found).all() or found[0] >= found[2] or found[1] >= found[3]:
        raise ParameterError(
            f"The box of picture {number} is (left, top, right, bottom) in its pixels, left of right and top above "
            f"bottom; found {box!r}."
        )
    left, top, right, bottom = found.tolist()
    return left, top, right, bottom
