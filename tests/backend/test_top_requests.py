"""Questions about Fig. 2: the right maps in the right order, the right pixels, and never a wrong picture."""

from __future__ import annotations

import io
import os
import pickle
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from zfwidgets.backend import Answer, Backend
from zfwidgets.backend.top_classes import commonest, share
from zfwidgets.backend.top_drawing import TopTile, window
from zfwidgets.backend.top_index import Mined, TopIndexRequest, TopMineRequest
from zfwidgets.backend.top_requests import (
    Peak,
    TopChannelRequest,
    TopOrder,
    TopOrderRequest,
    TopSheetRequest,
    TopTilesRequest,
)
from zfwidgets.data import ImageSet
from zfwidgets.errors import Cancelled, DataError, ParameterError, StaleIndexError
from zfwidgets.imaging import Preprocess, signed_picture
from zfwidgets.methods import TopActivations, project, record
from zfwidgets.methods.top_activations import patch, top_activations
from zfwidgets.network import Network

LABELS = ["dog", "dog", "fox", "cat", "whale", "fox", "dog", "cat", "dog", "dog", "fox", "cat"]


@pytest.fixture(scope="module")
def many() -> ImageSet:
    random = np.random.default_rng(4)
    arrays = [random.integers(0, 255, (24, 24, 3), dtype=np.uint8) for _ in LABELS]
    return ImageSet.from_list([Image.fromarray(array) for array in arrays], labels=LABELS)


@pytest.fixture(scope="module")
def top(network: Network, many: ImageSet) -> TopActivations:
    return top_activations(network, many, workers=0)


@pytest.fixture
def mined(network: Network, many: ImageSet) -> Iterator[Backend]:
    with Backend(network, many) as backend:
        yield backend


def order_of(backend: Backend, index: Any, sort: str = "channel", layer: str = "conv2") -> TopOrder:
    order: TopOrder = backend.compute(TopOrderRequest(TopIndexRequest.of(index), layer, sort))
    return order


def tiles_of(backend: Backend, order: TopOrder, *channels: int) -> tuple[TopTile, ...]:
    assert order.index is not None
    maps = tuple((channel, order.peaks(channel)) for channel in channels)
    tiles: tuple[TopTile, ...] = backend.compute(TopTilesRequest(order.layer, order.index.k, maps))
    return tiles


@pytest.mark.parametrize(
    ("value", "said"),
    [(11.0, "11.0"), (9.996, "10.0"), (0.5, "0.500"), (123.0, "123"), (1234.5, "1234"), (1.2e-5, "1.20e-05")],
)
def test_a_tile_says_three_digits(value: float, said: str) -> None:
    assert TopTile(7, (Peak(value, "image", 0, 0),), (None,)).caption == f"#7  {said}"


def test_an_order_holds_what_was_mined(mined: Backend, top: TopActivations) -> None:
    order = order_of(mined, top)
    np.testing.assert_array_equal(order.values, top["conv2"].values)
    assert order.channels.tolist() == list(range(8))
    for channel in range(8):
        found = [(p.value, p.image, (p.row, p.column)) for p in order.peaks(channel)]
        assert found == [(e.value, e.image, e.position) for e in top.channel("conv2", channel)]
    assert order.index is not None and (order.index.count, order.index.k, order.index.pictures) == (12, 9, None)


def test_orders(mined: Backend, top: TopActivations) -> None:
    strength = order_of(mined, top, "strength")
    values = np.nan_to_num(strength.values[strength.channels, 0], nan=-1)
    assert (np.diff(values) <= 0).all()
    purity = order_of(mined, top, "purity")
    for channel in range(8):  # the slow way: count by hand
        labels = [LABELS[int(key.removeprefix("image/"))] for key in purity.images[channel] if key]
        known = [label for label in labels if label in mined.network.classes]
        most = max((known.count(label) for label in known), default=0)
        assert purity.purity[channel] == pytest.approx(most / len(labels))
    alive = [channel for channel in purity.channels if not purity.dead[channel]]
    assert (np.diff(purity.purity[alive]) <= 0).all()
    assert purity.channels.tolist() == [*alive, *np.flatnonzero(purity.dead).tolist()]


def test_the_commonest_class() -> None:
    assert commonest(["owl", "cat", "cat", "owl"]) == ("cat", 2, 4)
    assert share(commonest(["owl", None, None])) == pytest.approx(1 / 3)
    assert np.isnan(share(commonest([None, None])))


