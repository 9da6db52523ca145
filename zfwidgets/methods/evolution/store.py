"""A `FeatureEvolution` as one small file: exemplars by number, keys of the pictures once, similarities."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zfwidgets.data import ImageSet
from zfwidgets.errors import DataError, StaleIndexError
from zfwidgets.methods.evolution.grow import history_of
from zfwidgets.methods.evolution.result import FeatureEvolution, LayerEvolution
from zfwidgets.methods.top_activations.census import joined_names, split_names
from zfwidgets.methods.top_activations.container import Container, write

if TYPE_CHECKING:
    from zfwidgets.models.series import CheckpointSeries

__all__ = ["open_evolution", "save_evolution"]

FORMAT = "zfwidgets evolution 1"


def save_evolution(evolution: FeatureEvolution, path: str | Path) -> Path:
    """Write it; equal evolutions give equal bytes.

    Raises
    ------
    DataError
        If the file cannot be written.
    """
    keys = sorted({key for layer in evolution.layers.values() for key in layer.images.ravel().tolist()} - {""})
    number = {"": -1, **{key: place for place, key in enumerate(keys)}}
    arrays: dict[str, NDArray[Any]] = {}
    for name, layer in evolution.layers.items():
        arrays[f"{name}/channels"] = layer.channels
        arrays[f"{name}/values"] = layer.values
        arrays[f"{name}/images"] = np.array([[number[key] for key in row] for row in layer.images.tolist()], np.int32)
        arrays[f"{name}/positions"] = layer.positions.astype(np.int32)
    arrays["names"], arrays["names.ends"] = joined_names(keys)
    manifest = {
        "format": FORMAT,
        "name": evolution.name,
        "epochs": list(evolution.epochs),
        "digests": list(evolution.digests),
        "preprocess": _preprocessing(evolution.series),
        # A nan is no JSON.
        "layers": {
            name: [None if np.isnan(share) else float(share) for share in layer.similarity]
            for name, layer in evolution.layers.items()
        },
        "count": evolution.count,
        "notes": list(evolution.notes),
    }
    write(Path(path), arrays, manifest)
    return Path(path)


def open_evolution(path: str | Path, series: CheckpointSeries, images: ImageSet) -> FeatureEvolution:
    """What `save_evolution` wrote, with the series and the pictures that it is of.

    Raises
    ------
    DataError
        If the file is missing, damaged or something else.
    StaleIndexError
        If the checkpoints are not those that were mined, or see their pictures otherwise.
    """
    stored = Container(Path(path))
    about = stored.manifest
    if about.get("format") != FORMAT:
        raise DataError(f"{str(path)!r} is {about.get('format')!r}, not {FORMAT!r}; mine it again with this version.")
    if about["digests"] != [series.digest(epoch) for epoch in series.epochs]:
        raise StaleIndexError(f"{Path(path).name} is of other checkpoints than {series.name} has now; mine them again.")
    if about["preprocess"] != _preprocessing(series):
        raise StaleIndexError(f"{Path(path).name} is of another preprocessing than {series.name} has; mine it again.")
    keys = np.array([*split_names(stored["names"], stored["names.ends"]), ""], object)
    layers = {
        name: LayerEvolution(
            stored[f"{name}/channels"].copy(),
            stored[f"{name}/values"].copy(),
            keys[stored[f"{name}/images"]],
            stored[f"{name}/positions"].astype(np.int64),
            np.array([np.nan if share is None else share for share in similarity]),
        )
        for name, similarity in about["layers"].items()
    }
    return FeatureEvolution(
        about["name"],
        tuple(about["epochs"]),
        series.missing,
        tuple(about["digests"]),
        layers,
        history_of(series),
        about["count"],
        tuple(about["notes"]),
        dict(series.problems),
        series,
        images,
    )


def _preprocessing(series: CheckpointSeries | None) -> dict[str, Any]:
    """How pictures become the networks' input, as JSON gives it back."""
    if series is None:
        raise DataError("The checkpoints are not at hand here; keep what feature_evolution returned.")
    found: dict[str, Any] = json.loads(json.dumps(asdict(series.preprocess)))
    return found
