"""What `zfwidgets.tune_allocator` is worth: the same sweep in fresh processes, with and without, taking turns."""

from __future__ import annotations

import statistics
import subprocess
import sys
from typing import Any

from benchmarks.tables import Table, seconds, times

__all__ = ["measure", "tables"]

_SWEEP = """
import sys, time
import torch
import zfwidgets as zf
if sys.argv[1] == "tuned" and not zf.tune_allocator():
    sys.exit(3)
torch.manual_seed(0)
net = zf.load_network(sys.argv[2], weights=None, device="cpu")
image = net.input(zf.samples()["photo/chelsea"])
for plan, stride in {"auto": 8, "dense": 16}.items():
    zf.occlusion_map(net, image, size=50, stride=32, plan=plan)
    start = time.perf_counter()
    zf.occlusion_map(net, image, size=50, stride=stride, plan=plan)
    print(time.perf_counter() - start)
"""
_SWEEPS = ("whole sweep, 50/8", "the whole network at each of 144 places, 50/16")


def measure(network: str = "squeezenet1_1", repeats: int = 5) -> dict[str, Any]:
    """Medians of two sweeps: as they are computed, and the whole network at each position, which allocates most.

    Parameters
    ----------
    network : str
        A name of `zfwidgets.list_networks`; its weights are random.
    repeats : int
        Processes of each kind.

    Returns
    -------
    dict
        For each sweep ``plain`` and ``tuned`` in seconds and ``ratio``, how many times as fast it is; nothing but the
        network's name where the C library is not glibc.
    """
    seconds: dict[str, list[list[float]]] = {"plain": [], "tuned": []}
    for _ in range(repeats):
        for how, found in seconds.items():
            done = subprocess.run([sys.executable, "-c", _SWEEP, how, network], capture_output=True, text=True)
            if done.returncode == 3:
                return {"network": network}
            done.check_returncode()
            found.append([float(word) for word in done.stdout.split()])
    results: dict[str, Any] = {"network": network}
    for place, sweep in enumerate(_SWEEPS):
        plain, tuned = (statistics.median(round_[place] for round_ in found) for found in seconds.values())
        results[sweep] = {"plain": plain, "tuned": tuned, "ratio": plain / tuned}
    return results


def tables(results: dict[str, Any]) -> list[Table]:
    """Each sweep with the C library as it comes, and tuned."""
    rows = [
        (sweep, seconds(found["plain"]), seconds(found["tuned"]), times(found["ratio"]))
        for sweep, found in results.items()
        if isinstance(found, dict)
    ]
    note = (
        f"Occlusion maps of {results['network']} in new processes that take turns: the C library's allocator as it "
        "comes, and after `zfwidgets.tune_allocator()`, which keeps big buffers instead of giving them back; medians."
    )
    missing = "" if rows else " Nothing to compare here: the C library is not glibc."
    head = ("sweep", "as it comes", "tuned", "ratio")
    return [Table("What tuning the allocator is worth", head, rows, note + missing)]


if __name__ == "__main__":
    print(measure())
