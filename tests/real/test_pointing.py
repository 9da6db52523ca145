"""Fig. 7 on photographs: where a square does most harm lies on the object, in photographs the network has not seen.

Photographs are not part of the project; set ``ZFWIDGETS_REAL`` to the folder that holds them, with the 40 classes of
Tiny-ImageNet under ``tiny-imagenet-40/val`` and their boxes in ``tiny-imagenet-40/boxes.json``.
"""

import json
import os
from pathlib import Path

import pytest

from zfwidgets import ImageSet, list_networks, load_network, pointing_game

REPOSITORY = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("ZFWIDGETS_REAL", REPOSITORY.parent / "shared" / "data"))
TINY = DATA / "tiny-imagenet-40"
PER_CLASS = 5

pytestmark = pytest.mark.skipif(
    not (TINY / "boxes.json").is_file() or "zfnet-photos" not in list_networks(),
    reason=f"no zfnet-photos, or no photographs with boxes in {TINY} (set ZFWIDGETS_REAL)",
)


def test_the_strongest_drop_lies_on_the_object(capsys):
    net, pictures = load_network("zfnet-photos", device="cpu"), ImageSet.from_folder(TINY / "val")
    boxes = {
        key: (left, top, right + 1, bottom + 1)  # the file names the first and the last pixel
        for key, (left, top, right, bottom) in json.loads((TINY / "boxes.json").read_text()).items()
    }
    folders: dict[str, list[str]] = {}
    for key in pictures:
        folders.setdefault(key.split("/")[0], []).append(key)
    chosen = pictures.only(key for keys in folders.values() for key in keys[:PER_CLASS])
    targets = {key: sorted(folders).index(key.split("/")[0]) for key in chosen}  # classes are in the folders' order
    game = pointing_game(net, chosen, {key: boxes[f"val/{key}"] for key in chosen}, targets)
    with capsys.disabled():
        print(f"\n{len(game)} photographs, squares of {game.size} pixels in steps of {game.stride}\n{game.table()}")
    assert len(game) == 200
    for panel in ("map", "class"):
        assert game.share(panel).low > game.area.mean()
    assert game.agreement.low > 0
