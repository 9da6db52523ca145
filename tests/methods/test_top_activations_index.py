"""The index: what opens, what is refused, what is named; bad pictures, bad files, a full disk."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from twins.mining import as_lists, blotches
from twins.zoo import small

import zfwidgets as zf
from zfwidgets.errors import DataError, StaleIndexError
from zfwidgets.methods.top_activations import ShardSpec, map_shard, merge, shards
from zfwidgets.methods.top_activations.container import clear_away


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Nine pictures as files in two classes."""
    pictures = blotches(9, seed=1)
    for number, key in enumerate(pictures):
        path = tmp_path / "set" / f"class {number % 2}" / f"{key}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pictures[key].save(path)
    return tmp_path / "set"


@pytest.fixture
def index(network: zf.Network, folder: Path, tmp_path: Path) -> Path:
    path = tmp_path / "top.safetensors"
    zf.top_activations(network, zf.ImageSet.from_folder(folder), k=4, index=path)
    return path


def test_what_is_opened_is_what_was_mined(network: zf.Network, folder: Path, index: Path) -> None:
    pictures = zf.ImageSet.from_folder(folder)
    mined, opened = zf.top_activations(network, pictures, k=4), zf.TopActivations.open(index, network, pictures)
    assert as_lists(mined) == as_lists(opened)
    for layer in mined.layers:
        for name in ("values", "images", "positions"):
            np.testing.assert_array_equal(getattr(mined[layer], name), getattr(opened[layer], name))
    assert (opened.layers, opened.k, opened.per_image) == (("conv1", "pool1", "conv2"), 4, 1)
    assert opened.count == 9 and opened.duplicates == mined.duplicates and opened.manifest == mined.manifest
    assert opened["conv1"].values.base is not opened["conv1"].values  # a copy: whoever writes into it harms nobody
    assert repr(opened) == "<TopActivations of 9 pictures: 3 layers, k=4>"


def test_anybody_can_read_the_file_and_its_manifest(index: Path) -> None:
    with safe_open(str(index), framework="np") as file:
        assert {"conv1/values", "conv1/images", "conv1/places", "names"} <= set(file.keys())
        assert file.get_tensor("conv2/values").shape == (8, 4)
        content, _ = json.loads(file.metadata()["zfwidgets"])
    manifest = content["manifest"]
    assert {"weights", "preprocess", "pictures", "code", "skipped", "count", "layers", "format"} <= set(manifest)


def test_each_flipped_byte_is_refused_or_changes_nothing(network: zf.Network, index: Path) -> None:
    sound, top = index.read_bytes(), as_lists(zf.TopActivations.open(index))
    random = np.random.default_rng(0)
    words: list[str] = []
    places = [*range(8), *random.integers(0, len(sound), 300).tolist(), len(sound) - 1]
    for place in places:
        damaged = bytearray(sound)
        damaged[place] ^= 1 << int(random.integers(8))
        index.write_bytes(damaged)
        try:
            found = as_lists(zf.TopActivations.open(index))
        except DataError as error:
            words.append(str(error))
        else:
            assert found == top  # a blank between two words of the header
    assert len(words) > len(places) - 10
    assert all("mine" in sentence and "\n" not in sentence for sentence in words)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.9, 0.9999])
def test_an_index_cut_short_is_refused(index: Path, share: float) -> None:
    sound = index.read_bytes()
    index.write_bytes(sound[: int(len(sound) * share)])
    with pytest.raises(DataError, match="mine it again"):
        zf.TopActivations.open(index)


