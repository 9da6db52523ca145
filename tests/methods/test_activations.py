"""Recording: what is taken as an image, and that results are nobody else's memory."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from twins.zoo import small

from zfwidgets import Network, Preprocess, record
from zfwidgets.errors import ImageError, ParameterError, UnknownNameError


@pytest.fixture(scope="module")
def net():
    return Network(small("Plain"), preprocess=Preprocess(size=33), device="cpu")


def test_pictures_tensors_batches_and_lists(net):
    picture = Image.new("RGB", (50, 40), "red")
    assert len(record(net, picture)) == 1
    assert len(record(net, [picture, np.zeros((60, 70, 3), np.uint8)])) == 2
    assert len(record(net, torch.zeros(3, 3, 33, 33))) == 3
    assert len(record(net, [torch.zeros(3, 33, 33), picture])) == 2


def test_default_is_the_menu_and_probabilities_sum_to_one(net):
    r = record(net, torch.randn(2, 3, 33, 33))
    assert tuple(r.activations) == net.menu
    assert r.activations["conv2"].shape == (2, 8, 8, 8)
    assert r.activations["fc3"].shape == (2, 12)
    np.testing.assert_allclose(r.probabilities.sum(1), 1, rtol=1e-6)
    with torch.no_grad():
        np.testing.assert_allclose(r.logits, net.module(r.inputs.clone()), rtol=1e-5, atol=1e-6)


def test_activations_do_not_share_memory_with_the_input():
    module = nn.Sequential(nn.Identity(), nn.Conv2d(3, 2, 16), nn.Flatten())
    net = Network(module, preprocess=Preprocess(size=16), device="cpu")
    x = torch.ones(3, 16, 16)
    record(net, x, ["0"]).activations["0"][:] = 7
    assert (x == 1).all()


@pytest.mark.parametrize(
    ("images", "layers", "error", "message"),
    [
        ([], None, ParameterError, "no images"),
        ("nothing.jpg", None, ImageError, "nothing.jpg"),
        (torch.zeros(3, 33, 33), ["conv3"], UnknownNameError, "'conv2'"),
        ([torch.zeros(3, 33, 33), torch.zeros(3, 34, 34)], None, ParameterError, "one size"),
    ],
)
def test_bad_input_gets_one_sentence(net, images, layers, error, message):
    with pytest.raises(error, match=message):
        record(net, images, layers)
