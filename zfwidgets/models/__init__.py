"""Architectures, weights and the registry of networks."""

from zfwidgets.models.alexnet2012 import AlexNet2012
from zfwidgets.models.registry import embedded_manifest, list_networks, load_network
from zfwidgets.models.series import CheckpointSeries
from zfwidgets.models.zfnet import ZFNet

__all__ = ["AlexNet2012", "CheckpointSeries", "ZFNet", "embedded_manifest", "list_networks", "load_network"]
