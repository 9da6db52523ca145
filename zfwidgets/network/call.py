"""One traced call, read the same way whether it is a module, a function or a method."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx, nn

from zfwidgets.network.geometry import Shape

__all__ = ["Call", "Unmatched", "pair"]

_REQUIRED = object()


class Unmatched(Exception):
    """The call looks like an operation of the table, but its rule does not hold for it."""


@dataclass(frozen=True)
class Call:
    """A call in the traced network.

    Attributes
    ----------
    target : nn.Module, callable or str
        The module, the function, or the name of a tensor's method.
    args, kwargs : tuple, dict
        As they were given; `fx.Node` stands for a computed value.
    sources : sequence of fx.Node
        The computed values it reads, in order.
    shape, source_shapes : Shape, tuple of Shape
        Shape of one sample of the result and of each source, () where it is not a tensor.
    """

    target: Any
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    sources: Sequence[fx.Node]
    shape: Shape
    source_shapes: tuple[Shape, ...]

    @property
    def module(self) -> nn.Module | None:
        """The module that is called, if it is one."""
        return self.target if isinstance(self.target, nn.Module) else None

    @property
    def name(self) -> str:
        """What the call is, for a person: ``SiLU``, ``mul``, ``view``."""
        if isinstance(self.target, nn.Module):
            return type(self.target).__name__
        return self.target if isinstance(self.target, str) else getattr(self.target, "__name__", "a function")

    def is_one_of(
        self, modules: tuple[type[nn.Module], ...], functions: tuple[Any, ...], methods: tuple[str, ...]
    ) -> bool:
        """Whether it is exactly one of these; a subclass may compute something else, so it is not."""
        if isinstance(self.target, nn.Module):
            return type(self.target) in modules
        return self.target in (methods if isinstance(self.target, str) else functions)

    def is_node(self, value: object) -> bool:
        """Whether an argument is a value computed by the network."""
        return isinstance(value, fx.Node)

    def argument(self, name: str, position: int, default: Any = _REQUIRED) -> Any:
        """An argument by name: a module's attribute, a keyword, or the position in a call."""
        if self.module is not None:
            value = getattr(self.module, name, default)
        elif name in self.kwargs:
            value = self.kwargs[name]
        else:
            value = self.args[position] if len(self.args) > position else default
        if value is _REQUIRED or _has_node(value):
            raise Unmatched
        return value

    def run(self, values: Sequence[Any]) -> Any:
        """Run the call as it stands on values for its sources."""
        known = dict(zip(self.sources, values, strict=True))
        args, kwargs = fx.node.map_arg((self.args, dict(self.kwargs)), known.__getitem__)
        return _function(self.target)(*args, **kwargs)


def pair(value: Any) -> tuple[Any, Any]:
    """A number for both axes, or one for each."""
    if isinstance(value, int):
        return value, value
    first, *rest = value
    return first, rest[0] if rest else first


def _function(target: Any) -> Callable[..., Any]:
    if isinstance(target, str):
        return lambda tensor, *args, **kwargs: getattr(tensor, target)(*args, **kwargs)
    return target  # type: ignore[no-any-return]


def _has_node(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return any(map(_has_node, value))
    return isinstance(value, fx.Node)


def shape_of(value: object) -> Shape:
    """Shape of one sample of a batch, () for what is not a tensor with a batch."""
    return tuple(value.shape[1:]) if isinstance(value, torch.Tensor) and value.dim() > 1 else ()
