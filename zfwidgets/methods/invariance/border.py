"""What is seen beyond a picture that was moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zfwidgets.errors import ParameterError, unknown_name
from zfwidgets.imaging import REPEATS
from zfwidgets.methods.fill import checked_fill, fill_picture

if TYPE_CHECKING:
    from torch import Tensor

    from zfwidgets.network import Network

__all__ = ["BORDERS", "Border", "border_of", "checked_border"]

BORDERS = (*REPEATS, "grey", "mean", "black", "white")
"""The picture's outermost pixels, its mirror image, or a colour by name (see `fill_picture`)."""

Border = str | tuple[float, float, float]


def checked_border(border: Any) -> Border:
    """A name of `BORDERS` or a colour as three numbers, or the error that says what a border is.

    Raises
    ------
    UnknownNameError, ParameterError

    Examples
    --------
    >>> checked_border("mirror"), checked_border([1, 0, 0])
    ('mirror', (1.0, 0.0, 0.0))
    """
    if isinstance(border, str):
        if border not in BORDERS:
            raise unknown_name("border", border, BORDERS)
        return border
    try:
        return checked_fill(() if border is None else border)
    except ParameterError as error:
        raise ParameterError(
            f"A border is one of {', '.join(BORDERS)} or a colour of three values from 0 to 1; found {border!r}."
        ) from error


def border_of(net: Network, image: Tensor, border: Border) -> str | Tensor:
    """The border as `transformed` takes it: one of `REPEATS`, or the colour as a model input (3, H, W)."""
    return border if isinstance(border, str) and border in REPEATS else fill_picture(net, image, border)