def test_a_long_census_is_checked_when_it_is_used(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from zfwidgets.methods.top_activations import result

    monkeypatch.setattr(result, "_CHECKED_AT_ONCE", 1)
    sound = index.read_bytes()
    index.write_bytes(sound[:-1] + bytes([sound[-1] ^ 1]))
    top = zf.TopActivations.open(index)
    assert top.channel("conv1", 0)
    with pytest.raises(DataError, match="altered"):
        top.duplicates  # noqa: B018


def test_files_that_are_no_index(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no index"):
        zf.TopActivations.open(tmp_path / "nowhere.safetensors")
    with pytest.raises(DataError, match="cannot be read"):
        zf.TopActivations.open(tmp_path)
    for content in (b"", b"{}", b"\x02\x00\x00\x00\x00\x00\x00\x00{}", os.urandom(1000), b"\xff" * 100):
        (tmp_path / "x").write_bytes(content)
        with pytest.raises(DataError, match="mine it again"):
            zf.TopActivations.open(tmp_path / "x")


def test_another_networks_index_is_refused(network: zf.Network, folder: Path, index: Path) -> None:
    other = zf.Network(small("Plain", (24, 24)), preprocess=network.preprocess, device="cpu")
    pictures = zf.ImageSet.from_folder(folder)
    with pytest.raises(StaleIndexError, match=r"other weights than Plain.*'tiny'.*mine again"):
        zf.TopActivations.open(index, other)
    with pytest.raises(StaleIndexError, match="other weights"):
        zf.top_activations(other, pictures, k=4, index=index)
    moved = zf.Network(network.module, preprocess=zf.Preprocess(size=24, resize=30), device="cpu")
    with pytest.raises(StaleIndexError, match="another preprocessing"):
        zf.TopActivations.open(index, moved)
    with pytest.raises(StaleIndexError, match="k=4, not 5"):
        zf.top_activations(network, pictures, k=5, index=index)
    assert zf.top_activations(network, pictures, k=5, index=index, resume=False).k == 5


def test_one_weight_that_changes_is_noticed(network: zf.Network, index: Path) -> None:
    weight = network.module[3].weight
    before = weight.data.clone()
    try:
        weight.data[1, 2, 0, 0] += 1e-3
        with pytest.raises(StaleIndexError, match="other weights"):
            zf.TopActivations.open(index, network)
    finally:
        weight.data.copy_(before)
    zf.TopActivations.open(index, network)


def test_other_pictures_are_noticed(network: zf.Network, folder: Path, index: Path) -> None:
    first, *_ = sorted(folder.rglob("*.png"))
    Image.open(first).save(first, compress_level=0)  # another file, the same picture
    zf.TopActivations.open(index, image_set=zf.ImageSet.from_folder(folder))
    content = first.read_bytes()
    Image.new("RGB", (24, 24), "red").save(first)
    with pytest.raises(StaleIndexError, match="has changed"):
        zf.TopActivations.open(index, image_set=zf.ImageSet.from_folder(folder))
    first.write_bytes(content)
    Image.new("RGB", (24, 24), "red").save(folder / "more.png")
    with pytest.raises(StaleIndexError, match=r"1 were added, 'more.png'"):
        zf.top_activations(network, zf.ImageSet.from_folder(folder), k=4, index=index)
    (folder / "more.png").unlink()
    first.unlink()
    with pytest.raises(StaleIndexError, match="1 were taken away"):
        zf.TopActivations.open(index, image_set=zf.ImageSet.from_folder(folder))
    arrays = [np.asarray(blotches(3, seed=5)[key]) for key in blotches(3, seed=5)]
    others = zf.ImageSet.from_arrays(arrays, keys=list(blotches(3).keys()))
    top = zf.top_activations(network, blotches(3))
    with pytest.raises(StaleIndexError, match="has changed"):
        top.check(image_set=others)


def test_bad_pictures_are_named_and_the_others_ranked(network: zf.Network, folder: Path) -> None:
    sound = zf.ImageSet.from_folder(folder)
    expected = as_lists(zf.top_activations(network, sound))
    whole = next(folder.rglob("*.png")).read_bytes()
    (folder / "class 2").mkdir()  # an empty class
    (folder / "bad").mkdir()
    (folder / "bad" / "empty.png").write_bytes(b"")
    (folder / "bad" / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "bad" / "page.jpg").write_text("<!DOCTYPE html>")
    (folder / "bad" / "huge.png").write_bytes(whole[:16] + (10**5).to_bytes(4, "big") * 2 + whole[24:])
    Image.new("RGB", (1, 500)).save(folder / "bad" / "long.png")
    (folder / "bad" / "vanished.png").write_bytes(whole)
    (folder / "bad" / "twice.png").write_bytes(whole)
    pictures = zf.ImageSet.from_folder(folder)
    (folder / "bad" / "vanished.png").unlink()
    for workers in (0, 1):
        top = zf.top_activations(network, pictures, workers=workers)
        reasons = dict(top.skipped)
        names = ("cut", "empty", "huge", "long", "page", "vanished")
        assert sorted(reasons) == sorted(f"bad/{name}.{'jpg' if name == 'page' else 'png'}" for name in names)
        assert "does not exist" in reasons["bad/vanished.png"] and "empty" in reasons["bad/empty.png"]
        assert all("\n" not in reason for reason in reasons.values())
        assert "bad/twice.png" in top.duplicates.values()
        shown = {entry[1] for layer in as_lists(top).values() for channel in layer for entry in channel}
        assert not shown & set(reasons)
        values = [[[entry[0] for entry in c] for c in layer] for layer in as_lists(top).values()]
        assert values == [[[entry[0] for entry in c] for c in layer] for layer in expected.values()]


def test_a_set_that_shrinks_between_plan_and_work(network: zf.Network, tmp_path: Path) -> None:
    pictures = blotches(6, seed=5)
    (spec,) = shards(network, pictures, size=10)
    gone = sorted(pictures.keys())[2]
    top = merge([map_shard(spec, network, pictures.only(key for key in pictures if key != gone), tmp_path)])
    assert [skipped.key for skipped in top.skipped] == [gone] and "no longer" in top.skipped[0].reason


@pytest.mark.parametrize(("name", "layer"), [("Plain", "4"), ("Fire", "stem"), ("Fire", "right")])
def test_activations_that_are_no_numbers_name_their_picture(name: str, layer: str) -> None:
    module = small(name)
    net = zf.Network(module, preprocess=zf.Preprocess(size=33), device="cpu")
    module.get_submodule(layer).weight.data[0] = 3e38  # overflows wherever the map below is bright
    pictures = blotches(4) | zf.ImageSet.from_arrays([np.zeros((33, 33, 3), np.uint8)], keys=["black"])
    top = zf.top_activations(net, pictures, [name for name in net.layers if net.layers[name].spatial])
    assert top.skipped and all("no finite numbers" in skipped.reason for skipped in top.skipped)
    assert all(np.isfinite(top[layer].values[:, 0]).all() or len(top.skipped) == 5 for layer in top.layers)


def test_no_pictures_at_all(network: zf.Network, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no pictures"):
        zf.top_activations(network, blotches(2).only([]))
    with pytest.raises(DataError, match="from_folder makes one"):
        zf.top_activations(network, str(tmp_path))  # type: ignore[arg-type]
    with pytest.raises(DataError, match="no parts"):
        merge([])
    (tmp_path / "a.png").write_bytes(b"")
    top = zf.top_activations(network, zf.ImageSet.from_folder(tmp_path), index=tmp_path / "i")
    assert np.isnan(top["conv1"].values).all() and top.channel("conv1", 0) == () and len(top.skipped) == 1


def test_keys_of_any_text(network: zf.Network, tmp_path: Path) -> None:
    keys = ["", "a b/ä\n", "\udc80bad", "中🦊", "'\"\\", "\x00", "z" * 5000]
    arrays = np.random.default_rng(0).integers(0, 255, (7, 24, 24, 3), np.uint8)
    top = zf.top_activations(network, zf.ImageSet.from_arrays(arrays, keys=keys), index=tmp_path / "i", k=7)
    assert {entry.image for entry in zf.TopActivations.open(tmp_path / "i").channel("conv1", 2)} == set(keys)
    assert set(top["conv1"].images[0]) == set(keys)


def test_parts_that_do_not_belong_together(network: zf.Network, tmp_path: Path) -> None:
    pictures = blotches(4)
    one = map_shard(shards(network, pictures, k=2)[0], network, pictures, tmp_path)
    two = map_shard(shards(network, pictures, k=3)[0], network, pictures, tmp_path)
    with pytest.raises(StaleIndexError, match="k is 2 in one and 3"):
        merge([one, two])
    other = zf.ImageSet.from_arrays(
        [np.full((24, 24, 3), 9 * n, np.uint8) for n in range(4)], keys=list(pictures.keys())
    )
    changed = map_shard(shards(network, other, k=2, per_image=1)[0], network, other, tmp_path / "b")
    with pytest.raises(StaleIndexError, match="it changed while"):
        merge([one, changed])
    (spec,) = shards(network, pictures)
    with pytest.raises(StaleIndexError, match="another network"):
        map_shard(spec, zf.Network(small("Plain"), preprocess=zf.Preprocess(size=33), device="cpu"), pictures, tmp_path)
    with pytest.raises(DataError, match="no part"):
        ShardSpec.from_json("[]")
    assert as_lists(merge([one, one])) == as_lists(merge([one]))


def test_a_table(network: zf.Network, index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    top = zf.TopActivations.open(index)
    rows = parquet.read_table(top.to_parquet(tmp_path / "t.parquet")).to_pylist()
    assert len(rows) == sum(len(channel) for layer in as_lists(top).values() for channel in layer)
    row = next(row for row in rows if (row["layer"], row["channel"], row["rank"]) == ("conv2", 5, 1))
    entry = top.channel("conv2", 5)[1]
    assert (row["value"], row["image"], (row["row"], row["column"])) == (entry.value, entry.image, entry.position)
    assert (row["top"], row["left"], row["height"], row["width"]) == entry.box
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DataError, match=r"pip install 'zfwidgets\[parquet\]'"):
        top.to_parquet(tmp_path / "u.parquet")


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Writing to the disk fails from the n-th time on: put n into the list."""
    left: list[int] = []
    real = os.fsync

    def fsync(handle: int) -> None:
        if left and left[0] <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if left:
            left[0] -= 1
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    yield left
    left.clear()


@pytest.mark.parametrize("writes", range(0, 9, 2))
def test_a_full_disk_leaves_nothing_half_done_and_the_run_goes_on(
    network: zf.Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full_disk: list[int], writes: int
) -> None:
    monkeypatch.setattr(mine_module(), "_SHARD", 10)
    pictures, path = blotches(40, seed=1), tmp_path / "top.safetensors"
    full_disk.append(writes)
    with pytest.raises(DataError, match="No space left"):
        zf.top_activations(network, pictures, index=path)
    full_disk.clear()
    left = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert not path.exists() and all(file.suffix == ".safetensors" for file in left)
    times = {file: file.stat().st_mtime_ns for file in left}
    done: list[int] = []
    zf.top_activations(network, pictures, index=path, on_progress=lambda progress: done.append(progress.done))
    assert len(times) == min(-(-writes // 2), 4) and min(done, default=40) > 10 * (len(times) - 1)
    assert path.read_bytes() == zf.top_activations(network, pictures).save(tmp_path / "again").read_bytes()
    assert [file.name for file in tmp_path.iterdir() if file.name != "again"] == [path.name]


def mine_module() -> Any:
    """The module, which has no public name."""
    return sys.modules["zfwidgets.methods.top_activations.mine"]


def test_what_a_living_program_writes_is_not_cleared_away(tmp_path: Path) -> None:
    from zfwidgets.methods.top_activations.container import atomically

    (tmp_path / ".dead.zfwidgets-part").write_bytes(b"half")
    (tmp_path / ".other.part").write_bytes(b"somebody else's")
    with atomically(tmp_path / "alive") as file:
        file.write(b"whole")
        clear_away(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".other.part", "alive"]


def test_weights_that_change_while_a_part_is_mined(network: zf.Network, monkeypatch: pytest.MonkeyPatch) -> None:
    module = small("Plain")
    net = zf.Network(module, preprocess=zf.Preprocess(size=33), device="cpu")

    def change(progress: object) -> None:
        with torch.no_grad():
            module[0].weight[0, 0, 0, 0] += 1

    with pytest.raises(StaleIndexError, match="changed while"):
        zf.top_activations(net, blotches(5), on_progress=change)
