"""What `zfwidgets.tune_allocator` is worth: the same sweep in fresh processes, with and without, taking turns."""

from __future__ import annotations

import statistics
import subprocess
import sys
from typing import Any

__all__ = ["measure"]

_SWEEP = """
import sys, time
import torch
import zfwidgets as zf
if sys.argv[1] == "tuned" and not zf.tune_allocator():
    sys.exit(3)
torch.manual_seed(0)
net = zf.load_network(sys.argv[2], weights=None, device="cpu")
image = net.input(zf.samples()["photo/chelsea"])
zf.occlusion_map(net, image, size=50, stride=32)
start = time.perf_counter()
zf.occlusion_map(net, image, size=50, stride=8)
print(time.perf_counter() - start)
"""


def measure(network: str = "squeezenet1_1", repeats: int = 5) -> dict[str, Any]:
    """Medians of a whole sweep, size 50 and stride 8.

    Parameters
    ----------
    network : str
        A name of `zfwidgets.list_networks`; its weights are random.
    repeats : int
        Processes of each kind.

    Returns
    -------
    dict
        ``network``, and where the C library is glibc ``plain`` and ``tuned`` in seconds and ``ratio``, how many times
        as fast it is.
    """
    seconds: dict[str, list[float]] = {"plain": [], "tuned": []}
    for _ in range(repeats):
        for how, found in seconds.items():
            done = subprocess.run([sys.executable, "-c", _SWEEP, how, network], capture_output=True, text=True)
            if done.returncode == 3:
                return {"network": network}
            done.check_returncode()
            found.append(float(done.stdout))
    plain, tuned = (statistics.median(found) for found in seconds.values())
    return {"network": network, "plain": plain, "tuned": tuned, "ratio": plain / tuned}


if __name__ == "__main__":
    print(measure())
