"""Fig. 4: the strongest activation of each map, and the filters themselves, from checkpoint to checkpoint."""

from typing import TYPE_CHECKING

from zfwidgets.lazy import lazy_names

if TYPE_CHECKING:
    from zfwidgets.methods.evolution.grow import assembled, facts_of, feature_evolution, followed
    from zfwidgets.methods.evolution.mined import Snapshot, default_layers, snapshot
    from zfwidgets.methods.evolution.result import (
        SETTLED,
        Exemplar,
        FeatureEvolution,
        LayerEvolution,
        SeriesFacts,
        settled_at,
    )

__all__ = [
    "SETTLED",
    "Exemplar",
    "FeatureEvolution",
    "LayerEvolution",
    "SeriesFacts",
    "Snapshot",
    "assembled",
    "default_layers",
    "facts_of",
    "feature_evolution",
    "followed",
    "settled_at",
    "snapshot",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "grow": ("assembled", "facts_of", "feature_evolution", "followed"),
        "result": ("SETTLED", "Exemplar", "FeatureEvolution", "LayerEvolution", "SeriesFacts", "settled_at"),
        # Not a module of that name.
        "mined": ("Snapshot", "default_layers", "snapshot"),
    },
)
