"""Mining on a cluster of processes: the same bytes as in one process, whoever is killed on the way."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from zfwidgets.backend import cluster as mining
from zfwidgets.backend.cluster import mine_on, shard_size
from zfwidgets.data import ImageSet
from zfwidgets.data.image_set import Entry
from zfwidgets.errors import Cancelled, DataError, NetworkError, ParameterError
from zfwidgets.methods.top_activations import Progress, TopActivations, top_activations
from zfwidgets.network import Network

distributed = pytest.importorskip("distributed", reason="needs Dask: pip install 'zfwidgets[dask]'")


@pytest.fixture(scope="module")
def many() -> ImageSet:
    """Enough pictures for a dozen shards, some of them twice, one damaged."""
    random = np.random.default_rng(3)
    arrays = [random.integers(0, 255, (24, 24, 3), dtype=np.uint8) for _ in range(90)]
    return ImageSet.from_list([*arrays, arrays[4], arrays[50], b"no picture"])


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mining, "_SMALLEST", 8)


@pytest.fixture(scope="module")
def expected(network: Network, many: ImageSet, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("alone") / "top.safetensors"
    top_activations(network, many, k=4, index=path)
    return path.read_bytes()


def kill(client: Any, count: int) -> None:
    """SIGKILL to so many workers, as the system does when memory runs out."""
    for pid in list(client.run(os.getpid).values())[:count]:
        os.kill(pid, signal.SIGKILL)


def at(moment: int, act: Callable[[], None]) -> Callable[[Progress], None]:
    """Act once, when so many shards are done."""
    seen: list[Progress] = []

    def tell(progress: Progress) -> None:
        seen.append(progress)
        if len(seen) == moment:
            act()

    return tell


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*"))


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_the_result_is_that_of_one_process(
    workers: int, client: Any, network: Network, many: ImageSet, expected: bytes, tmp_path: Path, monkeypatch: Any
) -> None:
    living = mining.living_workers
    chosen: list[str] = []

    def some(client: Any) -> dict[str, bool]:
        found = living(client)
        chosen[:] = [name for name in chosen if name in found] or sorted(found)[:workers]
        return {name: found[name] for name in chosen}

    monkeypatch.setattr(mining, "living_workers", some)
    seen: list[Progress] = []
    top = mine_on(client, network, many, k=4, index=tmp_path / "top.safetensors", on_progress=seen.append)
    assert (tmp_path / "top.safetensors").read_bytes() == expected
    assert names(tmp_path) == ["top.safetensors"]
    assert [skipped.key for skipped in top.skipped] == ["image/00092"]
    assert (seen[-1].done, seen[-1].total, seen[-1].seconds_left) == (93, 93, 0)


@pytest.mark.parametrize("killed", [1, 3])
def test_killed_workers_change_nothing(
    killed: int, client: Any, network: Network, many: ImageSet, expected: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "top.safetensors"
    mine_on(client, network, many, k=4, index=path, on_progress=at(2, lambda: kill(client, killed)))
    assert path.read_bytes() == expected
    assert names(tmp_path) == ["top.safetensors"]


def test_a_stopped_run_goes_on_where_it_was(
    client: Any, network: Network, many: ImageSet, expected: bytes, tmp_path: Path
) -> None:
    path, seen = tmp_path / "top.safetensors", list[Progress]()
    with pytest.raises(Cancelled):
        mine_on(client, network, many, k=4, index=path, on_progress=seen.append, cancelled=lambda: len(seen) >= 5)
    kept = names(tmp_path / "top.safetensors.parts")
    assert len(kept) >= 5
    times = {name: (tmp_path / "top.safetensors.parts" / name).stat().st_mtime_ns for name in kept}
    again: list[Progress] = []
    saved: list[str] = []
    save = TopActivations.save
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(TopActivations, "save", lambda top, path: (saved.append(Path(path).name), save(top, path))[1])
        mine_on(client, network, many, k=4, index=path, on_progress=again.append)
    assert not set(saved) & set(times)
    assert again[0].done > len(kept) * 7
    assert path.read_bytes() == expected
    assert mine_on(client, network, many, k=4, index=path).count == 93


def test_a_shard_that_kills_its_worker_four_times_is_set_aside(
    client: Any, network: Network, many: ImageSet, tmp_path: Path
) -> None:
    keys = many.keys()
    fatal = ImageSet({keys[20]: Entry(partial(os._exit, 1), lambda: None)})
    top = mine_on(client, network, many | fatal, k=4, index=tmp_path / "top.safetensors")
    shard = keys[16:24]
    reason = "Its shard of 8 pictures killed its worker 4 times."
    assert [tuple(skipped) for skipped in top.skipped if skipped.key in shard] == [(key, reason) for key in shard]
    others = top_activations(network, many.only([key for key in keys if key not in shard]), k=4)
    assert top.count == 93
    for layer in top.layers:
        np.testing.assert_array_equal(top[layer].values, others[layer].values)
        np.testing.assert_array_equal(top[layer].images, others[layer].images)
        np.testing.assert_array_equal(top[layer].positions, others[layer].positions)


def test_pictures_that_only_the_driver_can_read(
    client: Any, network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (30, 30)).save("here.png")
    with pytest.raises(DataError, match=r"workers cannot read 'here.png', which is readable here; use a folder"):
        mine_on(client, network, ImageSet.from_list(["here.png"]), index=tmp_path / "top.safetensors")


def test_what_is_no_cluster_is_said_in_a_sentence(
    network: Network, many: ImageSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ParameterError, match=r"distributed.Client, .* not str"):
        mine_on("tcp://127.0.0.1:8786", network, many, index=tmp_path / "top.safetensors")
    monkeypatch.setattr(mining, "_WITHOUT_WORKERS", 0.1)
    empty = {"n_workers": 0, "dashboard_address": ":0", "silence_logs": 50}
    with (
        distributed.LocalCluster(**empty) as cluster,
        distributed.Client(cluster) as client,
        pytest.raises(NetworkError, match="has no workers; start some with `dask worker tcp://"),
    ):
        mine_on(client, network, many, index=tmp_path / "top.safetensors")


def test_shards_are_many_for_few_pictures_and_large_for_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert [shard_size(count) for count in (1, 2_000, 100_000, 1_281_167)] == [64, 64, 391, 512]
