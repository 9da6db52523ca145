"""Operations that pass, add, join or reshape what they are given."""

from __future__ import annotations

import operator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zfwidgets.network.call import Call, Unmatched
from zfwidgets.network.geometry import POINT, Shape
from zfwidgets.network.operations.base import Fidelity, Operation, Reaches
from zfwidgets.network.passage import Passage


class Identity(Operation):
    """Dropout is off, identities do nothing: the signal passes."""

    kind = "identity"
    linear = True
    modules = (nn.Dropout, nn.Dropout2d, nn.Dropout1d, nn.AlphaDropout, nn.FeatureAlphaDropout, nn.Identity)
    functions = (F.dropout, F.dropout2d, F.alpha_dropout, F.feature_alpha_dropout)
    methods = ("contiguous", "clone", "detach")
    note = "dropout and identities are passed unchanged"

    def __init__(self, call: Call) -> None:
        self.as_planes = call.name == "contiguous"

    def forward(self, *inputs: Tensor) -> Tensor:
        return inputs[0].contiguous() if self.as_planes else inputs[0]

    def back(self, signal: Tensor, passage: Passage) -> tuple[Tensor, ...]:
        return (passage.arrived(signal),)


class Addition(Operation):
    """Back: the same signal to every branch."""

    kind = "addition"
    linear = True
    functions = (operator.add, operator.iadd, torch.add)
    methods = ("add", "add_")
    fidelity: Fidelity = "adjoint"
    note = "residual addition: the exact adjoint, the signal goes down every branch"

    def __init__(self, call: Call) -> None:
        others = [value for value in call.args if not call.is_node(value)]
        if others or call.kwargs or any(shape != call.shape for shape in call.source_shapes):
            raise Unmatched

    def forward(self, *inputs: Tensor) -> Tensor:
        return inputs[0] + inputs[1]

    def back(self, signal: Tensor, passage: Passage) -> tuple[Tensor, ...]:
        return passage.arrived(signal, number=0), passage.arrived(signal, number=1)


class Concatenation(Operation):
    """Back: each branch gets its own channels."""

    kind = "concatenation"
    linear = True
    functions = (torch.cat, torch.concat, torch.concatenate)
    fidelity: Fidelity = "adjoint"
    note = "concatenation: the exact adjoint, each branch gets its own channels"

    def __init__(self, call: Call) -> None:
        if call.argument("dim", 1, 0) not in (1, -len(call.shape)) or not all(call.source_shapes):
            raise Unmatched

    def forward(self, *inputs: Tensor) -> Tensor:
        return torch.cat(inputs, 1)

    def back(self, signal: Tensor, passage: Passage) -> tuple[Tensor, ...]:
        parts = torch.split(signal, [shape[0] for shape in passage.sources], 1)
        return tuple(passage.arrived(part, number=number) for number, part in enumerate(parts))


class Flatten(Operation):
    """Back: the vector takes the shape of the map again."""

    kind = "flatten"
    linear = True
    modules = (nn.Flatten,)
    functions = (torch.flatten, torch.reshape, torch.squeeze)
    methods = ("flatten", "view", "reshape", "squeeze")
    note = "a change of shape only"

    def __init__(self, call: Call) -> None:
        source = call.source_shapes[0]
        cells = torch.Size(source).numel()
        if not source or call.shape not in ((cells,), source):
            raise Unmatched
        self.flattens = call.shape != source

    def forward(self, *inputs: Tensor) -> Tensor:
        return inputs[0].flatten(1) if self.flattens else inputs[0]

    def back(self, signal: Tensor, passage: Passage) -> tuple[Tensor, ...]:
        return (signal.reshape(-1, *passage.sources[0]) if self.flattens else passage.arrived(signal),)

    def reach(self, source: Shape) -> Reaches:
        return None if self.flattens else (POINT, POINT)
