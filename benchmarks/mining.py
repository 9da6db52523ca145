"""Mining against nothing but the forward pass, its memory, and one map out of an index that lies cold on the disk."""

from __future__ import annotations

import copy
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

import zfwidgets as zf
from benchmarks.measure import UnavailableError, others, peak_memory, timed
from benchmarks.tables import Table, number
from zfwidgets.methods.top_activations.census import Census
from zfwidgets.methods.top_activations.parts import Field
from zfwidgets.methods.top_activations.ranks import Ranks
from zfwidgets.methods.top_activations.result import TopActivations

__all__ = ["measure", "tables"]

_NETWORKS = ("alexnet", "squeezenet1_1")
_PICTURES = 2000
_BATCH = 32
_VGG16 = {1: (2, 64, 224), 2: (2, 128, 112), 3: (3, 256, 56), 4: (3, 512, 28), 5: (3, 512, 14)}
"""Block to its convolutions, their maps and the side of each."""

_MEMORY = """
from functools import partial
import numpy as np, torch
import zfwidgets as zf
from zfwidgets.data.image_set import Entry
torch.manual_seed(0)
module = torch.nn.Sequential(
    torch.nn.Conv2d(3, 64, 3), torch.nn.ReLU(), torch.nn.MaxPool2d(2), torch.nn.Conv2d(64, 256, 3), torch.nn.ReLU(),
    torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(256, 10),
)
net = zf.Network(module, preprocess=zf.Preprocess(size=32, resize=32), device="cpu")
def picture(place):
    return np.random.default_rng(place).integers(0, 255, (32, 32, 3), np.uint8)
pictures = zf.ImageSet({f"picture/{place:06d}": Entry(partial(picture, place), str) for place in range(COUNT)})
import tempfile, pathlib
with tempfile.TemporaryDirectory() as folder:
    zf.top_activations(net, pictures, index=pathlib.Path(folder, "top.safetensors"))
"""


def measure(repeats: int) -> dict[str, Any]:
    """Pictures a second of both and their ratio, MB by number of pictures, ms to open one map."""
    torch.manual_seed(0)
    zf.tune_allocator()
    results: dict[str, Any] = {"rates": {name: _rates(name, repeats) for name in _NETWORKS}}
    results["memory"] = {
        str(count): round(peak_memory(_MEMORY.replace("COUNT", str(count)))) for count in (_PICTURES, 10 * _PICTURES)
    }
    results["opening"] = {str(count): _opening(count) for count in (_PICTURES, 1_281_167)}
    return results


def _photographs() -> list[Path]:
    """JPEGs of the folder that ``ZFWIDGETS_REAL`` names."""
    folder = os.environ.get("ZFWIDGETS_REAL")
    files = (
        sorted(path for path in Path(folder).rglob("*") if path.suffix.lower() in (".jpg", ".jpeg")) if folder else []
    )
    if len(files) < _PICTURES:
        raise UnavailableError(f"Mining is timed on {_PICTURES} JPEGs; name a folder of them with ZFWIDGETS_REAL.")
    # Evenly from all classes.
    return [files[place] for place in np.linspace(0, len(files) - 1, _PICTURES).astype(int)]


def _rates(name: str, repeats: int) -> dict[str, Any]:
    """Forward pass, mining, forward pass, again and again: each run of mining is compared with those around it."""
    net = zf.load_network(name, weights=None, device="cpu")
    pictures = zf.ImageSet.from_list(_photographs())
    module = copy.deepcopy(net.module).eval().to(memory_format=torch.channels_last)
    batch = torch.rand(_BATCH, 3, *net.input_size).contiguous(memory_format=torch.channels_last)

    def forward() -> None:
        with torch.inference_mode():
            for _ in range(_PICTURES // 2 // _BATCH):
                module(batch)

    def seconds_forward() -> float:
        """For as many pictures as are mined."""
        return timed(forward) * _PICTURES / (_PICTURES // 2 // _BATCH * _BATCH)

    module(batch)
    zf.top_activations(net, pictures.only(pictures.keys()[:64]))
    rounds, watch, before = [], others(), seconds_forward()
    for _ in range(repeats):
        mined = timed(lambda: zf.top_activations(net, pictures))
        after = seconds_forward()
        rounds.append((_PICTURES / mined, 2 * _PICTURES / (before + after), (before + after) / 2 / mined))
        before = after
    mining, plain, share = (float(f"{statistics.median(part):.4g}") for part in zip(*rounds, strict=True))
    shares = [round(part, 3) for _, _, part in rounds]
    return {"mining": mining, "forward": plain, "share": share, "shares": shares, "others": round(watch(), 2)}


def _opening(count: int) -> dict[str, float]:
    """ms from a cold file to the nine entries of one map of VGG16, and the file's MB."""
    with tempfile.TemporaryDirectory() as folder:
        path = _index(count).save(Path(folder, "top.safetensors"))
        seconds = [_cold(path, lambda place=place: _look(path, place)) for place in range(20)]
        size = path.stat().st_size / 1e6
    return {
        "ms": round(1e3 * statistics.median(seconds), 2),
        "slowest": round(1e3 * max(seconds), 2),
        "MB": round(size, 1),
    }


def _look(path: Path, channel: int) -> None:
    assert len(TopActivations.open(path).channel("conv5_3", channel)) == 9


def _cold(path: Path, action: Callable[[], None]) -> float:
    """Seconds of an action after the system has forgotten the file's content."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def _index(count: int) -> TopActivations:
    """An index as large as that of VGG16 over so many pictures, of random numbers."""
    random = np.random.default_rng(0)
    keys = [f"n{place // 1300:08d}/n{place // 1300:08d}_{place}.JPEG" for place in range(count)]
    census = Census({key: random.bytes(32) for key in keys}, dict.fromkeys(keys, 1))
    ranks, layers = {}, []
    for block, (convolutions, channels, side) in _VGG16.items():
        for name, extent in [(f"conv{block}_{n + 1}", side) for n in range(convolutions)] + [
            (f"pool{block}", side // 2)
        ]:
            shape = (channels, 9)
            values = -np.sort(-random.random(shape, np.float32), 1)
            ranks[name] = Ranks(values, random.integers(0, count, shape), random.integers(0, extent**2, shape))
            layers.append([name, Field(channels, extent, extent, (9, 9), (2, 2), (-4, -4)).stored()])
    about = {"layers": layers, "k": 9, "per_image": 1, "network": "vgg16", "weights": "", "preprocess": {}, "code": ""}
    return TopActivations.assembled(ranks, keys, census, about)


def tables(results: dict[str, Any]) -> list[Table]:
    """Rates, memory, opening."""
    rates = [
        (name, f"{number(found['forward'])} /s", f"{number(found['mining'])} /s", f"{100 * found['share']:.0f} %")
        for name, found in results["rates"].items()
    ]
    memory = [(f"{int(count):,} pictures", f"{megabytes} MB") for count, megabytes in results["memory"].items()]
    opening = [
        (f"{int(count):,} pictures ({found['MB']} MB)", f"{found['ms']} ms")
        for count, found in results["opening"].items()
    ]
    return [
        Table(
            f"Mining {_PICTURES:,} JPEGs, decoding included, against the forward pass alone (channels last)",
            ("network", "forward", "mining", "share"),
            rates,
        ),
        Table("Peak memory of a process that mines", ("set", "peak"), memory),
        Table("One map of an index as large as VGG16's, from a cold file", ("index over", "time"), opening),
    ]
