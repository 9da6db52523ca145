"""What projections look at, beside Fig. 2: the object, and what the network has learnt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zfwidgets.figures.common import beyond
from zfwidgets.figures.result import Claim
from zfwidgets.methods.intervals import Estimate, mean_of

if TYPE_CHECKING:
    from PIL import Image

    from zfwidgets.data import ImageSet
    from zfwidgets.network import Network

__all__ = ["learnt_claims", "object_claim"]

_ALIKE = 0.5
"""Cosine of two projections below which what was taken away mattered."""


def object_claim(net: Network, pictures: ImageSet, boxes: Mapping[str, Sequence[float]]) -> Claim:
    """How much of a projection lies on the object, for the strongest unit of each picture.

    Parameters
    ----------
    net : Network
    pictures : ImageSet
    boxes : mapping
        Key to left, top, right, bottom of the object, in pixels of the picture.
    """
    from zfwidgets.methods import project

    inside, area = [], []
    for key in pictures:
        picture = pictures[key]
        recording, channel = _strongest(net, picture)
        energy = (project(net, recording, net.default_layer, channel).canvas().astype(float) ** 2).sum(0)
        box = boxes[key]
        (left, top), (right, bottom) = (
            net.preprocess.to_input(box[start], box[start + 1], picture.size) for start in (0, 2)
        )
        rows, columns = slice(max(round(top), 0), round(bottom)), slice(max(round(left), 0), round(right))
        inside.append(energy[rows, columns].sum() / energy.sum())
        area.append(energy[rows, columns].size / energy.size)
    share = mean_of(inside).within(0.0, 1.0)
    return Claim(
        "projections from layer 5 show the object and leave out its surroundings",
        f"{share} of the energy lies in the object's box, on {np.mean(area):.2f} of the picture; "
        f"{len(inside)} pictures",
        beyond(mean_of(np.subtract(inside, area)).within(-1.0, 1.0), 0.0),
        note="Energy: the sum of squares; of the strongest unit of each picture.",
    )


def learnt_claims(net: Network, pictures: Sequence[Image.Image]) -> tuple[Claim, Claim]:
    """How alike projections stay when the last layer, and when every layer, loses what it has learnt."""
    from zfwidgets.methods.rules import weight_randomisation

    last, every, layer = [], [], net.default_layer
    for picture in pictures:
        recording, channel = _strongest(net, picture)
        check = weight_randomisation(net, recording.inputs[0], layer, channel, rules=("deconvnet",))
        cosine = np.nan_to_num(check.similarity("deconvnet", "cosine"))  # nothing comes down: nothing is left
        last.append(float(cosine[0]))
        every.append(float(cosine[-1]))
    note = (
        "Later work doubts it (Mahendran and Vedaldi 2016, Nie et al. 2018); the check is that of Adebayo et al. "
        f"(2018), and a cosine below {_ALIKE:g} counts as another picture."
    )
    return (
        _matters(
            "projections show what layer 5 has learnt to look for", f"with {layer} at random", mean_of(last), note
        ),
        _matters("projections show what the network has learnt", "with all layers at random", mean_of(every)),
    )


def _matters(says: str, what: str, cosine: Estimate, note: str = "") -> Claim:
    cosine, same = cosine.within(-1.0, 1.0), beyond(cosine, _ALIKE)
    return Claim(says, f"cosine {cosine} to the projection {what}", None if same is None else not same, note=note)


def _strongest(net: Network, picture: Image.Image) -> tuple[Any, int]:
    """A recording, and the map of the default layer that has its strongest unit."""
    from zfwidgets.methods import record

    recording = record(net, [picture], [net.default_layer])
    return recording, int(recording.activations[net.default_layer][0].max((1, 2)).argmax())
