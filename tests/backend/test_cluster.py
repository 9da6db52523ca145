"""Mining on a cluster of processes: the same bytes as in one process, whoever is killed on the way."""

from __future__ import annotations

import copy
import errno
import itertools
import os
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from twins.deadly import Fussy

from zfwidgets.backend import cluster as mining
from zfwidgets.backend import crew
from zfwidgets.backend.cluster import mine_on, shard_size
from zfwidgets.data import ImageSet
from zfwidgets.data.image_set import Entry
from zfwidgets.errors import Cancelled, DataError, NetworkError, ParameterError
from zfwidgets.methods.top_activations import Progress, TopActivations, top_activations
from zfwidgets.methods.top_activations.store import set_aside
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
    living = crew.living_workers
    chosen: list[str] = []

    def some(client: Any) -> dict[str, bool]:
        found = living(client)
        chosen[:] = [name for name in chosen if name in found] or sorted(found)[:workers]
        return {name: found[name] for name in chosen}

    monkeypatch.setattr(crew, "living_workers", some)
    seen: list[Progress] = []
    top = mine_on(client, network, many, k=4, index=tmp_path / "top.safetensors", on_progress=seen.append)
    assert (tmp_path / "top.safetensors").read_bytes() == expected
    assert names(tmp_path) == ["top.safetensors"]
    assert [skipped.key for skipped in top.skipped] == ["image/00092"]
    assert (seen[-1].done, seen[-1].total, seen[-1].seconds_left) == (93, 93, 0)


@pytest.mark.parametrize("seed", range(2))
def test_workers_killed_at_random_moments_change_nothing(
    seed: int, client: Any, network: Network, many: ImageSet, expected: bytes, tmp_path: Path
) -> None:
    random, path = np.random.default_rng(seed), tmp_path / "top.safetensors"
    moments = random.choice(range(1, 11), 2, replace=False)

    def killing(moment: int, count: int) -> Callable[[Progress], None]:
        def act() -> None:
            time.sleep(random.uniform(0, 0.2))
            kill(client, count)

        return at(moment, act)

    # One of them, and all.
    tell = [killing(int(moment), count) for moment, count in zip(moments, (1, 3), strict=True)]
    mine_on(client, network, many, k=4, index=path, on_progress=lambda progress: [say(progress) for say in tell])
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


def test_a_picture_that_kills_its_workers_is_set_aside_alone_and_tried_again(
    client: Any, network: Network, many: ImageSet, expected: bytes, tmp_path: Path
) -> None:
    path, keys = tmp_path / "top.safetensors", many.keys()
    fatal = ImageSet({keys[20]: Entry(partial(os._exit, 1), lambda: None)})
    top = mine_on(client, network, many | fatal, k=4, index=path)
    reason = "It killed its worker 4 times, at last all alone."
    assert dict(top.skipped)[keys[20]] == reason and len(top.skipped) == 2
    assert set_aside(path) == {keys[20]: reason}
    others = top_activations(network, many.only([key for key in keys if key != keys[20]]), k=4)
    assert top.count == 93
    for layer in top.layers:
        np.testing.assert_array_equal(top[layer].values, others[layer].values)
        np.testing.assert_array_equal(top[layer].images, others[layer].images)
        np.testing.assert_array_equal(top[layer].positions, others[layer].positions)
    seen: list[Progress] = []
    mine_on(client, network, many, k=4, index=path, on_progress=seen.append)
    assert seen[0].done >= 92  # what cannot be read, and is no file, is looked at again
    assert path.read_bytes() == expected
    assert names(tmp_path) == ["top.safetensors"]


OTHERS = itertools.count(1)


def fussy(network: Network, **options: Any) -> Network:
    module = Fussy(*copy.deepcopy(network.module), **options)
    with torch.no_grad():
        module[0].bias += 0.01 * next(OTHERS)  # a network that no worker has loaded before
    return Network(module, preprocess=network.preprocess, classes=network.classes, device="cpu", name="tiny")


