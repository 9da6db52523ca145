"""What is measured on: the embedded networks and their pictures. Each measurement is made once, for all claims."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zfwidgets as zf
from zfwidgets.data.scenes import scene_of
from zfwidgets.imaging import NEUTRAL, default_amounts
from zfwidgets.methods.invariance import InvarianceCurves
from zfwidgets.methods.probing import untaught
from zfwidgets.models.registry import embedded_manifest

__all__ = ["TINY", "UNSEEN", "Photographs", "Scenes", "moved", "photographs", "purity"]

REPOSITORY = Path(__file__).resolve().parents[2]
REAL = Path(os.environ.get("ZFWIDGETS_REAL", REPOSITORY.parent / "shared" / "data"))
TINY = REAL / "tiny-imagenet-40"
SQUEEZENET = REAL / "weights" / "squeezenet1_1.safetensors"
DOGS = REAL / "images" / "dev" / "dogs_keypoints.json"
PROBED = ["pool1", "pool2", "conv3", "conv4", "pool5"]
"""Layers 1 to 5 of Table 7."""
UNSEEN = 3
"""The seed of scenes that no network was trained or tuned on."""


class Scenes:
    """`zfnet-scenes` on scenes that it has not seen.

    Parameters
    ----------
    full : bool
        All 500 pictures of the pointing game, or the first 100 of them: the others of its samples are small.
    """

    def __init__(self, full: bool) -> None:
        self.full = full

    weights = embedded_manifest()["zfnet-scenes"]["sha256"]

    @cached_property
    def net(self) -> zf.Network:
        return zf.load_network("zfnet-scenes", device="cpu")

    @cached_property
    def one_of_each(self) -> zf.ImageSet:
        """16 scenes, a class each."""
        return zf.scenes(16, seed=UNSEEN)

    @cached_property
    def boxed(self) -> tuple[zf.ImageSet, dict[str, Any], dict[str, str]]:
        """48 scenes with the boxes and the classes of their objects."""
        return self._boxed(48)

    @cached_property
    def game(self) -> zf.PointingGame:
        return zf.pointing_game(self.net, *self._boxed(500 if self.full else 100))

    @cached_property
    def visited(self) -> Any:
        return zf.visited_scenes(200 if self.full else 40, seed=UNSEEN)

    @cached_property
    def visited_game(self) -> zf.PointingGame:
        images = self.visited.images
        return zf.pointing_game(self.net, images, self.visited.boxes, {key: images.label(key) for key in images})

    @cached_property
    def moved(self) -> dict[str, InvarianceCurves]:
        return moved(self.net, self.one_of_each, [str(self.one_of_each.label(key)) for key in self.one_of_each])

    @cached_property
    def faces(self) -> dict[int | None, zf.Correspondence]:
        """Table 1 on 24 faces: as it is, and averaged over 2 x 2 places."""
        found = zf.frontal_faces(24, seed=UNSEEN)
        layers = {None: ["conv4", "conv5", "fc7"], 2: ["conv5"]}
        return {
            pool: zf.correspondence(self.net, found.images, found.landmarks, layers=names, pool=pool)
            for pool, names in layers.items()
        }

    @cached_property
    def probes(self) -> tuple[zf.Probe, zf.Probe]:
        """200 pictures of ten kinds of things that were never taught: this network, and one with random weights."""
        pictures = zf.unseen_scenes(200)
        layers = [*PROBED, "fc7"]
        return tuple(zf.feature_probe(net, pictures, layers=layers) for net in (self.net, untaught(self.net)))

    def _boxed(self, count: int) -> tuple[zf.ImageSet, dict[str, Any], dict[str, str]]:
        pictures = zf.scenes(count, seed=UNSEEN)
        known = {key: scene_of(key) for key in pictures}
        return pictures, {key: one.box for key, one in known.items()}, {key: one.name for key, one in known.items()}


class Photographs:
    """`zfnet-photos` on the validation photographs of Tiny-ImageNet, and SqueezeNet on dogs.

    Where these are not at hand, a test that asks for them is skipped.
    """

    weights = embedded_manifest()["zfnet-photos"]["sha256"]

    @cached_property
    def net(self) -> zf.Network:
        return zf.load_network("zfnet-photos", device="cpu")

    @cached_property
    def all(self) -> zf.ImageSet:
        """2,000 photographs of 40 classes; labels are folders."""
        if not (TINY / "boxes.json").is_file():
            pytest.skip(f"no photographs with boxes in {TINY} (set ZFWIDGETS_REAL)")
        return zf.ImageSet.from_folder(TINY / "val")

    @cached_property
    def boxed(self) -> tuple[zf.ImageSet, dict[str, Any], dict[str, str]]:
        return photographs(self.net, self.all, 5)

    @cached_property
    def one_of_each(self) -> tuple[zf.ImageSet, list[str]]:
        pictures, _, targets = photographs(self.net, self.all, 1)
        return pictures, [targets[key] for key in pictures]

    @cached_property
    def game(self) -> zf.PointingGame:
        """200 photographs, five of each class."""
        return zf.pointing_game(self.net, *self.boxed)

    @cached_property
    def moved(self) -> dict[str, InvarianceCurves]:
        return moved(self.net, *self.one_of_each)

    @cached_property
    def top(self) -> zf.TopActivations:
        layers = [name for name in self.net.menu if name.startswith("conv")]
        return zf.top_activations(self.net, self.all, layers=layers)

    @cached_property
    def dogs(self) -> zf.Correspondence:
        if not (SQUEEZENET.is_file() and DOGS.is_file()):
            pytest.skip(f"no SqueezeNet and dogs in {REAL} (set ZFWIDGETS_REAL)")
        net = zf.load_network("squeezenet1_1", weights=SQUEEZENET, device="cpu")
        rows = json.loads(DOGS.read_text())
        names = {"right eye": "eye_image_right", "left eye": "eye_image_left", "nose": "nose"}
        pictures = [DOGS.parent / row["file"] for row in rows]
        landmarks = [{part: row[name] for part, name in names.items()} for row in rows]
        return zf.correspondence(net, pictures, landmarks, size=40, layers=["features.7", "features.12"])

    @cached_property
    def probes(self) -> tuple[zf.Probe, zf.Probe]:
        """20 photographs of each class, of which 15 train; `tests/real` has all of them."""
        pictures, _, targets = photographs(self.net, self.all, 20)
        labelled = [pictures[key] for key in pictures], [targets[key] for key in pictures]
        return tuple(
            zf.feature_probe(net, labelled, layers=PROBED, per_class=(5, 15), folds=4)
            for net in (self.net, untaught(self.net))
        )


def photographs(
    net: zf.Network, every: zf.ImageSet, of_each: int
) -> tuple[zf.ImageSet, dict[str, Any], dict[str, str]]:
    """The first photographs of each class, the boxes of their objects, and their classes by the network's names."""
    boxes = json.loads((TINY / "boxes.json").read_text())
    folders: dict[str, list[str]] = {}
    for key in every:
        folders.setdefault(key.split("/")[0], []).append(key)
    names = dict(zip(sorted(folders), net.classes, strict=True))  # classes are in the order of the folders
    chosen = every.only(key for keys in folders.values() for key in keys[:of_each])
    found = {}
    for key in chosen:
        left, top, right, bottom = boxes[f"val/{key}"]
        found[key] = left, top, right + 1, bottom + 1  # the file names the first and the last pixel
    return chosen, found, {key: names[key.split("/")[0]] for key in chosen}


def moved(net: zf.Network, pictures: zf.ImageSet, targets: Sequence[str]) -> dict[str, InvarianceCurves]:
    """Fig. 5: every second amount of the usual ones, with that of the picture itself."""
    images = [pictures[key] for key in pictures]
    found = {}
    for transform in ("translate", "scale", "rotate"):
        amounts = default_amounts(transform, min(net.input_size))
        itself = int(np.abs(amounts - NEUTRAL[transform]).argmin())
        found[transform] = zf.invariance_curves(net, images, transform, amounts[itself % 2 :: 2], targets=targets)
    return found


def purity(images: Any, label: Any) -> float:
    """Mean over maps of the share of their strongest pictures that have the commonest class."""
    shares = []
    for row in np.asarray(images, object):
        labels = [label(key) for key in row if key]
        if labels:
            shares.append(max(labels.count(one) for one in set(labels)) / len(labels))
    return float(np.mean(shares))
