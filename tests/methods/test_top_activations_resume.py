"""A run that is stopped: little is lost, nobody else gets between, and what goes on is told from what begins anew."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from twins.mining import as_lists, blotches

import zfwidgets as zf
from zfwidgets.errors import Cancelled, DataError, ParameterError, StaleIndexError
from zfwidgets.methods.top_activations import Progress, locks, merge, mine, plan
from zfwidgets.methods.top_activations.ranking import Ranking

BATCH = 16
MANY = blotches(20 * BATCH, seed=1)


class StoppedError(Exception):
    """What stops a run."""


def at(count: int, error: BaseException) -> Any:
    def tell(progress: Progress) -> None:
        if progress.done >= count:
            raise error

    return tell


def firsts(network: zf.Network, index: Path, pictures: zf.ImageSet = MANY, **options: Any) -> list[int]:
    """Pictures done at each step of a run."""
    done: list[int] = []
    zf.top_activations(network, pictures, index=index, on_progress=lambda step: done.append(step.done), **options)
    return done


@pytest.fixture(scope="module")
def expected(network: zf.Network, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return zf.top_activations(network, MANY).save(tmp_path_factory.mktemp("whole") / "top").read_bytes()


@pytest.mark.parametrize("error", [StoppedError(), KeyboardInterrupt()])
def test_of_a_part_that_is_stopped_only_the_batches_under_way_are_lost(
    network: zf.Network, tmp_path: Path, expected: bytes, error: BaseException
) -> None:
    index = tmp_path / "top"
    with pytest.raises(type(error)):
        zf.top_activations(network, MANY, index=index, on_progress=at(12 * BATCH, error))
    assert firsts(network, index)[0] == 13 * BATCH
    assert index.read_bytes() == expected
    assert [path.name for path in tmp_path.iterdir()] == ["top"]


def test_a_run_that_is_cancelled_goes_on_where_it_was(network: zf.Network, tmp_path: Path, expected: bytes) -> None:
    index, seen = tmp_path / "top", list[Progress]()
    for most in (3, 9, 14):
        with pytest.raises(Cancelled):
            zf.top_activations(
                network,
                MANY,
                index=index,
                on_progress=seen.append,
                cancelled=lambda most=most: bool(seen) and seen[-1].done >= most * BATCH,  # type: ignore[misc]
            )
    assert firsts(network, index)[0] == seen[-1].done + BATCH
    assert index.read_bytes() == expected


@pytest.mark.parametrize("time", range(1, 5))
def test_ctrl_c_between_any_two_lines_keeps_nothing_half_counted(
    network: zf.Network, tmp_path: Path, expected: bytes, monkeypatch: pytest.MonkeyPatch, time: int
) -> None:
    real, left = Ranking.add, [time]

    def add(self: Ranking, *arguments: Any) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt
        real(self, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(Ranking, "add", add)
        with pytest.raises(KeyboardInterrupt):
            zf.top_activations(network, MANY, index=tmp_path / "top")
    zf.top_activations(network, MANY, index=tmp_path / "top")
    assert (tmp_path / "top").read_bytes() == expected


def test_a_part_is_kept_while_it_grows(
    network: zf.Network, tmp_path: Path, expected: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mine, "_KEPT_SECONDS", 0.0)
    monkeypatch.setattr(mine, "_KEPT_SHARE", np.inf)
    index = tmp_path / "top"
    kept: list[tuple[int, list[int]]] = []

    def tell(progress: Progress) -> None:
        files = (tmp_path / "top.parts").glob("*.safetensors")
        kept.append((progress.done, [zf.TopActivations.open(path).count for path in files]))

    zf.top_activations(network, MANY, index=index, on_progress=tell)
    assert kept == [(done, [done]) for done in range(BATCH, 21 * BATCH, BATCH)]
    assert index.read_bytes() == expected


def test_keeping_and_showing_take_a_small_share_of_the_time(
    network: zf.Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, shown = [0.0], list[float]()
    monkeypatch.setattr(mine.time, "monotonic", lambda: clock[0])

    def slow(top: zf.TopActivations) -> None:
        shown.append(clock[0])
        clock[0] += 1.0  # a large index

    def tell(progress: Progress) -> None:
        clock[0] += 4.0

    zf.top_activations(network, MANY, on_progress=tell, on_partial=slow)
    assert shown == [4.0, 25.0, 46.0, 67.0]


def test_begun_anew_and_stopped_it_goes_on_and_the_old_index_stays_meanwhile(
    network: zf.Network, tmp_path: Path, expected: bytes
) -> None:
    index, few = tmp_path / "top", MANY.only(MANY.keys()[:40])
    zf.top_activations(network, few, index=index)
    old = index.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        zf.top_activations(network, MANY, index=index, resume=False, on_progress=at(12 * BATCH, KeyboardInterrupt()))
    assert index.read_bytes() == old
    assert firsts(network, index)[0] == 13 * BATCH
    assert index.read_bytes() == expected
    assert firsts(network, index) == []
    assert [path.name for path in tmp_path.iterdir()] == ["top"]


def test_only_one_run_at_a_time(
    network: zf.Network, tmp_path: Path, expected: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    index, said = tmp_path / "top", list[str]()

    def second(progress: Progress) -> None:
        for resume in (True, False):
            with pytest.raises(DataError) as error:
                zf.top_activations(network, MANY, index=index, resume=resume)
            said.append(str(error.value))

    def unlockable(handle: int, kind: int) -> None:
        raise OSError(errno.ENOTSUP, "no locks here")

    zf.top_activations(network, MANY, index=index, on_progress=second)
    assert index.read_bytes() == expected
    who = f"Another run is mining into '{index}' (process {os.getpid()} on {socket.gethostname()}); wait"
    assert len(said) == 40 and all(words.startswith(who) for words in said)
    index.unlink()
    if locks.fcntl is not None:
        monkeypatch.setattr(locks.fcntl, "flock", unlockable)
    zf.top_activations(network, MANY, index=index, on_progress=second)
    assert index.read_bytes() == expected
    assert len(said) == 80 and "If none does any more, remove" in said[-1]


def test_without_locks_what_a_dead_process_left_is_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "fcntl", None)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (tmp_path / "lock").write_text(f"{gone.pid} {socket.gethostname()}")
    with locks.alone_in(tmp_path, "mining"):
        pass
    (tmp_path / "lock").write_text(f"{gone.pid} elsewhere")
    with (
        pytest.raises(DataError, match=rf"process {gone.pid} on elsewhere\).*remove '.*lock'"),
        locks.alone_in(tmp_path, "mining"),
    ):
        pass


def test_a_run_goes_on_after_an_upgrade_and_its_index_names_both(
    network: zf.Network, tmp_path: Path, expected: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = tmp_path / "top"
    with pytest.raises(StoppedError):
        zf.top_activations(network, MANY, index=index, on_progress=at(12 * BATCH, StoppedError()))
    monkeypatch.setattr(plan, "version", lambda name: "99.0")
    renamed = zf.Network(network.module, preprocess=network.preprocess, device="cpu", name="another name")
    assert firsts(renamed, index)[0] == 13 * BATCH
    top = zf.TopActivations.open(index, renamed, MANY)
    assert top.manifest["code"] == f"zfwidgets {zf.__version__}, zfwidgets 99.0"
    assert as_lists(top) == as_lists(zf.top_activations(network, MANY))


def test_pictures_that_change_between_two_runs(network: zf.Network, tmp_path: Path) -> None:
    folder, index = tmp_path / "set", tmp_path / "top"
    folder.mkdir()
    for key in MANY.keys()[:80]:
        MANY[key].save(folder / f"{key}.png")
    names = sorted(path.name for path in folder.iterdir())
    with pytest.raises(StoppedError):
        zf.top_activations(
            network, zf.ImageSet.from_folder(folder), index=index, on_progress=at(2 * BATCH, StoppedError())
        )
    (folder / names[-1]).unlink()  # not done yet
    MANY[MANY.keys()[90]].save(folder / "000-new.png")
    assert firsts(network, index, zf.ImageSet.from_folder(folder))[0] == 3 * BATCH
    now = zf.ImageSet.from_folder(folder)
    assert index.read_bytes() == zf.top_activations(network, now).save(tmp_path / "whole").read_bytes()
    index.unlink()
    with pytest.raises(StoppedError):
        zf.top_activations(network, now, index=index, on_progress=at(2 * BATCH, StoppedError()))
    (folder / names[1]).unlink()  # done already: the part that has seen it is of no use
    now = zf.ImageSet.from_folder(folder)
    assert firsts(network, index, now)[0] == BATCH
    assert index.read_bytes() == zf.top_activations(network, now).save(tmp_path / "whole").read_bytes()


def test_parts_of_a_set_are_missed_by_name(network: zf.Network, tmp_path: Path, expected: bytes) -> None:
    parts = [tmp_path / f"{number}" for number in (1, 2, 3)]
    for number, path in enumerate(parts, 1):
        found = zf.top_activations(network, MANY, part=(number, 3), index=path)
        assert len(found.missing) == 2 and f"{number}/3" not in found.missing
    some = merge([parts[2], parts[0]])
    assert some.missing == ("2/3",)
    whole = merge([some.save(tmp_path / "some"), parts[1]])
    assert whole.missing == () and whole.save(tmp_path / "top").read_bytes() == expected
    assert zf.top_activations(network, MANY, part=(2, 3)).missing == ("1/3", "3/3")
    half = zf.top_activations(network, MANY, part=(1, 2)).save(tmp_path / "half")
    with pytest.raises(StaleIndexError, match=r"1/3 and 1/2 were cut differently"):
        merge([parts[0], half])
    fewer = zf.top_activations(network, MANY.only(MANY.keys()[:-1]), part=(1, 3)).save(tmp_path / "fewer")
    with pytest.raises(StaleIndexError, match=r"came or went between part 1/3 and part 1/3"):
        merge([parts[0], fewer])
    wrong: list[tuple[Any, str]] = [
        ((4, 3), "parts 1 to 3; found 4"),
        ((1, 999), "320 pictures for 999 parts"),
        ((0, 3), "at least 1, not 0"),
        ("1/3", "two whole numbers, for example"),
    ]
    for part, words in wrong:
        with pytest.raises(ParameterError, match=words):
            zf.top_activations(network, MANY, part=part)


@pytest.mark.parametrize("place", [0, 1, 17, 18, 39])
def test_every_picture_without_a_file_is_compared(network: zf.Network, place: int) -> None:
    arrays = np.random.default_rng(0).integers(0, 255, (40, 24, 24, 3), np.uint8)
    top = zf.top_activations(network, zf.ImageSet.from_arrays(arrays))
    changed = arrays.copy()
    changed[place, 3, 3] += 1
    with pytest.raises(StaleIndexError, match=f"'image/{place:05d}' has changed"):
        top.check(image_set=zf.ImageSet.from_arrays(changed))
    looked: list[str] = []

    class Counted(zf.ImageSet):
        def __getitem__(self, key: str) -> Any:
            looked.append(key)
            return super().__getitem__(key)

    top.check(image_set=Counted(zf.ImageSet.from_arrays(arrays)._entries), most=7)
    assert len(looked) == 7


SCRIPT = """
import numpy as np
import torch
import zfwidgets as zf
torch.set_num_threads(1)
module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 5), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(576, 2))
net = zf.Network(module, preprocess=zf.Preprocess(size=16, resize=16), device="cpu")
pictures = zf.ImageSet.from_arrays(np.random.default_rng(0).integers(0, 255, (50, 16, 16, 3), np.uint8))
top = zf.top_activations(net, pictures, workers=2)
print(top.count, len(top.skipped))
"""


@pytest.mark.parametrize("way", ["typed", "unguarded"])
def test_where_decoders_cannot_start_this_process_decodes(tmp_path: Path, way: str) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    words = [sys.executable, *(["-"] if way == "typed" else [str(script)])]
    typed = SCRIPT if way == "typed" else ""
    done = subprocess.run(words, input=typed, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == "50 0\n", done.stderr
    assert "cannot start (" in done.stderr and "so this one decodes them" in done.stderr
