"""``python -m zfwidgets.methods.top_activations.embedded [FOLDER]``: mine the index that ships again."""

from __future__ import annotations

import sys
from pathlib import Path

from zfwidgets.methods.top_activations.embedded import EMBEDDED, mine_embedded
from zfwidgets.models import load_network

if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    print(mine_embedded(load_network(EMBEDDED, device="cpu"), folder))
