"""Something nobody here made: SqueezeNet v1.1 on photographs, with the accuracy its publishers' weights have.

The weights and photographs are not part of the project; set ``ZFWIDGETS_REAL`` to the folder that holds them.
"""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from twins.networks import slow_occlusion, slow_projection

from zfwidgets import load_network, occlusion_map, project, record
from zfwidgets.methods import fill_picture

REPOSITORY = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("ZFWIDGETS_REAL", REPOSITORY.parent / "shared" / "data"))
WEIGHTS = DATA / "weights" / "squeezenet1_1.safetensors"
PHOTOS = DATA / "images" / "dev"

pytestmark = pytest.mark.skipif(
    not (WEIGHTS.exists() and PHOTOS.exists()),
    reason=f"no real weights and photographs in {DATA} (set ZFWIDGETS_REAL)",
)


@pytest.fixture(scope="module")
def net():
    return load_network("squeezenet1_1", weights=WEIGHTS, device="cpu")


@pytest.fixture(scope="module")
def photos():
    """(file, class index) of each photograph."""
    return [(row["file"], row["index"]) for row in json.loads((PHOTOS / "index.json").read_text())]


def test_top1_and_top5_are_the_published_weights_own(net, photos):
    hits, near = 0, 0
    with torch.inference_mode():
        for file, label in photos:
            order = net(net.input(PHOTOS / file)[None])[0].argsort(descending=True)
            hits += int(order[0]) == label
            near += label in order[:5].tolist()
    assert len(photos) == 200
    assert (hits / 200, near / 200) == (0.680, 0.860)  # as with torchvision's own transforms


def test_occlusion_equals_one_forward_pass_for_each_square(net, photos):
    x = net.input(PHOTOS / photos[3][0])
    m = occlusion_map(net, x, size=64, stride=40)
    wanted, _ = slow_occlusion(net.module, x, 64, 40, fill_picture(net, x, "grey"))
    np.testing.assert_allclose(m.logits, wanted, rtol=0, atol=1e-5 * float(wanted.abs().max()))


def test_fast_and_preview_maps_keep_their_promises(net, photos):
    x = net.input(PHOTOS / photos[0][0])
    exact, fast, preview = (occlusion_map(net, x, 50, 8, precision=p) for p in ("exact", "fast", "preview"))
    for panel in ("probability", "activation"):
        right, found, rough = (getattr(m, panel)() for m in (exact, fast, preview))
        assert np.corrcoef(found.ravel(), right.ravel())[0, 1] >= 0.999
        assert np.abs(found - right).max() <= 0.03 * np.ptp(right)
        assert np.corrcoef(rough.ravel(), right.ravel())[0, 1] >= 0.9
    assert preview.known.mean() <= 0.3


@pytest.mark.parametrize("layer", ["features.0", "features.5", "features.12", "classifier.1"])
@pytest.mark.parametrize("rule", ["deconvnet", "guided", "gradient"])
def test_projections_equal_autograd(net, photos, layer, rule):
    x = net.input(PHOTOS / photos[7][0])
    maps = record(net, x, [layer]).activations[layer][0]
    for channel in maps.reshape(len(maps), -1).max(1).argsort()[-3:]:
        p = project(net, x, layer, int(channel), rule=rule)
        wanted, value = slow_projection(net.module, x, layer, int(channel), p.position, rule)
        assert p.value == pytest.approx(value, rel=1e-5)
        assert float((torch.from_numpy(p.canvas()) - wanted).norm() / wanted.norm()) < 1e-5
