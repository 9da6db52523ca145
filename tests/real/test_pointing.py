"""Fig. 7 on photographs: where a square does most harm lies on the object, in photographs the network has not seen.

Photographs are not part of the project; set ``ZFWIDGETS_REAL`` to the folder that holds them, with the 40 classes of
Tiny-ImageNet under ``tiny-imagenet-40/val`` and their boxes in ``tiny-imagenet-40/boxes.json``.
"""

import pytest
from claims.worlds import TINY, photographs

from zfwidgets import ImageSet, list_networks, load_network, pointing_game

pytestmark = pytest.mark.skipif(
    not (TINY / "boxes.json").is_file() or "zfnet-photos" not in list_networks(),
    reason=f"no zfnet-photos, or no photographs with boxes in {TINY} (set ZFWIDGETS_REAL)",
)


def test_the_strongest_drop_lies_on_the_object(capsys):
    net = load_network("zfnet-photos", device="cpu")
    game = pointing_game(net, *photographs(net, ImageSet.from_folder(TINY / "val"), of_each=5))
    with capsys.disabled():
        print(f"\n{len(game)} photographs, squares of {game.size} pixels in steps of {game.stride}\n{game.table()}")
    assert len(game) == 200
    for panel in ("map", "class"):
        assert game.share(panel).low > game.area.mean()
    assert game.agreement.low > 0
