"""The rule lab: one unit sent down by different rules, and by a network whose weights are random.

`compare` and `randomise` hold the two functions that a person calls, `result` what they return, `ways` the rules and
choices that are compared.
"""

from typing import TYPE_CHECKING

from zfwidgets.lazy import lazy_names

if TYPE_CHECKING:
    from zfwidgets.methods.rules.compare import compare_rules
    from zfwidgets.methods.rules.randomise import weight_randomisation
    from zfwidgets.methods.rules.result import MEASURES, RuleComparison, WeightRandomisation
    from zfwidgets.methods.rules.ways import WAYS, Way

__all__ = [
    "MEASURES",
    "WAYS",
    "RuleComparison",
    "Way",
    "WeightRandomisation",
    "compare_rules",
    "weight_randomisation",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "compare": ("compare_rules",),
        "randomise": ("weight_randomisation",),
        "result": ("MEASURES", "RuleComparison", "WeightRandomisation"),
        "ways": ("WAYS", "Way"),
    },
)
