"""``python -m benchmarks.plan``: docs/imagenet.md, the plan for 1.28 million pictures, from the stored results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.report import FOLDER, HERE
from benchmarks.tables import Table, number

__all__ = ["PLAN", "planned"]

PLAN = HERE.parent / "docs" / "imagenet.md"
PICTURES = 1_281_167
"""Of ImageNet's training set (ILSVRC 2012)."""
MACHINES = (1, 4, 16, 64)
_SHARD = 512
_LONGER = len("n01440764/n01440764_10026.JPEG") - len("00000.jpg")
"""Bytes by which ImageNet's keys are longer than those measured."""

_HEAD = f"""# Mining ImageNet: a plan

ImageNet's training set has {PICTURES:,} pictures. This page says how long one pass over it takes and how large the
index is, by arithmetic from the rates that `python -m benchmarks --only cluster` measured and stored in
`benchmarks/results`; `python -m benchmarks.plan` writes it again. One pass gives the nine strongest activations of
every map of every layer of a network's menu.
"""

_TAIL = """## What to type

One machine; Ctrl-C costs the pictures under way, a power cut some ten seconds of work:

```
zfwidgets mine --network vgg16 --images /data/imagenet/train --out vgg16.safetensors
```

A Dask cluster; the pictures must be under the same path on every machine, results come back over the network. One
worker for each core (or each graphics card, with `--resources GPU=1`), one thread each:

```
dask scheduler
dask worker tcp://head:8786 --nworkers auto --nthreads 1
zfwidgets mine --network vgg16 --images /data/imagenet/train --out vgg16.safetensors --scheduler tcp://head:8786
```

A batch system without any engine: an array of jobs, each with its part, and one command at the end:

```
zfwidgets mine --network vgg16 --images /data/imagenet/train --out part-$TASK.safetensors --shard $TASK/64
zfwidgets mine --merge part-*.safetensors --out vgg16.safetensors
```

All three give the same file, byte for byte on the same kind of processor.

## What the arithmetic leaves out

- Reading: ImageNet's files have about 0.11 MB each; many machines share one file server.
- Rates hold for that machine as it was loaded then; other machines measure their own with the command above.
- Networks with other rates: the time is that of a forward pass up to the last layer that is wanted, plus decoding.
"""


def planned(folder: Path = FOLDER) -> str:
    """The page."""
    found = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.json"))]
    known = [one for one in found if "cluster" in one["sections"]]
    parts = [_HEAD]
    for one in sorted(known, key=lambda one: one["device"]["kind"] != "cpu"):
        parts += _of(one["device"], one["sections"]["cluster"])
    if not any(one["device"]["kind"] != "cpu" for one in known):
        parts.append(
            "## On a graphics card\n\nNothing has been measured yet: run `python -m benchmarks --only cluster "
            "--device cuda` and `python -m benchmarks.plan`.\n"
        )
    return "\n".join([*parts, _TAIL])


def _of(device: dict[str, Any], section: dict[str, Any]) -> list[str]:
    mining, workers = section["results"]["mining"], section["results"]["workers"]
    rows = [(name, number(one["rate"]), *(_time(one["rate"] * n) for n in MACHINES)) for name, one in mining.items()]
    head = ("network", "pictures a second", *(f"{n} machine{'s' if n > 1 else ''}" for n in MACHINES))
    sizes = [
        (
            name,
            f"{one['index_bytes'] / 1e6:.1f} MB",
            number(one["bytes_a_picture"]),
            f"{_index(one) / 1e6:.0f} MB",
        )
        for name, one in mining.items()
    ]
    facts = section["circumstances"]
    parts = [
        f"## On {device['words']}\n",
        f"Measured {facts['date']}, torch {facts['torch']}, {facts['threads']} threads, decoding included.\n",
        Table("Time of one pass", head, rows, "N machines: N times the rate of one, see below.").markdown(),
        Table(
            "Bytes of the index: the maps' entries, and what is kept of each picture (its key, a hash, a time)",
            ("network", "index measured", "bytes a picture", "index of ImageNet"),
            sizes,
        ).markdown(),
    ]
    if len(workers) > 1:
        most = max(workers, key=int)
        gain = workers[most] / workers["1"]
        parts.append(
            f"On workers of one such machine, SqueezeNet: {number(workers['1'])} pictures a second on 1, "
            f"{number(workers[most])} on {most} ({gain:.2f} times). Between machines nothing is shared but the file "
            f"server and the driver, which writes one small file per shard: {-(-PICTURES // _SHARD):,} shards of "
            f"{_SHARD} pictures.\n"
        )
    return parts


def _index(one: dict[str, Any]) -> float:
    """Bytes: what does not grow with the pictures, and what does."""
    fixed = one["index_bytes"] - one["bytes_a_picture"] * one["pictures"]
    return float(fixed + (one["bytes_a_picture"] + _LONGER) * PICTURES)


def _time(rate: float) -> str:
    hours = PICTURES / rate / 3600
    return f"{hours * 60:.0f} min" if hours < 1 else f"{hours:.1f} h"


if __name__ == "__main__":
    PLAN.write_text(planned(), encoding="utf-8")
