"""Pixels in, pixels out: reading pictures, preparing them for a network, drawing maps, writing bytes."""

from .crossing import Crossing
from .difference import difference_picture
from .encode import to_jpeg, to_palette_png, to_png
from .filters import filter_mosaic
from .labels import LabelPicture, label_picture
from .load import Picture, as_image
from .mosaic import Mosaic, mosaic
from .nines import beside, square, titled_sheet
from .preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess
from .render import (
    UNKNOWN,
    enlarge,
    heat_indices,
    heat_palette,
    heat_picture,
    overlay,
    place_cells,
    signed_picture,
)
from .transforms import NEUTRAL, REPEATS, TRANSFORMS, checked_amounts, default_amounts, transformed

__all__ = [
    "IMAGENET_MEAN",
    "IMAGENET_STD",
    "NEUTRAL",
    "REPEATS",
    "TRANSFORMS",
    "UNKNOWN",
    "Crossing",
    "LabelPicture",
    "Mosaic",
    "Picture",
    "Preprocess",
    "as_image",
    "beside",
    "checked_amounts",
    "default_amounts",
    "difference_picture",
    "enlarge",
    "filter_mosaic",
    "heat_indices",
    "heat_palette",
    "heat_picture",
    "label_picture",
    "mosaic",
    "overlay",
    "place_cells",
    "signed_picture",
    "square",
    "titled_sheet",
    "to_jpeg",
    "to_palette_png",
    "to_png",
    "transformed",
]
