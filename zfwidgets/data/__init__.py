"""Sets of pictures, and what is in them."""

from .image_set import ImageSet
from .landmarks import Faces, frontal_faces
from .samples import samples
from .scenes import CLASSES, UNSEEN, Scene, Visited, draw, scene_of, scenes, unseen_scenes, visited_scenes

__all__ = [
    "CLASSES",
    "UNSEEN",
    "Faces",
    "ImageSet",
    "Scene",
    "Visited",
    "draw",
    "frontal_faces",
    "samples",
    "scene_of",
    "scenes",
    "unseen_scenes",
    "visited_scenes",
]
