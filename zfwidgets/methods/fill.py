"""What an occluder hides the picture with: a whole picture of the fill, of which the square shows a part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zfwidgets.errors import ParameterError, unknown_name

if TYPE_CHECKING:
    from torch import Tensor

    from zfwidgets.network import Network

__all__ = ["FILLS", "Fill", "checked_fill", "fill_picture"]

FILLS = ("grey", "mean", "black", "white", "blur", "noise")
_LEVELS = {"grey": 0.5, "black": 0.0, "white": 1.0}

Fill = str | Sequence[float]
"""One of `FILLS`, or a colour (red, green, blue) with values in [0, 1]."""


def fill_picture(net: Network, image: Tensor, fill: Fill) -> Tensor:
    """The picture that the occluder shows in its square.

    Parameters
    ----------
    net : Network
        Its preprocessing turns colours into model input.
    image : Tensor
        (3, H, W) model input.
    fill : str or (r, g, b)
        ``grey`` (0.5 in every channel, before normalisation), ``black``, ``white``, ``mean`` (the colour that the
        preprocessing subtracts: zero in model input), ``blur`` (the picture itself without detail), ``noise``
        (uniform, the same at every call), or a colour in [0, 1].

    Returns
    -------
    Tensor
        (3, H, W), model input.
    """
    import torch  # here, because the names of the fills need none

    fill = checked_fill(fill)
    if fill == "blur":
        return _blurred(image)
    if fill == "noise":
        noise = torch.rand(image.shape, generator=torch.Generator().manual_seed(0))
        return net.preprocess.normalise(noise).to(image)
    if fill == "mean":
        return torch.zeros_like(image)
    colour = (_LEVELS[fill],) * 3 if isinstance(fill, str) else fill
    return net.preprocess.colour(colour).to(image).expand_as(image)


def checked_fill(fill: Any) -> str | tuple[float, float, float]:
    """A name of `FILLS` or a colour as three numbers, or the error that says what a fill is.

    Raises
    ------
    UnknownNameError, ParameterError

    Examples
    --------
    >>> checked_fill("grey"), checked_fill([1, 0, 0])
    ('grey', (1.0, 0.0, 0.0))
    """
    if fill is None or isinstance(fill, str):
        if fill not in FILLS:
            raise unknown_name("fill", fill, FILLS)
        return str(fill)
    try:
        values = np.asarray(fill, np.float64)
    except (TypeError, ValueError):
        values = np.empty(0)
    if values.shape != (3,) or not ((values >= 0) & (values <= 1)).all():
        raise ParameterError(
            f"A fill is one of {', '.join(FILLS)} or a colour of three values from 0 to 1; found {fill!r}."
        )
    red, green, blue = map(float, values)
    return red, green, blue


def _blurred(image: Tensor) -> Tensor:
    """Gaussian blur with a standard deviation of 1/16 of the short side, edges repeated."""
    import torch
    import torch.nn.functional as F

    sigma = min(image.shape[1:]) / 16
    radius = min(round(3 * sigma), min(image.shape[1:]) - 1)
    steps = torch.arange(-radius, radius + 1, dtype=image.dtype, device=image.device)
    kernel = torch.exp(-(steps**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum())[None, None]
    planes = F.pad(image[:, None], (radius,) * 4, mode="replicate")
    planes = F.conv2d(F.conv2d(planes, kernel[:, :, None]), kernel[..., None])
    return planes[:, 0]
