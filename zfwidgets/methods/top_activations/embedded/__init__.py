"""The index that ships with ``zfnet-scenes``, over scenes that are drawn again by code when they are looked at.

``python -m zfwidgets.methods.top_activations.embedded`` makes the file again.
"""

from __future__ import annotations

from pathlib import Path

from zfwidgets.data import ImageSet, scenes
from zfwidgets.errors import StaleIndexError
from zfwidgets.methods.top_activations.mine import top_activations
from zfwidgets.methods.top_activations.result import TopActivations
from zfwidgets.network import Network

__all__ = ["COUNT", "EMBEDDED", "SEED", "embedded_index", "embedded_pictures", "mine_embedded"]

EMBEDDED = "zfnet-scenes"
"""The network whose index ships."""
COUNT = 2_000
SEED = 5
"""Of scenes that the network has neither learnt from (seed 1) nor been tuned (2) or tested (3) on."""


def embedded_pictures() -> ImageSet:
    """The scenes that the index was mined over, drawn when they are asked for.

    Examples
    --------
    >>> pictures = embedded_pictures()
    >>> len(pictures), pictures.keys()[0]
    (2000, 'scene-5/00000')
    """
    return scenes(COUNT, seed=SEED)


def embedded_index(net: Network) -> TopActivations | None:
    """The index that ships for a network; None if there is none, or if the network has other weights.

    Parameters
    ----------
    net : Network
        For example ``load_network("zfnet-scenes")``.

    Examples
    --------
    >>> from zfwidgets.models import load_network
    >>> top = embedded_index(load_network("zfnet-scenes", device="cpu"))
    >>> top.count, len(top.channel("conv5", 3))
    (2000, 9)
    """
    if net.name != EMBEDDED or net.graph is None:
        return None
    top = TopActivations.open(_file(Path(__file__).parent))
    try:
        top.check(net)
    except StaleIndexError:  # of the same name, but trained anew: its maps have to be mined
        return None
    return top


def mine_embedded(net: Network, folder: str | Path, count: int = COUNT) -> Path:
    """Mine the index that ships and write it into a folder.

    Parameters
    ----------
    net : Network
        ``load_network("zfnet-scenes")``.
    folder : path
        Gets ``zfnet-scenes.safetensors``.
    count : int
        Scenes; `COUNT` gives the file that ships.
    """
    return top_activations(net, scenes(count, seed=SEED), workers=0).save(_file(Path(folder)))


def _file(folder: Path) -> Path:
    return folder / f"{EMBEDDED}.safetensors"