@pytest.mark.parametrize("refuses", ["unpickle", "load"])
def test_a_worker_that_cannot_load_the_network_is_left_out(
    client: Any, network: Network, many: ImageSet, tmp_path: Path, refuses: str
) -> None:
    mark, path = tmp_path / "mark", tmp_path / "out" / "top.safetensors"
    net = fussy(network, refuses=refuses, mark=str(mark))
    with pytest.warns(RuntimeWarning, match=r"worker tcp://.* is left out: .*(No module named 'mine'|out of memory)"):
        top = mine_on(client, net, many, k=4, index=path)
    assert mark.exists() and not set_aside(path) and len(top.skipped) == 1
    alone = top_activations(net, many, k=4)
    assert path.read_bytes() == alone.save(tmp_path / "alone").read_bytes()
    assert names(path.parent) == ["top.safetensors"]


@pytest.mark.parametrize(
    ("refuses", "words"),
    [
        ("unpickle", r"cannot run tiny \(.*No module named 'mine'.*\); install zfwidgets and the network's own code"),
        ("load", r"tiny does not take a batch .*\(out of memory\)"),
        ("die", r"4 workers died when they loaded tiny; give them more memory"),
    ],
)
def test_where_no_worker_can_load_the_network_it_is_said(
    client: Any, network: Network, many: ImageSet, tmp_path: Path, refuses: str, words: str
) -> None:
    net = fussy(network, refuses=refuses, mark="", all_of_them=True)
    with pytest.raises(NetworkError, match=words):
        mine_on(client, net, many, k=4, index=tmp_path / "top.safetensors")
    assert names(tmp_path) == []


def test_where_all_died_and_none_came_back_both_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "_WITHOUT_WORKERS", 0.0)
    monkeypatch.setattr(crew, "living_workers", lambda client: {})
    nobody = SimpleNamespace(scheduler=SimpleNamespace(address="tcp://10.0.0.1:8786"), cancel=lambda futures: None)
    team = crew.Crew(nobody, "digest", SimpleNamespace(name="tiny"))  # type: ignore[arg-type]
    team.members = {
        f"tcp://10.0.0.{machine}:40000": crew.Member(card=False, ready=None, since=0.0) for machine in (2, 3)
    }
    with pytest.raises(
        NetworkError, match=r"no workers \(2 died when they loaded tiny: give them more memory\); start"
    ):
        team.look()


def test_a_worker_that_loads_is_counted_on_for_some_minutes() -> None:
    team, now = crew.Crew(None, "digest", SimpleNamespace(name="tiny")), time.monotonic()  # type: ignore[arg-type]
    team.members = {
        "tcp://a:1": crew.Member(False, None, since=now - 1e6, loaded=True),
        "tcp://b:1": crew.Member(False, None, since=now),
        "tcp://c:1": crew.Member(False, None, since=now - 1e6),
    }
    assert team.hands() == {"tcp://a:1", "tcp://b:1"} and team.machines() == {"tcp://a", "tcp://b"}
    assert list(team.free()) == ["tcp://a:1"]


def test_a_worker_hands_over_what_it_has_after_a_while(
    client: Any, network: Network, many: ImageSet, expected: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mining, "_SMALLEST", 40)
    monkeypatch.setattr(crew, "_PART_SECONDS", 0.0)
    done, files = list[int](), list[int]()

    def tell(progress: Progress) -> None:
        done.append(progress.done)
        files.append(len(list((tmp_path / "top.safetensors.parts").glob("*.safetensors"))))

    mine_on(client, network, many, k=4, index=tmp_path / "top.safetensors", on_progress=tell)
    assert len(done) == 7  # parts of 40, 40 and 13 pictures, 16 at a time
    assert files[-1] < 7  # those of a part that is done are one file
    assert (tmp_path / "top.safetensors").read_bytes() == expected


def test_a_full_disk_stops_the_driver_and_the_run_goes_on(
    client: Any, network: Network, many: ImageSet, expected: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, left = os.fsync, [7]

    def fsync(handle: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(handle)

    path = tmp_path / "top.safetensors"
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fsync)
        with pytest.raises(DataError, match="No space left"):
            mine_on(client, network, many, k=4, index=path)
    kept = names(tmp_path / "top.safetensors.parts")
    assert len(kept) == 4 and all(name.endswith(".safetensors") for name in kept)
    seen: list[Progress] = []
    mine_on(client, network, many, k=4, index=path, on_progress=seen.append)
    assert seen[0].done > 4 * 8
    assert path.read_bytes() == expected
    assert names(tmp_path) == ["top.safetensors"]


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
    monkeypatch.setattr(crew, "_WITHOUT_WORKERS", 0.1)
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