@pytest.mark.parametrize("layer", ["conv1", "conv2"])
def test_a_tile_shows_each_units_projection_and_patch(mined: Backend, top: TopActivations, layer: str) -> None:
    order = order_of(mined, top, layer=layer)
    channel = int(np.nanargmax(order.values[:, 0]))
    (tile,) = tiles_of(mined, order, channel)
    assert tile.projections is not None and tile.patches is not None and not tile.problems
    for place, entry in enumerate(top.channel(layer, channel)):
        seen = mined.input(entry.image)
        p = project(mined.network, seen, layer, channel, entry.position)
        assert tile.boxes[place] == entry.box == p.box
        upper, left, height, width = tile.patches.box(place)
        part = (slice(upper, upper + height), slice(left, left + width))
        rows, columns = window(p.box, mined.network.input_size)
        np.testing.assert_array_equal(tile.patches.pixels[part], patch(mined.network, seen, entry)[rows, columns])
        pixels = p.pixels[:, rows, columns]
        limit = float(np.quantile(np.abs(pixels), 0.995))
        drawn = signed_picture(pixels, limit or None).astype(int)
        assert np.abs(tile.projections.pixels[part].astype(int) - drawn).max() <= 1  # rounding at a batch's other size
    assert Image.open(io.BytesIO(tile.picture)).format == "JPEG"


def test_tiles_drawn_together_are_those_drawn_alone(mined: Backend, top: TopActivations) -> None:
    order = order_of(mined, top)
    for together, channel in zip(tiles_of(mined, order, 0, 3, 5), (0, 3, 5), strict=True):
        (alone,) = tiles_of(mined, order, channel)
        assert (together.channel, together.labels, together.caption) == (channel, alone.labels, alone.caption)
        if alone.patches is not None and together.patches is not None:
            np.testing.assert_array_equal(together.patches.pixels, alone.patches.pixels)


def test_one_map_is_found_without_the_others(mined: Backend, top: TopActivations) -> None:
    order = order_of(mined, top)
    found = mined.compute(TopChannelRequest(TopIndexRequest.of(top), "conv2", 3))
    (tile,) = tiles_of(mined, order, 3)
    assert found.tile.peaks == tile.peaks and found.facts == order.index
    assert mined.compute(TopChannelRequest(TopIndexRequest.of(top), "fc3", 0)) is None


def test_a_dead_map_is_named_and_not_drawn(mined: Backend) -> None:
    peaks = (Peak(0.0, "image/00000", 0, 0),)
    (tile,) = mined.compute(TopTilesRequest("conv2", 9, ((2, peaks),)))
    assert tile.dead and tile.patches is None and tile.picture == b"" and "dead" in tile.caption


def test_a_field_larger_than_the_picture_shows_the_picture(network: Network) -> None:
    module = nn.Sequential(nn.Conv2d(3, 2, 15, padding=7), nn.ReLU(), nn.Conv2d(2, 2, 15, padding=7), nn.Flatten())
    module.append(nn.Linear(2 * 24 * 24, 2))
    net = Network(module, preprocess=Preprocess(size=24, resize=24), device="cpu")
    pictures = ImageSet.from_arrays(np.random.default_rng(0).integers(0, 255, (3, 24, 24, 3), np.uint8))
    with Backend(net, pictures) as backend:
        index = top_activations(net, pictures, ["2"], workers=0)
        order = order_of(backend, index, layer="2")
        channel = int(np.nanargmax(order.values[:, 0]))
        (tile,) = tiles_of(backend, order, channel)
    assert tile.patches is not None and (tile.patches.tile_height, tile.patches.tile_width) == (24, 24)
    for place, peak in enumerate(tile.peaks):  # the field reaches 14 pixels in each direction
        upper, left, height, width = tile.patches.box(place)
        shown = tile.patches.pixels[upper : upper + height, left : left + width]
        top, side = (max(at - 14, min(0, at - 9)) for at in (peak.row, peak.column))
        expected = shown.copy()
        whole = np.asarray(pictures[peak.image])
        for y in range(24):
            for x in range(24):
                if 0 <= y + top < 24 and 0 <= x + side < 24:
                    expected[y, x] = whole[y + top, x + side]
        np.testing.assert_array_equal(shown, expected)


def test_where_no_projection_exists_the_patches_are_shown_and_it_is_said(many: ImageSet) -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 2, 3), nn.SiLU(), nn.Conv2d(2, 2, 3), nn.Flatten(), nn.Linear(2 * 400, 2))
    net = Network(module, preprocess=Preprocess(size=24, resize=24), device="cpu")
    with Backend(net, many) as backend:
        index = top_activations(net, many, ["2"], workers=0)
        order = order_of(backend, index, layer="2")
        (tile,) = tiles_of(backend, order, int(np.nanargmax(order.values[:, 0])))
    assert tile.projections is None and tile.patches is not None and "SiLU" in tile.problems[0]


