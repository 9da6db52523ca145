"""The strongest activations of every feature map over a set of pictures (Fig. 2), and the file that keeps them."""

from typing import TYPE_CHECKING

from zfwidgets.lazy import lazy_names

if TYPE_CHECKING:
    from zfwidgets.methods.top_activations.mine import top_activations
    from zfwidgets.methods.top_activations.parts import Progress, TopEntry, TopLayer
    from zfwidgets.methods.top_activations.patches import patch
    from zfwidgets.methods.top_activations.plan import ShardSpec, map_shard, merge, shards
    from zfwidgets.methods.top_activations.result import TopActivations

__all__ = [
    "Progress",
    "ShardSpec",
    "TopActivations",
    "TopEntry",
    "TopLayer",
    "map_shard",
    "merge",
    "patch",
    "shards",
    "top_activations",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "mine": ("top_activations",),
        "parts": ("Progress", "TopEntry", "TopLayer"),
        "patches": ("patch",),
        "result": ("TopActivations",),
        # Not the module of that name.
        "plan": ("ShardSpec", "map_shard", "merge", "shards"),
    },
)
