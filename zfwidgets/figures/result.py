"""What a figure or table of the paper becomes when it is made again: a picture, and claims that agree or not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zfwidgets.imaging import to_png

__all__ = ["Claim", "PaperFigure", "Pixels", "Table"]

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Claim:
    """One thing that the paper says, with our number for it.

    Attributes
    ----------
    says : str
        The claim; the same words for every network, and no other claim of its figure has them.
    found : str
        What was measured, with the numbers.
    agrees : bool or None
        Whether the numbers bear it out; None where they cannot tell, or nothing was measured.
    paper : str
        The paper's own number, where it has one.
    note : str
        How it was measured, or why it comes out like this.

    Examples
    --------
    >>> claim = Claim("eyes before nose", "0.10 < 0.12", True, "0.069 < 0.079")
    >>> print(claim)
    agrees: eyes before nose: 0.10 < 0.12 (paper: 0.069 < 0.079)
    """

    says: str
    found: str
    agrees: bool | None
    paper: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        if self.agrees is not None:  # numpy's truths are no bool, and would not be counted
            object.__setattr__(self, "agrees", bool(self.agrees))

    @property
    def verdict(self) -> str:
        """``"agrees"``, ``"does not agree"`` or ``"no verdict"``."""
        return {True: "agrees", False: "does not agree", None: "no verdict"}[self.agrees]

    @property
    def words(self) -> str:
        """All of it but the verdict."""
        paper, note = (f" (paper: {self.paper})" if self.paper else ""), (f". {self.note}" if self.note else "")
        return f"{self.says}: {self.found}{paper}{note}"

    def __str__(self) -> str:
        return f"{self.verdict}: {self.words}"


@dataclass(frozen=True)
class Table:
    """Words and numbers in rows, all of one length.

    Attributes
    ----------
    head : tuple of str
    rows : tuple of tuple of str

    Examples
    --------
    >>> print(Table(("layer", "%"), (("conv1", "44.8"),)))
    layer  %
    conv1  44.8
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __str__(self) -> str:
        widths = [max(map(len, column)) for column in zip(self.head, *self.rows, strict=True)]
        lines = (zip(row, widths, strict=True) for row in (self.head, *self.rows))
        return "\n".join("  ".join(cell.ljust(width) for cell, width in line).rstrip() for line in lines)


@dataclass(frozen=True, eq=False)  # pixels have no single equality
class PaperFigure:
    """A figure or table of the paper, made again.

    In a notebook it shows its picture; ``print`` gives the claims.

    Attributes
    ----------
    title : str
        Begins with the paper's number of it.
    paper : str
        What the paper says, with its numbers.
    ours : str
        What our numbers are of, and what the picture shows.
    claims : tuple of Claim
    picture : ndarray
        uint8 (H, W, 3), on white.
    table : Table or None
        The numbers, where they are the point.

    Examples
    --------
    >>> white = np.full((2, 2, 3), 255, np.uint8)
    >>> print(PaperFigure("Fig. 0", "All is white.", "One picture.", (Claim("all", "255 of 255", True),), white))
    Fig. 0
    agrees: all: 255 of 255
    """

    title: str
    paper: str
    ours: str
    claims: tuple[Claim, ...]
    picture: Pixels
    table: Table | None = None

    def png(self) -> bytes:
        """The picture, as a file's content."""
        return to_png(self.picture, level=9)

    def _repr_png_(self) -> bytes:
        return self.png()

    def __str__(self) -> str:
        table = () if self.table is None else (str(self.table), "")
        return "\n".join((self.title, *table, *map(str, self.claims)))
