"""The paper's comparisons of networks, made again on scenes: Table 3, and the first layers of Fig. 6."""

from .fig6 import CHOICES, ChoiceRecipe, architecture_choice, choice_errors, stored_choices
from .table import PAPER, AblationTable, Comparison, Run
from .table3 import VARIANTS, AblationRecipe, ablation

__all__ = [
    "CHOICES",
    "PAPER",
    "VARIANTS",
    "AblationRecipe",
    "AblationTable",
    "ChoiceRecipe",
    "Comparison",
    "Run",
    "ablation",
    "architecture_choice",
    "choice_errors",
    "stored_choices",
]
