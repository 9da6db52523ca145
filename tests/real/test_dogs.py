"""Table 1 on real dogs: with their faces aligned, hiding an eye changes SqueezeNet's middle layer alike.

Weights, photographs and the places of eyes and noses are not part of the project; set ``ZFWIDGETS_REAL`` to the folder
that holds them.
"""

import json
import os
from pathlib import Path

import pytest
from PIL import Image

from zfwidgets import correspondence, load_network

REPOSITORY = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("ZFWIDGETS_REAL", REPOSITORY.parent / "shared" / "data"))
WEIGHTS = DATA / "weights" / "squeezenet1_1.safetensors"
DOGS = DATA / "images" / "dev" / "dogs_keypoints.json"
FIRE5 = "features.7"

pytestmark = pytest.mark.skipif(
    not (WEIGHTS.exists() and DOGS.exists()), reason=f"no real weights and dogs in {DATA} (set ZFWIDGETS_REAL)"
)


@pytest.fixture(scope="module")
def net():
    return load_network("squeezenet1_1", weights=WEIGHTS, device="cpu")


@pytest.fixture(scope="module")
def dogs():
    """Pictures and landmarks."""
    rows = json.loads(DOGS.read_text())
    names = {"right eye": "eye_image_right", "left eye": "eye_image_left", "nose": "nose"}
    pictures = [Image.open(DOGS.parent / row["file"]) for row in rows]
    return pictures, [{part: row[name] for part, name in names.items()} for row in rows]


def test_eyes_then_nose_then_random_places(net, dogs, capsys):
    d = correspondence(net, *dogs, size=40, layers=[FIRE5, "features.12"])
    with capsys.disabled():
        print(f"\n{len(dogs[0])} dogs, SqueezeNet v1.1, aligned, 40-pixel squares\n{d.table()}")
    found = {part: delta.mean for part, delta in d.delta[FIRE5].items()}
    assert max(found["left eye"], found["right eye"]) < found["nose"] < found["random"]
    # An independent measurement of the same dogs.
    assert found == pytest.approx({"right eye": 0.10, "left eye": 0.10, "nose": 0.11, "random": 0.155}, abs=0.0075)
    intervals = {part: d.interval(FIRE5, part) for part in d.parts}
    assert max(high for part, (_, high) in intervals.items() if part != "random") < intervals["random"][0]


def test_without_alignment_a_nose_is_no_better_than_random_places(net, dogs):
    d = correspondence(net, *dogs, size=40, layers=[FIRE5], align=False)
    low, _ = d.interval(FIRE5, "random")
    assert d.interval(FIRE5, "nose")[1] > low
