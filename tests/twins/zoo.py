"""Small networks, each with one thing that tools of this field get silently wrong."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn
from twins.networks import lively


class Plain(nn.Sequential):
    """conv, in-place relu, overlapping ceil-mode pools on an odd size, response norm, padding."""

    def __init__(self):
        super().__init__(
            nn.Conv2d(3, 6, 5, stride=2, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            nn.LocalResponseNorm(5, alpha=0.1, k=2.0),
            nn.Conv2d(6, 8, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2, padding=1),
            nn.Flatten(),
            nn.Dropout(),
            nn.LazyLinear(12),
            nn.ReLU(inplace=True),
            nn.Linear(12, 5),
        )


class Functional(nn.Module):
    """relu, pooling, dropout and flatten as functions and methods."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 6, 3, padding="same")
        self.second = nn.Conv2d(6, 8, 3, stride=2)
        self.last = nn.LazyLinear(5)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.first(x)), 2)
        x = F.avg_pool2d(self.second(x).relu(), 3, 2, 1, ceil_mode=True, count_include_pad=False)
        x = F.dropout(x, 0.5, self.training)
        return self.last(x.view(x.size(0), -1))


class Reused(nn.Module):
    """One relu module and one convolution, each called several times."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, padding=1)
        self.mix = nn.Conv2d(6, 6, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)
        self.head = nn.Linear(6, 5)

    def forward(self, x):
        x = self.relu(self.stem(x))
        x = self.relu(self.mix(x))
        x = self.relu(self.mix(x))
        return self.head(x.mean([2, 3]))


class PreActivation(nn.Module):
    """A pre-activation residual block whose in-place relu overwrites the skip path that reads it."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.relu = nn.ReLU(inplace=True)
        self.body = nn.Conv2d(6, 6, 3, padding=1)
        self.again = nn.ReLU(inplace=True)
        self.pool = nn.AdaptiveAvgPool2d((3, 4))
        self.head = nn.Linear(72, 5)

    def forward(self, x):
        x = self.stem(x)
        out = self.body(self.relu(self.norm(x)))
        out += x
        skip = out
        out = self.again(out)  # overwrites skip
        return self.head(torch.flatten(self.pool(out + skip), 1))


class Grouped(nn.Module):
    """Grouped and dilated convolutions, a dilated pool, branches joined by a concat, unequal kernels."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, padding=2, dilation=2)
        self.left = nn.Conv2d(6, 6, (1, 5), padding=(0, 2), groups=3)
        self.right = nn.Conv2d(6, 4, (5, 1), padding=(2, 0), stride=(1, 1))
        self.pool = nn.MaxPool2d(2, 2, dilation=2)
        self.top = nn.Conv2d(10, 8, 3)
        self.head = nn.Linear(8, 5)

    def forward(self, x):
        x = F.relu6(self.stem(x))
        x = torch.cat([F.relu(self.left(x)), F.relu(self.right(x))], 1)
        x = torch.relu(self.top(self.pool(x)))
        return self.head(F.adaptive_max_pool2d(x, 1).flatten(1))


class Fire(nn.Module):
    """Maps that are pooled at once, alone or joined to others, by overlapping windows with and without a border."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, stride=2)
        self.squeeze = nn.Conv2d(6, 4, 1)
        self.left = nn.Conv2d(4, 5, 1)
        self.right = nn.Conv2d(4, 6, 3, padding=1)
        self.top = nn.Conv2d(11, 7, 3, padding=1)
        self.head = nn.Linear(7, 5)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.stem(x)), 3, 2, padding=1)
        x = F.relu(self.squeeze(x))
        x = torch.cat([F.relu(self.left(x)), F.relu(self.right(x))], 1)
        x = F.max_pool2d(x, 3, 2, ceil_mode=True)
        x = F.relu(self.top(x))
        return self.head((F.max_pool2d(x, 2) + F.avg_pool2d(x, 2)).mean([2, 3]))


SMALL = {kind.__name__: kind for kind in (Plain, Functional, Reused, PreActivation, Grouped, Fire)}


def small(name: str, size: tuple[int, int] = (33, 33), seed: int = 0) -> nn.Module:
    """One of `SMALL` with lively weights for inputs of a size."""
    module = SMALL[name]().eval()
    with torch.no_grad():
        module(torch.zeros(1, 3, *size))  # gives lazy layers their size
    return lively(module, seed)


class Attention(nn.Module):
    """SiLU, then attention: occlusion works, the deconvnet refuses."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 4, stride=4)
        self.act = nn.SiLU()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.head = nn.Linear(8, 5)

    def forward(self, x):
        tokens = self.act(self.stem(x)).flatten(2).transpose(1, 2)
        mixed, _ = self.attention(tokens, tokens, tokens)
        return self.head(mixed.mean(1))


class DataDependent(nn.Module):
    """Python code that looks at the data: cannot be traced."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5))

    def forward(self, x):
        if x.mean() > 1000:
            x = x * 0
        return self.body(x)


class Shuffled(nn.Module):
    """A view that needs planes in memory, and a parameter that the code reads itself."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3)
        self.shift = nn.Parameter(torch.ones(1, 6, 1, 1))
        self.head = nn.Linear(6, 5)

    def forward(self, x):
        x = F.relu(self.stem(x) + self.shift)
        batch, channels, height, width = x.shape
        x = x.view(batch, 2, channels // 2, height, width).transpose(1, 2).contiguous()
        x = x.view(batch, channels, height, width)
        return self.head(x.mean([2, 3]))
