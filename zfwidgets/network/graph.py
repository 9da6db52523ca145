"""A network as a list of operations in the order they run."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from torch import Tensor

from zfwidgets.network.call import shape_of
from zfwidgets.network.device import exactly
from zfwidgets.network.geometry import Shape
from zfwidgets.network.operations import Operation

__all__ = ["Graph", "Node", "Pass"]


@dataclass(frozen=True)
class Node:
    """One operation and the nodes whose outputs it reads."""

    index: int
    name: str
    operation: Operation
    inputs: tuple[int, ...]


@dataclass
class Pass:
    """What one forward pass leaves behind.

    Attributes
    ----------
    outputs : dict
        Node index to output, for the nodes that were asked for.
    memory : dict
        Node index to what the operation needs on the way back.
    shapes : list
        Shape of one sample of every node's output, () where it is not a tensor or was not run.
    folded : set of int
        Nodes whose output has another number of samples than the batch, for example each colour as one of its own.
    """

    outputs: dict[int, Any] = field(default_factory=dict)
    memory: dict[int, Any] = field(default_factory=dict)
    shapes: list[Shape] = field(default_factory=list)
    folded: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class Graph:
    """Operations in the order they run; node 0 is the input picture, ``output`` the logits.

    ``names`` maps layer names to nodes. Running the graph never touches the module it was traced from: no
    hooks, no writes into the batch, no statistics.
    """

    nodes: tuple[Node, ...]
    output: int
    names: Mapping[str, int]

    @exactly
    def run(self, batch: Tensor, wanted: Collection[int], *, remember: bool = False, repeated: bool = False) -> Pass:
        """Run the operations that the wanted nodes depend on.

        Parameters
        ----------
        batch : Tensor
            (N, 3, H, W), model input. It is not written into.
        wanted : collection of int
            Nodes whose outputs are kept; all others are freed as soon as nobody reads them.
        remember : bool
            Also keep what the way back needs (switches, masks).
        repeated : bool
            It is one of many batches of one size, see `Operation.repeat`; `refresh` before the first.

        Returns
        -------
        Pass
        """
        needed = self.ancestors(wanted)
        readers = [0] * len(self.nodes)
        for index in needed:
            for source in self.nodes[index].inputs:
                readers[source] += 1
        result = Pass(shapes=[()] * len(self.nodes))
        values: dict[int, Any] = {}
        # Operations of foreign code may write into what they read: into the picture, or a map that is kept.
        own = _unchanged if self.tabled else _copied
        batch = own(batch)
        if remember:
            self.refresh()
        for index in sorted(needed):
            node = self.nodes[index]
            inputs = [batch] if index == 0 else [values[source] for source in node.inputs]
            if remember:
                value, memory = node.operation.remember(*inputs)
                if memory is not None:
                    result.memory[index] = memory
            else:
                value = (node.operation.repeat if repeated else node.operation.forward)(*inputs)
            values[index] = value
            if index in wanted:
                result.outputs[index] = own(value)
            result.shapes[index] = shape_of(value)
            if result.shapes[index] and len(value) != len(batch):
                result.folded.add(index)
            for source in node.inputs:
                readers[source] -= 1
                if readers[source] == 0:
                    values.pop(source, None)
        return result

    def refresh(self, wanted: Collection[int] | None = None) -> None:
        """Notice weights that were edited around torch since the last run; of some nodes and what they depend on."""
        for index in range(len(self.nodes)) if wanted is None else self.ancestors(wanted):
            self.nodes[index].operation.refresh()

    @cached_property
    def tabled(self) -> bool:
        """Whether every operation is one of the table, so that any memory layout will do."""
        return all(node.operation.fidelity != "refused" for node in self.nodes)

    def ancestors(self, wanted: Collection[int]) -> set[int]:
        """The wanted nodes and everything that they depend on."""
        found = set(wanted) | {0}
        for index in range(max(found), -1, -1):
            if index in found:
                found.update(self.nodes[index].inputs)
        return found

    def multiply_adds(self, shapes: list[Shape]) -> int:
        """Multiply-adds of one forward pass of one picture (convolutions and linear layers)."""
        return sum(node.operation.multiply_adds(shapes[node.index]) for node in self.nodes if shapes[node.index])


def _unchanged(value: Any) -> Any:
    return value


def _copied(value: Any) -> Any:
    return value.clone() if isinstance(value, Tensor) else value
