"""The slow twins of the table of layers and of the deconvnet's steps: torch's own counts, and whole maps in loops."""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def slow_table(module, x):
    """For each call of a leaf module: path, shape of one output, multiply-adds; and the multiply-adds of all."""
    module = copy.deepcopy(module).eval()
    calls = []

    def keep(path):
        def hook(part, inputs, output):
            calls.append((path, tuple(output.shape[1:]), part, inputs[0].clone()))

        return hook

    for path, part in module.named_modules():
        if not list(part.children()):
            part.register_forward_hook(keep(path))
    with torch.no_grad(), FlopCounterMode(display=False) as whole:
        module(x[None].clone())
    rows = []
    for path, shape, part, given in list(calls):
        with torch.no_grad(), FlopCounterMode(display=False) as alone:
            part(given)
        rows.append((path, shape, alone.get_total_flops() // 2))
    return rows, whole.get_total_flops() // 2


def slow_stages(module, x, last, channel, position):
    """Whole maps (C, H, W) from one unit of the output of `nn.Sequential`'s part `last` down to the pixels."""
    values = [x[None]]
    with torch.no_grad():
        for part in list(module)[: last + 1]:
            values.append(part(values[-1].clone()))
        signal = torch.zeros_like(values[-1])
        place = (0, channel, *position) if signal.dim() == 4 else (0, channel)
        signal[place] = values[-1][place]
        maps = [_map(signal)]
        for number in range(last, -1, -1):
            signal = _back(module[number], signal, values[number])
            maps.append(_map(signal))
    return maps


def _map(signal):
    return (signal[0] if signal.dim() == 4 else signal[0, :, None, None]).clone()


def _back(part, signal, given):
    if isinstance(part, nn.ReLU):
        return signal.clamp_min(0)
    if isinstance(part, nn.Conv2d):
        return torch.nn.grad.conv2d_input(given.shape, part.weight, signal, part.stride, part.padding)
    if isinstance(part, nn.Linear):
        return signal @ part.weight
    if isinstance(part, nn.Flatten):
        return signal.reshape(given.shape)
    if isinstance(part, nn.MaxPool2d):
        return _unpool(part, signal, given)
    assert isinstance(part, nn.LocalResponseNorm | nn.Dropout)
    return signal


def _unpool(part, signal, given):
    _, switches = F.max_pool2d(given, part.kernel_size, part.stride, part.padding, 1, part.ceil_mode, True)
    down = torch.zeros_like(given)
    for channel in range(signal.shape[1]):
        for row in range(signal.shape[2]):
            for column in range(signal.shape[3]):
                place = int(switches[0, channel, row, column])
                down[0, channel, place // given.shape[3], place % given.shape[3]] += signal[0, channel, row, column]
    return down
