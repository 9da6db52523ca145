"""The tab of Tables 4 to 7: nothing before it is opened, pictures of the page, and what is said where it cannot be."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from twins.zoo import DataDependent

from zfwidgets.app.explorer import Explorer
from zfwidgets.backend import Backend
from zfwidgets.backend.probe_pictures import labelled_of
from zfwidgets.data import ImageSet
from zfwidgets.errors import DataError, ParameterError
from zfwidgets.imaging import Preprocess
from zfwidgets.network import Network


def noise(labels: list[str | None]) -> ImageSet:
    random = np.random.default_rng(4)
    return ImageSet.from_arrays(random.integers(0, 255, (len(labels), 24, 24, 3), dtype=np.uint8), labels)


def opened(explorer: Explorer) -> Any:
    explorer.tab = "probe"
    assert explorer.wait(60)
    return explorer.probe


def test_it_asks_nothing_until_it_is_opened_and_stops_when_it_is_left(network: Network) -> None:
    with Backend(network) as backend:
        explorer = Explorer(backend)
        assert explorer.wait(30) and explorer.probe is not None and explorer.probe._asked == {}
        probe = explorer.probe
        probe.pool = 1
        assert opened(explorer).result.complete and probe.state == "ready"
        assert "200 pictures &middot; 10 classes" in probe._strip.status.value  # nothing had to be chosen
        explorer.tab = "occlusion"
        probe.pool = 4
        assert probe._asked == {} and probe.result.pool == 1
        explorer.close()


def test_it_takes_pictures_of_the_page_that_have_a_class(network: Network, tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    for name, count in (("<ant>", 6), ("bee", 7), ("rare", 2)):
        (tmp_path / name).mkdir()
        for number in range(count):
            array = random.integers(0, 255, (24, 24, 3), dtype=np.uint8)
            Image.fromarray(array).save(tmp_path / name / f"{number}.png")
    (tmp_path / "bee" / "broken.png").write_bytes(b"no picture")
    with Backend(network, tmp_path) as backend, Backend(network, tmp_path) as other:
        explorer = Explorer(backend, other)
        probe = opened(explorer)
        assert (
            probe.result.classes == ("<ant>", "bee")
            and "13 pictures, 1 more cannot be read" in probe._strip.status.value
        )
        assert "Left out: 2 of 16 pictures, to take 5 to 250 of each class, and 1 of 3" in probe._left_out.value
        assert "&lt;ant&gt;" in probe._sheet._foot.value
        assert "minus tiny is +0.0 points" in probe._beside.about.value
        key = backend.add_image("mine.png", (tmp_path / "bee" / "0.png").read_bytes())
        for viewer in explorer._viewers:
            viewer.offer_images()
        explorer.image = key
        assert explorer.wait(30) and probe.state == "ready"
        explorer.close()


def test_classes_that_the_network_was_taught_are_counted(network: Network) -> None:
    with Backend(network, noise(["cat", "dog", "<eel>"] * 5)) as backend:
        explorer = Explorer(backend)
        assert "2 of 3 were taught" in opened(explorer)._sheet._title.value
        explorer.close()


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([None] * 7, "none of the 7 here has a class"),
        ([None], "the one here has no class"),
        (["ant"] * 7, "all that have a class here are 'ant'"),
        (["ant"] * 7 + ["bee"] * 4, "of the 2 classes here only 'ant' has so many"),
        (["ant"] * 3 + ["bee"] * 4, "of the 2 classes here none has so many"),
    ],
)
def test_what_it_needs_and_how_to_give_it_is_one_sentence(
    network: Network, labels: list[str | None], words: str
) -> None:
    with Backend(network, noise(labels)) as backend:
        explorer = Explorer(backend)
        explorer.tab = "probe"
        with pytest.raises(DataError, match=f"at least two classes, 5 of each, and {words}: put them into a folder"):
            explorer.wait(30)
        probe = explorer.probe
        assert probe is not None and "zfwidgets --images DIR" in probe._strip.alert.value
        explorer.tab = "occlusion"
        assert explorer.wait(30) and explorer.occlusion.result is not None
        explorer.close()


def test_of_many_pictures_it_takes_as_many_of_each_class() -> None:
    many = noise([f"class {number % 40:02}" for number in range(40 * 30)])
    found = labelled_of(many)
    taken = [found.pictures.label(key) for key in found.pictures]
    assert len(taken) == 500 and {taken.count(name) for name in taken} == {20} and len({*taken}) == 25
    assert found.left_out == "Left out: 700 of 1200 pictures, to take 5 to 20 of each class, and 15 of 40 classes."


def test_without_scikit_learn_it_says_what_to_type_and_the_page_is_unharmed(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with Backend(network) as backend:
        explorer = Explorer(backend)
        explorer.tab = "probe"
        with pytest.raises(ParameterError, match="scikit-learn"):
            explorer.wait(30)
        probe = explorer.probe
        assert probe is not None and "pip install &#x27;zfwidgets[probe]&#x27;" in probe._strip.alert.value
        explorer.tab = "features"
        assert explorer.wait(30) and explorer.features is not None and explorer.features.state == "ready"
        explorer.close()


def test_a_network_that_cannot_be_looked_into_has_none() -> None:
    with Backend(Network(DataDependent(), preprocess=Preprocess(size=24), device="cpu"), noise(["a"])) as backend:
        explorer = Explorer(backend)
        assert explorer.probe is None and "Probe" not in explorer._tabs.titles
        explorer.close()
