"""What a person gets wrong at the front doors: one sentence each, of a type of this package."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from twins.zoo import small

import zfwidgets as zf
from zfwidgets.errors import (
    DataError,
    ImageError,
    NetworkError,
    ParameterError,
    UnknownNameError,
    WeightsError,
    ZfwidgetsError,
)


@pytest.fixture(scope="module")
def net() -> zf.Network:
    return zf.load_network("zfnet-scenes", device="cpu")


def says(error: type[ZfwidgetsError], words: str, act: Any) -> None:
    with pytest.raises(error, match=words) as caught:
        act()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("method", [zf.occlusion_map, zf.record, zf.project, zf.fidelity_report])
def test_a_name_is_no_network_and_the_sentence_says_how_to_get_one(method: Any) -> None:
    arguments = {zf.project: (None, "conv5", 3), zf.fidelity_report: ("conv5",)}.get(method, (None,))
    says(NetworkError, r"load_network\('zfnet-scenes'\)", lambda: method("zfnet-scenes", *arguments))


def test_tensors_of_a_size_the_network_does_not_take(net: zf.Network) -> None:
    for x in (torch.zeros(3, 10, 10), torch.zeros(3, 150, 130)):
        says(ParameterError, "96 x 96", lambda x=x: zf.occlusion_map(net, x, size=5))
        says(ParameterError, "96 x 96", lambda x=x: zf.project(net, x, "conv1", 0))


@pytest.mark.parametrize("position", [(0,), "", [], {}, -1, "x", ("a", 0), (0.5, 1), (0, 0, 0), (True, 0)])
def test_positions_that_are_none(net: zf.Network, position: Any) -> None:
    says(ParameterError, "row|whole", lambda: zf.project(net, torch.zeros(3, 96, 96), "conv5", 3, position))


def test_networks_that_cannot_answer() -> None:
    broken = small("Plain")
    broken[0].weight.data[0] = torch.nan
    says(NetworkError, "NaN.*'0.weight'", lambda: zf.Network(broken, preprocess=zf.Preprocess(size=33)))
    says(NetworkError, "32-bit floats", lambda: zf.Network(small("Plain").half(), preprocess=zf.Preprocess(size=33)))
    for wrong in (224, 0, "", []):
        says(NetworkError, "Preprocess", lambda wrong=wrong: zf.Network(small("Plain"), preprocess=wrong))
    for names in (3, "abcde"):
        says(
            NetworkError,
            "5 names",
            lambda names=names: zf.Network(small("Plain"), preprocess=zf.Preprocess(size=33), classes=names),
        )


@pytest.mark.parametrize("weights", [3, [], True, b"z"])
def test_weights_that_are_no_path(weights: Any) -> None:
    says(WeightsError, "path of a file", lambda: zf.load_network("zfnet-scenes", weights=weights))


@pytest.mark.parametrize(("content", "words"), [(b"", "empty"), (b"\n<!DOCTYPE html><p>404", "a web page")])
def test_files_that_are_no_weights(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "w.pth").write_bytes(content)
    says(WeightsError, words, lambda: zf.load_network("zfnet-scenes", weights=tmp_path / "w.pth"))


@pytest.mark.parametrize("batch_size", [-1, 0, float("nan"), "x"])
def test_batches_of_no_pictures(net: zf.Network, batch_size: Any) -> None:
    says(ParameterError, "batch_size", lambda: zf.occlusion_map(net, torch.zeros(3, 96, 96), batch_size=batch_size))


def test_a_folder_with_files_that_are_no_pictures(net: zf.Network, tmp_path: Path) -> None:
    Image.new("RGB", (120, 100), "teal").save(tmp_path / "good.png")
    (tmp_path / "also.jpg").write_text("<!DOCTYPE html>")
    (tmp_path / "zero.png").write_bytes(b"")
    with zf.Backend(net, images=str(tmp_path)) as backend:
        explorer = zf.Explorer(backend)
        assert explorer.wait(60)
        assert explorer.image == "good.png"
        assert "Left out" in explorer._alert.value
        assert "also.jpg" in explorer._alert.value
        with pytest.raises(UnknownNameError):
            explorer.image = "nope"
        assert explorer.image == explorer.occlusion.image == "good.png"
        with pytest.raises(UnknownNameError, match="'image'"):
            explorer.imaeg = "good.png"
        explorer.target = "owl"
        assert explorer.occlusion.target == "owl"
        explorer.close()
    (tmp_path / "good.png").unlink()
    with zf.Backend(net, images=tmp_path) as backend:
        says(ImageError, "also.jpg", lambda: zf.Explorer(backend))
    says(DataError, "folder", lambda: zf.Backend(net, images=str(tmp_path / "nowhere")))


def test_an_upload_keeps_the_picture_that_is_shown(net: zf.Network, tmp_path: Path) -> None:
    Image.new("RGB", (50, 40), "red").save(tmp_path / "a.png")
    with zf.Backend(net) as backend:
        viewer = zf.OcclusionViewer(backend, image=backend.images[5], size=48, stride=24)
        assert viewer.wait(60)
        backend.add_image("a.png", (tmp_path / "a.png").read_bytes())
        viewer.offer_images()
        assert viewer.image == backend.images[5]
        viewer.close()


def test_pictures_of_a_method_may_be_a_set_or_come_one_by_one(net: zf.Network) -> None:
    pictures = zf.scenes(2)
    listed = zf.record(net, [pictures[key] for key in pictures], ["conv1"]).activations["conv1"]
    for same in (pictures, (pictures[key] for key in pictures)):
        assert (zf.record(net, same, ["conv1"]).activations["conv1"] == listed).all()


def test_units_and_pictures_that_are_no_lists(net: zf.Network) -> None:
    picture = zf.scenes(1)["scene/00000"]
    for units in ((0, "conv5", 3), [(0, "conv5", 3, 0, 0)], zf.Unit(0, "conv5", 3), 3):
        says(ParameterError, "list of Unit", lambda units=units: zf.project_units(net, picture, units))
    for one in (picture, "folder"):
        says(ParameterError, "put one picture into a list", lambda one=one: zf.filter_report(net, one))
    says(ParameterError, "from 0 to 4294967295", lambda: zf.weight_randomisation(net, picture, "conv5", 3, seed=2**70))
    says(ParameterError, "name or an index", lambda: net.class_index(torch.zeros(2)))  # type: ignore[arg-type]


def test_a_quantised_network_has_no_index() -> None:
    class Scaled(torch.nn.Identity):
        def get_extra_state(self) -> Any:
            return {"scale": 3}  # as quantised layers keep theirs

    module = torch.nn.Sequential(Scaled(), small("Plain"))
    net = zf.Network(module, preprocess=zf.Preprocess(size=33), device="cpu")
    says(NetworkError, "no tensor", lambda: zf.top_activations(net, zf.scenes(1), net.menu[:1]))


def test_pictures_of_a_backend_that_are_none(net: zf.Network) -> None:
    before = threading.active_count()
    for pictures in ([Image.new("RGB", (8, 8))], Image.new("RGB", (8, 8)), 3):
        says(DataError, "ImageSet.from_list makes one", lambda pictures=pictures: zf.Backend(net, pictures))
    assert threading.active_count() == before


def test_a_network_without_maps_says_what_works() -> None:
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 8 * 8, 2))
    flat = zf.Network(module, preprocess=zf.Preprocess(size=8), device="cpu")
    says(NetworkError, "no feature maps; occlusion maps of probabilities work", lambda: flat.default_layer)
