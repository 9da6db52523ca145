"""The scenes world: pictures drawn by code, with the mask of the object and the place of every part."""

from .guests import Guest, Visited, visited_scenes
from .sets import scene_of, scenes
from .unseen import UNSEEN, unseen_scenes
from .world import CLASSES, SIZE, Scene, draw

__all__ = [
    "CLASSES",
    "SIZE",
    "UNSEEN",
    "Guest",
    "Scene",
    "Visited",
    "draw",
    "scene_of",
    "scenes",
    "unseen_scenes",
    "visited_scenes",
]
