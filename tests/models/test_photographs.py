"""zfnet-photos names what is on photographs that it never saw."""

from __future__ import annotations

import pytest
import torch

from zfwidgets.data import samples
from zfwidgets.models import load_network
from zfwidgets.network import Network


@pytest.fixture(scope="module")
def net() -> Network:
    return load_network("zfnet-photos", device="cpu")


@pytest.mark.parametrize(
    ("photograph", "right"), [("photo/chelsea", {"tabby", "Persian cat"}), ("photo/coffee", {"espresso"})]
)
def test_the_right_class_is_among_the_five_most_probable(net: Network, photograph: str, right: set[str]) -> None:
    with torch.inference_mode():
        logits = net.module(net.input(samples()[photograph])[None])[0]
    named = {net.classes[place] for place in logits.topk(5).indices.tolist()}
    assert right & named


def test_its_classes_are_names_that_a_person_reads(net: Network) -> None:
    assert len(net.classes) == 40
    assert "pizza" in net.classes
    assert not any("," in name or name.startswith("n0") for name in net.classes)
