"""Pictures that change, disks without locks: never another set's answer, never an index that is stale for ever."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from twins.mining import as_lists

import zfwidgets as zf
from zfwidgets.errors import StaleIndexError
from zfwidgets.methods.top_activations import container, decoding, locks, map_shard, shards


def arrays(seed: int, count: int = 6) -> zf.ImageSet:
    drawn = np.random.default_rng(seed).integers(0, 255, (count, 16, 16, 3), np.uint8)
    return zf.ImageSet.from_arrays(drawn)


def test_parts_of_other_pictures_under_the_same_keys_are_not_taken(network: zf.Network, tmp_path: Path) -> None:
    one, other = arrays(1), arrays(2)
    (part,) = shards(network, one)
    path = map_shard(part, network, one, tmp_path)
    written = path.stat().st_mtime_ns
    map_shard(part, network, one, tmp_path)
    assert path.stat().st_mtime_ns == written
    map_shard(part, network, other, tmp_path)
    assert as_lists(zf.TopActivations.open(path)) == as_lists(zf.top_activations(network, other))


def test_an_index_with_a_skipped_picture_opens_again(
    network: zf.Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        Image.fromarray(np.full((16, 16, 3), 80 * number, np.uint8)).save(tmp_path / f"{number}.png")
    pictures, index = zf.ImageSet.from_folder(tmp_path), tmp_path / "top.safetensors"
    crop = type(network.preprocess).crop

    def failing(self: zf.Preprocess, picture: Image.Image) -> Image.Image:
        if picture.getpixel((0, 0)) == (80, 80, 80):
            raise ValueError("not today")
        return crop(self, picture)

    with monkeypatch.context() as patched:
        patched.setattr(type(network.preprocess), "crop", failing)
        zf.top_activations(network, pictures, index=index)
    top = zf.TopActivations.open(index, network, pictures)
    assert [one.key for one in top.skipped] == ["1.png"]
    Image.fromarray(np.full((16, 16, 3), 9, np.uint8)).save(tmp_path / "1.png")
    with pytest.raises(StaleIndexError, match=r"1\.png"):
        zf.TopActivations.open(index, network, pictures)


def test_a_file_rewritten_while_it_is_mined_is_noticed(
    network: zf.Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(path)
    pictures, index = zf.ImageSet.from_folder(tmp_path), tmp_path / "top.safetensors"
    digest = decoding.content_digest

    def rewritten(picture: Image.Image) -> bytes:
        Image.fromarray(np.full((17, 16, 3), 200, np.uint8)).save(path)
        return digest(picture)

    with monkeypatch.context() as patched:
        patched.setattr(decoding, "content_digest", rewritten)
        zf.top_activations(network, pictures, index=index)
    with pytest.raises(StaleIndexError, match=r"a\.png"):
        zf.TopActivations.open(index, network, pictures)


@pytest.mark.skipif(locks.fcntl is None, reason="this system has no flock")
def test_a_disk_without_locks_is_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(handle: int, kind: int) -> None:
        raise OSError(errno.ENOTSUP, "no locks here")

    monkeypatch.setattr(locks.fcntl, "flock", none)
    left = tmp_path / f".other.{container._SUFFIX}"
    left.touch()
    container.write(tmp_path / "a", {"one": np.arange(3)}, {})
    container.clear_away(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [left.name, "a"]
