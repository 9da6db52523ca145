"""``python -m zfwidgets.methods.evolution.embedded [NAME ...]``: mine the evolutions that ship again."""

from __future__ import annotations

import sys
from pathlib import Path

from tqdm import tqdm

from zfwidgets.methods.evolution.embedded import EMBEDDED, mine_evolution
from zfwidgets.methods.top_activations import Progress
from zfwidgets.models.series import CheckpointSeries


def mine(name: str) -> None:
    """Mine one, with a bar."""
    with tqdm(desc=name, unit="picture") as bar:

        def tell(progress: Progress) -> None:
            bar.total = progress.total
            bar.update(progress.done - bar.n)

        print(mine_evolution(CheckpointSeries.embedded(name), Path(__file__).parent, tell))


if __name__ == "__main__":
    for name in sys.argv[1:] or EMBEDDED:
        mine(name)
