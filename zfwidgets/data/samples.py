"""A few photographs that ship with the package."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from .image_set import Entry, ImageSet

__all__ = ["samples"]

FOLDER = Path(__file__).parent / "photographs"
# The licences and links are repeated in photographs/CREDITS.md.
_CREDITS = {
    "astronaut": "Eileen Collins, NASA, public domain",
    "chelsea": "Stefan van der Walt, CC0",
    "china": "danielbuechele on Flickr, CC BY 2.0, made smaller",
    "coffee": "Rachel Michetti, CC0",
    "flower": "vultilion on Flickr, CC BY 2.0, made smaller",
    "rocket": "Launch of DSCOVR, SpaceX, public domain",
}


def samples() -> ImageSet:
    """The photographs that ship with the package, small, in colour.

    Returns
    -------
    ImageSet
        Keys ``photo/astronaut``, ``photo/chelsea`` and so on, without labels; ``.credit(key)`` names author and
        licence.

    Examples
    --------
    >>> photographs = samples()
    >>> photographs["photo/chelsea"].mode, photographs.credit("photo/chelsea")
    ('RGB', 'Stefan van der Walt, CC0')
    """
    return ImageSet(
        {f"photo/{name}": Entry(partial(_path, name), _unlabelled, credit) for name, credit in _CREDITS.items()}
    )


def _path(name: str) -> Path:
    return FOLDER / f"{name}.jpg"


def _unlabelled() -> None:
    return None
