"""The slow twins of the rule lab: autograd with the rules patched in, ranks by counting, weights reset in a loop."""

from __future__ import annotations

import copy
import math

import torch
from twins.networks import slow_projection

WAYS = {
    "deconvnet": {},
    "overwrite": None,  # no adjoint of anything: autograd cannot say
    "desalinet": {"rule": "desalinet"},
    "guided": {"rule": "guided"},
    "gradient": {"rule": "gradient"},
    "norm derivative": {"response": "derivative"},
    "batch norm left out": {"batch": "pass"},
}


def slow_way(module, x, path, channel, position, way):
    """(3, H, W) of one unit by one way."""
    return slow_projection(module, x, path, channel, position, **WAYS[way])[0]


def slow_cosine(one, other):
    products = lengths_one = lengths_other = 0.0
    for a, b in zip(one, other, strict=True):
        products += a * b
        lengths_one += a * a
        lengths_other += b * b
    return products / math.sqrt(lengths_one * lengths_other)


def slow_rank_correlation(one, other):
    """Spearman's: Pearson's of ranks, each rank counted: those below, and half of those that are equal."""

    def ranks(values):
        return [sum(v < w for v in values) + (sum(v == w for v in values) + 1) / 2 for w in values]

    a, b = ranks(one), ranks(other)
    middle = sum(a) / len(a)
    return slow_cosine([r - middle for r in a], [r - middle for r in b])


def slow_cascade(module, x, path, channel, position, paths, value, rule, seed):
    """(3, H, W) of one unit at each stage, where ``value`` goes down; the modules at ``paths`` are reset one by one."""
    module = copy.deepcopy(module).eval()
    torch.manual_seed(seed)
    pictures = []
    for some in paths:
        for one in some:
            module.get_submodule(one).reset_parameters()
        pictures.append(slow_projection(module, x, path, channel, position, rule, sent=value)[0])
    return pictures
