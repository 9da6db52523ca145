"""Pixels in, pixels out: reading pictures, preparing them for a network, drawing maps, writing bytes."""

from .load import as_image
from .preprocess import Preprocess

__all__ = ["Preprocess", "as_image"]
