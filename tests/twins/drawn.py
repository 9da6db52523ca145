"""Small networks drawn at random: chains and branches of every operation through which a window can pass."""

import random

import torch
from torch import nn


class Branches(nn.Module):
    """The same map through several ways, added or joined."""

    def __init__(self, ways, join):
        super().__init__()
        self.ways, self.join = nn.ModuleList(ways), join

    def forward(self, x):
        outputs = [way(x) for way in self.ways]
        return torch.cat(outputs, 1) if self.join == "cat" else outputs[0] + outputs[1]


class Drawn(nn.Module):
    """Trunk, pool to a few cells, linear classifier."""

    def __init__(self, trunk, channels, pool):
        super().__init__()
        self.trunk, self.pool = trunk, nn.AdaptiveAvgPool2d(pool)
        self.head = nn.Linear(channels * pool * pool, 5)

    def forward(self, x):
        return self.head(torch.flatten(self.pool(self.trunk(x)), 1))


def drawn_network(seed):
    """A network for inputs (N, 3, H, W) of 12 to 40 pixels, with lively weights."""
    dice = random.Random(seed)
    torch.manual_seed(seed)
    channels, layers, shrunk = 3, [], 1
    for _ in range(dice.randint(2, 5)):
        layer, channels, stride = _layer(dice, channels, may_shrink=shrunk < 8)
        shrunk *= stride
        layers.append(layer)
        if dice.random() < 0.6:
            layers.append(dice.choice([nn.ReLU(), nn.ReLU(inplace=True), nn.ReLU6()]))
    network = Drawn(nn.Sequential(*layers), channels, dice.choice([1, 1, 2, 3]))
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, 0, 0.3)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.normal_(module.weight, 1, 0.3)
            nn.init.normal_(module.bias, 0, 0.3)
    return network.eval()


def _layer(dice, channels, may_shrink):
    kind = dice.choice(["conv", "conv", "conv", "max", "average", "norm", "response", "residual", "concat"])
    if kind == "conv":
        return _convolution(dice, channels, may_shrink)
    if kind in ("max", "average"):
        kernel = dice.choice([2, 3])
        stride = dice.choice([1, 2, 3]) if may_shrink else 1
        padding, ceil = dice.randint(0, kernel // 2), dice.random() < 0.5
        if kind == "max":
            dilation = dice.choice([1, 1, 2])
            return nn.MaxPool2d(kernel, stride, padding, dilation, ceil_mode=ceil), channels, stride
        return nn.AvgPool2d(kernel, stride, padding, ceil, dice.random() < 0.5), channels, stride
    if kind == "norm":
        return nn.BatchNorm2d(channels), channels, 1
    if kind == "response":
        return nn.LocalResponseNorm(3, alpha=0.3), channels, 1
    same = nn.Conv2d(channels, channels, 3, padding=1)
    if kind == "residual":
        return Branches([nn.Sequential(same, nn.ReLU()), nn.Identity()], "add"), channels, 1
    return Branches([same, nn.Conv2d(channels, 4, 1)], "cat"), channels + 4, 1


def _convolution(dice, channels, may_shrink):
    kernel = (dice.choice([1, 3, 5]), dice.choice([1, 2, 3]))
    stride = dice.choice([1, 2, 3]) if may_shrink else 1
    dilation = dice.choice([1, 1, 2])
    padding = tuple(dice.randint((k - 1) * dilation // 2, k * dilation // 2 + 1) for k in kernel)
    groups = 2 if channels % 2 == 0 and dice.random() < 0.4 else 1
    made = nn.Conv2d(channels, 6, kernel, stride, padding, dilation, groups, bias=dice.random() < 0.7)
    return made, 6, stride
