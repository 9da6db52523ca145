"""Architectures, weights and the registry of networks; names load when they are first used."""

from typing import TYPE_CHECKING

from zfwidgets.lazy import lazy_names

if TYPE_CHECKING:
    from zfwidgets.models.alexnet2012 import AlexNet2012
    from zfwidgets.models.registry import embedded_manifest, list_networks, load_network
    from zfwidgets.models.series import CheckpointSeries
    from zfwidgets.models.zfnet import ZFNet

__all__ = ["AlexNet2012", "CheckpointSeries", "ZFNet", "embedded_manifest", "list_networks", "load_network"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "alexnet2012": ("AlexNet2012",),
        "registry": ("embedded_manifest", "list_networks", "load_network"),
        "series": ("CheckpointSeries",),
        "zfnet": ("ZFNet",),
    },
)
