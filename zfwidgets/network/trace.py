"""`nn.Module` -> `Graph`, by torch.fx.

Three things that a hook on a module gets silently wrong come out right here, because the rule sits on the
operation and not on the module: functional calls, modules that are called more than once, and in-place
operations (a later reader of an overwritten value is led to the value that it would really see).
"""

from __future__ import annotations

import operator
import traceback
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from threading import Lock, get_ident
from typing import Any

from torch import Tensor, fx, nn

from zfwidgets.errors import NetworkError
from zfwidgets.network.call import Call, shape_of
from zfwidgets.network.geometry import Shape
from zfwidgets.network.graph import Graph, Node
from zfwidgets.network.operations import Constant, Input, Opaque, Operation, operation_for

__all__ = ["evaluating", "trace", "unwrapped"]

_ONE_AT_A_TIME = Lock()
"""torch.fx patches `nn.Module` itself while it traces: two traces at once would not put it back as it was."""


@contextmanager
def evaluating(module: nn.Module) -> Iterator[nn.Module]:
    """Every submodule in eval mode inside, and in the mode it had before outside, also after an error."""
    modes = [(part, part.training) for part in module.modules()]
    try:
        yield module.eval()
    finally:
        for part, mode in modes:
            part.training = mode


def unwrapped(module: nn.Module) -> nn.Module:
    """The network inside of torch.compile and DataParallel wrappers."""
    while True:
        inner = getattr(module, "_orig_mod", None)
        if inner is None and isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel):
            inner = module.module
        if not isinstance(inner, nn.Module):
            return module
        module = inner


def trace(module: nn.Module, example: Tensor) -> Graph:
    """The operations of a network.

    Parameters
    ----------
    module : nn.Module
        Takes (N, 3, H, W). Left as it was found.
    example : Tensor
        (1, 3, H, W), any values, on the module's device; shapes are read off it.

    Raises
    ------
    NetworkError
        If the network's Python code depends on the data; names the line.
    """
    tracer = _Tracer()
    try:
        with _ONE_AT_A_TIME:
            graph = tracer.trace(module)
    except Exception as error:  # fx runs the network's own code, which may raise anything
        raise NetworkError(_untraceable(module, error)) from error
    required = [node for node in graph.nodes if node.op == "placeholder" and not node.args]
    if len(required) != 1:
        raise NetworkError(f"{type(module).__name__} takes {len(required)} inputs; give a network of one picture.")
    _follow_writes(graph, module)
    shapes = _Shapes(fx.GraphModule(tracer.root, graph)).shapes_of(example)
    return _assembled(module, graph, shapes, tracer.outputs)


class _Tracer(fx.Tracer):
    """Also notes which value each module, containers included, returns at each of its calls.

    Every module of the process comes by here meanwhile, those of a training on another thread too: they are let
    through.
    """

    def __init__(self) -> None:
        super().__init__()
        self.outputs: dict[str, list[fx.Node]] = defaultdict(list)
        self._thread = get_ident()

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        if get_ident() != self._thread:
            return attr_val
        return super().getattr(attr, attr_val, parameter_proxy_cache)

    def call_module(self, m: nn.Module, forward: Any, args: Any, kwargs: Any) -> Any:
        if get_ident() != self._thread:
            return forward(*args, **kwargs)
        result = super().call_module(m, forward, args, kwargs)
        if isinstance(result, fx.Proxy):
            self.outputs[self.path_of_module(m)].append(result.node)
        return result


class _Shapes(fx.Interpreter):
    """Runs the traced network once and notes the shape of every value."""

    def shapes_of(self, example: Tensor) -> dict[fx.Node, Shape]:
        self.shapes: dict[fx.Node, Shape] = {}
        self.run(example.clone())
        return self.shapes

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        self.shapes[n] = shape_of(result)
        return result


_WRITERS = {operator.iadd, operator.imul, operator.isub, operator.itruediv}


def _follow_writes(graph: fx.Graph, module: nn.Module) -> None:
    """Lead every reader that comes after an in-place operation to that operation's result.

    ``y = relu_(x); return x + y`` adds y twice, for x has been overwritten.
    """
    order = {node: index for index, node in enumerate(graph.nodes)}
    for node in list(graph.nodes):
        if _writes(node, module) and node.args and isinstance(node.args[0], fx.Node):
            later = partial(_comes_later, order, node)
            node.args[0].replace_all_uses_with(node, delete_user_cb=later)


