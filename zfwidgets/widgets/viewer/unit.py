"""What the feature viewer says about one unit: its part of the picture, and how far to trust its projection."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zfwidgets.backend import DistantNetwork, fidelity_sentence
from zfwidgets.methods.projection import Projection
from zfwidgets.widgets.parts.style import number

if TYPE_CHECKING:
    from zfwidgets.network import Network

__all__ = ["around", "frames_of", "inside", "no_difference", "patch", "unit_facts", "unit_report"]

LATER_WORK = (
    "What such a picture shows depends mostly on the switches of this image and only weakly on the unit (Mahendran "
    "and Vedaldi 2016). A deconvnet is the gradient except at relu (Simonyan et al. 2013); deconvnet and guided "
    "pictures are partly image recovery and weakly class-sensitive (Nie et al. 2018), as a test with random weights "
    "shows (Adebayo et al. 2018)."
)


def unit_facts(net: Network | DistantNetwork, unit: Projection) -> str:
    """Value, place and receptive field, as HTML."""
    layer = net.layers[unit.layer]
    (height, width), (row, column) = layer.receptive_field, unit.position
    facts = [
        ("value", number(unit.value)),
        ("unit", f"{unit.layer} #{unit.channel}, row {row}, column {column}"),
        ("receptive field", f"{height} x {width} pixels"),
    ]
    rows = "".join(f"<b>{name}</b><span style='grid-column:2/4'>{escape(text)}</span>" for name, text in facts)
    return f'<div class="zf-bars zf-num">{rows}</div>'


def unit_report(net: Network | DistantNetwork, unit: Projection) -> str:
    """The facts, and how far the picture can be trusted, as HTML."""
    note = "" if unit.rule == "deconvnet" else f" The rule {unit.rule!r} is not the paper's."
    return (
        f'<div class="zf-h">The unit</div>{unit_facts(net, unit)}'
        '<div class="zf-h" style="margin-top:12px">How faithful</div>'
        f"<div>{escape(fidelity_sentence(net, unit.layer) + note)}</div>"
        f'<div class="zf-soft" style="margin-top:6px">{escape(LATER_WORK)}</div>'
    )


def inside(box: tuple[int, int, int, int], shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """The part of a box that lies in the picture."""
    top, left = max(box[0], 0), max(box[1], 0)
    bottom, right = min(box[0] + box[2], shape[0]), min(box[1] + box[3], shape[1])
    return top, left, bottom - top, right - left


def frames_of(names: Sequence[str], position: tuple[int, int] | None, both: bool) -> str:
    """What the frames on a picture are, as HTML.

    Parameters
    ----------
    names : sequence of str
        Of one network, or of two.
    position : (int, int) or None
        Of the units; None: the maximum of each map.
    both : bool
        Whether the second network's unit is framed too: it may be silent, or not known yet.
    """
    if not both:
        whose = f" of {escape(names[0])}" if len(names) > 1 else ""
        return f"the frame is what the unit{whose} sees"
    where = "each at its map's maximum" if position is None else "at the same place"
    return f"the frames are what the units see, {where}: orange {escape(names[0])}, white {escape(names[1])}"


def no_difference(mine: Projection, theirs: Projection) -> str:
    """Why the projections of two networks are not subtracted, where their inputs are unlike."""
    sides = " and ".join(f"{unit.input_size[0]} x {unit.input_size[1]}" for unit in (mine, theirs))
    return f"No difference of pixels: the inputs, of {sides} pixels, do not show the same places of the picture."


def around(pixel: tuple[int, int], shape: tuple[int, ...]) -> tuple[float, float, float, float]:
    """A box about a pixel, large enough to be seen on a picture of this shape.

    Examples
    --------
    >>> around((10, 20), (96, 96, 3))
    (9.0, 19.0, 3.0, 3.0)
    """
    side = max(min(shape[:2]) / 32, 1.0)
    return pixel[0] + (1 - side) / 2, pixel[1] + (1 - side) / 2, side, side


def patch(base: NDArray[np.uint8], box: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """The part of the picture under a box that may stick out."""
    top, left, height, width = box
    part = np.full((height, width, 3), 128, np.uint8)
    rows = slice(max(top, 0), min(top + height, base.shape[0]))
    columns = slice(max(left, 0), min(left + width, base.shape[1]))
    part[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = base[rows, columns]
    return part
