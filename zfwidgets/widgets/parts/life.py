"""Rows of cells through the epochs, for example one map: its projections, and what they are projections of."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

import ipywidgets as W
import numpy as np
from numpy.typing import NDArray

from zfwidgets.imaging import to_jpeg, to_png
from zfwidgets.imaging.growth import rows_picture

__all__ = ["LifeRows"]


class LifeRows(W.HTML):
    """One picture with a heading for each epoch; empty until it is told what to show."""

    def __init__(self) -> None:
        super().__init__()
        self.add_class("zf-life")

    def show(
        self,
        title: tuple[str, str],
        epochs: Sequence[int],
        missing: Sequence[int],
        now: int | None,
        rows: Sequence[Sequence[NDArray[np.uint8] | None]],
        report: str,
    ) -> None:
        """Show cells.

        Parameters
        ----------
        title : (str, str)
            What is shown, and what that is.
        epochs, missing : sequence of int
            All columns, and those among them without a checkpoint.
        now : int or None
            The epoch to mark.
        rows : sequence of sequences of ndarray
            uint8 (CELL, CELL, 3), one for each epoch; None where it is not known (yet).
        report : str
            What stands below, HTML.
        """
        picture = rows_picture(rows)
        kind = "png" if picture.shape[2] == 4 else "jpeg"
        data = base64.b64encode(to_png(picture) if kind == "png" else to_jpeg(picture)).decode()
        heads = "".join(
            f'<span class="{"zf-now" if epoch == now else "zf-missing" if epoch in missing else ""}">{epoch}</span>'
            for epoch in epochs
        )
        name, small = map(escape, title)
        self.value = (
            f'<div class="zf-title zf-heading">{name} <small>{small}</small></div>'
            f'<div style="max-width:{picture.shape[1]}px"><div class="zf-life-heads zf-num">{heads}</div>'
            f'<img alt="{name} at epochs {", ".join(map(str, epochs))}" src="data:image/{kind};base64,{data}"></div>'
            f'<div class="zf-life-foot">{report}</div>'
        )

    def clear(self) -> None:
        """Show nothing."""
        self.value = ""
