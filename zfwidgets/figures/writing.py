"""All figures into a folder, one after the other, with the page that shows them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from zfwidgets.errors import DataError
from zfwidgets.figures.caption import captioned
from zfwidgets.figures.making import make, names_to_make
from zfwidgets.figures.page import page
from zfwidgets.figures.result import PaperFigure, Pixels
from zfwidgets.imaging import to_png
from zfwidgets.training.checkpoint import write_atomically

if TYPE_CHECKING:
    from zfwidgets.backend import Backend

__all__ = ["PAGE", "write_figures"]

PAGE = "index.html"
"""Name of the page in its folder."""


def write_figures(
    backend: Backend,
    out: str | os.PathLike[str],
    only: Iterable[str] | None = None,
    effort: float = 1.0,
    captions: bool = False,
    on_made: Callable[[str, PaperFigure], None] | None = None,
) -> dict[str, PaperFigure]:
    """Make figures, write each as ``NAME.png``, and ``index.html`` that shows those which are done.

    Every file is there whole or not at all; after a stop the page shows what was made until then.

    Parameters
    ----------
    backend : Backend
        Whose network and pictures.
    out : path
        A folder; made if need be. Files of these names in it are replaced.
    only : iterable of str, optional
        Names of figures; all by default, where scikit-learn is missing all but Fig. 9 and Tables 4 to 7.
    effort : float
        As in `make`.
    captions : bool
        Write title, claims and verdicts into the pictures, for documents that show them alone; there is no page then.
    on_made : callable, optional
        Told each figure when its picture is written.

    Returns
    -------
    dict
        Names to figures.

    Raises
    ------
    UnknownNameError
        For a name that is none.
    ParameterError
        If there is not one name, or one needs scikit-learn, which is missing.
    DataError
        If the folder cannot be made or written to.

    Examples
    --------
    >>> import tempfile
    >>> from zfwidgets.backend import Backend
    >>> with Backend("zfnet-scenes", device="cpu") as backend, tempfile.TemporaryDirectory() as folder:
    ...     made = write_figures(backend, folder, only=["fig3"])
    ...     print(sorted(os.listdir(folder)))
    ['fig3.png', 'index.html']
    """
    names, folder = names_to_make(only), Path(out).expanduser()
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{str(folder)!r} is a file and no folder; pass a folder to write figures to.")
    try:  # before anything is computed
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as cause:
        raise DataError(
            f"The folder {str(folder)!r} cannot be made ({cause.strerror or cause}); choose another."
        ) from cause
    made: dict[str, PaperFigure] = {}

    def show() -> None:
        if not captions:
            write_atomically(folder / PAGE, page(made, backend.network.name).encode())

    show()  # at once: whether the folder can be written to
    for name in names:
        figure = make(name, backend, effort)
        write_atomically(folder / f"{name}.png", _small(captioned(figure)) if captions else figure.png())
        made[name] = figure
        show()
        if on_made is not None:
            on_made(name, figure)
    return made


def _small(picture: Pixels) -> bytes:
    """As PNG of 256 colours: a third of the bytes, for pictures that lie in a repository."""
    return to_png(Image.fromarray(picture).quantize(256, dither=Image.Dither.NONE), level=9)
