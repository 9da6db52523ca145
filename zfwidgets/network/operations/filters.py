"""Filters, rectification and normalisation."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zfwidgets.network.call import Call, Unmatched, pair
from zfwidgets.network.geometry import Reach, Shape
from zfwidgets.network.operations.base import Fidelity, Operation, Reaches
from zfwidgets.network.packing import Packed
from zfwidgets.network.passage import Passage, is_dense


class Convolution(Operation):
    """Back: the transposed filters (section 2.1)."""

    kind = "convolution"
    modules = (nn.Conv2d,)
    linear = True
    pads = True

    def __init__(self, call: Call) -> None:
        module = call.module
        if not isinstance(module, nn.Conv2d) or module.padding_mode != "zeros":
            raise Unmatched
        self.module = module
        self.packed = Packed(module)
        self.padding = self._padding(module)
        extras = []
        if max(module.stride) > 1:
            extras.append("strided")
        if module.groups > 1:
            extras.append("grouped")
        if extras:
            self.fidelity = "adjoint"
            self.note = f"{' and '.join(extras)} convolution: the exact adjoint; the paper does not speak of it"

    @staticmethod
    def _padding(module: nn.Conv2d) -> tuple[int, int]:
        if not isinstance(module.padding, str):
            return pair(module.padding)
        if module.padding == "valid":
            return 0, 0
        total = [(k - 1) * d for k, d in zip(module.kernel_size, module.dilation, strict=True)]
        if any(value % 2 for value in total):
            raise Unmatched  # 'same' with an even kernel pads one side more than the other
        return total[0] // 2, total[1] // 2

    def forward(self, *inputs: Tensor) -> Tensor:
        m = self.module
        return F.conv2d(inputs[0], m.weight, m.bias, m.stride, self.padding, m.dilation, m.groups)

    def repeat(self, *inputs: Tensor) -> Tensor:
        # Of whole maps a pack is worth it only where it saves bringing the weights into another number format.
        return self.forward(*inputs) if inputs[0].dtype == self.module.weight.dtype else self.remember(*inputs)[0]

    def remember(self, *inputs: Tensor) -> tuple[Tensor, None]:
        m = self.module
        numbers = (pair(m.stride), self.padding, pair(m.dilation), m.groups)
        return self.packed.convolve(inputs[0], m.bias, *numbers), None

    def refresh(self) -> None:
        self.packed.refresh()

    def respond(self, *differences: Tensor) -> Tensor:
        return self.slide(*differences, source=(), padding=self.padding)

    def slide(self, *windows: Tensor, source: Shape, padding: tuple[int, int] = (0, 0)) -> Tensor:
        m = self.module
        return self.packed.convolve(windows[0], None, pair(m.stride), padding, pair(m.dilation), m.groups)

    def back(self, signal: Tensor, passage: Passage) -> tuple[Tensor, ...]:
        m = self.module
        filtered = self.packed.convolve_back(signal, pair(m.stride), pair(m.dilation), m.groups)
        return (passage.arrived(filtered, self.reach(passage.sources[0])),)

    def reach(self, source: Shape) -> Reaches:
        m = self.module
        numbers = zip(m.kernel_size, m.stride, self.padding, m.dilation, strict=True)
        rows, columns = (Reach(*map(int, four)) for four in numbers)
        return rows, columns

    def multiply_adds(self, output: Shape) -> int:
        return self.module.weight[0].numel() * output[0] * output[1] * output[2]


class Linear(Operation):
    """Back: the transposed matrix."""

    kind = "linear"
    modules = (nn.Linear,)
    linear = True
    fidelity: Fidelity = "adjoint"
    note = "linear: the exact adjoint; the paper projects convolutional layers only"

    def __init__(self, call: Call) -> None:
        if not isinstance(call.module, nn.Linear) or len(call.shape) != 1:
            raise Unmatched
        self.module = call.module
        self.packed = Packed(call.module)

    def forward(self, *inputs: Tensor) -> Tensor:
        return F.linear(inputs[0], self.module.weight, self.module.bias)

    def repeat(self, *inputs: Tensor) -> Tensor:
        return self.packed.multiply(inputs[0], self.module.bias)

    def remember(self, *inputs: Tensor) -> tuple[Tensor, None]:
        return self.repeat(*inputs), None

    def respond(self, *differences: Tensor) -> Tensor:
        return self.packed.multiply(differences[0], None)

    def refresh(self) -> None:
        self.packed.refresh()

    def back(self, signal: Tensor, passage: Passage) -> tuple[Tensor, ...]:
        return (self.packed.multiply_back(signal),)

    def reach(self, source: Shape) -> Reaches:
        return None

    def multiply_adds(self, output: Shape) -> int:
        return self.module.weight.numel()


class Rectification(Operation):
    """Back: the signal is rectified, without any mask from the forward pass (section 2.1)."""

    kind = "relu"
    elementwise = True
    modules: ClassVar[tuple[type[nn.Module], ...]] = (nn.ReLU,)
    functions: ClassVar[tuple[Any, ...]] = (F.relu, F.relu_, torch.relu, torch.relu_)
    methods: ClassVar[tuple[str, ...]] = ("relu", "relu_")

    def forward(self, *inputs: Tensor) -> Tensor:
        return torch.relu(inputs[0])

    def overwrite(self, values: Tensor) -> Tensor:
        return values.relu_()

    def remember(self, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        output = torch.relu(inputs[0])
        return output, output > 0

    def back(self, signal: Tensor, passage: Passage) -> tuple[Tensor, ...]:
        if passage.rule != "gradient":
            # A window cut out of a larger one is brought together by the copy.
            signal = signal.clamp_min_(0) if passage.owned and is_dense(signal) else signal.clamp_min(0)
        if passage.rule != "deconvnet":  # DeSaliNet and guided backpropagation do both
            signal = signal * passage.at(passage.memory)
        return (passage.arrived(signal),)


class CappedRectification(Rectification):
    """ReLU6: rectified like a relu; its cap at 6 matters to the gradient rules only."""

    kind = "relu6"
    modules = (nn.ReLU6,)
    functions = (F.relu6,)
    methods = ()
    fidelity: Fidelity = "adjoint"
    note = "relu6: rectified as a relu, the cap at 6 is ignored by the deconvnet rule"

    def forward(self, *inputs: Tensor) -> Tensor:
        return F.relu6(inputs[0])

    def overwrite(self, values: Tensor) -> Tensor:
        return F.relu6(values, inplace=True)

    def remember(self, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        return F.relu6(inputs[0]), (inputs[0] > 0) & (inputs[0] < 6)


class BatchNorm(Operation):
    """Back: the scale gamma / sigma, without the shift; or, for comparison, nothing."""

    kind = "batch norm"
    linear = True
    modules = (nn.BatchNorm2d, nn.BatchNorm1d)
    fidelity: Fidelity = "adjoint"
    note = "batch norm: scaled by gamma / sigma without the shift; the paper does not speak of it"

    def __init__(self, call: Call) -> None:
        module = call.module
        if not isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d) or module.running_var is None:
            raise Unmatched
        if len(call.shape) not in (1, 3):
            raise Unmatched
        self.module = module

    def forward(self, *inputs: Tensor) -> Tensor:
        m = self.module
        return F.batch_norm(inputs[0], m.running_mean, m.running_var, m.weight, m.bias, False, 0.0, m.eps)

    def respond(self, *differences: Tensor) -> Tensor:
        m = self.module
        assert m.running_var is not None
        scale = (m.running_var + m.eps).rsqrt()
        if m.weight is not None:
            scale = scale * m.weight
        return differences[0] * scale.to(differences[0].dtype).reshape(-1, *[1] * (differences[0].dim() - 2))

    def back(self, signal: Tensor, passage: Passage) -> tuple[Tensor, ...]:
        return (passage.arrived(signal if passage.norms.batch == "pass" else self.respond(signal)),)


class ResponseNorm(Operation):
    """Back: identity, "no contrast normalisation is used on the way down"; the gradient rules take the Jacobian.

    DeSaliNet leaves it out as the deconvnet does, which is all that tells it from guided backpropagation.
    """

    kind = "response norm"
    modules = (nn.LocalResponseNorm,)
    functions = (F.local_response_norm,)
    note = "the paper's rule: contrast normalisation is left out on the way down"

    def __init__(self, call: Call) -> None:
        if len(call.shape) != 3:
            raise Unmatched
        self.size = int(call.argument("size", 1))
        self.alpha = float(call.argument("alpha", 2, 1e-4))
        self.beta = float(call.argument("beta", 3, 0.75))
        self.k = float(call.argument("k", 4, 1.0))

    def forward(self, *inputs: Tensor) -> Tensor:
        # torch's own forward is a fifth as fast: an average in three dimensions, and powers for what roots can say.
        x = inputs[0]
        base = self._mean(x * x, self.size // 2, (self.size - 1) // 2).mul_(self.alpha).add_(self.k)
        if self.beta != 0.75:
            return x / base.pow_(self.beta)
        root = base.sqrt_()
        return x / root.mul_(root.sqrt())

    def remember(self, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        return self.forward(*inputs), inputs[0]

    def back(self, signal: Tensor, passage: Passage) -> tuple[Tensor, ...]:
        if passage.rule in ("deconvnet", "desalinet") and passage.norms.response == "rule":
            return (passage.arrived(signal),)
        x = passage.at(passage.memory)
        before, after = self.size // 2, (self.size - 1) // 2
        base = self.k + self.alpha * self._mean(x * x, before, after)
        pulled = self._mean(signal * x * base ** (-self.beta - 1), after, before)
        return (passage.arrived(signal * base**-self.beta - 2 * self.alpha * self.beta * x * pulled),)

    def _mean(self, x: Tensor, before: int, after: int) -> Tensor:
        """Mean over ``size`` neighbouring channels, zeros beyond the first and last."""
        channels = x.shape[1]
        padded = F.pad(x, (0, 0, 0, 0, before, after))
        total = padded[:, :channels].clone()
        for first in range(1, self.size):
            total += padded[:, first : first + channels]
        return total.div_(self.size)
