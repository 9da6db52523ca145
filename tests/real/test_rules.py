"""The rule lab on SqueezeNet v1.1: mistakes are as large as they are known to be, and random weights change little.

The weights and photographs are not part of the project; set ``ZFWIDGETS_REAL`` to the folder that holds them.
"""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from zfwidgets import compare_rules, load_network, record, weight_randomisation

REPOSITORY = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("ZFWIDGETS_REAL", REPOSITORY.parent / "shared" / "data"))
WEIGHTS = DATA / "weights" / "squeezenet1_1.safetensors"
PHOTOS = DATA / "images" / "dev"
LAYER = "features.7"

pytestmark = pytest.mark.skipif(
    not (WEIGHTS.exists() and PHOTOS.exists()),
    reason=f"no real weights and photographs in {DATA} (set ZFWIDGETS_REAL)",
)


@pytest.fixture(scope="module")
def units():
    """The network, and the map of a layer that each of some photographs excites most."""
    net = load_network("squeezenet1_1", weights=WEIGHTS, device="cpu")
    files = [row["file"] for row in json.loads((PHOTOS / "index.json").read_text())][::24][:4]
    recordings = [record(net, PHOTOS / file, [LAYER]) for file in files]
    best = [int(one.activations[LAYER][0].max((1, 2)).argmax()) for one in recordings]
    return net, list(zip(recordings, best, strict=True))


def test_the_usual_mistakes_have_their_usual_size(units):
    """On AlexNet, relative error and cosine: overwrite .68/.76, guided .76/.78, gradient 1.5/.12."""
    net, some = units
    found = [compare_rules(net, recording, LAYER, channel) for recording, channel in some]
    error = {way: np.mean([one.error[way] for one in found]) for way in found[0].error}
    cosine = {way: np.mean([one.cosine[way] for one in found]) for way in found[0].cosine}
    assert 0.4 < error["overwrite"] < 1 and 0.6 < cosine["overwrite"] < 0.95
    assert 0.4 < error["guided"] < 1 and 0.6 < cosine["guided"] < 0.95
    assert error["gradient"] > 1 and cosine["gradient"] < 0.4


def test_a_deconvnet_hardly_notices_random_weights_and_a_gradient_does(units):
    net, some = units
    recording, channel = some[0]
    found = weight_randomisation(net, recording, LAYER, channel, rules=("deconvnet", "gradient"))
    rank = found.similarity("deconvnet")
    assert rank[0] > 0.7 and rank[-1] < 0.5
    assert found.others["rank"]["deconvnet"] > 0.6  # the unit matters as little as its weights
    assert np.nanmax(np.abs(found.similarity("gradient")[1:])) < 0.3
