"""What every operation of the table answers for: forward, what it remembers, its way back, its geometry."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Literal

from torch import Tensor, nn

from zfwidgets.errors import RefusedError
from zfwidgets.network.call import Call
from zfwidgets.network.geometry import POINT, Reach, Shape
from zfwidgets.network.passage import Passage

__all__ = ["Constant", "Fidelity", "Input", "Opaque", "Operation", "Reaches", "worst"]

Fidelity = Literal["paper", "adjoint", "refused"]
_ORDER: tuple[Fidelity, ...] = ("paper", "adjoint", "refused")
Reaches = tuple[Reach, Reach] | None


def worst(fidelities: Iterable[Fidelity]) -> Fidelity:
    """What a chain of operations comes to."""
    return max(fidelities, key=_ORDER.index)


class Operation:
    """One operation of a network; subclasses fill the table."""

    kind: ClassVar[str]
    modules: ClassVar[tuple[type[nn.Module], ...]] = ()
    functions: ClassVar[tuple[Any, ...]] = ()
    methods: ClassVar[tuple[str, ...]] = ()
    fidelity: Fidelity = "paper"
    note: str = "the paper's rule"
    linear: ClassVar[bool] = False
    """Whether a difference goes through by itself: forward(x + d) = forward(x) + respond(d)."""
    elementwise: ClassVar[bool] = False
    """Whether each output value depends on one input value only, everywhere in the same way."""
    pads: ClassVar[bool] = False
    """Whether `slide` pads with zeros by itself, at no cost."""
    outside: ClassVar[float] = 0.0
    """What `slide` is to be given for cells beyond the map's border."""

    def __init__(self, call: Call) -> None:
        """Read the operation's numbers from a traced call; `Unmatched` where the table's rule does not hold."""

    def forward(self, *inputs: Any) -> Any:
        """The output for a batch; never writes into its inputs."""
        raise NotImplementedError

    def repeat(self, *inputs: Any) -> Any:
        """`forward` for one of many batches of one size: with packed weights where these are faster, and then the same
        up to rounding only."""
        return self.forward(*inputs)

    def remember(self, *inputs: Any) -> tuple[Any, Any]:
        """The output and what `back` will need (None: nothing)."""
        return self.forward(*inputs), None

    def back(self, signal: Tensor, passage: Passage) -> tuple[Tensor, ...]:
        """The signal at each input, on the cells that the window reads."""
        raise NotImplementedError

    def refresh(self) -> None:
        """Forget what was made from other weights than the module has now."""

    def respond(self, *differences: Any) -> Any:
        """What a linear operation makes of whole maps or vectors of difference; constants (bias, shift) add nothing."""
        return self.forward(*differences)

    def slide(self, *windows: Tensor, source: Shape, padding: tuple[int, int] = (0, 0)) -> Tensor:
        """The operation on windows (B, C, h, w) cut out of maps with all that their outputs read.

        Linear operations are given windows of difference, all others windows of values. ``source`` is the shape of the
        map they were cut out of.
        """
        result: Tensor = self.respond(*windows) if self.linear else self.forward(*windows)
        return result

    def overwrite(self, values: Tensor) -> Tensor:
        """An elementwise operation in place."""
        raise NotImplementedError

    def factor(self, shape: Shape, source: Shape) -> Tensor | None:
        """(1, 1, H, W): what `slide` leaves out because it depends on the output cell's place; None: nothing."""
        return None

    def reach(self, source: Shape) -> Reaches:
        """How the output reads the rows and columns of an input; None: every output cell reads everything."""
        return POINT, POINT

    def multiply_adds(self, output: Shape) -> int:
        """Multiply-adds of one sample."""
        return 0

    def parameters(self) -> tuple[nn.Parameter, ...]:
        """What it has learned."""
        module = getattr(self, "module", None)
        return tuple(module.parameters()) if isinstance(module, nn.Module) else ()


class Input(Operation):
    """The picture itself."""

    kind = "input"

    def forward(self, *inputs: Tensor) -> Tensor:
        return inputs[0]


class Constant(Operation):
    """A parameter or default that the network's own code reads; no signal goes further."""

    kind = "constant"
    note = "a constant of the network"

    def __init__(self, call: Call) -> None:
        self.call = call

    def forward(self, *inputs: Any) -> Any:
        return self.call.run(inputs)

    def back(self, signal: Tensor, passage: Passage) -> tuple[Tensor, ...]:
        return ()

    def parameters(self) -> tuple[nn.Parameter, ...]:
        value = self.call.run(())
        return (value,) if isinstance(value, nn.Parameter) else ()


class Opaque(Operation):
    """Anything else: it runs as the module runs it, and it has no way back."""

    kind = "other"
    fidelity: Fidelity = "refused"

    def __init__(self, call: Call) -> None:
        self.call = call
        self.note = f"{call.name} has no deconvnet rule"

    def forward(self, *inputs: Any) -> Any:
        return self.call.run(inputs)

    def back(self, signal: Tensor, passage: Passage) -> tuple[Tensor, ...]:
        raise RefusedError(
            f"There is no deconvnet rule for {self.call.name}; choose a layer below it, or an occlusion map."
        )

    def reach(self, source: Shape) -> Reaches:
        return None

    def parameters(self) -> tuple[nn.Parameter, ...]:
        return tuple(self.call.module.parameters()) if self.call.module is not None else ()
