"""One sweep: the squares of a picture, coarse to fine, until all are known."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, get_args

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from torch import Tensor

from zfwidgets.errors import Cancelled, ParameterError, unknown_name
from zfwidgets.methods.fill import Fill, fill_picture
from zfwidgets.methods.occlusion.order import Cells, levels
from zfwidgets.methods.occlusion.plans import Dense, Job, Plan, Windowed
from zfwidgets.methods.occlusion.result import OcclusionMap, Precision, check_finite, empty, interpolated, spread
from zfwidgets.network import Network, checked_network
from zfwidgets.network.device import fast_arithmetic
from zfwidgets.network.windows import grid, whole_number

__all__ = ["PRECISIONS", "PREVIEW_SHARE", "occluded_input", "occlusion_map"]

PLANS = ("auto", "dense", "incremental")
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
_PARTIAL_SECONDS = 0.25
PREVIEW_SHARE = 0.3
"""A preview computes at most this share of the squares."""
_WORTH = 0.9
"""Windows cost more than their multiply-adds; they are taken for less than this share of the dense sweep's."""
_PREVIEW_TOLERANCE = 0.05
"""A square is skipped if the known ones around it differ by less than this share of the map's range."""


def occlusion_map(
    net: Network,
    image: Any,
    size: int = 50,
    stride: int = 8,
    fill: Fill = "grey",
    target: str | int | None = None,
    layer: str | None = None,
    plan: str = "auto",
    precision: str = "exact",
    *,
    on_partial: Callable[[OcclusionMap], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    batch_size: int | None = None,
) -> OcclusionMap:
    """Slide a square over the picture and run the network at every position.

    Parameters
    ----------
    net : Network
        Any network; one that cannot be traced gives probabilities, but no activations.
    image : picture or tensor (3, H, W)
        A tensor is a model input and used as it is.
    size, stride : int
        Side of the square and its step, in input pixels. If the last step does not fit, one more position is
        added at the border.
    fill : str or (r, g, b)
        What the square shows, see `fill_picture`; ``"grey"`` as in the paper.
    target : str or int, optional
        Class; the predicted one by default.
    layer : str, optional
        Layer whose activations are summed; the last one with places by default.
    plan : {"auto", "dense", "incremental"}
        How the sweep is computed; the answer is the same up to rounding (3e-5 of the largest logit). ``"dense"`` runs
        the whole network at every position, ``"incremental"`` only what each square changes, ``"auto"`` whichever
        costs fewer multiply-adds (see `Network.occlusion_cost`).
    precision : {"exact", "fast", "preview"}
        32-bit floating point throughout; 16-bit differences on a 32-bit picture where the machine is faster with
        them (else exact); or ``"fast"`` squares where the map changes and interpolation between them.
    on_partial : callable, optional
        Is given coarse maps first (about 5 x 5 positions), then finer ones, while the sweep runs.
    cancelled : callable, optional
        Asked between batches; True raises `Cancelled`.
    batch_size : int, optional
        The most pictures in one forward pass, for scarce memory; it is never more than a few tens of milliseconds
        of work.

    Returns
    -------
    OcclusionMap

    Raises
    ------
    ParameterError, UnknownNameError
        For a square that does not fit or a name that does not exist.
    NetworkError
        If answers or sums are not finite.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from zfwidgets.imaging import Preprocess
    >>> module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 14 * 14, 2))
    >>> net = Network(module, preprocess=Preprocess(size=16), device="cpu")
    >>> m = occlusion_map(net, torch.rand(3, 16, 16), size=6, stride=4)
    >>> m.rows, m.probability().shape, m.layer
    (array([ 0,  4,  8, 10]), (4, 4), 'conv1')
    """
    _check("plan", plan, PLANS)
    _check("precision", precision, PRECISIONS)
    clean = checked_network(net).input(image)
    height, width = clean.shape[1:]
    rows, columns = grid(height, size, stride), grid(width, size, stride)
    most = None if batch_size is None else whole_number("batch_size", batch_size, None)
    job = Job(net, clean, fill_picture(net, clean, fill), rows, columns, int(size), _layer(net, layer), most)
    chosen, done = _planned(job, plan, precision)
    result = empty(job, stride, target, chosen.whole(), done)
    return _filled(chosen, result, on_partial, cancelled or (lambda: False))


def _check(kind: str, asked: Any, known: tuple[str, ...]) -> None:
    if asked not in known:
        raise unknown_name(kind, asked, known)


def _planned(job: Job, plan: str, precision: str) -> tuple[Plan, Precision]:
    """The plan, and the precision that it has."""
    fast = precision != "exact" and plan != "dense" and fast_arithmetic(job.net.device)
    done: Precision = "preview" if precision == "preview" else "exact"
    if plan == "incremental":
        job.net.traced()
    if plan == "dense" or job.net.graph is None:
        return Dense(job), done
    windowed = Windowed(job, torch.bfloat16 if fast else torch.float32)
    if plan == "auto" and not fast and windowed.prices.single() > _WORTH * windowed.prices.dense:
        return Dense(job), done
    return windowed, "fast" if fast and precision == "fast" else done


def occluded_input(net: Network, image: Any, row: int, column: int, size: int, fill: Fill = "grey") -> Tensor:
    """(3, H, W) model input with one square hidden; the square must lie inside the picture.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from zfwidgets.imaging import Preprocess
    >>> net = Network(nn.Sequential(nn.Conv2d(3, 2, 16), nn.Flatten()), preprocess=Preprocess(size=16))
    >>> bool((occluded_input(net, torch.ones(3, 16, 16), 0, 0, 4, "mean")[:, :4, :4] == 0).all())
    True
    """
    clean = net.input(image)
    for start, extent in zip((row, column), clean.shape[1:], strict=True):
        grid(extent, size, 1)
        if not 0 <= start <= extent - size:
            raise ParameterError(
                f"A square of {size} pixels starts from 0 to {extent - size} in this picture; found {start}."
            )
    square = (slice(None), slice(row, row + size), slice(column, column + size))
    hidden = clean.clone()
    hidden[square] = fill_picture(net, clean, fill)[square]
    return hidden


def _filled(
    plan: Plan,
    result: OcclusionMap,
    on_partial: Callable[[OcclusionMap], None] | None,
    cancelled: Callable[[], bool],
) -> OcclusionMap:
    def check() -> None:
        if cancelled():
            raise Cancelled("The sweep was cancelled.")

    told, finished = time.monotonic(), 0
    preview = result.precision == "preview"
    for level, cells in levels(result.known.shape):
        if preview and finished:
            cells = _changing(result, cells, level)
            if not len(cells):
                break  # flat all over: finer grids lie between cells that are alike
        left = len(cells)
        for chunk, logits, sums in plan.batches(cells, check):
            r, c = chunk.T
            check_finite(plan.job, logits, sums)
            result.logits[r, c] = logits
            if sums is not None and result.sums is not None:
                result.sums[r, c] = sums
            result.known[r, c] = True
            left -= len(chunk)
            finished = level if left == 0 else finished
            due = left == 0 or time.monotonic() - told > _PARTIAL_SECONDS
            if on_partial is not None and finished and due and not result.complete:
                on_partial(interpolated(result) if preview else spread(result, finished))
                told = time.monotonic()
    return result if result.complete else interpolated(result)


def _changing(result: OcclusionMap, cells: Cells, step: int) -> Cells:
    """The cells of the next grid around which the maps change most, within what a preview may cost."""
    estimate = interpolated(result)
    panels = [estimate.probability()]
    if estimate.sums is not None:
        panels.append(estimate.activation())
    changes = np.zeros(len(cells))
    for panel in panels:
        padded = np.pad(panel, step, mode="edge")
        around = sliding_window_view(padded, (2 * step + 1, 2 * step + 1))[tuple(cells.T)]
        changes = np.maximum(changes, np.ptp(around, axis=(1, 2)) / max(float(np.ptp(panel)), 1e-12))
    budget = int(PREVIEW_SHARE * result.known.size) - int(result.known.sum())
    strongest = np.argsort(-changes, kind="stable")[: max(budget, 0)]
    return cells[np.sort(strongest[changes[strongest] > _PREVIEW_TOLERANCE])]


def _layer(net: Network, layer: str | None) -> str | None:
    if layer is None:
        has_maps = any(net.layers[name].spatial for name in net.menu)
        return net.default_layer if has_maps else None
    if not net.layers[layer].spatial:
        maps = [name for name in net.menu if net.layers[name].spatial]
        raise ParameterError(f"Layer {layer!r} has no map to sum over; there are {', '.join(maps)}.")
    return layer
