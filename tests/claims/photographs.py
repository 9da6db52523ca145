"""The claims of the figures, asked of real photographs: what a test measures where they are at hand.

`zfnet-photos` on the validation photographs of Tiny-ImageNet, and SqueezeNet on dogs. Measuring and verdicts are those
of `zfwidgets.figures`; here are only the pictures.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

import zfwidgets as zf
from zfwidgets.backend.top_index import TopIndexRequest
from zfwidgets.figures import Claim, fig1, fig2, fig4, fig5, fig7, fig8, fig9, looking, table1, table2, tables4to7
from zfwidgets.methods.evolution.embedded import embedded_evolution
from zfwidgets.methods.probing import untaught
from zfwidgets.models import CheckpointSeries
from zfwidgets.models.registry import embedded_manifest

__all__ = ["PHOTOGRAPHS", "Photographs"]

NAME = "zfnet-photos"
REAL = Path(os.environ.get("ZFWIDGETS_REAL", Path(__file__).resolve().parents[3] / "shared" / "data"))
TINY = REAL / "tiny-imagenet-40"
SQUEEZENET = REAL / "weights" / "squeezenet1_1.safetensors"
DOGS = REAL / "images" / "dev" / "dogs_keypoints.json"


class Photographs:
    """Each measurement is made once, for all claims; without the files the test that asks for them is skipped."""

    weights = embedded_manifest()[NAME]["sha256"]

    @cached_property
    def net(self) -> zf.Network:
        return zf.load_network(NAME, device="cpu")

    @cached_property
    def all(self) -> zf.ImageSet:
        """2,000 photographs of 40 classes; labels are folders."""
        if not (TINY / "boxes.json").is_file():
            pytest.skip(f"no photographs with boxes in {TINY} (set ZFWIDGETS_REAL)")
        return zf.ImageSet.from_folder(TINY / "val")

    def of_each(self, count: int) -> tuple[zf.ImageSet, dict[str, Any], dict[str, str]]:
        """The first photographs of each class, the boxes of their objects, their classes by the network's names."""
        folders: dict[str, list[str]] = {}
        for key in self.all:
            folders.setdefault(key.split("/")[0], []).append(key)
        boxes = json.loads((TINY / "boxes.json").read_text())
        names = dict(zip(sorted(folders), self.net.classes, strict=True))  # classes are in the order of the folders
        chosen = self.all.only(key for keys in folders.values() for key in keys[:count])
        found = {}
        for key in chosen:
            left, top, right, bottom = boxes[f"val/{key}"]
            found[key] = left, top, right + 1, bottom + 1  # the file names the first and the last pixel
        return chosen, found, {key: names[key.split("/")[0]] for key in chosen}

    @cached_property
    def named(self) -> zf.ImageSet:
        """All of them, labelled with the network's own names of classes."""
        pictures, _, targets = self.of_each(len(self.all))
        return zf.ImageSet.from_list([pictures[key] for key in pictures], list(targets.values()))

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
        """All of them: the network, and the same one with random weights."""
        layers = list(tables4to7.LADDER)
        learnt, random = (
            zf.feature_probe(net, self.named, layers=layers, per_class=(5, 40))
            for net in (self.net, untaught(self.net))
        )
        return learnt, random


def _fig1(world: Photographs) -> Iterator[Claim]:
    yield from fig1.step_claims(*fig1.sent_down(world.net, zf.samples()["photo/chelsea"]))


def _fig2(world: Photographs) -> Iterator[Claim]:
    pictures, boxes, _ = world.of_each(5)
    convolutions = [name for name in world.net.menu if name.startswith("conv")]
    with zf.Backend(world.net, world.named) as backend:
        top = zf.top_activations(world.net, world.named, layers=convolutions)
        _, pure = fig2.purity_of(backend, TopIndexRequest.of(top))
    yield from fig2.purity_claims(pure, len(world.named), len(world.net.classes))
    yield looking.object_claim(world.net, pictures, boxes)
    yield from looking.learnt_claims(world.net, [pictures[key] for key in pictures.keys()[:16]])


def _fig4(world: Photographs) -> Iterator[Claim]:
    evolution = embedded_evolution(CheckpointSeries.embedded(NAME))
    assert evolution is not None
    yield from fig4.evolution_claims(evolution)


def _fig5(world: Photographs) -> Iterator[Claim]:
    pictures, _, targets = world.of_each(1)
    yield from fig5.invariance_claims(fig5.moved(world.net, pictures, list(targets.values())))


def _fig7(world: Photographs) -> Iterator[Claim]:
    game = zf.pointing_game(world.net, *world.of_each(5))
    yield from fig7.pointing_claims(game)
    elsewhere = [rise for rise in game.rises(fig7.RISE) if not rise.on_object]
    yield from fig7.rise_claims(game, elsewhere, "beside the object's box")


def _fig8(world: Photographs) -> Iterator[Claim]:
    yield fig8.alike_claim(world.dogs)


def _fig9(world: Photographs) -> Iterator[Claim]:
    yield from fig9.few_claims(*world.probes, tables4to7.LADDER[-1])


def _table1(world: Photographs) -> Iterator[Claim]:
    yield from table1.correspondence_claims(world.dogs, "SqueezeNet has no layer 7: its last maps.")


def _table2(world: Photographs) -> Iterator[Claim]:
    yield from table2.recorded_claims(NAME, table2.classification_errors(world.net, world.named))


def _tables4to7(world: Photographs) -> Iterator[Claim]:
    yield from tables4to7.probe_claims(*world.probes)


PHOTOGRAPHS: dict[str, Callable[[Photographs], Iterator[Claim]]] = {
    "fig1": _fig1,
    "fig2": _fig2,
    "fig4": _fig4,
    "fig5": _fig5,
    "fig7": _fig7,
    "fig8": _fig8,
    "fig9": _fig9,
    "table1": _table1,
    "table2": _table2,
    "tables4to7": _tables4to7,
}
"""Name of a figure to its claims; what is missing (Figs. 3, 6, Table 3) is of no photographs."""
