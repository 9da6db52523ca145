"""The paper's training recipe, with checkpoints that resume exactly."""

from .checkpoint import load_checkpoint, save_checkpoint
from .clipping import clip_filters, first_radius
from .pictures import LabelledPictures, draw_scenes
from .train import Epoch, Recipe, evaluate, train

__all__ = [
    "Epoch",
    "LabelledPictures",
    "Recipe",
    "clip_filters",
    "draw_scenes",
    "evaluate",
    "first_radius",
    "load_checkpoint",
    "save_checkpoint",
    "train",
]
