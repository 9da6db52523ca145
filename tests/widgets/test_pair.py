"""A second network beside the first: one control flow for both, with specs of backends and answers by hand."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any
from unittest.mock import MagicMock, create_autospec

import ipywidgets as W
import numpy as np
import pytest
from PIL import Image
from torch import nn
from twins.echo import Asked

from zfwidgets.backend import Backend, Request
from zfwidgets.data import ImageSet
from zfwidgets.errors import DataError, NetworkError, ParameterError
from zfwidgets.imaging import Preprocess
from zfwidgets.network import Network
from zfwidgets.widgets.parts.values import Whole
from zfwidgets.widgets.viewer.counterpart import channel_beside, class_beside, layer_beside
from zfwidgets.widgets.viewer.pair import FIRST, SECOND, PairViewer


class Echoes(PairViewer):
    """Asks each network its number."""

    number = Whole(1, 1, "number")
    MAIN = "echo"

    def _build(self) -> W.Widget:
        self._seen: list[tuple[int, Any]] = []
        return W.HTML()

    def _questions_to(self, which: int) -> dict[str, Request]:
        return {"echo": (self.image, self.number, which)}  # type: ignore[dict-item]

    def _show_of(self, which: int, slot: str, value: Any) -> None:
        self._seen.append((which, value))


@pytest.fixture
def second() -> MagicMock:
    backend = create_autospec(Backend, instance=True)
    backend.network = MagicMock()
    backend.network.name = "second"
    backend.seconds_at_most.return_value = backend.seconds_foreseen.return_value = None
    return backend


@pytest.fixture
def others(second: MagicMock) -> Asked:
    return Asked(second)


@pytest.fixture
def echoes(spec: MagicMock, asked: Asked, second: MagicMock, others: Asked) -> Echoes:
    spec.network = MagicMock()
    spec.network.name = "first"
    return Echoes(spec, second)


def test_both_are_asked_and_each_answer_is_its_own(echoes: Echoes, asked: Asked, others: Asked) -> None:
    assert (asked.requests, others.requests) == ([("a", 1, FIRST)], [("a", 1, SECOND)])
    others.answer(0, "final", "theirs")
    echoes._drain()
    assert echoes.state == "stale"
    asked.answer(0, "final", "mine")
    assert echoes.wait(1)
    assert (echoes._seen, echoes.state) == ([(SECOND, "theirs"), (FIRST, "mine")], "ready")


def test_pictures_are_lent_before_a_question_is_asked(echoes: Echoes, spec: MagicMock, second: MagicMock) -> None:
    spec.lend.assert_called_once_with("a", second)
    echoes.image = "b"
    assert spec.lend.call_args.args == ("b", second)


def test_a_picture_that_cannot_be_lent_stops_the_second_alone(
    echoes: Echoes, spec: MagicMock, asked: Asked, others: Asked
) -> None:
    spec.lend.side_effect = DataError("It holds another picture.")
    echoes.image = "b"
    assert asked.requests[-1] == ("b", 1, FIRST)
    assert len(others.requests) == 1
    others.tickets[0].cancel.assert_called_once_with()
    asked.answer(1, "final", "mine")
    with pytest.raises(DataError, match="Second network, second: It holds another picture"):
        echoes.wait(1)
    assert echoes._seen == [(FIRST, "mine")]
    spec.lend.side_effect = None
    echoes.image = "a"
    assert others.requests[-1] == ("a", 1, SECOND) and "other" not in echoes._errors


def test_an_error_of_the_second_names_it(echoes: Echoes, asked: Asked, others: Asked) -> None:
    asked.answer(0, "final", "mine")
    others.answer(0, "error", error=ParameterError("That is too small."))
    with pytest.raises(ParameterError, match="Second network, second: That is too small"):
        echoes.wait(1)
    assert echoes.state == "error"


def test_where_both_refuse_the_first_one_is_heard(echoes: Echoes, asked: Asked, others: Asked) -> None:
    others.answer(0, "error", error=ParameterError("That is too small."))
    asked.answer(0, "error", error=ParameterError("That is too large."))
    with pytest.raises(ParameterError, match=r"^That is too large\."):
        echoes.wait(1)
    assert "That is too large." in echoes._strip.alert.value


def test_a_second_backend_that_was_closed_meanwhile(echoes: Echoes, asked: Asked, second: MagicMock) -> None:
    second.submit.side_effect = NetworkError("This backend is closed.")
    echoes.number = 2
    asked.answer(1, "final", "mine")
    with pytest.raises(NetworkError, match="Second network, second: This backend is closed"):
        echoes.wait(1)
    assert echoes._seen == [(FIRST, "mine")]


def test_close_and_cancel_mean_both(echoes: Echoes, asked: Asked, others: Asked) -> None:
    echoes.close()
    asked.tickets[0].cancel.assert_called_once_with()
    others.tickets[0].cancel.assert_called_once_with()


def test_the_line_tells_how_far_both_are(echoes: Echoes) -> None:
    echoes._tell_share(FIRST, 0.5)
    assert echoes._progress == 0.25
    echoes._tell_share(SECOND, 1.0)
    assert echoes._progress == 0.75


def test_a_second_network_is_a_backend(spec: MagicMock, asked: Asked) -> None:
    with pytest.raises(ParameterError, match="second network comes as a Backend, not str"):
        Echoes(spec, "zfnet-scenes")  # type: ignore[arg-type]


def test_two_networks_of_one_name_are_told_apart(echoes: Echoes, second: MagicMock) -> None:
    assert echoes._names == ("first", "second")
    second.network.name = "first"
    assert echoes._names == ("first", "first (second)")


def test_lending(network: Network, pictures: ImageSet) -> None:
    grey = Image.new("RGB", (24, 24), (9, 9, 9))
    with Backend(network, pictures) as mine, Backend(network, {"image/00001": grey}) as theirs:
        mine.lend("image/00000", theirs)
        mine.lend("image/00000", theirs)
        assert theirs.images == ("image/00001", "image/00000")
        np.testing.assert_array_equal(theirs.picture("image/00000"), mine.picture("image/00000"))
        assert theirs.label("image/00000") == "dog"
        with pytest.raises(DataError, match="holds another picture as 'image/00001'; make both backends with the same"):
            mine.lend("image/00001", theirs)


@pytest.fixture(scope="module")
def deep() -> Network:
    """Four convolutions under names that the tiny network does not have, and no layer without places."""
    blocks: dict[str, nn.Module] = {}
    for name, width in (("a", 3), ("b", 4), ("c", 4), ("d", 4)):
        blocks |= {name: nn.Conv2d(width, 4, 3, padding=1), f"{name}_relu": nn.ReLU()}
    module = nn.Sequential(
        OrderedDict(blocks),
    )
    return Network(
        nn.Sequential(OrderedDict(body=module, pool=nn.AdaptiveAvgPool2d(1), flat=nn.Flatten(), out=nn.Linear(4, 2))),
        preprocess=Preprocess(size=16),
        classes=["dog", "emu"],
        device="cpu",
        name="deep",
    )


def test_layers_of_one_name_and_of_one_depth(network: Network, deep: Network) -> None:
    assert layer_beside(network, network, "conv2", "it").layer == "conv2"
    found = layer_beside(deep, network, "body.c_relu", "tiny")
    assert found.layer in network.layers and network.layers[found.layer].spatial
    assert found.words.startswith(f"tiny has no layer body.c_relu: shown is {found.layer}, as deep (after ")
    shallow = layer_beside(deep, network, "body.a_relu", "tiny")
    order = list(network.layers)
    assert order.index(network.layers[str(shallow.layer)].name) < order.index(network.layers[str(found.layer)].name)


def test_channels_and_classes(network: Network, deep: Network) -> None:
    assert channel_beside(network, "conv1", 5, "tiny") == (5, "")
    assert channel_beside(network, "conv1", 6, "tiny") == (
        None,
        "conv1 of tiny has 6 maps and no #6: its strongest is shown.",
    )
    assert class_beside(network, deep, 1) == 0
    assert class_beside(network, deep, 0) is None
