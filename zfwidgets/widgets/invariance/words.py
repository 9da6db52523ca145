"""What the viewer of Fig. 5 says, as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zfwidgets.methods import InvarianceCurves

__all__ = ["dips", "facts"]


def facts(curves: Sequence[InvarianceCurves], names: Sequence[str]) -> str:
    """For the status line: how many curves of how many points, and in which precision.

    Parameters
    ----------
    curves : sequence of InvarianceCurves
        Of one network, or of two.
    names : sequence of str
        Of the networks; they are told where only one of the two could be fast.
    """
    pictures, amounts = curves[0].known.shape
    counted = f"{pictures} pictures x {amounts} amounts"
    if not curves[0].complete:
        return f"{counted} &middot; coarse, {100 * curves[0].known.mean():.0f} % known"
    kinds = dict.fromkeys(one.precision for one in curves)
    if len(kinds) == 1:
        return f"{counted} &middot; {curves[0].precision}"
    each = (f"{escape(name)} {one.precision}" for one, name in zip(curves, names, strict=False))
    return f"{counted} &middot; {', '.join(each)}"


def dips(angles: Sequence[float], picture: str, transform: str, layer: str | None) -> str:
    """Where the deep layer's features of a picture come back."""
    if transform != "rotate":
        return '<span class="zf-soft">Turn a picture to see its symmetry.</span>'
    whose = f"{escape(str(layer))} of {escape(picture)}"
    if not angles:
        return f"{whose} comes back nowhere on the way around."
    return f"{whose} comes back at {', '.join(f'{angle:g}°' for angle in angles)}."
