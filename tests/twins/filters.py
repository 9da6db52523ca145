"""The report on first-layer filters a second time: sums written out, one filter, frequency or pixel at a time."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import nn


def eight_bit_filters(convolution, std):
    """(F, 3, h, w) for inputs in steps of 1, one weight at a time; groups and dilation spread out."""
    weight = convolution.weight.detach().double()
    count, own, height, width = weight.shape
    down, across = convolution.dilation
    filters = np.zeros((count, 3, (height - 1) * down + 1, (width - 1) * across + 1))
    for f in range(count):
        first = f // (count // convolution.groups) * own
        for c in range(own):
            for y in range(height):
                for x in range(width):
                    filters[f, first + c, y * down, x * across] = weight[f, c, y, x] / (255 * std[first + c])
    return filters


def spectrum(one, side):
    """Energy of one filter (3, h, w) at each pair of frequencies k / side: the Fourier sum, colour by colour."""
    _, height, width = one.shape
    k = np.arange(side)[:, None]
    down = np.exp(-2j * np.pi * k * np.arange(height) / side)
    across = np.exp(-2j * np.pi * k * np.arange(width) / side)
    return sum(abs(down @ colour @ across.T) ** 2 for colour in one)


def signed(k, side):
    """Frequency of the k-th place, from -1/2 to below 1/2."""
    return (k if k < side / 2 else k - side) / side


def band_shares(one, side=64):
    """Low, mid and high share, and the mean frequency."""
    energy = spectrum(one, side)
    shares, mean = [0.0, 0.0, 0.0], 0.0
    for (ky, kx), value in np.ndenumerate(energy):
        distance = math.hypot(signed(ky, side), signed(kx, side))
        shares[0 if distance < 1 / 8 else 1 if distance < 1 / 4 else 2] += value
        mean += value * distance
    return [share / energy.sum() for share in shares], mean / energy.sum()


def aliased_share(one, stride, side=64):
    """What of a natural picture passes and cannot be held."""
    passed = lost = 0.0
    for (ky, kx), value in np.ndenumerate(spectrum(one, side)):
        down, across = signed(ky, side), signed(kx, side)
        if down or across:
            power = value / (down**2 + across**2)
            passed += power
            if abs(down) > 0.5 / stride[0] or abs(across) > 0.5 / stride[1]:
                lost += power
    return lost / passed


def cosine(one, other):
    """Of the angle between two filters."""
    return float((one * other).sum() / math.sqrt((one**2).sum() * (other**2).sum()))


def second_pattern(weight, filters, jump):
    """One filter (C, kh, kw) of the second layer as a picture: each of its weights paints a filter of the first."""
    _, height, width = weight.shape
    picture = np.zeros((3, (height - 1) * jump[0] + filters.shape[2], (width - 1) * jump[1] + filters.shape[3]))
    for (c, v, u), value in np.ndenumerate(weight):
        top, left = v * jump[0], u * jump[1]
        picture[:, top : top + filters.shape[2], left : left + filters.shape[3]] += value * filters[c]
    return picture


def answers(module: nn.Sequential, inputs):
    """(F, all places of all pictures): the module up to its first relu, one picture at a time."""
    kept = []
    with torch.no_grad():
        for one in inputs:
            value = one[None]
            for layer in module:
                value = layer(value)
                if isinstance(layer, nn.ReLU):
                    break
            kept.append(value[0].flatten(1))
    return torch.cat(kept, 1).double().numpy()
