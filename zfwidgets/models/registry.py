"""Networks by name: embedded ones, the paper's, and every classifier of torchvision."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import nn

from zfwidgets.errors import WeightsError, unknown_name
from zfwidgets.imaging import Preprocess
from zfwidgets.models.alexnet2012 import AlexNet2012
from zfwidgets.models.download import download
from zfwidgets.models.weights import load_into, read_weights, sha256_of
from zfwidgets.models.zfnet import ZFNet
from zfwidgets.network import Network

__all__ = ["embedded_manifest", "list_networks", "load_network"]

_EMBEDDED = Path(__file__).parent / "embedded"
_PAPER: dict[str, type[nn.Module]] = {"zfnet": ZFNet, "alexnet2012": AlexNet2012}

# Their published weights want pixels in [-1, 1], which torchvision does inside of the network; as preprocessing it
# leaves the network itself a chain of the table's operations.
_HALVED = {"googlenet": ("aux1.", "aux2."), "inception_v3": ("AuxLogits.",)}


def list_networks() -> tuple[str, ...]:
    """Every name that `load_network` knows: embedded, the paper's, torchvision's.

    Examples
    --------
    >>> list_networks()[:3]
    ('zfnet-scenes', 'zfnet-photos', 'zfnet')
    """
    return (*embedded_manifest(), *_PAPER, *_torchvision_names())


def load_network(
    name: str,
    *,
    weights: str | os.PathLike[str] | None = "default",
    classes: Sequence[str] | None = None,
    device: str | torch.device = "auto",
    preprocess: Preprocess | None = None,
) -> Network:
    """A network by name.

    Parameters
    ----------
    name : str
        ``"zfnet-scenes"`` and ``"zfnet-photos"`` (embedded), ``"zfnet"`` and ``"alexnet2012"`` (the paper's), or a
        torchvision classifier.
    weights : "default", None or path
        The published weights (embedded, or downloaded once with a checksum), random ones (seed torch yourself), or
        a ``.safetensors`` file or torch ``state_dict``.
    classes : sequence of str, optional
        Class names; their number sets the number of logits. By default the network's own.
    device : str or torch.device
        As in `Network`.
    preprocess : Preprocess, optional
        By default the network's own.

    Returns
    -------
    Network

    Raises
    ------
    UnknownNameError, WeightsError, DownloadError

    Examples
    --------
    >>> load_network("zfnet-scenes", device="cpu").layers["conv5"].kind
    'relu'
    """
    if not isinstance(weights, str | os.PathLike | None):
        raise WeightsError(f"weights is 'default', None (random) or the path of a file, not {weights!r}.")
    names: Sequence[str] | None
    if name in embedded_manifest():
        module, names, own = _embedded(name, weights)
    elif name in _PAPER:
        module, names, own = _paper(name, weights, classes)
    elif name in _torchvision_names():
        module, names, own = _from_torchvision(name, weights, classes)
    else:
        raise unknown_name("network", name, list_networks())
    return Network(module.eval(), preprocess=preprocess or own, classes=classes or names, device=device, name=name)


@cache
def embedded_manifest() -> dict[str, Any]:
    """What is embedded: name to file, sha256, architecture, preprocessing, classes, recipe, accuracy."""
    manifest: dict[str, Any] = json.loads((_EMBEDDED / "manifest.json").read_text())
    return manifest


def _embedded(name: str, weights: Any) -> tuple[nn.Module, Sequence[str], Preprocess]:
    entry = embedded_manifest()[name]
    module = ZFNet(**entry["architecture"])
    if weights == "default":
        file = _EMBEDDED / entry["file"]
        if sha256_of(file) != entry["sha256"]:
            raise WeightsError(f"{file.name} is damaged (its sha256 differs); install the package again.")
        load_into(module, read_weights(file), file.name)
    elif weights is not None:
        load_into(module, read_weights(weights), Path(weights).name)
    return module, entry["classes"], Preprocess(**entry["preprocess"])


def _paper(
    name: str, weights: Any, classes: Sequence[str] | None
) -> tuple[nn.Module, Sequence[str] | None, Preprocess]:
    module = _PAPER[name](classes=len(classes) if classes else 1000)
    if weights == "default":
        raise WeightsError(f"There are no published weights of {name!r}; give weights='path' or weights=None (random).")
    if weights is not None:
        load_into(module, read_weights(weights), Path(weights).name)
    return module, classes, Preprocess(size=224)


@cache
def _torchvision_names() -> tuple[str, ...]:
    from torchvision import models

    return tuple(name for name in models.list_models(module=models) if "categories" in _published(name).meta)


def _published(name: str) -> Any:
    from torchvision import models

    return models.get_model_weights(name).DEFAULT


def _from_torchvision(
    name: str, weights: Any, classes: Sequence[str] | None
) -> tuple[nn.Module, Sequence[str] | None, Preprocess]:
    from torchvision import models

    published = _published(name)
    options: dict[str, Any] = {"num_classes": len(classes)} if classes else {}
    if name in _HALVED:
        options |= {"aux_logits": False, "init_weights": weights is None}
    module = models.get_model(name, weights=None, **options)
    if weights is not None:
        file = download(published.url) if weights == "default" else Path(weights)
        load_into(module, read_weights(file), file.name, ignore=_HALVED.get(name, ()))
    categories = published.meta["categories"]
    return module, None if classes else categories, _preprocess(name, published.transforms())


def _preprocess(name: str, preset: Any) -> Preprocess:
    mean, std = ((0.5,) * 3, (0.5,) * 3) if name in _HALVED else (tuple(preset.mean), tuple(preset.std))
    return Preprocess(
        size=preset.crop_size[0],
        resize=preset.resize_size[0],
        mean=mean,
        std=std,
        interpolation=preset.interpolation.value,
    )
