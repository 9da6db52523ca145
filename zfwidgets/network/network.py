"""`Network`: a module with its graph, its preprocessing, its class names and its layers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import RLock
from typing import Any

import torch
from torch import Tensor, nn

from zfwidgets.errors import NetworkError, ParameterError, unknown_name
from zfwidgets.imaging import Preprocess, as_image
from zfwidgets.imaging.checks import class_number
from zfwidgets.network.cost import OcclusionCost, SweepPrices
from zfwidgets.network.device import choose_device, exactly
from zfwidgets.network.geometry import Shape, receptive_field
from zfwidgets.network.graph import Graph
from zfwidgets.network.names import chain_names, class_names, menu
from zfwidgets.network.operations import Fidelity, worst
from zfwidgets.network.soundness import (
    check_weights,
    checked_output,
    not_taken,
    on_device,
    reason_of,
    tensors_of,
)
from zfwidgets.network.trace import evaluating, trace, unwrapped
from zfwidgets.network.version import weights_version
from zfwidgets.network.windows import grid

__all__ = ["Layer", "Layers", "Network"]


@dataclass(frozen=True)
class Layer:
    """One layer of a network.

    Attributes
    ----------
    name : str
        A module's dotted path (``features.5``, ``layer2.1``), ``path#1`` for one of several calls, or
        ``conv1 ... pool1 ... fc6`` in plain chains, where ``conv5`` is the map after its relu.
    kind : str
        The operation that computes it.
    channels, height, width : int
        Size of its map; a vector has height and width 1.
    receptive_field, stride, offset : (int, int)
        Rows, columns of input pixels: how many a unit sees, how far its field moves from one unit to the next,
        where the field of unit (0, 0) starts (negative: in the padding). Stride (0, 0): it sees everything.
    fidelity : {"paper", "adjoint", "refused"}
        Whether its projections follow the paper's rule alone, need the exact adjoint of operations that the
        paper does not speak of, or do not exist.
    index : int
        Its node in the graph.
    """

    name: str
    kind: str
    channels: int
    height: int
    width: int
    receptive_field: tuple[int, int]
    stride: tuple[int, int]
    offset: tuple[int, int]
    fidelity: Fidelity
    index: int

    @property
    def spatial(self) -> bool:
        """Whether it has places: a map of more than one cell."""
        return self.height * self.width > 1


class Layers(Mapping[str, Layer]):
    """Layers by name, in the order they run; an unknown name raises an error with the nearest ones."""

    def __init__(
        self, graph: Graph | None, shapes: Sequence[Shape], problem: str | None, folded: Collection[int] = ()
    ) -> None:
        self._graph, self._shapes, self._problem = graph, shapes, problem
        self._names: dict[str, int] = {}
        self._found: dict[str, Layer] = {}
        if graph is not None:
            named = {**graph.names, **chain_names(graph)}
            maps = {i for i, shape in enumerate(shapes) if len(shape) in (1, 3) and i > 0 and i not in folded}
            usable = {name: i for name, i in named.items() if i in maps}
            self._names = dict(sorted(usable.items(), key=lambda item: item[1]))

    def __getitem__(self, name: str) -> Layer:
        if name not in self:
            if self._problem is not None:
                raise NetworkError(self._problem)
            raise unknown_name("layer", name, self._names)
        if name not in self._found:
            self._found[name] = self._layer(name)
        return self._found[name]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def _layer(self, name: str) -> Layer:
        graph, index = self._graph, self._names[name]
        assert graph is not None
        shape = self._shapes[index]
        channels, height, width = shape if len(shape) == 3 else (shape[0], 1, 1)
        rows, columns = receptive_field(graph, index, self._shapes)
        fidelities = [graph.nodes[node].operation.fidelity for node in graph.ancestors([index])]
        return Layer(
            name,
            graph.nodes[index].operation.kind,
            channels,
            height,
            width,
            (rows.size, columns.size),
            (rows.jump, columns.jump),
            (rows.offset, columns.offset),
            worst(fidelities),
            index,
        )


class Network:
    """A trained network, ready to be looked into.

    Parameters
    ----------
    module : nn.Module
        Takes a batch (N, 3, H, W), returns logits (N, K) (or probabilities, which is noticed). It is never
        changed: modes, hooks, gradients, statistics and device stay as they are.
    preprocess : Preprocess, optional
        How a picture becomes the module's input.
    classes : sequence of str, optional
        Names of the K classes; ``class 0`` ... if not given. Equal names get their index behind them.
    device : str or torch.device
        ``"auto"``: an accelerator when there is one, else the CPU. If the module is elsewhere, a copy is moved.
    name : str, optional
        What the network is called; the module's class by default.

    Attributes
    ----------
    graph : Graph or None
        Its operations; None where the network cannot be traced, and ``trace_problem`` says why. Occlusion of
        probabilities works all the same.
    shapes : list of Shape
        Of one sample of every node's output, for a picture.
    layers : Layers
        ``net.layers["conv5"]``.

    Raises
    ------
    NetworkError
        If the module does not map such a batch to (N, K).

    Examples
    --------
    >>> from torch import nn
    >>> from zfwidgets.imaging import Preprocess
    >>> module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 14 * 14, 2))
    >>> net = Network(module, preprocess=Preprocess(size=16), classes=["cat", "dog"], device="cpu")
    >>> net.layers["conv1"].receptive_field, net.class_index("dog"), net.menu
    ((3, 3), 1, ('conv1', 'fc2'))
    """

    def __init__(
        self,
        module: nn.Module,
        *,
        preprocess: Preprocess | None = None,
        classes: Sequence[str] | None = None,
        device: str | torch.device = "auto",
        name: str | None = None,
    ) -> None:
        if not isinstance(module, nn.Module):
            raise NetworkError(f"A network is a torch.nn.Module, not a {type(module).__name__}.")
        inner = unwrapped(module)
        check_weights(inner)
        chosen = choose_device(device)
        self.module = on_device(inner, chosen)
        self.device = next((tensor.device for tensor in tensors_of(self.module)), chosen)
        if not isinstance(preprocess, Preprocess | None):
            raise NetworkError(f"preprocess is a Preprocess, for example Preprocess(size=224), not {preprocess!r}.")
        self.preprocess = Preprocess() if preprocess is None else preprocess
        self.name = name or type(inner).__name__
        self.lock = RLock()
        self.input_size = (self.preprocess.size, self.preprocess.size)
        self._sizes = {self.input_size}
        self.graph: Graph | None = None
        self.trace_problem: str | None = None
        self.shapes: list[Shape] = []
        self._folded: set[int] = set()
        logits = self._examined()
        self.classes = class_names(classes, logits.shape[1])
        self.layers = Layers(self.graph, self.shapes, self.trace_problem, self._folded)

    def __repr__(self) -> str:
        return f"Network({self.name}, {len(self.classes)} classes, {len(self.layers)} layers, {self.device})"

    def __call__(self, batch: Tensor) -> Tensor:
        """Logits (N, K) of a batch of model inputs (N, 3, H, W)."""
        with self.lock, self.without_gradients():
            if self.graph is not None:
                with self.evaluation():
                    return self.as_logits(self.graph.run(batch, [self.graph.output]).outputs[self.graph.output])
            return self.as_logits(self._plain(batch))

    def traced(self) -> Graph:
        """The graph, or the error that says why there is none."""
        if self.graph is None:
            raise NetworkError(self.trace_problem or f"{self.name} is not traced.")
        return self.graph

    def evaluation(self) -> Any:
        """Context in which every submodule is in eval mode; the modes are put back."""
        return evaluating(self.module)

    def without_gradients(self) -> Any:
        """Context in which nothing is recorded for gradients.

        The module's own code may keep what it makes (a table of positions), and train with it later: inference
        tensors are for operations of the table only.
        """
        return torch.inference_mode() if self.graph is not None and self.graph.tabled else torch.no_grad()

    def as_logits(self, output: Tensor) -> Tensor:
        """The network's output as logits: a network that ends in a softmax gives log probabilities."""
        return output.clamp_min(torch.finfo(output.dtype).tiny).log() if self._ends_in_softmax else output

    def input(self, image: Any) -> Tensor:
        """(3, H, W) on the device: a tensor is a model input and used as it is, all else is a picture."""
        if not isinstance(image, Tensor):
            return self.preprocess(as_image(image)).to(self.device)
        if image.dim() != 3 or image.shape[0] != 3:
            raise ParameterError(
                f"A tensor given as an image is a model input of shape (3, H, W); found {tuple(image.shape)}."
            )
        # A finite sum tells at a tenth of the price that all is finite.
        if not bool(torch.isfinite(image.sum())) and not bool(torch.isfinite(image).all()):
            raise ParameterError("The model input holds NaN or infinite values; give finite ones.")
        found = image.detach().to(self.device, torch.float32)
        self._check_size(found)
        return found

    def _check_size(self, image: Tensor) -> None:
        """Try a size that has not been seen before, so that no method fails half way."""
        size = (image.shape[1], image.shape[2])
        if size in self._sizes:
            return
        try:
            self(image[None])
        except RuntimeError as error:
            raise ParameterError(
                f"{self.name} does not take a model input of {size[0]} x {size[1]}; give one of "
                f"{self.input_size[0]} x {self.input_size[1]}, or a picture, which is resized."
            ) from error
        self._sizes.add(size)

    def class_index(self, asked: str | int) -> int:
        """Index of a class given by name or index."""
        return class_number(asked, self.classes)

    @property
    def version(self) -> int:
        """Changes whenever weights do, so that answers can be told from stale ones; see `weights_version`."""
        return weights_version(tensors_of(self.module))

    @cached_property
    def menu(self) -> tuple[str, ...]:
        """Names of the layers worth offering to a person, in the order they run."""
        return menu(self.graph, self.layers) if self.graph is not None else ()

    @property
    def default_layer(self) -> str:
        """The last layer with places that does not hold the class scores themselves: the paper's layer 5."""
        maps = [name for name in self.menu if self.layers[name].spatial]
        if not maps:
            raise NetworkError(
                self.trace_problem
                or f"{self.name} has no feature maps; occlusion maps of probabilities work all the same."
            )
        features = [
            name for name in maps if not name.startswith("pool") and self.layers[name].channels != len(self.classes)
        ]
        return (features or maps)[-1]

    @cached_property
    def multiply_adds(self) -> int | None:
        """Multiply-adds of one forward pass of one picture; None where the network cannot be traced."""
        return self.graph.multiply_adds(self.shapes) if self.graph is not None else None

    def occlusion_cost(self, size: int, stride: int) -> OcclusionCost:
        """Multiply-adds of a sweep over a picture of `input_size`, see `zfwidgets.network.cost`.

        Parameters
        ----------
        size, stride : int
            Of the occluder, in input pixels.

        Raises
        ------
        NetworkError
            If the network cannot be traced.
        ParameterError
            If the square does not fit.

        Examples
        --------
        >>> from torch import nn
        >>> module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 14 * 14, 2))
        >>> cost = Network(module, preprocess=Preprocess(size=16), device="cpu").occlusion_cost(4, 4)
        >>> cost.positions, cost.dense, cost.chosen
        (16, 363776, 52735)
        """
        graph = self.traced()
        rows, columns = (grid(extent, size, stride) for extent in self.input_size)
        return SweepPrices(graph, self.shapes, rows, columns, int(size), [graph.output]).cost()

    @exactly
    def _plain(self, batch: Tensor) -> Tensor:
        # A copy, because a network may begin with an in-place operation.
        with evaluating(self.module):
            output = self.module(batch.clone())
        return checked_output(self.name, output)

    def _examined(self) -> Tensor:
        """Trace the network and compare the graph with the module on a random batch."""
        generator = torch.Generator().manual_seed(0)
        batch = torch.randn(2, 3, *self.input_size, generator=generator).to(self.device)
        with torch.no_grad():
            expected = self._run_once(batch)
            rows = expected.sum(1)
            self._ends_in_softmax = bool((expected >= 0).all() and ((rows - 1).abs() < 1e-4).all())
            try:
                with evaluating(self.module):
                    graph = trace(self.module, batch[:1])
                    result = graph.run(batch, [graph.output])
            except NetworkError as error:
                self.trace_problem = str(error)
                return expected
            except Exception as error:  # it runs the network's own code on other batches than the first
                self.trace_problem = (
                    f"{self.name} cannot be run operation by operation ({reason_of(error)}); occlusion maps of "
                    "probabilities still work, layers and projections do not."
                )
                return expected
        found = result.outputs[graph.output]
        scale = expected.abs().max()
        if found.shape == expected.shape and torch.allclose(
            found, expected, rtol=0, atol=float(1e-4 * scale.nan_to_num()), equal_nan=True
        ):
            self.graph, self.shapes, self._folded = graph, result.shapes, result.folded
        else:
            self.trace_problem = (
                f"{self.name} computes something else when it is run operation by operation (hooks or code that "
                "changes from call to call); occlusion maps of probabilities still work, layers and projections "
                "do not."
            )
        return expected

    def _run_once(self, batch: Tensor) -> Tensor:
        try:
            return self._plain(batch)
        except NetworkError:
            raise
        except Exception as error:  # it runs the network's own code
            raise not_taken(self.name, self.module, batch, error) from error


def checked_network(net: Any) -> Network:
    """The argument if it is a `Network`, else the error that says how to get one."""
    if isinstance(net, Network):
        return net
    hint = f"load_network({net!r})" if isinstance(net, str) else "load_network(name) or Network(module)"
    raise NetworkError(f"A method takes a Network, not {type(net).__name__}; make one with {hint}.")
