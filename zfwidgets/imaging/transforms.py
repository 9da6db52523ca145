"""Pictures shifted, enlarged and turned, in batches, where they lie (Fig. 5)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import ParameterError, unknown_name

if TYPE_CHECKING:  # the names and ranges of transforms need no torch
    from torch import Tensor

__all__ = ["NEUTRAL", "REPEATS", "TRANSFORMS", "checked_amounts", "default_amounts", "transformed"]

TRANSFORMS = ("translate", "scale", "rotate")
NEUTRAL = {"translate": 0.0, "scale": 1.0, "rotate": 0.0}
"""The amount that leaves a picture as it is."""
REPEATS = ("edge", "mirror")
"""Borders that the picture fills by itself: its outermost pixels repeated, or its own mirror image."""

_PADDING = {"edge": "border", "mirror": "reflection"}
_SHIFT = 60 / 224
"""Of the picture's side: the paper's range is about 60 of 224 pixels, up and down."""


def default_amounts(transform: str, side: int) -> NDArray[np.float64]:
    """About the paper's range (Fig. 5): a quarter of the side up and down, 1 to 1.8 times, once around.

    Shifts are by whole pixels: between them, the bilinear mean would smooth the picture at every other step.

    Parameters
    ----------
    transform : {"translate", "scale", "rotate"}
    side : int
        Of the picture, in pixels.

    Examples
    --------
    >>> default_amounts("translate", 224)[[0, 20, -1]], default_amounts("rotate", 224)[[0, 1, -1]]
    (array([-60.,   0.,  60.]), array([  0.,   5., 360.]))
    """
    if transform == "translate":
        step = max(round(_SHIFT * side / 20), 1)
        most = max(round(_SHIFT * side / step), 1)
        return np.arange(-most, most + 1.0) * step
    return np.linspace(1, 1.8, 33) if transform == "scale" else np.arange(0.0, 361.0, 5.0)


def checked_amounts(transform: str, amounts: Iterable[float], size: tuple[int, int]) -> NDArray[np.float64]:
    """The amounts as numbers, if each of them leaves something of the picture to be seen.

    Parameters
    ----------
    transform : {"translate", "scale", "rotate"}
    amounts : iterable of float
        As in `transformed`.
    size : (H, W)
        Of the picture, in pixels.

    Raises
    ------
    UnknownNameError, ParameterError

    Examples
    --------
    >>> checked_amounts("scale", [1, 1.5], (96, 96))
    array([1. , 1.5])
    >>> checked_amounts("translate", [96], (96, 96))
    Traceback (most recent call last):
        ...
    zfwidgets.errors.ParameterError: A shift by 96 leaves nothing of a picture 96 pixels high; give amounts between
    -95 and 95.
    """
    if transform not in TRANSFORMS:
        raise unknown_name("transform", transform, TRANSFORMS)
    try:
        found = np.asarray(amounts if isinstance(amounts, np.ndarray) else list(amounts), np.float64)
    except (TypeError, ValueError, OverflowError):
        found = np.empty((0, 0))
    if found.ndim != 1 or not len(found) or not np.isfinite(found).all():
        raise ParameterError(f"The amounts are a row of finite numbers, at least one; found {amounts!r}.")
    if transform == "translate" and (too_far := found[np.abs(found) >= size[0]]).size:
        raise ParameterError(
            f"A shift by {too_far[0]:g} leaves nothing of a picture {size[0]} pixels high; "
            f"give amounts between {1 - size[0]} and {size[0] - 1}."
        )
    if transform == "scale":
        side = min(size)
        wrong = found[~((found * side >= 1) & (found <= side))]
        if wrong.size:
            raise ParameterError(
                f"A picture of {size[0]} x {size[1]} pixels {wrong[0]:g} times as large shows nothing; "
                f"give factors from {1 / side:.2g} to {side}, 1 is the picture itself."
            )
    return found


def transformed(images: Tensor, transform: str, amounts: NDArray[np.float64], border: str | Tensor) -> Tensor:
    """Shift, enlarge or turn each picture of a batch by its own amount, on the batch's device.

    Every pixel of the result looks back at its place in the picture, and is the bilinear mean of the four pixels around
    that place, also when a picture is made smaller. Scaling and turning leave the picture's centre where it is.

    Parameters
    ----------
    images : Tensor
        (N, C, H, W), pixels or model inputs.
    transform : {"translate", "scale", "rotate"}
        What happens to them.
    amounts : ndarray
        (N,): pixels downwards, times as large, or degrees counter-clockwise, one for each picture; see
        `checked_amounts`. The neutral one (0, 1, 0) gives the picture itself, to the bit.
    border : str or Tensor
        What is seen beyond the picture: ``"edge"``, ``"mirror"``, or a tensor that broadcasts to the batch.

    Returns
    -------
    Tensor
        (N, C, H, W), new.

    Examples
    --------
    >>> import torch
    >>> picture = torch.tensor([[1.0, 2.0], [3.0, 4.0]])[None, None]
    >>> transformed(picture, "translate", np.array([1.0]), torch.tensor(9.0))[0, 0].tolist()
    [[9.0, 9.0], [1.0, 2.0]]
    >>> transformed(picture, "rotate", np.array([90.0]), "edge")[0, 0].round().tolist()
    [[2.0, 4.0], [1.0, 3.0]]
    """
    import torch
    import torch.nn.functional as F

    # Pictures moved by one amount share its places.
    distinct, which = np.unique(amounts, return_inverse=True)
    own = torch.from_numpy(which).to(images.device)
    places = _places(images, transform, distinct)
    padding = _PADDING[border] if isinstance(border, str) else "zeros"
    result = F.grid_sample(images, places[own], padding_mode=padding, align_corners=False)
    if not isinstance(border, str):
        # How much of each pixel came from inside of the picture.
        inside = F.grid_sample(images.new_ones(len(distinct), 1, *images.shape[2:]), places, align_corners=False)
        result += (1 - inside)[own] * border
    unmoved = torch.from_numpy(amounts == NEUTRAL[transform]).to(images.device)
    return torch.where(unmoved[:, None, None, None], images, result) if unmoved.any() else result


def _places(images: Tensor, transform: str, amounts: NDArray[np.float64]) -> Tensor:
    """(N, H, W, 2): where each pixel looks back at, as `grid_sample` counts (x, y), from -1 to 1."""
    import torch

    height, width = images.shape[2:]
    down = torch.arange(height, dtype=torch.float64)[:, None] + 0.5 - height / 2
    right = torch.arange(width, dtype=torch.float64)[None, :] + 0.5 - width / 2
    # From the result's pixels to the picture's, both from the centre: the way back.
    ways = torch.tensor([_way_back(transform, float(amount)) for amount in amounts], dtype=torch.float64)
    xx, xy, yx, yy, shift = ways.T[..., None, None]
    x = xx * right + xy * down
    y = yx * right + yy * down - shift
    return torch.stack([x / (width / 2), y / (height / 2)], -1).to(images)


def _way_back(transform: str, amount: float) -> tuple[float, float, float, float, float]:
    """x from right and down, y from right and down, and how far y is shifted."""
    if transform == "translate":
        return 1.0, 0.0, 0.0, 1.0, amount
    if transform == "scale":
        return 1 / amount, 0.0, 0.0, 1 / amount, 0.0
    cosine, sine = math.cos(math.radians(amount)), math.sin(math.radians(amount))
    return cosine, -sine, sine, cosine, 0.0
