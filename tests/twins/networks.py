"""The slow twin of projections: autograd through the untouched module, with the rules patched into torch itself.

Nothing of the package is used: no trace, no table, no windows. Every relu that the module runs, however it is
called, goes through an `autograd.Function` that carries the rule.
"""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import nn
from torch.overrides import TorchFunctionMode

_RELUS = {F.relu, F.relu_, torch.relu, torch.relu_, torch.Tensor.relu, torch.Tensor.relu_}
_CAPPED = {F.relu6, F.hardtanh, F.hardtanh_}


class _Rule(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, rule, cap):
        ctx.save_for_backward(x)
        ctx.rule, ctx.cap = rule, cap
        return x.clamp(0, cap)

    @staticmethod
    def backward(ctx, signal):
        (x,) = ctx.saved_tensors
        if ctx.rule in ("deconvnet", "desalinet", "guided"):
            signal = signal.clamp_min(0)
        if ctx.rule in ("desalinet", "guided", "gradient"):
            signal = signal * ((x > 0) & (x < ctx.cap))
        return signal, None, None


class _SkipNorm(torch.autograd.Function):
    """The norm's own output; the signal passes as if there were none."""

    @staticmethod
    def forward(ctx, x, normed):
        return normed.clone()

    @staticmethod
    def backward(ctx, signal):
        return signal, None


class _Rules(TorchFunctionMode):
    def __init__(self, rule, skipped):
        super().__init__()
        self.rule, self.skipped = rule, skipped

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function in _RELUS or function in _CAPPED:
            cap = 6.0 if function in _CAPPED else float("inf")
            result = _Rule.apply(args[0].clone(), self.rule, cap)
            overwrites = kwargs.get("inplace") or (len(args) > 1 and args[-1] is True) or function.__name__[-1] == "_"
            return args[0].copy_(result) if overwrites else result
        if function in self.skipped:
            with torch.no_grad():
                normed = function(*args, **kwargs)
            return _SkipNorm.apply(args[0], normed)
        return function(*args, **kwargs)


def slow_projection(
    module, x, path, channel, position, rule="deconvnet", call=-1, response="rule", batch="scale", sent=None
):
    """(3, H, W) of one unit of the output of the submodule at ``path`` (its last call), and the unit's value.

    ``response="derivative"`` differentiates through contrast normalisation whatever the rule, ``batch="pass"`` leaves
    batch norm out on the way down; ``sent`` goes down in place of the unit's own value.
    """
    skipped = {F.local_response_norm} if rule in ("deconvnet", "desalinet") and response == "rule" else set()
    skipped |= {F.batch_norm} if batch == "pass" else set()
    module = copy.deepcopy(module).eval()
    outputs = []

    def keep(_module, _inputs, output):
        outputs.append(output)
        return output.clone()  # whoever overwrites this later does not reach what was kept

    module.get_submodule(path).register_forward_hook(keep)
    x = x.clone()[None].requires_grad_()
    with torch.enable_grad(), _Rules(rule, skipped):
        module(x)
        maps = outputs[call][0, channel]
        value = maps if maps.dim() == 0 else maps[position]
    (gradient,) = torch.autograd.grad(value, x, grad_outputs=value.detach() if sent is None else torch.tensor(sent))
    return gradient[0], float(value.detach())


def slow_occlusion(module, x, size, stride, fill):
    """Logits (R, C, K) of one forward pass for each square, and the corners of the squares; x, fill: (3, H, W)."""
    module = copy.deepcopy(module).eval()
    corners = []
    for extent in x.shape[1:]:
        starts, start = [], 0
        while start + size <= extent:
            starts.append(start)
            start += stride
        if starts[-1] + size < extent:
            starts.append(extent - size)
        corners.append(starts)
    logits = []
    with torch.no_grad():
        for row in corners[0]:
            for column in corners[1]:
                hidden = x.clone()
                for y in range(row, row + size):
                    hidden[:, y, column : column + size] = fill[:, y, column : column + size]
                logits.append(module(hidden[None])[0])
    return torch.stack(logits).reshape(len(corners[0]), len(corners[1]), -1), corners


def lively(module: nn.Module, seed: int = 0) -> nn.Module:
    """Random weights and statistics that keep activations alive in deep networks."""
    generator = torch.Generator().manual_seed(seed)
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            fan = part.weight[0].numel()
            part.weight.data.normal_(0, (2 / fan) ** 0.5, generator=generator)
            if part.bias is not None:
                part.bias.data.normal_(0, 0.1, generator=generator)
        elif isinstance(part, nn.BatchNorm2d):
            part.running_mean.normal_(0, 0.1, generator=generator)
            part.running_var.uniform_(0.5, 1.5, generator=generator)
            part.weight.data.uniform_(0.5, 1.5, generator=generator)
            part.bias.data.normal_(0, 0.1, generator=generator)
    return module.eval()
