"""Receptive field, stride and offset of every layer, proved by where gradients arrive."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.overrides import TorchFunctionMode
from torchvision import models
from twins.zoo import SMALL, small

from zfwidgets import Network, Preprocess


class _Linearised(TorchFunctionMode):
    """Max pools become average pools and rectifiers pass everything, so that support is not lost to values."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if function in (F.relu, torch.relu, torch.Tensor.relu, F.relu6, F.hardtanh, F.local_response_norm):
            return args[0]
        if function in (F.max_pool2d, torch.max_pool2d):
            x, kernel, stride, padding, dilation, ceil_mode = _pool(*args, **kwargs)
            if dilation != 1:  # an average over the dilated places, as a convolution of ones
                ones = torch.ones(x.shape[1], 1, kernel, kernel, dtype=x.dtype)
                return F.conv2d(x, ones, None, stride, padding, dilation, x.shape[1])
            return F.avg_pool2d(x, kernel, stride, padding, ceil_mode)
        if function is F.adaptive_max_pool2d:
            return F.adaptive_avg_pool2d(*args[:2])
        return function(*args, **kwargs)


def _pool(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    return x, kernel_size, stride or kernel_size, padding, dilation, ceil_mode


def support(module, size, path, row, column):
    """Bounding box (top, left, bottom, right) of the pixels that one unit depends on."""
    module = copy.deepcopy(module).eval()
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            part.weight.data.fill_(1 / part.weight[0].numel())
        if isinstance(part, nn.BatchNorm2d):
            part.weight.data.fill_(1)
            part.running_var.fill_(1)
    found = []
    module.get_submodule(path).register_forward_hook(lambda m, i, o: found.append(o))
    x = torch.ones(1, 3, size, size, dtype=torch.float64, requires_grad=True)
    with _Linearised():
        module.double()(x)
    (gradient,) = torch.autograd.grad(found[-1][0, :, row, column].sum(), x)
    rows, columns = (gradient[0].abs().sum((0, axis)).nonzero().flatten().tolist() for axis in (2, 1))
    return rows[0], columns[0], rows[-1] + 1, columns[-1] + 1


def assert_fields(module, size, names=None, step=1):
    net = Network(module, preprocess=Preprocess(size=size), device="cpu")
    modules = dict(module.named_modules())
    paths = [n for n in net.layers if n in modules and net.layers[n].spatial and net.layers[n].stride != (0, 0)]
    for path in (names or paths)[::step]:
        layer = net.layers[path]
        for row, column in ((0, 0), (layer.height // 2, layer.width // 3), (layer.height - 1, layer.width - 1)):
            top = layer.offset[0] + layer.stride[0] * row
            left = layer.offset[1] + layer.stride[1] * column
            bottom, right = top + layer.receptive_field[0], left + layer.receptive_field[1]
            expected = max(top, 0), max(left, 0), min(bottom, size), min(right, size)
            found = support(module, size, path, row, column)
            if expected == (top, left, bottom, right):
                assert found == expected, (path, row, column)
            else:  # beyond a map's border there is padding, which sees no pixels
                assert all(f >= e for f, e in zip(found[:2], expected[:2], strict=True)), (path, row, column)
                assert all(f <= e for f, e in zip(found[2:], expected[2:], strict=True)), (path, row, column)


@pytest.mark.parametrize("name", SMALL)
def test_fields_of_small_networks(name):
    assert_fields(small(name), 33)


@pytest.mark.parametrize(
    ("name", "step"),
    [("alexnet", 2), ("squeezenet1_1", 9), ("resnet18", 9), ("mobilenet_v2", 40)],
)
def test_fields_of_known_networks(name, step):
    assert_fields(models.get_model(name, weights=None).eval(), 224, step=step)


def test_filters_are_offered_where_nothing_else_has_maps():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.SiLU(), nn.Conv2d(4, 5, 3), nn.SiLU(), nn.Flatten())
    module.append(nn.Linear(5 * 20 * 20, 2))
    net = Network(module, preprocess=Preprocess(size=24), device="cpu")
    assert (net.menu, net.default_layer) == (("0", "2", "5"), "2")


class Colours(nn.Module):
    """Looks at the colours as three pictures."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.head = nn.Conv2d(3, 3, 3), nn.Conv2d(1, 4, 3), nn.Linear(12, 3)

    def forward(self, x):
        x = self.first(x).relu()
        y = self.second(x.view(-1, 1, x.shape[2], x.shape[3])).relu()
        return self.head(y.mean((2, 3)).view(x.shape[0], -1))


def test_maps_that_are_not_of_one_picture_are_no_layers():
    net = Network(Colours(), preprocess=Preprocess(size=16), device="cpu")
    assert "first" in net.layers and "second" not in net.layers
    assert net.layers[net.default_layer].channels == 3


def test_alexnet_has_the_names_and_numbers_everybody_knows():
    net = Network(models.alexnet(weights=None), device="cpu")
    assert net.menu == (
        *("conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool5"),
        *("fc6", "fc7", "fc8"),
    )
    conv5 = net.layers["conv5"]
    assert (conv5.channels, conv5.height, conv5.receptive_field, conv5.stride) == (256, 13, (163, 163), (16, 16))
    assert net.layers["features.11"].index == conv5.index
    assert net.default_layer == "conv5"
