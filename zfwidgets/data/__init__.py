"""Sets of pictures, and what is in them."""

from .image_set import ImageSet
from .samples import samples
from .scenes import CLASSES, Scene, draw, scene_of, scenes

__all__ = ["CLASSES", "ImageSet", "Scene", "draw", "samples", "scene_of", "scenes"]
