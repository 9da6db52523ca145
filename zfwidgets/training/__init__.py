"""The paper's training recipe, with checkpoints that resume exactly and series that can be looked at."""

from .augmentation import PHOTOGRAPHS, SCENES, Augmentation
from .checkpoint import load_checkpoint, save_checkpoint
from .clipping import clip_filters, first_radius
from .pictures import LabelledPictures, draw_scenes
from .recording import PAPER_EPOCHS, TrainingRecording, record_training
from .train import Epoch, Recipe, evaluate, train

__all__ = [
    "PAPER_EPOCHS",
    "PHOTOGRAPHS",
    "SCENES",
    "Augmentation",
    "Epoch",
    "LabelledPictures",
    "Recipe",
    "TrainingRecording",
    "clip_filters",
    "draw_scenes",
    "evaluate",
    "first_radius",
    "load_checkpoint",
    "record_training",
    "save_checkpoint",
    "train",
]
