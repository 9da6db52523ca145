"""While a network is traced, modules that run on other threads compute what they always do."""

from __future__ import annotations

from threading import Thread

import torch
from torch import nn

from zfwidgets.imaging import Preprocess
from zfwidgets.network import Network


class Crowded(nn.Module):
    """Whenever it runs, another thread runs a module of its own, and one of this network's."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 2, 16), nn.Flatten())
        self.seen = []

    def forward(self, batch):
        other = nn.Sequential(nn.Linear(3, 4), nn.ReLU())

        def elsewhere():
            try:
                self.seen.append((other(torch.ones(1, 3)), self.layers(torch.ones(1, 3, 16, 16))))
            except Exception as error:
                self.seen.append(error)

        thread = Thread(target=elsewhere)
        thread.start()
        thread.join()
        return self.layers(batch)


def test_other_threads_are_let_through():
    module = Crowded()
    net = Network(module, preprocess=Preprocess(size=16), device="cpu")
    assert net.trace_problem is None and net.layers["layers.0"].channels == 2
    assert len(module.seen) >= 2
    for found in module.seen:
        assert isinstance(found, tuple), found
        assert type(found[0]) is torch.Tensor and type(found[1]) is torch.Tensor and found[1].requires_grad


def test_two_traces_leave_modules_as_they_were():
    call = nn.Module.__call__
    module = [nn.Sequential(nn.Conv2d(3, 2, 16), nn.Flatten()) for _ in range(4)]
    found = []
    threads = [
        Thread(target=lambda one=one: found.append(Network(one, preprocess=Preprocess(size=16), device="cpu")))
        for one in module
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [net.trace_problem for net in found] == [None] * 4 and nn.Module.__call__ is call