def _comes_later(order: dict[fx.Node, int], node: fx.Node, user: fx.Node) -> bool:
    return order[user] > order[node]


def _writes(node: fx.Node, module: nn.Module) -> bool:
    if node.op == "call_module":
        return bool(getattr(module.get_submodule(str(node.target)), "inplace", False))
    name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
    if name.endswith("_") and not name.endswith("__"):
        return True
    return node.op == "call_function" and (node.target in _WRITERS or node.kwargs.get("inplace") is True)


def _assembled(
    module: nn.Module, graph: fx.Graph, shapes: dict[fx.Node, Shape], outputs: dict[str, list[fx.Node]]
) -> Graph:
    nodes: list[Node] = []
    index: dict[fx.Node, int] = {}
    result = 0
    for node in graph.nodes:
        if node.op == "output":
            if not isinstance(node.args[0], fx.Node):
                raise NetworkError(
                    f"{type(module).__name__} returns a {type(node.args[0]).__name__}; a network must return one "
                    "tensor of logits (N, classes)."
                )
            result = index[node.args[0]]
            continue
        call = _call(module, node, shapes)
        operation = _operation(node, call)
        index[node] = len(nodes)
        # Operations of the table read maps; a size that a view asks for is none of their business.
        opaque = isinstance(operation, Opaque)
        inputs = tuple(index[source] for source in call.sources if opaque or shapes[source])
        nodes.append(Node(len(nodes), node.name, operation, inputs))
    return Graph(tuple(nodes), result, _names(outputs, index))


def _operation(node: fx.Node, call: Call) -> Operation:
    if node.op == "placeholder" and not node.args:
        return Input(call)
    return Constant(call) if node.op in ("placeholder", "get_attr") else operation_for(call)


def _call(module: nn.Module, node: fx.Node, shapes: dict[fx.Node, Shape]) -> Call:
    target: Any = node.target
    args = node.args
    if node.op == "call_module":
        target = module.get_submodule(str(node.target))
    elif node.op == "get_attr":
        target, args = _Attribute(module, str(node.target)), ()
    elif node.op == "placeholder" and args:
        target, args = partial(_constant, args[0]), ()
    sources: list[fx.Node] = []  # x + x reads one value twice, which node.all_input_nodes would name once
    fx.node.map_arg((args, node.kwargs), lambda source: sources.append(source))
    return Call(target, args, node.kwargs, tuple(sources), shapes[node], tuple(shapes[n] for n in sources))


def _constant(value: Any) -> Any:
    """The default of an input that the picture does not fill."""
    return value


class _Attribute:
    """Reads a parameter or buffer of the network whenever it runs, so that it is never out of date."""

    def __init__(self, module: nn.Module, path: str) -> None:
        self.module, self.path, self.__name__ = module, path, path

    def __call__(self) -> Any:
        return operator.attrgetter(self.path)(self.module)


def _names(outputs: dict[str, list[fx.Node]], index: dict[fx.Node, int]) -> dict[str, int]:
    """Layer names in the order of the operations: each module's path; ``path#1`` ... for several calls."""
    names: dict[str, int] = {}
    for path, nodes in outputs.items():
        if not path:
            continue
        if len(nodes) > 1:
            names.update({f"{path}#{call}": index[node] for call, node in enumerate(nodes, 1)})
        names[path] = index[nodes[-1]]
    return dict(sorted(names.items(), key=lambda item: item[1]))


def _untraceable(module: nn.Module, error: Exception) -> str:
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if "/torch/" not in frame.filename.replace("\\", "/") and frame.filename != __file__
    ]
    where = f"{frames[-1].filename}, line {frames[-1].lineno} ({frames[-1].line})" if frames else "its forward"
    return (
        f"{type(module).__name__} cannot be traced at {where}: {_first_line(error)} "
        "Occlusion maps of probabilities still work; layers and projections need a network whose Python code does "
        "not depend on the data."
    )


def _first_line(error: Exception) -> str:
    text = str(error).strip().split("\n", 1)[0] or type(error).__name__
    return text if text.endswith(".") else text + "."
