"""One question about some pictures: moved by many amounts, coarse to fine, until all are known."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zfwidgets.errors import Cancelled, ParameterError, unknown_name
from zfwidgets.imaging import NEUTRAL, checked_amounts, default_amounts, transformed
from zfwidgets.methods.activations import as_batch
from zfwidgets.methods.invariance.border import Border, border_of, checked_border
from zfwidgets.methods.invariance.layers import shallow_and_deep
from zfwidgets.methods.invariance.moving import Measured, Mover
from zfwidgets.methods.invariance.result import InvarianceCurves
from zfwidgets.methods.occlusion.order import levels
from zfwidgets.network import Network, checked_network
from zfwidgets.network.windows import whole_number

__all__ = ["invariance_curves", "moved_inputs"]

_PRECISIONS = ("exact", "fast")
_PARTIAL_SECONDS = 0.25
_FEATURE_BYTES = 2**28
"""Features of the pictures as they are, kept to compare with; of many pictures, one group comes after the other."""


def invariance_curves(
    net: Network,
    images: Any,
    transform: str = "rotate",
    amounts: Iterable[float] | None = None,
    layers: Sequence[str] | None = None,
    border: Any = "edge",
    targets: Any = None,
    *,
    precision: str = "exact",
    on_partial: Callable[[InvarianceCurves], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    batch_size: int | None = None,
) -> InvarianceCurves:
    """Move pictures and measure how far their features go, and what becomes of the answer.

    Parameters
    ----------
    net : Network
        Any network; one that cannot be traced gives probabilities, but no layers.
    images : picture, tensor, or list of them
        As in `record`: tensors are model inputs. They are moved as the network sees them, after preprocessing.
    transform : {"translate", "scale", "rotate"}
        Shift downwards, enlarge, or turn counter-clockwise, about the centre; see `transformed` for the interpolation.
    amounts : iterable of float, optional
        Pixels, factors or degrees; about the paper's range by default, see `default_amounts`.
    layers : sequence of str, optional
        Layers whose features are compared, with places or without; by default the first one and the last one below the
        class scores (the paper's layers 1 and 7).
    border : str or (r, g, b)
        What is seen beyond the picture: its ``"edge"`` repeated, its ``"mirror"`` image, ``"grey"``, ``"mean"``,
        ``"black"``, ``"white"``, or a colour in [0, 1].
    targets : str, int, or sequence of them, optional
        The class of `probability`, for all pictures or for each; the one predicted for each picture by default.
    precision : {"exact", "fast"}
        ``"fast"`` runs the network in 16-bit numbers (bfloat16) where the processor has them, about 1.7 times as fast:
        distances are off by up to 1 % of the largest, probabilities by up to 0.05 (measured on AlexNet, SqueezeNet and
        `zfnet-scenes`). The result says which it is: elsewhere, and where an operation is not one of the table, it is
        ``"exact"``.
    on_partial : callable, optional
        Is given curves of few amounts first (about five), then of more, while it runs.
    cancelled : callable, optional
        Asked between batches; True raises `Cancelled`.
    batch_size : int, optional
        The most pictures in one forward pass, for scarce memory.

    Returns
    -------
    InvarianceCurves

    Raises
    ------
    ParameterError, UnknownNameError
        For amounts that leave nothing of the picture, or a name that does not exist.
    NetworkError
        If features or answers are not finite.

    Examples
    --------
    >>> from torch import nn
    >>> from zfwidgets.imaging import Preprocess
    >>> module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 14 * 14, 2))
    >>> net = Network(module, preprocess=Preprocess(size=16), device="cpu")
    >>> curves = invariance_curves(net, torch.rand(3, 16, 16), "rotate", amounts=[0, 45, 90], layers=["conv1"])
    >>> curves.distances["conv1"].shape, curves.probability.shape, float(curves.distances["conv1"][0, 0])
    ((1, 3), (1, 3), 0.0)
    """
    batch = as_batch(checked_network(net), images)
    size = (batch.shape[2], batch.shape[3])
    found = default_amounts(transform, min(size)) if amounts is None else amounts
    found = checked_amounts(transform, found, size)
    names = shallow_and_deep(net) if layers is None else (layers,) if isinstance(layers, str) else tuple(layers)
    border = checked_border(border)
    most = None if batch_size is None else whole_number("batch_size", batch_size, None)
    if precision not in _PRECISIONS:
        raise unknown_name("precision", precision, _PRECISIONS)
    mover = Mover(net, batch, transform, border, dict.fromkeys(names), most, fast=precision == "fast")
    result = _unknown(mover, found, border)
    _targets(net, targets, result.clean_logits)  # a class that does not exist says so before the work
    _fill(mover, result, targets, on_partial, cancelled or (lambda: False))
    return result.towards(_targets(net, targets, result.clean_logits))


def moved_inputs(net: Network, images: Any, transform: str, amount: float, border: Any = "edge") -> Tensor:
    """(N, 3, H, W): what the network sees of pictures that are moved by one amount.

    Examples
    --------
    >>> from torch import nn
    >>> from zfwidgets.imaging import Preprocess
    >>> net = Network(nn.Sequential(nn.Conv2d(3, 2, 16), nn.Flatten()), preprocess=Preprocess(size=16), device="cpu")
    >>> moved_inputs(net, torch.ones(3, 16, 16), "translate", 4, "mean")[0, 0, :, 0].tolist()[2:6]
    [0.0, 0.0, 1.0, 1.0]
    """
    batch = as_batch(checked_network(net), images)
    amounts = checked_amounts(transform, [amount], (batch.shape[2], batch.shape[3])).repeat(len(batch))
    with torch.no_grad():
        return transformed(batch, transform, amounts, border_of(net, batch[0], checked_border(border)))


def _unknown(mover: Mover, amounts: NDArray[np.float64], border: Border) -> InvarianceCurves:
    """Curves of which nothing is known."""
    shape, classes = (len(mover.batch), len(amounts)), len(mover.net.classes)
    nothing = np.full(shape, np.nan, np.float32)
    return InvarianceCurves(
        mover.transform,
        amounts,
        border,
        {name: nothing.copy() for name in mover.indices},
        {name: nothing.copy() for name in mover.indices},
        np.full((*shape, classes), np.nan, np.float32),
        np.full((len(mover.batch), classes), np.nan, np.float32),
        (0,) * len(mover.batch),
        np.zeros(shape, bool),
        "fast" if mover.fast else "exact",
    )


def _fill(
    mover: Mover,
    result: InvarianceCurves,
    targets: Any,
    on_partial: Callable[[InvarianceCurves], None] | None,
    cancelled: Callable[[], bool],
) -> None:
    told = time.monotonic()
    for group in _groups(mover):
        _check(cancelled)
        clean, result.clean_logits[group] = mover.unmoved(group)
        _add_neutral(result, group)
        for _, cells in levels((len(result.amounts),)):
            missing = cells[:, 0][~result.known[group[0], cells[:, 0]]]
            left = len(missing) * len(group)
            for found in mover.measured(group, result.amounts, missing, clean):
                _check(cancelled)
                _add(result, found)
                left -= len(found.places)
                due = left == 0 or time.monotonic() - told > _PARTIAL_SECONDS
                if on_partial is not None and due and not result.complete:
                    on_partial(_copied(result).towards(_targets(mover.net, targets, result.clean_logits)))
                    told = time.monotonic()


def _groups(mover: Mover) -> list[NDArray[np.int64]]:
    """Pictures whose features fit into memory together."""
    layers = [mover.net.layers[name] for name in mover.indices]
    each = 4 * sum(layer.channels * layer.height * layer.width for layer in layers)
    step = max(int(_FEATURE_BYTES // max(each, 1)), 1)
    count = len(mover.batch)
    return [np.arange(start, min(start + step, count)) for start in range(0, count, step)]


def _check(cancelled: Callable[[], bool]) -> None:
    if cancelled():
        raise Cancelled("The curves were cancelled.")


def _add_neutral(result: InvarianceCurves, group: NDArray[np.int64]) -> None:
    """The picture itself needs no second pass: its distance is exactly zero."""
    places = np.flatnonzero(result.amounts == NEUTRAL[result.transform])
    where = np.ix_(group, places)
    for values in (*result.distances.values(), *result.relative.values()):
        values[where] = 0
    result.logits[where] = result.clean_logits[group][:, None]
    result.known[where] = True


def _add(result: InvarianceCurves, found: Measured) -> None:
    where = (found.pictures, found.places)
    for name in found.distances:
        result.distances[name][where] = found.distances[name]
        result.relative[name][where] = found.relative[name]
    result.logits[where] = found.logits
    result.known[where] = True


def _copied(result: InvarianceCurves) -> InvarianceCurves:
    """For a partial answer: the arrays go on changing."""
    return replace(
        result,
        distances={name: values.copy() for name, values in result.distances.items()},
        relative={name: values.copy() for name, values in result.relative.items()},
        logits=result.logits.copy(),
        known=result.known.copy(),
    )


def _targets(net: Network, targets: Any, clean_logits: NDArray[np.float32]) -> tuple[int, ...]:
    """A class for each picture; where a picture has not been looked at yet, any."""
    if targets is None:
        return tuple(np.nan_to_num(clean_logits).argmax(-1).tolist())
    if isinstance(targets, str) or not isinstance(targets, Sequence):
        return (net.class_index(targets),) * len(clean_logits)
    if len(targets) != len(clean_logits):
        raise ParameterError(
            f"targets is one class, or one for each of {len(clean_logits)} pictures; found {len(targets)}."
        )
    return tuple(net.class_index(target) for target in targets)