def test_a_picture_that_vanished_gets_a_cross_and_a_sentence(network: Network, many: ImageSet, tmp_path: Path) -> None:
    for key in many:
        many[key].save(tmp_path / f"{key.removeprefix('image/')}.png")
    with Backend(network, tmp_path) as backend:
        index = top_activations(network, backend.image_set, workers=0)
        order = order_of(backend, index)
        channel = int(np.nanargmax(order.values[:, 0]))
        first, second, *_ = order.peaks(channel)
        (tmp_path / first.image).unlink()
        many["image/00000"].transpose(Image.Transpose.ROTATE_90).save(tmp_path / second.image)
        (tile,) = tiles_of(backend, order, channel)
        file = index.save(tmp_path.parent / "stale.safetensors")
        with pytest.raises(StaleIndexError, match="has changed"):
            order_of(backend, file)
    gone, changed = tile.problems
    assert first.image in gone and second.image in changed and "mine again" in changed
    assert tile.patches is not None
    for place in (0, 1):  # neither the old picture nor the new one
        upper, left, height, width = tile.patches.box(place)
        shown = tile.patches.pixels[upper : upper + height, left : left + width]
        assert set(np.unique(shown)) == {150, 208}


def test_a_file_is_checked_and_another_file_is_another_question(
    mined: Backend, network: Network, top: TopActivations, tmp_path: Path
) -> None:
    path = tmp_path / "top.safetensors"
    assert order_of(mined, path).index is None
    top.save(path)
    assert order_of(mined, path).index is not None
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    with pytest.raises(DataError, match="cut short"):
        order_of(mined, path)
    flipped = bytearray(whole)
    flipped[-2000] ^= 4
    path.write_bytes(flipped)
    with pytest.raises(DataError, match="altered"):
        order_of(mined, path)
    path.write_bytes(whole)
    torch.manual_seed(1)
    module = nn.Sequential(nn.Conv2d(3, 6, 5, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(600, 4))
    other = Network(module, preprocess=network.preprocess, device="cpu")
    with Backend(other, mined.image_set) as backend, pytest.raises(StaleIndexError, match="weights"):
        order_of(backend, path, layer="conv1")


def test_a_result_over_other_pictures_is_refused(backend: Backend, top: TopActivations) -> None:
    with pytest.raises(StaleIndexError, match="not among this backend's"):
        order_of(backend, top)
    with pytest.raises(ParameterError, match="path, a TopActivations or None, not int"):
        order_of(backend, 3)


def test_no_index_and_a_layer_that_was_not_mined(mined: Backend, top: TopActivations) -> None:
    assert order_of(mined, None).index is None and len(order_of(mined, None).channels) == 0
    order = order_of(mined, top, layer="fc3")
    assert order.index is not None and len(order.channels) == 0


def test_mining_tells_how_far_it_is_and_ends_with_what_the_method_gives(mined: Backend, top: TopActivations) -> None:
    seen: list[Mined] = []
    found = mined.compute(TopMineRequest("a"), seen.append)
    np.testing.assert_array_equal(mined.compute(TopOrderRequest(found.source, "conv2")).values, top["conv2"].values)
    assert seen[-1].progress is not None and seen[-1].progress.done == 12
    assert Path(found.source.index).parent == Path(mined.scratch("")).parent / Path(mined.scratch("")).name


def test_mining_into_a_file_answers_with_the_file_each_time(
    mined: Backend, top: TopActivations, tmp_path: Path
) -> None:
    path = tmp_path / "top.safetensors"
    for _ in range(2):  # what writes is done, whether it was asked before or not
        assert mined.compute(TopMineRequest("a", str(path))).source == TopIndexRequest(str(path))
        np.testing.assert_array_equal(order_of(mined, path).values, top["conv2"].values)
        path.unlink()
    path.write_bytes(b"precious")
    other = mined.compute(TopMineRequest("b", str(path))).source
    assert path.read_bytes() == b"precious" and other.index == mined.scratch("b")


def test_what_grows_is_held_once_and_in_no_cache(
    mined: Backend, network: Network, many: ImageSet, top: TopActivations, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = [top_activations(network, many.only(many.keys()[:count]), workers=0) for count in (3, 6, 9)]
    seen: list[Mined] = []

    def growing(*_: Any, on_partial: Any, **__: Any) -> TopActivations:
        for part in parts:
            on_partial(part)
            question = TopOrderRequest(seen[-1].source, "conv2")  # type: ignore[arg-type]
            np.testing.assert_array_equal(mined.compute(question).values, part["conv2"].values)
            assert mined.cached(question) is None
        return top

    monkeypatch.setattr("zfwidgets.methods.top_activations.top_activations", growing)
    before = mined._cache.used
    mined.compute(TopMineRequest("a"), seen.append)
    assert len({mined_.source for mined_ in seen}) == 3
    assert mined._cache.used == before and mined.growing == ("a", parts[-1])


def test_an_open_index_counts_what_it_holds(mined: Backend, top: TopActivations, tmp_path: Path) -> None:
    entries = sum(part.nbytes for ranks in top.numbered()[0].values() for part in ranks)
    assert top.nbytes == entries + 12 * 260
    before = mined._cache.used
    mined.compute(TopIndexRequest.of(top))
    assert mined._cache.used - before >= top.nbytes
    path = top.save(tmp_path / "top")
    opened = TopActivations.open(path)
    opened.check(mined.network, mined.image_set)
    assert opened.nbytes == entries  # its census was not kept
    assert opened.duplicates == top.duplicates and opened.nbytes == top.nbytes
    before = mined._cache.used
    mined.compute(TopIndexRequest.of(path))
    assert mined._cache.used - before >= entries


def test_a_folder_that_was_copied_is_not_decoded_while_a_hand_waits(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(40):
        Image.new("RGB", (24, 24), (number, 0, 99)).save(tmp_path / f"{number:02d}.png")
    index = top_activations(network, ImageSet.from_folder(tmp_path), workers=0).save(tmp_path.parent / "copied.index")
    for path in tmp_path.iterdir():
        os.utime(path, (1, 1))
    looked: list[str] = []
    real = ImageSet.__getitem__
    monkeypatch.setattr(ImageSet, "__getitem__", lambda self, key: (looked.append(key), real(self, key))[1])
    with Backend(network, tmp_path) as backend:
        assert order_of(backend, index).index is not None
    assert len(looked) == 16


def test_labels_and_pictures_are_found_without_looking_at_all_keys(
    mined: Backend, top: TopActivations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Backend, "images", property(lambda self: pytest.fail("all keys")))
    assert order_of(mined, top, "purity").purity.max() > 0
    tiles_of(mined, order_of(mined, top), 3)


def test_mining_is_cancelled_between_batches(mined: Backend) -> None:
    with pytest.raises(Cancelled):
        mined.compute(TopMineRequest("a"), cancelled=lambda: True)


def test_tiles_are_drawn_while_pictures_are_mined(mined: Backend, top: TopActivations) -> None:
    order, queue = order_of(mined, top), Queue[Answer]()
    assert order.index is not None
    tiles = TopTilesRequest("conv2", 9, ((0, order.peaks(0)),))
    assert tiles.quick and TopOrderRequest.quick and not TopMineRequest.quick
    mined.submit(TopMineRequest("a"), lambda answer: queue.put(answer) if answer.last else None)
    mined.submit(tiles, queue.put)
    assert {type(queue.get(timeout=20).request).__name__ for _ in range(2)} == {"TopMineRequest", "TopTilesRequest"}


def test_a_sheet_is_a_png_with_all_its_tiles(mined: Backend, top: TopActivations) -> None:
    order = order_of(mined, top)
    maps = tuple((channel, order.peaks(channel)) for channel in range(4))
    png = mined.compute(TopSheetRequest(TopTilesRequest("conv2", 9, maps), "tiny, conv2", "of noise", 3))
    picture = Image.open(io.BytesIO(png))
    assert picture.format == "PNG" and picture.width > 3 * 300


def test_questions_and_answers_travel(mined: Backend, top: TopActivations) -> None:
    order = order_of(mined, top)
    request = TopTilesRequest("conv2", 9, ((0, order.peaks(0)),))
    again = pickle.loads(pickle.dumps(request))
    assert again == request and hash(again) == hash(request)
    for answer in (order, mined.compute(request)):
        assert pickle.loads(pickle.dumps(answer)) is not None


def test_the_value_that_is_checked_is_the_networks_own(mined: Backend, top: TopActivations) -> None:
    entry = top.channel("conv2", 0)[0]
    maps = record(mined.network, mined.input(entry.image), ["conv2"]).activations["conv2"][0, 0]
    assert maps[entry.position] == pytest.approx(entry.value, rel=1e-5)
