"""What a cluster changes: a kernel without torch, and mining spread over workers; the rates that plans are made of."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

import zfwidgets as zf
from benchmarks.measure import UnavailableError
from benchmarks.networks import load
from benchmarks.tables import Table, number, seconds

__all__ = ["measure", "readme", "tables"]

PICTURES = {"alexnet": 256, "squeezenet1_1": 256, "resnet18": 128, "vgg16": 32}
"""Enough for some seconds of work."""
_SIZE = (500, 375)
"""Width and height of the pictures: ImageNet's median."""

_KERNEL = """
import json, os, sys, time
start = time.perf_counter()
import psutil
import zfwidgets as zf
from zfwidgets.allocator import tune_allocator
tune_allocator()
client = None
if sys.argv[1]:
    from distributed import Client
    client = Client(sys.argv[1])
explorer = zf.Explorer.owning(zf.Backend("zfnet-scenes", client=client))
assert explorer.wait(120)
took = time.perf_counter() - start
memory = psutil.Process().memory_info().rss / 1e6
print(json.dumps({"seconds": took, "megabytes": memory, "torch": "torch" in sys.modules}))
explorer.close()
os._exit(0)
"""


def measure(repeats: int = 3, device: str = "cpu") -> dict[str, Any]:
    """Kernels with and without a cluster; pictures mined a second, here and on workers; bytes of an index."""
    if device != "cpu":
        return {"kernels": {}, "mining": {name: _mined(name, device) for name in PICTURES}, "workers": {}}
    with _cluster(1) as (cluster, _):
        addresses = {"in the kernel": "", "on a cluster": cluster.scheduler_address}
        rounds = [{name: _kernel(address) for name, address in addresses.items()} for _ in range(repeats)]
    kernels = {name: _median([one[name] for one in rounds]) for name in addresses}
    return {
        "kernels": kernels,
        "mining": {name: _mined(name, device) for name in PICTURES},
        "workers": {str(count): _spread(count) for count in (1, 2)},
    }


def _kernel(address: str) -> dict[str, Any]:
    done = subprocess.run([sys.executable, "-c", _KERNEL, address], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"A kernel failed: {done.stderr.strip().splitlines()[-1]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _median(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    figures = {name: float(f"{np.median([one[name] for one in rounds]):.4g}") for name in ("seconds", "megabytes")}
    return {**figures, "torch": rounds[0]["torch"]}


@contextmanager
def _cluster(workers: int) -> Iterator[tuple[Any, Any]]:
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise UnavailableError("This needs Dask, which is not installed; try pip install -e '.[dask]'.") from error
    options = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": ":0", "silence_logs": 50}
    with LocalCluster(**options) as cluster, Client(cluster) as client:
        client.wait_for_workers(workers)
        yield cluster, client


@contextmanager
def _folder(count: int) -> Iterator[Path]:
    """JPEG files of photographs: the shipped ones, each cut elsewhere, so that no two are alike."""
    photographs = [np.asarray(zf.samples()[key].resize((640, 480))) for key in zf.samples().keys()]  # noqa: SIM118
    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        for place in range(count):
            top, left = random.integers(0, 480 - _SIZE[1]), random.integers(0, 640 - _SIZE[0])
            part = photographs[place % len(photographs)][top : top + _SIZE[1], left : left + _SIZE[0]]
            Image.fromarray(np.roll(part, place, axis=1)).save(Path(name) / f"{place:05d}.jpg", quality=92)
        yield Path(name)


def _mined(name: str, device: str) -> dict[str, float]:
    """One process: pictures a second, decoding included, and bytes of the file, of which some are per picture."""
    net = load(name, device)
    with _folder(PICTURES[name]) as folder:
        pictures = zf.ImageSet.from_folder(folder)
        zf.top_activations(net, pictures.only(list(pictures.keys())[:32]))
        start = time.perf_counter()
        zf.top_activations(net, pictures, index=folder / "top.safetensors")
        took = time.perf_counter() - start
        size = (folder / "top.safetensors").stat().st_size
        few = pictures.only(list(pictures.keys())[: len(pictures) // 2])
        zf.top_activations(net, few, index=folder / "few.safetensors")
        less = (folder / "few.safetensors").stat().st_size
    each = (size - less) / (len(pictures) - len(few))
    return {
        "pictures": len(pictures),
        "rate": float(f"{len(pictures) / took:.4g}"),
        "threads": torch.get_num_threads(),
        "index_bytes": size,
        "bytes_a_picture": round(each, 1),
    }


def _spread(workers: int) -> float:
    """Pictures a second on so many workers of this machine, the network's way to them included."""
    from zfwidgets.backend.cluster import mine_on

    net = load("squeezenet1_1")
    with _cluster(workers) as (_, client), _folder(PICTURES["squeezenet1_1"]) as folder:
        pictures = zf.ImageSet.from_folder(folder)
        mine_on(client, net, pictures.only(list(pictures.keys())[:128]), index=folder / "first.safetensors")
        start = time.perf_counter()
        mine_on(client, net, pictures, index=folder / "top.safetensors")
        return float(f"{len(pictures) / (time.perf_counter() - start):.4g}")


def tables(results: dict[str, Any]) -> list[Table]:
    """Kernels; mining."""
    kernels = [
        (name, seconds(found["seconds"]), f"{number(found['megabytes'])} MB", "yes" if found["torch"] else "no")
        for name, found in results["kernels"].items()
    ]
    mining = [
        (
            name,
            number(found["rate"]),
            str(found["pictures"]),
            number(found["index_bytes"] / 1e6),
            number(found["bytes_a_picture"]),
        )
        for name, found in results["mining"].items()
    ]
    workers = [(count, number(rate)) for count, rate in results["workers"].items()]
    found = [
        Table(
            "A page's kernel, from the interpreter's start to a usable Explorer",
            ("network", "ready after", "memory", "torch loaded"),
            kernels,
        ),
        Table(
            "Mining JPEG files of 500 x 375 pixels, decoding included",
            ("network", "pictures a second", "pictures", "index, MB", "of it bytes a picture"),
            mining,
        ),
        Table("SqueezeNet mined on workers here, one thread each", ("workers", "pictures a second"), workers),
    ]
    return [table for table in found if table.rows]


def readme(results: dict[str, Any], there: dict[str, Any] | None) -> list[Table]:
    """The kernels, among what a person waits for."""
    words = {"in the kernel": "network in it", "on a cluster": "network on a cluster"}
    rows = [
        (
            f"a page's kernel, {words[name]} ({number(found['megabytes'])} MB), until it is usable",
            seconds(found["seconds"]),
        )
        for name, found in results["kernels"].items()
    ]
    return [Table("", ("what a person waits for", "time"), rows)] if rows else []
