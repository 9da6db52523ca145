"""Fig. 4 of the series that ship, over pictures that need not: scenes are drawn again by code when they are looked at.

``python -m zfwidgets.methods.evolution.embedded`` makes the files again.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zfwidgets.data import ImageSet, samples, scenes
from zfwidgets.errors import StaleIndexError
from zfwidgets.methods.evolution.grow import feature_evolution
from zfwidgets.methods.evolution.result import FeatureEvolution
from zfwidgets.methods.evolution.store import open_evolution, save_evolution
from zfwidgets.methods.top_activations import Progress

if TYPE_CHECKING:
    from zfwidgets.models.series import CheckpointSeries

__all__ = ["EMBEDDED", "TRAINED_ON", "embedded_evolution", "evolution_pictures", "mine_evolution", "pictures_in_words"]

TRAINED_ON = 6_000
"""Scenes of seed 1 that ``zfnet-scenes`` learnt from."""
_OTHERS = (2_000, 5)
"""Scenes, and their seed, for a network whose own pictures may not be passed on."""
EMBEDDED = ("zfnet-scenes", "zfnet-photos")
"""Series whose evolution ships."""


@cache  # thousands of entries, asked for with every block
def evolution_pictures(name: str) -> ImageSet:
    """The pictures that the evolution of a series was mined over, drawn when they are asked for.

    Examples
    --------
    >>> len(evolution_pictures("zfnet-scenes")), evolution_pictures("zfnet-scenes").keys()[0]
    (6000, 'scene-1/00000')
    """
    count, seed = (TRAINED_ON, 1) if name == "zfnet-scenes" else _OTHERS
    drawn = scenes(count, seed=seed)
    return drawn if name == "zfnet-scenes" else drawn | samples()


def pictures_in_words(name: str) -> str:
    """What `evolution_pictures` are, for a person."""
    if name == "zfnet-scenes":
        return f"all {TRAINED_ON:,} scenes it was trained on"
    return (
        f"{_OTHERS[0]:,} drawn scenes and the package's photographs, because those it was trained on may not be "
        "passed on"
    )


def embedded_evolution(series: CheckpointSeries) -> FeatureEvolution | None:
    """The evolution that ships for a series; None if there is none, or if its checkpoints are others.

    Parameters
    ----------
    series : CheckpointSeries
        For example ``CheckpointSeries.embedded("zfnet-scenes")``.
    """
    path = _file(Path(__file__).parent, series.name)
    if series.name not in EMBEDDED or not path.is_file():
        return None
    try:
        return open_evolution(path, series, evolution_pictures(series.name))
    except StaleIndexError:  # of the same name, but trained anew: it has to be mined
        return None


def mine_evolution(
    series: CheckpointSeries, folder: str | Path, on_progress: Callable[[Progress], None] | None = None
) -> Path:
    """Mine the evolution that ships and write it into a folder.

    Parameters
    ----------
    series : CheckpointSeries
        An embedded one.
    folder : path
        Gets ``NAME.safetensors``.
    on_progress : callable, optional
        As in `feature_evolution`.
    """
    pictures = evolution_pictures(series.name)
    # Every checkpoint looks at all of them, and to draw one takes longer than to look at it.
    held = ImageSet.from_list([np.asarray(pictures[key]) for key in pictures], keys=pictures.keys())
    found = feature_evolution(series, held, device="cpu", on_progress=on_progress)
    return save_evolution(found, _file(Path(folder), series.name))


def _file(folder: Path, name: str) -> Path:
    return folder / f"{name}.safetensors"
