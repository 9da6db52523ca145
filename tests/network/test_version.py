"""The version of a network changes with its weights, however they are edited, and with nothing else."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn
from twins.zoo import small

from zfwidgets import Network, Preprocess, occlusion_map, record
from zfwidgets.network.version import weights_version


@pytest.fixture
def net() -> Network:
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(3, 40, 5), nn.BatchNorm2d(40), nn.ReLU(), nn.MaxPool2d(4), nn.Flatten(), nn.Linear(40 * 16, 5)
    )
    return Network(module.eval(), preprocess=Preprocess(size=20), device="cpu")


def data(net: Network) -> None:
    net.module[0].weight.data.mul_(1.5)


def numpy_memory(net: Network) -> None:
    net.module[5].bias.detach().numpy()[2] += 1


def numpy_memory_of_many(net: Network) -> None:
    weight = net.module[5].weight.detach().numpy()
    weight[:, 100:164] = 3.0  # a tenth


def without_grad(net: Network) -> None:
    with torch.no_grad():
        net.module[0].weight[3, 1, 2, 2] += 1.0


def optimizer_step(net: Network) -> None:
    optimizer = torch.optim.SGD(net.module.parameters(), lr=0.1)
    net.module(torch.ones(1, 3, 20, 20)).sum().backward()
    optimizer.step()
    optimizer.zero_grad()


def load_state_dict(net: Network) -> None:
    torch.manual_seed(1)
    net.module.load_state_dict({name: torch.rand_like(t.float()) for name, t in net.module.state_dict().items()})


def another_parameter(net: Network) -> None:
    net.module[5].weight = nn.Parameter(net.module[5].weight.detach() * 2)


def another_data(net: Network) -> None:
    net.module[5].weight.data = net.module[5].weight.data + 1


def statistics(net: Network) -> None:
    net.module[1].running_mean.data += 1


def counter(net: Network) -> None:
    net.module[1].num_batches_tracked.data += 1


EDITS = [
    data,
    numpy_memory,
    numpy_memory_of_many,
    without_grad,
    optimizer_step,
    load_state_dict,
    another_parameter,
    another_data,
    statistics,
    counter,
]


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
def test_every_way_of_editing_weights_is_noticed(net: Network, edit: Callable[[Network], None]) -> None:
    before = net.version
    assert net.version == before
    edit(net)
    after = net.version
    assert after != before
    assert net.version == after and hash(after) == hash(net.version)


def test_looking_changes_nothing(net: Network) -> None:
    before = net.version
    image = torch.rand(3, 20, 20)
    occlusion_map(net, image, size=8, stride=6)
    record(net, image)
    net.module.train()
    net.module.eval()
    assert net.version == before


def test_a_copy_in_other_memory_formats_and_an_edit_of_it(net: Network) -> None:
    twin = copy.deepcopy(net.module).to(memory_format=torch.channels_last)
    tensors = [*twin.parameters(), *twin.buffers()]
    before = weights_version(tensors)
    twin[0].weight.data[:, :, 1] += 1
    assert weights_version(tensors) != before


ODD = {
    "inference": lambda: _made_in_inference_mode(),
    "empty": lambda: torch.zeros(0, 3),
    "scalar": lambda: torch.tensor(3),
    "bool": lambda: torch.ones(5000, dtype=torch.bool),
    "half": lambda: torch.ones(5000, dtype=torch.float16),
    "bfloat16": lambda: torch.ones(7, 9, dtype=torch.bfloat16),
    "float8": lambda: torch.ones(70, 90).to(torch.float8_e5m2),
    "complex": lambda: torch.ones(9, dtype=torch.complex64),
    "meta": lambda: torch.zeros(9, device="meta"),
    "sparse": lambda: torch.eye(9).to_sparse(),
    "transposed": lambda: torch.ones(70, 90).T,
    "expanded": lambda: torch.ones(1, 1).expand(50, 50),
    "quantized": lambda: torch.quantize_per_tensor(torch.ones(5), 0.1, 0, torch.qint8),
}


def _made_in_inference_mode() -> torch.Tensor:
    with torch.inference_mode():
        return torch.ones(5)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", ODD)
def test_odd_tensors_have_a_version_too(kind: str) -> None:
    tensor, other = ODD[kind](), torch.ones(4)
    before = weights_version([tensor, other])
    assert weights_version([tensor, other]) == before
    other.numpy()[0] = 2
    assert weights_version([tensor, other]) != before


@pytest.mark.parametrize("shape", [(1024,), (1025,), (2048,), (64, 3, 7, 7), (512, 9216), (4096, 4096)])
def test_a_stripe_is_noticed_in_either_direction(shape: tuple[int, ...]) -> None:
    values = np.zeros(shape, np.float32)
    tensor = torch.from_numpy(values)
    before = weights_version([tensor])
    for axis in range(len(shape)):
        at = [slice(None)] * len(shape)
        # A tenth of a filter bank: pruning and repairing edit whole channels.
        at[axis] = slice(shape[axis] // 2, shape[axis] // 2 + max(1, shape[axis] // 10))
        values[tuple(at)] = 1
        assert weights_version([tensor]) != before
        values[tuple(at)] = 0
        assert weights_version([tensor]) == before


def test_shapes_tell_tensors_apart() -> None:
    values = torch.ones(6)
    assert weights_version([values]) != weights_version([values.reshape(2, 3)])
    assert weights_version([values[:2], values[2:]]) != weights_version([values[:3], values[3:]])


def test_every_network_of_the_zoo_has_one() -> None:
    net = Network(small("Plain"), preprocess=Preprocess(size=33), device="cpu")
    assert isinstance(net.version, int)
