"""Table 7 on photographs that the network has not seen, of the classes that it was taught.

Weights and photographs are not part of the project; set ``ZFWIDGETS_REAL`` to the folder that holds them, with the 40
classes of Tiny-ImageNet, one folder each, under ``tiny-imagenet-40/val``.
"""

import os
from pathlib import Path

import pytest

from zfwidgets import ImageSet, feature_probe, list_networks, load_network
from zfwidgets.methods.probing import untaught

REPOSITORY = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("ZFWIDGETS_REAL", REPOSITORY.parent / "shared" / "data"))
TINY = DATA / "tiny-imagenet-40" / "val"
LAYERS = ["pool1", "pool2", "conv3", "conv4", "pool5"]

pytestmark = pytest.mark.skipif(
    not TINY.is_dir() or "zfnet-photos" not in list_networks(),
    reason=f"no zfnet-photos, or no photographs in {TINY} (set ZFWIDGETS_REAL)",
)


def test_accuracy_rises_with_depth_and_learning_helps(capsys):
    net, pictures = load_network("zfnet-photos", device="cpu"), ImageSet.from_folder(TINY)
    learnt = feature_probe(net, pictures, layers=LAYERS, per_class=(10, 40))
    random = feature_probe(untaught(net), pictures, layers=LAYERS, per_class=(10, 40))
    with capsys.disabled():
        print(f"\n{len(pictures)} photographs of {len(learnt.classes)} classes\n{learnt.table()}\n{random.table()}")
    means = [learnt.score(layer).mean for layer in LAYERS]
    assert means == sorted(means)
    assert all(learnt.score(layer).mean > random.score(layer).mean for layer in LAYERS)
